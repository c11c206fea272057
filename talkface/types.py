"""The types that every part of talkface shares, and the names of the axes.

Axes: ``b`` batch, ``t`` frames of a window (25 per second), ``h w`` image height and width,
``S`` the side of the square crop, ``k`` MFCC coefficients, ``s`` MFCC steps per video frame,
``d`` width of a code.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

FPS = 25
"""Video frames per second of every prepared clip."""

SAMPLE_RATE = 16_000
"""Sound samples per second of every prepared clip."""

LANDMARKS = 68
"""Points per face, in iBUG-68 order."""


class Window(NamedTuple):
    """A run of consecutive frames of one clip, with its sound: what a dataset yields.

    Images are RGB: ``uint8`` in [0, 255] as a dataset yields them, ``float32`` in [-1, 1] from
    the moment a batch has reached its device, which is all that networks and losses see.

    Attributes:
        identity: One still frame of the same clip.
        frames: The frames to render: ground truth.
        driving: The frames as the video encoder sees them: ``frames``, augmented in training.
        mfcc: Sound around each frame.
        landmarks: iBUG-68 points of ``frames`` in crop pixels, NaN where unknown.
        driving_landmarks: The same points in ``driving``.
        label: Word class, -1 where the corpus has none.
        spoken: Frames in which a word is spoken; all of them where no word has a time.
        clip: Name of the clip, or of every clip of the batch.
    """

    identity: Float[Tensor, "*b 3 h w"] | UInt8[Tensor, "*b 3 h w"]
    frames: Float[Tensor, "*b t 3 h w"] | UInt8[Tensor, "*b t 3 h w"]
    driving: Float[Tensor, "*b t 3 h w"] | UInt8[Tensor, "*b t 3 h w"]
    mfcc: Float[Tensor, "*b t k s"]
    landmarks: Float[Tensor, "*b t 68 2"]
    driving_landmarks: Float[Tensor, "*b t 68 2"]
    label: Int[Tensor, "*b"]
    spoken: Bool[Tensor, "*b t"]
    clip: str | Sequence[str]


class Portraits(NamedTuple):
    """Still faces and who they are: what an identity corpus yields.

    Images are RGB: ``uint8`` in [0, 255] as a dataset yields them, ``float32`` in [-1, 1] from
    the moment a batch has reached its device.

    Attributes:
        image: Aligned faces.
        person: Class among the people trained on; for people never trained on, a number of their
            own within the split.
        file: Where each picture is, for messages.
    """

    image: Float[Tensor, "*b 3 h w"] | UInt8[Tensor, "*b 3 h w"]
    person: Int[Tensor, "*b"]
    file: str | Sequence[str] = ""


class Rendering(NamedTuple):
    """What one training step made of a ``Window``, for the loss terms to judge.

    ``n`` counts rendered runs: those of every drive one after the other. ``r`` counts the
    consecutive frames of a run; ``t`` those of the window, all of which are encoded.

    Attributes:
        frames: Rendered frames, about [-1, 1]; None while the encoders warm up.
        target: The true frames.
        landmarks: iBUG-68 points of ``target`` in pixels, NaN where unknown.
        audio: f_a as the audio encoder gave it.
        lips: f_lip as the video encoder gave it.
        points: Soft-argmax landmarks of the driving frames, in pixels.
        realness: Logits of D_seq for ``frames``, one map per scale.
        modality: Logits of D_sync for ``lips``.
        words: Word logits for runs of identity features; None in steps without that term.
    """

    frames: Float[Tensor, "n r 3 h w"] | None
    target: Float[Tensor, "n r 3 h w"] | None
    landmarks: Float[Tensor, "n r 68 2"] | None
    audio: Float[Tensor, "b t d"]
    lips: Float[Tensor, "b t d"]
    points: Float[Tensor, "b t 68 2"]
    realness: Sequence[Float[Tensor, "n 1 _ _"]] | None = None
    modality: Float[Tensor, "b t"] | None = None
    words: Float[Tensor, "b classes"] | None = None
