"""Numbers from one region of an aligned crop."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

MARGIN = 0.15
"""Share by which a region exceeds the points that were seen in it, on every side."""

PATCH = 32
"""Side in pixels to which a region is resampled."""

HIDDEN = 64


class PatchRegressor(nn.Module):
    """A few numbers from the part of the crop where certain landmarks lie.

    The region and the scale of the answers come from the pictures it is made for.

    Args:
        points: Positions of the landmarks in shares of the side, of all training pictures.
        answers: What is to be read from these pictures.
        width: Channels of the first layer.
    """

    box: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(
        self, points: Float[Tensor, "n p 2"], answers: Float[Tensor, "n d"], width: int = 12
    ) -> None:
        super().__init__()
        low, high = points.flatten(0, 1).quantile(points.new_tensor([0.02, 0.98]), dim=0)
        margin = MARGIN * (high - low).max()
        self.register_buffer("box", torch.stack([low - margin, high + margin]))
        self.register_buffer("mean", answers.mean(0))
        self.register_buffer("deviation", answers.std(0).clamp_min(1e-6))
        widths = (3, width, 2 * width, 3 * width)
        layers: list[nn.Module] = []
        for index in range(3):
            layers += [
                nn.Conv2d(widths[index], widths[index + 1], 3, padding=1),
                nn.BatchNorm2d(widths[index + 1]),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        last = widths[-1] * (PATCH // 8) ** 2
        head = (
            nn.Flatten(),
            nn.Linear(last, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, answers.shape[1]),
        )
        self.net = nn.Sequential(*layers, *head)

    def patch(self, frames: Float[Tensor, "n 3 S S"]) -> Float[Tensor, "n 3 p p"]:
        """The region of every crop, each brought to zero mean and unit contrast."""
        steps = (torch.arange(PATCH, device=frames.device) + 0.5) / PATCH
        x, y = (self.box[0] + steps[:, None] * (self.box[1] - self.box[0])).unbind(1)
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1) * 2 - 1
        grid = grid.expand(len(frames), -1, -1, -1)
        patch = F.grid_sample(frames, grid, padding_mode="border", align_corners=False)
        patch = patch - patch.mean((1, 2, 3), keepdim=True)
        return patch / patch.std((1, 2, 3), keepdim=True).clamp_min(1e-3)

    def forward(self, frames: Float[Tensor, "n 3 S S"]) -> Float[Tensor, "n d"]:
        """The answers for RGB crops in [0, 1]."""
        scaled: Tensor = self.net(self.patch(frames))
        return scaled * self.deviation + self.mean

    def loss(
        self, frames: Float[Tensor, "n 3 S S"], answers: Float[Tensor, "n d"]
    ) -> Float[Tensor, ""]:
        """Smooth L1 distance from the true answers, in standard deviations."""
        return F.smooth_l1_loss(self(frames) / self.deviation, answers / self.deviation)


def disturb(
    frames: Float[Tensor, "n 3 S S"],
) -> tuple[Float[Tensor, "n 3 S S"], Float[Tensor, "n 2"]]:
    """Change light and colour, shift by up to 3 % and soften half of the pictures.

    Rendered frames are softer and a little displaced; that must not be taken for an opening.

    Returns:
        The pictures, and by how much what they show was moved, in shares of the side.
    """
    count, side = len(frames), frames.shape[-1]
    gain = 1 + 0.15 * torch.randn(count, 3, 1, 1).to(frames)
    offset = 0.05 * torch.randn(count, 3, 1, 1).to(frames)
    theta = torch.eye(2, 3).repeat(count, 1, 1)
    theta[:, :, 2] = 0.06 * (2 * torch.rand(count, 2) - 1)
    grid = F.affine_grid(theta, [count, 3, side, side], align_corners=False).to(frames)
    frames = F.grid_sample(frames, grid, padding_mode="border", align_corners=False)
    soft = F.avg_pool2d(frames, 3, stride=1, padding=1, count_include_pad=False)
    softness = (torch.rand(count, 1, 1, 1) * 2 - 1).clamp_min(0).to(frames)
    return torch.lerp(frames, soft, softness) * gain + offset, -theta[:, :, 2].to(frames) / 2
