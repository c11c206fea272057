"""The table of test results."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from talkface.callbacks.shared import detached, gather, names, tested_clips
from talkface.data.renderings import Renderings
from talkface.figures import save_png, stack, strip
from talkface.metrics.image import unit
from talkface.metrics.judge import Judge, Shown, check_frames
from talkface.metrics.pictures import Pictures
from talkface.metrics.protocol import statements
from talkface.metrics.reader import PointsReader
from talkface.metrics.table import ROWS, Cell, ResultTable
from talkface.metrics.table_text import to_markdown, write_table
from talkface.types import Window

Scores = dict[str, dict[str, float]]
"""Figures of one clip by row, then metric."""


class TestTable(Callback):
    """Figures of every row that ``test_step`` returns, as a table, with strips and renderings.

    ``test_step`` renders one whole clip and returns its frames by row, among them ``truth``, as
    floats in [0, 1] that lie on the 256 levels of a picture file. At the end ``output`` holds the
    files of ``write_table``, ``strip.png`` and the renderings of the first clips; the table is
    printed, and every mean is logged as ``test/<row>/<metric>``. Other callbacks may enter figures
    into ``table`` until the test has ended.

    Args:
        output: Folder of the files.
        strips: Clips to show.
        columns: Frames of each of them.
        judges: What gives figures to every row.
        reader: Reads landmarks from every row, for judges that want them.
        kept: Clips whose renderings are kept.
        notes: Sentences for below the table, such as what could not be measured.
    """

    __test__ = False  # not a test case of pytest's

    def __init__(
        self,
        output: Path = Path("results"),
        strips: int = 3,
        columns: int = 8,
        judges: Sequence[Judge] | None = None,
        reader: PointsReader | None = None,
        kept: int = 3,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.output, self.strips, self.columns = Path(output), strips, columns
        self.judges = [Pictures()] if judges is None else list(judges)
        self.reader, self.kept, self.notes = reader, kept, list(notes)
        self._reset()

    def _reset(self) -> None:
        self.table = ResultTable(notes=list(self.notes))
        self.shown: dict[str, Shown] = {}
        self._scores: dict[str, Scores] = {}
        self._frames: dict[str, int] = {}
        self._pictures: list[Tensor] = []
        self._side = 0

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the results of a test before."""
        self._reset()

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Measure one clip; its rows stay in ``shown`` until the next.

        Raises:
            TypeError: If ``test_step`` did not return frames by row.
            BrokenFramesError: If some hold NaN.
        """
        if not isinstance(outputs, dict) or "truth" not in outputs:
            raise TypeError(
                "TestTable needs `test_step` to return a dict of frames by row, `truth` among "
                f"them, but got {sorted(outputs) if isinstance(outputs, dict) else outputs!r}."
            )
        (clip,) = names(batch)
        clips = tested_clips(trainer)
        sound = None if clips is None else clips.sound(clip)
        for row, frames in outputs.items():
            check_frames(frames, clip, row)
        self.shown = {
            row: Shown(frames, self._landmarks(frames), sound) for row, frames in outputs.items()
        }
        self._side, self._frames[clip] = outputs["truth"].shape[-1], len(outputs["truth"])
        self._scores[clip] = {row: self._judged(row) for row in outputs}
        if trainer.is_global_zero and batch_idx < max(self.strips, self.kept):
            self._keep(clip, batch, batch_idx)

    def _landmarks(self, frames: Tensor) -> Tensor | None:
        if self.reader is None:
            return None
        still = bool((frames == frames[:1]).all())
        found = self.reader.landmarks(frames[:1] if still else frames)
        return found.expand(len(frames), -1, -1)

    def _judged(self, row: str) -> dict[str, float]:
        scores: dict[str, float] = {}
        for judge in self.judges:
            scores |= judge(self.shown[row], self.shown["truth"])
        return scores

    def add(self, clip: str, row: str, scores: Mapping[str, float]) -> None:
        """Enter more figures of the clip that was measured last, to be averaged with its own."""
        self._scores[clip].setdefault(row, {}).update(scores)

    def _keep(self, clip: str, batch: Window, index: int) -> None:
        """Make the strip of a clip, and write its renderings."""
        frames = {row: detached(shown.frames) for row, shown in self.shown.items()}
        if index < self.strips:
            shown = {ROWS[row]: frames[row] for row in ("truth", "audio", "video") if row in frames}
            identity = unit(detached(batch.identity))
            self._pictures.append(strip({"identity": identity, **shown}, self.columns))
        if index < self.kept and (sound := self.shown["truth"].sound) is not None:
            Renderings(
                clip,
                (unit(detached(batch.identity[0])) * 255).byte(),
                {row: (shown * 255).round().byte() for row, shown in frames.items()},
                sound,
                detached(batch.landmarks[0]),
            ).write(self.output)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Average over the clips of all processes and log."""
        scores, frames = gather(self._scores), gather(self._frames)
        self.table.protocol = protocol(trainer, self._side, frames)
        self.table.clips = facts(trainer, list(scores))
        for row in dict.fromkeys(row for clip in scores.values() for row in clip):
            seen = {name: clip[row] for name, clip in scores.items() if row in clip}
            for metric in dict.fromkeys(metric for figures in seen.values() for metric in figures):
                cell = Cell.mean({name: f[metric] for name, f in seen.items() if metric in f})
                self.table.set(row, metric, cell)
                log_cell(pl_module, row, metric, cell)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print the table."""
        if not trainer.is_global_zero:
            return
        self.table.protocol |= statements(self.table.metrics())
        write_table(self.table, self.output)
        if self._pictures:
            save_png(stack(self._pictures), self.output / "strip.png")
        rank_zero_info(f"\n{to_markdown(self.table)}\nWritten to {self.output}.")


def table_of(trainer: Trainer, user: Callback) -> TestTable:
    """The callback whose table others work on.

    Raises:
        RuntimeError: If the trainer has none.
    """
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, TestTable):
            return callback
    raise RuntimeError(
        f"{type(user).__name__} works on TestTable's table: add TestTable to the callbacks, "
        "before it."
    )


def log_cell(module: LightningModule, row: str, metric: str, cell: Cell) -> None:
    """Log a figure as ``test/<row>/<metric>``, unless it is undefined or infinite."""
    if math.isfinite(cell.value):
        value = torch.tensor(cell.value, dtype=torch.float32)
        module.log(f"test/{row}/{metric}", value, rank_zero_only=True)


def facts(trainer: Trainer, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the corpus tells about clips: speaker, emotion, and the word where there is only one."""
    clips = tested_clips(trainer)
    records = {} if clips is None else clips.named
    known = {}
    for name in names:
        if name in records:
            words = [span.word for span in records[name].words]
            told = {
                "word": words[0] if len(words) == 1 else "",
                "emotion": records[name].emotion,
                "speaker": records[name].speaker,
            }
            known[name] = {key: value for key, value in told.items() if value}
    return known


def protocol(
    trainer: Trainer, side: int, frames: dict[str, int]
) -> dict[str, str | int | float | None]:
    """How the figures came about."""
    root = getattr(getattr(trainer, "datamodule", None), "root", None)
    seed = os.environ.get("PL_GLOBAL_SEED")
    return {
        "corpus": None if root is None else Path(root).name,
        "clips": len(frames),
        "frames": sum(frames.values()),
        "side": side,
        "seed": None if seed is None else int(seed),
        "checkpoint": None if trainer.ckpt_path is None else str(trainer.ckpt_path),
        "identity": "first frame of the clip",
        "rendered": "all usable frames, rounded to 8 bits before anything is measured",
        "±": "half a 95 % confidence interval over clips",
    }
