"""The audio encoder: what is being said."""

from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.layers import Dropout, RunningStandardize
from talkface.models.norm import BatchNorm1d


class AudioEncoder(nn.Module):
    """MFCC patches to mouth-motion codes, one per video frame.

    Args:
        dim: Width of the code f_a.
        coefficients: MFCC coefficients per step.
        steps: MFCC steps per video frame.
        width: Channels of the first convolution.
    """

    def __init__(
        self, dim: int = 256, coefficients: int = 12, steps: int = 20, width: int = 64
    ) -> None:
        super().__init__()
        self.coefficients = coefficients
        self.steps = steps
        self.scale = BatchNorm1d(coefficients, affine=False)
        self.net = nn.Sequential(
            _block(1, width, stride=(1, 1)),
            _block(width, 2 * width, stride=(2, 2)),
            _block(2 * width, 4 * width, stride=(2, 2)),
            nn.Flatten(),
            nn.Linear(4 * width * -(-coefficients // 4) * -(-steps // 4), 2 * dim),
            nn.SiLU(),
            Dropout(0.1),
            nn.Linear(2 * dim, dim),
            RunningStandardize(dim),
        )

    def forward(self, mfcc: Float[Tensor, "b t k s"]) -> Float[Tensor, "b t d"]:
        """Encode the sound around every frame."""
        found = tuple(mfcc.shape[2:])
        if found != (self.coefficients, self.steps):
            raise ValueError(
                f"AudioEncoder was built for MFCC patches of {self.coefficients} x {self.steps}, "
                f"got {found[0]} x {found[1]}; use the MFCC preset of the checkpoint"
            )
        patches = self.scale(mfcc.flatten(0, 1))
        codes: Tensor = self.net(patches.unsqueeze(1)).unflatten(0, mfcc.shape[:2])
        return codes


def _block(inputs: int, outputs: int, stride: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
        nn.GroupNorm(8, outputs),
        nn.SiLU(),
    )
