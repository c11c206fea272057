"""MFCC patches of sound that arrives piece by piece."""

import torch
from jaxtyping import Float, Int16
from torch import Tensor

from talkface.data.mfcc import FULL_SCALE, Mfcc
from talkface.types import FPS, SAMPLE_RATE

PER_FRAME = SAMPLE_RATE // FPS
"""Samples per video frame."""


class MfccStreamError(ValueError):
    """A stream of sound was asked for what it cannot give any more."""


def frames_of_sound(samples: int) -> int:
    """Video frames as long as ``samples`` of sound, to the nearest frame and at least one."""
    return max(1, (2 * samples * FPS + SAMPLE_RATE) // (2 * SAMPLE_RATE))


class MfccStream:
    """Patches of the video frames 0, 1, … as soon as their sound is there.

    The patches of one call are those of ``Mfcc.per_frame(whole, first, count)``, bit for bit. Other
    values of ``count`` give the same up to the rounding of a matrix product, whose order of
    summation may depend on the number of its rows.

    Args:
        mfcc: The front end; several streams may share one.

    Attributes:
        next: The video frame whose patch comes next.
        kept: What patches to come still need of the sound, in [-1, 1]; about a patch.
    """

    def __init__(self, mfcc: Mfcc) -> None:
        self.mfcc = mfcc
        self.next = 0
        self.kept: Float[Tensor, " kept"] = torch.zeros(0)
        self._dropped = 0  # frames, from the start of the sound, that are no longer kept
        self._finished = False
        lead = mfcc.preset.lead * mfcc.preset.hop + 1  # one more sample for the pre-emphasis
        self._lead = -(-lead // PER_FRAME)

    def feed(
        self, sound: Int16[Tensor, " samples"] | Float[Tensor, " samples"]
    ) -> Float[Tensor, "t k s"]:
        """Patches of the frames that ``sound`` completes, which may be none.

        Args:
            sound: What follows the sound so far, of any length: 16-bit samples, or floating-point
                samples in [-1, 1].

        Raises:
            MfccStreamError: If the stream is finished.
        """
        if self._finished:
            raise MfccStreamError("The stream is finished. Make another one for more sound.")
        scaled = sound if sound.is_floating_point() else sound / FULL_SCALE
        self.kept = torch.cat([self.kept, scaled])
        return self._until(self.mfcc.usable(self._heard).stop)

    def finish(self, frames: int | None = None) -> Float[Tensor, "t k s"]:
        """Patches of all frames that are left, with silence beyond the end of the sound.

        Args:
            frames: Video frames of the whole stream; None stands for ``frames_of_sound``.

        Raises:
            MfccStreamError: If more than ``frames`` were given out, or the stream is finished.
        """
        if self._finished:
            raise MfccStreamError("The stream is finished already. It can be finished only once.")
        total = frames_of_sound(self._heard) if frames is None else frames
        if total < self.next:
            raise MfccStreamError(
                f"The stream cannot end after {total} frames: {self.next} were given out. "
                f"Finish with {self.next} frames or more."
            )
        self._finished = True
        return self._until(total)

    @property
    def _heard(self) -> int:
        return self._dropped * PER_FRAME + len(self.kept)

    def _until(self, stop: int) -> Float[Tensor, "t k s"]:
        """Patches from the next frame to before ``stop``; drops the sound that only they needed."""
        if stop <= self.next:
            return torch.zeros(0, self.mfcc.coefficients, self.mfcc.steps)
        first, count = self.next - self._dropped, stop - self.next
        patches = self.mfcc.per_frame(self.kept, first, count)
        self.next = stop
        drop = max(stop - self._lead - self._dropped, 0)
        self.kept = self.kept[drop * PER_FRAME :].clone()  # a view would hold on to all of it
        self._dropped += drop
        return patches
