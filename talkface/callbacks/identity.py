"""Whether the rows of a test show the right one of the people who are tested."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from talkface.callbacks.shared import detached, gather, names
from talkface.callbacks.table import log_cell, table_of
from talkface.metrics.identity_rank import mean_code, recognised
from talkface.metrics.pictures import CHUNK, Embedding
from talkface.metrics.table import Cell, ResultTable
from talkface.types import Window

PORTRAIT = "portrait"
FEWEST = 2


class IdentityRank(Callback):
    """Share of clips nearest to their own speaker's portrait, entered into `TestTable`'s table.

    The portrait of a speaker is the first true frame of the first of his clips by name. Where the
    corpus does not tell at least two speakers apart, a note says why there is no figure.

    Args:
        network: Turns RGB frames in [0, 1] into codes that tell people apart.
    """

    def __init__(self, network: Embedding) -> None:
        super().__init__()
        self.network = network
        self._codes: dict[str, dict[str, Tensor]] = {}

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the clips of a test before.

        Raises:
            RuntimeError: If there is no table.
        """
        table_of(trainer, self)
        self._codes = {}

    @torch.no_grad()
    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Encode one clip in every row."""
        (clip,) = names(batch)
        shown = {row: one.frames for row, one in table_of(trainer, self).shown.items()}
        self._codes[clip] = {row: self._code(frames) for row, frames in shown.items()}
        self._codes[clip][PORTRAIT] = self._code(shown["truth"][:1])

    def _code(self, frames: Tensor) -> Tensor:
        parts = [self.network(part) for part in frames.split(CHUNK)]
        return detached(mean_code(torch.cat(parts)))

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find the nearest portraits of the clips of all processes."""
        table, codes = table_of(trainer, self).table, gather(self._codes)
        speakers = speakers_of(table, list(codes))
        portraits: dict[str, Tensor] = {}
        for clip in sorted(speakers):
            portraits.setdefault(speakers[clip], codes[clip][PORTRAIT])
        if len(portraits) < FEWEST:
            table.notes.append(
                "The identity rank is left out: it needs at least two speakers to choose from, "
                f"but the corpus names {len(portraits)} for the {len(codes)} clips of this test."
            )
            return
        table.protocol["test identities"] = len(portraits)
        for row in dict.fromkeys(row for rows in codes.values() for row in rows):
            clips = {clip: codes[clip][row] for clip in speakers if row in codes[clip]}
            if row != PORTRAIT:
                cell = Cell.mean(recognised(clips, portraits, speakers))
                table.set(row, "identity_rank", cell)
                log_cell(pl_module, row, "identity_rank", cell)


def speakers_of(table: ResultTable, clips: list[str]) -> dict[str, str]:
    """Who speaks, of the clips of which the corpus tells it."""
    known = {clip: table.clips.get(clip, {}).get("speaker", "") for clip in clips}
    return {clip: speaker for clip, speaker in known.items() if speaker}
