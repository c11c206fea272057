"""One portrait, driven by sound, by a video, or by both: frames as a stream."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int16, UInt8
from torch import Tensor, nn

from talkface.data.mfcc import Mfcc
from talkface.data.mfcc_stream import frames_of_sound
from talkface.render.errors import NoDriveError, RenderError
from talkface.render.model import Model
from talkface.render.replay import Replay


def to_float(image: UInt8[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """Bytes in [0, 255] to what networks see, [-1, 1]."""
    return image.float().div(127.5).sub(1.0)


def to_uint8(image: Float[Tensor, "*n 3 h w"]) -> UInt8[Tensor, "*n 3 h w"]:
    """Network output in [-1, 1] to bytes, rounded to nearest."""
    return image.clamp(-1, 1).add(1.0).mul(127.5).round().to(torch.uint8)


class Talker:
    """Renders in bounded memory: whatever the length, one chunk of pictures exists at a time.

    The portrait is encoded once. Sound and driving frames are encoded chunk by chunk, with the
    numbers that encoding them whole would give.

    Args:
        model: A trained model on the device it is to compute on; it is put into evaluation mode.
        batch: Most frames encoded and rendered at once.
    """

    def __init__(self, model: Model, batch: int = 16) -> None:
        if batch < 1:
            raise RenderError(f"batch must be 1 or more, found {batch}.")
        self.model = model.eval() if isinstance(model, nn.Module) else model
        self.batch = batch
        self.mfcc = Mfcc(model.mfcc)

    def frames(
        self,
        identity: UInt8[Tensor, "3 S S"],
        sound: Int16[Tensor, " samples"] | None = None,
        driving: Iterable[UInt8[Tensor, "_ 3 S S"]] | None = None,
    ) -> Iterator[Float[Tensor, "_ 3 S S"]]:
        """Frames in [-1, 1], on the CPU, in chunks of at most ``batch``.

        With sound the stream is as long as the sound, to the nearest frame; lips follow the
        sound, eyes and contour the driving video, played back and forth if it is shorter. Without
        a driving video eyes and contour stay as in the portrait. Without sound everything
        follows the driving video, and the stream is as long as it is.

        Args:
            identity: Aligned crop of the portrait, of the model's resolution.
            sound: 16 kHz mono.
            driving: Aligned crops of the driving video, in runs of any length.

        Raises:
            NoDriveError: Neither sound nor driving frames were given.
            RenderError: The crop has another side than the model renders, or there is no sound
                in ``sound``.
        """
        if sound is None and driving is None:
            raise NoDriveError
        side = self.model.resolution
        if identity.shape[-1] != side:
            found = f"found {identity.shape[-1]}x{identity.shape[-2]}"
            raise RenderError(f"The model renders crops of {side}x{side}; {found}. Resize first.")
        if sound is not None and len(sound) == 0:
            raise RenderError("The sound is 0 s long. Give a recording with speech in it.")
        return self._stream(self._on_device(identity), sound, driving)

    @torch.no_grad()
    def _stream(
        self,
        portrait: Float[Tensor, "1 3 S S"],
        sound: Int16[Tensor, " samples"] | None,
        driving: Iterable[UInt8[Tensor, "_ 3 S S"]] | None,
    ) -> Iterator[Float[Tensor, "_ 3 S S"]]:
        codes = self.model.encode_portrait(portrait)
        for mouth, face in self._codes(portrait, sound, driving):
            frames = self.model.render(mouth[None], face[None], codes)
            yield frames[0].float().clamp(-1, 1).cpu()

    def _codes(
        self,
        portrait: Float[Tensor, "1 3 S S"],
        sound: Int16[Tensor, " samples"] | None,
        driving: Iterable[UInt8[Tensor, "_ 3 S S"]] | None,
    ) -> Iterator[tuple[Float[Tensor, "_ d"], Float[Tensor, "_ e"]]]:
        """Mouth and face codes of every chunk."""
        if sound is None:
            for codes in self._seen(driving or ()):
                yield codes.lips[0], codes.face[0]
        elif driving is None:
            still = self.model.encode_video(portrait[None]).face[0]
            for mouth in self._heard(sound):
                yield mouth, still.expand(len(mouth), -1)
        else:
            faces = Replay(codes.face[0] for codes in self._seen(driving))
            for mouth in self._heard(sound):
                yield mouth, faces.take(len(mouth))

    def _heard(self, sound: Int16[Tensor, " samples"]) -> Iterator[Float[Tensor, "_ d"]]:
        total = frames_of_sound(len(sound))
        for first in range(0, total, self.batch):
            mfcc: Tensor = self.mfcc.per_frame(sound, first, min(self.batch, total - first))
            yield self.model.encode_audio(mfcc[None].to(self.model.device))[0]

    def _seen(self, driving: Iterable[UInt8[Tensor, "_ 3 S S"]]) -> Iterator[Any]:
        for run in driving:
            for crops in run.split(self.batch):
                yield self.model.encode_video(self._on_device(crops))

    def _on_device(self, crops: UInt8[Tensor, "*n 3 S S"]) -> Float[Tensor, "1 *n 3 S S"]:
        return to_float(crops.to(self.model.device))[None]
