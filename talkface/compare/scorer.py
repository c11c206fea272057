"""From the videos of one clip to their figures."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.compare.errors import CompareError
from talkface.compare.folders import Clip
from talkface.compare.scores import Score
from talkface.compare.settings import Settings
from talkface.compare.view import View, Viewer, matched
from talkface.data.media import MediaError
from talkface.faces import FaceError
from talkface.judging import seat
from talkface.metrics.opening import openings
from talkface.metrics.sync_judge import LipSync
from talkface.render.errors import RenderError

TRUTH, COPY = "truth", "copy"
"""Rows of the true clip itself, and of its first frame repeated."""

COLUMNS = 8
"""Frames of a clip that are kept for a strip."""

UNUSABLE = (CompareError, MediaError, FaceError, RenderError)
"""What is wrong with a video, not with the program: the clip is refused, and the run goes on."""

Scored = tuple[Score, Float[Tensor, "n 3 S S"] | None]
"""A score, and the frames for a strip where some are kept."""


class Scorer:
    """Gives figures to the videos of a clip, in this process.

    Args:
        settings: How to compare.

    Raises:
        LandmarkModelError: The landmark backend cannot be built.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.judges = seat(settings.weighted, points=settings.landmarks is not None).judges
        self.viewer = Viewer(settings, settings.detector())

    @torch.no_grad()
    def __call__(self, clip: Clip, rows: Sequence[str]) -> Iterator[Scored]:
        """Scores of ``rows``; a video that cannot be used has a reason instead of figures."""
        try:
            truth = self.viewer.look(clip.real)
        except UNUSABLE as error:
            for row in rows:
                yield Score(row, clip.name, refused=f"The true clip cannot be used: {error}"), None
            return
        for row in rows:
            try:
                yield self.score(clip, row, truth)
            except UNUSABLE as error:
                yield Score(row, clip.name, refused=str(error)), None

    def score(self, clip: Clip, row: str, truth: View) -> Scored:
        """Judge one row.

        Args:
            clip: The clip.
            row: ``truth``, ``copy`` or a method.
            truth: The true video.
        """
        first = self.settings.offsets.get(row, 0)
        view, true = self._versions(clip, row, truth, first)
        shown, target = view.shown(), true.shown()
        figures: dict[str, float] = {}
        silent = self.settings.syncnet is not None and truth.sound is None
        for judge in self.judges:
            if not (silent and isinstance(judge, LipSync)):
                figures |= judge(shown, target)
        mouth, eyes, bridged = _motion(shown.landmarks)
        score = Score(
            *(row, clip.name, len(shown.frames), first, figures, mouth, eyes, bridged, silent)
        )
        return score, self._tiles(shown.frames, len(truth.frames), first) if clip.pictured else None

    def _versions(self, clip: Clip, row: str, truth: View, first: int) -> tuple[View, View]:
        """The video of a row and the true one, frame by frame."""
        if row == TRUTH:
            return truth, truth
        if row == COPY:
            return truth.still(), truth
        return matched(self.viewer.look(clip.videos[row]), truth, first, self.settings.mismatch)

    @staticmethod
    def _tiles(
        frames: Float[Tensor, "t 3 S S"], length: int, first: int
    ) -> Float[Tensor, "n 3 S S"]:
        """Frames at evenly spaced moments of the true clip, of ``length`` frames."""
        moments = torch.linspace(0, length - 1, COLUMNS).round().long() - first
        return frames[moments.clamp(0, len(frames) - 1)]


def _motion(landmarks: Tensor | None) -> tuple[list[float], list[float], int]:
    """Openings of mouth and eyes, and in how many frames they are unknown."""
    if landmarks is None:
        return [], [], 0
    mouth, eyes = openings(landmarks)
    return mouth.tolist(), eyes.tolist(), int(landmarks.isnan().any(2).any(1).sum())
