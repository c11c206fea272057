"""What rendering asks of a model, so that any network with these methods can be rendered."""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, device


@runtime_checkable
class VideoCodesLike(Protocol):
    """Motion of a face seen in a video: ``lips`` b t d, and ``face`` b t e (eyes and contour)."""

    @property
    def lips(self) -> Tensor:
        """Mouth codes, b t d."""

    @property
    def face(self) -> Tensor:
        """Eyes and contour codes, b t e."""


@runtime_checkable
class Model(Protocol):
    """A trained model as rendering sees it; ``talkface.system.TalkFace`` is one.

    Images are RGB in [-1, 1]; codes of a portrait are opaque here.
    """

    @property
    def resolution(self) -> int:
        """Side S of the crops the model reads and renders."""

    @property
    def mfcc(self) -> str:
        """Name of the MFCC preset the model was trained with."""

    @property
    def device(self) -> device:
        """Where it computes."""

    def encode_portrait(self, image: Float[Tensor, "b 3 S S"]) -> Any:
        """Codes of who is shown and what the face does, computed once per portrait."""

    def encode_audio(self, mfcc: Float[Tensor, "b t k s"]) -> Float[Tensor, "b t d"]:
        """Mouth codes of sound."""

    def encode_video(self, frames: Float[Tensor, "b t 3 S S"]) -> Any:
        """``VideoCodesLike`` of driving frames."""

    def render(
        self, mouth: Float[Tensor, "b t d"], face: Float[Tensor, "b t e"], portrait: Any
    ) -> Float[Tensor, "b t 3 S S"]:
        """Frames in which ``portrait`` moves as the codes say."""
