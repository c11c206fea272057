"""What ``talkface test`` measures and where it writes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytorch_lightning import Callback

from talkface.callbacks import DetectorReader, MouthMotion, TestTable
from talkface.faces import build_detector

Reader = Literal["fitted", "mediapipe", "face-alignment"]


@dataclass(frozen=True)
class Evaluation:
    """How ``talkface test`` judges a checkpoint.

    Args:
        reader: Reads how far mouth and eyes are open: ``fitted``, two small networks fitted on
            crops of the training split when the test starts, or landmarks of a detector; null
            leaves the movement out.
        task: MediaPipe's face_landmarker.task, for ``mediapipe``.
        foreign: Also render every clip with the sound of another one, as a control.
        strips: Clips shown in ``strip.png``.
    """

    reader: Reader | None = "fitted"
    task: Path | None = None
    foreign: bool = True
    strips: int = 3

    def callbacks(self, folder: Path) -> list[Callback]:
        """The table of results, written into ``folder``, and what enters figures into it.

        Raises:
            LandmarkModelError: The detector of ``reader`` cannot be built.
        """
        table = TestTable(folder, self.strips)
        if self.reader is None:
            return [table]
        if self.reader == "fitted":
            return [table, MouthMotion(foreign=self.foreign)]
        reader = DetectorReader(build_detector(self.reader, self.task))
        return [table, MouthMotion(reader, foreign=self.foreign)]
