"""Encoder trio and generator as one: what is left of the system when it is trained."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.audio import AudioEncoder
from talkface.models.decoder import Decoder, IdentityPlan
from talkface.models.identity import IdentityEncoder
from talkface.models.video import VideoCodes, VideoEncoder
from talkface.types import Window

Drive = Literal["audio", "video", "both"]

CHUNK = 32
"""Frames rendered at once in evaluation."""


class Animator(nn.Module):
    """Encode portraits, sound and video, and render; the networks come from whoever inherits.

    Attributes:
        identity_encoder: E_i.
        video_encoder: E_v.
        audio_encoder: E_a.
        generator: G: StyleGAN2, or the up-sampling decoder.
    """

    identity_encoder: IdentityEncoder
    video_encoder: VideoEncoder
    audio_encoder: AudioEncoder
    generator: Decoder

    def encode_portrait(self, image: Float[Tensor, "b 3 s s"]) -> IdentityPlan:
        """All that rendering takes from portraits, computed once; images in [-1, 1]."""
        face = self.encode_video(image[:, None]).face[:, 0]
        return self.generator.plan(self.identity_encoder(image), face)

    def encode_audio(self, mfcc: Float[Tensor, "b t k s"]) -> Float[Tensor, "b t d"]:
        """What is said at every frame."""
        codes: Tensor = self.audio_encoder(mfcc)
        return codes

    def encode_video(self, frames: Float[Tensor, "b t 3 s s"]) -> VideoCodes:
        """What the faces do in every frame; images in [-1, 1]."""
        codes: VideoCodes = self.video_encoder(frames)
        return codes

    def render(
        self,
        mouth: Float[Tensor, "b t d"],
        face: Float[Tensor, "b t e"],
        portrait: IdentityPlan,
    ) -> Float[Tensor, "b t 3 s s"]:
        """Frames, about [-1, 1], of b portraits that move as the codes say."""
        frames = self.generator(mouth.flatten(0, 1), face.flatten(0, 1), portrait)
        runs: Tensor = frames.unflatten(0, mouth.shape[:2])
        return runs

    def drive(self, window: Window, drive: Drive) -> Float[Tensor, "b t 3 s s"]:
        """Render whole windows as in use, of any length in bounded memory.

        ``audio`` sees portrait and sound only; ``video`` portrait and driving frames; ``both``
        takes lips from the sound, eyes and contour from the driving frames.
        """
        portrait = self.encode_portrait(window.identity)
        runs = [slice(i, i + CHUNK) for i in range(0, window.mfcc.shape[1], CHUNK)]
        codes = (self._codes(window, portrait, drive, run) for run in runs)
        return torch.cat([self.render(*code, portrait) for code in codes], dim=1)

    def _codes(
        self, window: Window, portrait: IdentityPlan, drive: Drive, run: slice
    ) -> tuple[Float[Tensor, "b r d"], Float[Tensor, "b r e"]]:
        """Mouth and face codes of a run of frames."""
        if drive == "audio":
            mouth = self.encode_audio(window.mfcc[:, run])
            return mouth, portrait.face[:, None].expand(-1, mouth.shape[1], -1)
        video = self.encode_video(window.driving[:, run])
        mouth = video.lips if drive == "video" else self.encode_audio(window.mfcc[:, run])
        return mouth, video.face
