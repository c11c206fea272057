"""Reading how a face moves from pictures, without a downloaded network."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from talkface.metrics.head import Movement, movement
from talkface.metrics.patch import PatchRegressor, disturb

REGIONS = (slice(48, 68), slice(36, 48), slice(27, 48))
"""Landmarks around which mouth, eyes and the place of the head are read."""

WORKING_SIDE = 64
"""Larger crops are reduced to this side first."""

READ_CHUNK = 256
FEWEST = 16


@runtime_checkable
class MouthReader(Protocol):
    """Reads the movement of a face from aligned crops."""

    def read(self, frames: Float[Tensor, "t 3 S S"]) -> Movement:
        """Movement in consecutive RGB frames in [0, 1], NaN where no face was found."""
        ...


@runtime_checkable
class TrainableReader(MouthReader, Protocol):
    """A reader that is fitted on true frames first."""

    def fit(self, frames: Float[Tensor, "n 3 S S"], landmarks: Float[Tensor, "n 68 2"]) -> None:
        """Learn from crops whose landmarks are known."""
        ...


@runtime_checkable
class PointsReader(MouthReader, Protocol):
    """A reader that finds all landmarks."""

    def landmarks(self, frames: Float[Tensor, "t 3 S S"]) -> Float[Tensor, "t 68 2"]:
        """iBUG-68 points of RGB frames in [0, 1], in their pixels; NaN where no face was found."""
        ...


class FittedReader:
    """Three small convolutional networks, fitted within seconds on crops with known landmarks.

    It knows one corpus only: always report its error on true frames that it was not fitted on.

    Args:
        steps: Optimizer steps.
        batch: Pictures per step.
        lr: Highest learning rate of Adam.
        seed: Of weights and order; the same pictures and seed give the same reader.
    """

    def __init__(self, steps: int = 300, batch: int = 32, lr: float = 3e-3, seed: int = 0) -> None:
        self.steps, self.batch, self.lr, self.seed = steps, batch, lr, seed
        self.networks: nn.ModuleList | None = None

    def fit(self, frames: Float[Tensor, "n 3 S S"], landmarks: Float[Tensor, "n 68 2"]) -> None:
        """Learn from RGB crops in [0, 1] whose landmarks in crop pixels are known.

        Crops with an unknown landmark are left out.

        Raises:
            ValueError: If too few crops have landmarks.
        """
        known = landmarks.isfinite().all(2).all(1)
        if (count := int(known.sum())) < FEWEST:
            raise ValueError(
                f"A reader needs at least {FEWEST} crops with landmarks, but {count} of the "
                f"{len(frames)} given have them: take a corpus prepared with landmarks."
            )
        with torch.inference_mode(False), torch.enable_grad():
            # A test runs in inference mode, and its tensors cannot be learned from: copy them.
            points = landmarks[known].clone()
            self._fit(reduce(frames[known].clone()), points, frames.shape[-1])

    def _fit(
        self,
        frames: Float[Tensor, "n 3 s s"],
        landmarks: Float[Tensor, "n 68 2"],
        side: int,
    ) -> None:
        places = (landmarks + 0.5) / side
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            true = movement(landmarks)
            answers = (true.mouth[:, None], true.eyes[:, None], true.head / side)
            networks = [
                PatchRegressor(places[:, points], answer).to(frames.device)
                for points, answer in zip(REGIONS, answers, strict=True)
            ]
            self.networks = nn.ModuleList(networks).to(memory_format=torch.channels_last)
            optimizer = torch.optim.Adam(self.networks.parameters(), self.lr)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, self.steps)
            for _ in range(self.steps):
                chosen = torch.randint(len(frames), (self.batch,)).to(frames.device)
                seen, moved = disturb(frames[chosen])
                mouth, eyes, head = (answer[chosen] for answer in answers)
                head = head + F.pad(moved, (0, 1))  # a shift does not tilt
                losses = [
                    networks[0].loss(seen, mouth),
                    networks[1].loss(seen, eyes),
                    networks[2].loss(seen[::2], head[::2]),  # half of them: it costs less
                ]
                optimizer.zero_grad()
                torch.stack(losses).sum().backward()
                optimizer.step()
                schedule.step()
        self.networks.eval().requires_grad_(False)

    @torch.no_grad()
    def read(self, frames: Float[Tensor, "t 3 S S"]) -> Movement:
        """Movement in RGB frames in [0, 1].

        Raises:
            RuntimeError: If the reader was not fitted.
        """
        if self.networks is None:
            raise RuntimeError("The reader knows nothing yet: call `fit` with true crops first.")
        parts = [reduce(part) for part in frames.split(READ_CHUNK)]
        mouth, eyes, head = (
            torch.cat([network(part) for part in parts])
            for network in self.networks.to(frames.device)
        )
        return Movement(mouth[:, 0], eyes[:, 0], head * frames.shape[-1])


def reduce(frames: Float[Tensor, "n 3 S S"]) -> Float[Tensor, "n 3 s s"]:
    """Crops of at most the side at which movement is read."""
    if frames.shape[-1] <= WORKING_SIDE:
        return frames
    size = (WORKING_SIDE, WORKING_SIDE)
    return F.interpolate(frames, size, mode="bilinear", antialias=True, align_corners=False)
