"""Whether the rendered mouth, eyes and head move as the true ones do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from talkface.callbacks.shared import cut, detached, gather, names, renderer
from talkface.callbacks.table import log_cell, table_of
from talkface.metrics.head import Movement, corner_distance, movement
from talkface.metrics.image import unit
from talkface.metrics.intervals import bootstrap_margin
from talkface.metrics.judge import Shown
from talkface.metrics.opening import Agreement, MotionAgreement
from talkface.metrics.reader import FittedReader, MouthReader, TrainableReader
from talkface.metrics.table import Cell, plain
from talkface.types import Window

SPACING = 4
"""Every so many frames of a window are shown to a reader that is fitted: neighbours are alike."""

POOLED = ("mouth_r", "mouth_gain", "mouth_peak", "eye_r", "eye_gain", "head_r", "head_gain")
"""Figures that pool the frames of all clips."""

MOUTH, EYES, HEAD = range(3)
"""Parts of a `Movement`."""

EPOCHS = 10
"""Most epochs of training windows from which a reader is fitted."""


class Clip(NamedTuple):
    """Movement in one clip: the true one, by row as read, and the frames that are spoken."""

    truth: Movement
    rows: dict[str, Movement]
    spoken: Bool[Tensor, " t"]

    def compared(self, which: int) -> Bool[Tensor, " t"]:
        """Frames in which a part is compared: spoken ones, but a head moves in all."""
        return torch.ones_like(self.spoken) if which == HEAD else self.spoken


class MouthMotion(Callback):
    """Correlation and gain of mouth, eyes and head, entered into `TestTable`'s table.

    The movement in every row comes from the landmarks that `TestTable` has read, or else from a
    reader. It is compared with that of the corpus' landmarks, mouth and eyes in spoken frames, the
    head in all, without each clip's mean and in distances of the true eye corners; intervals are
    bootstrapped over clips. The row *ground truth* shows how well the reader itself does. Control:
    the same clips rendered with the sound of the clip before, of another word where the corpus has
    word classes, cut to the shorter of the two.

    Args:
        reader: Reads movement; by default one that is fitted on training crops when the test
            starts.
        crops: Training crops to fit such a reader on.
        lags: Frames by which the correlation is also measured either way.
        foreign: Whether to render the control.
    """

    def __init__(
        self,
        reader: MouthReader | None = None,
        crops: int = 1500,
        lags: int = 5,
        foreign: bool = True,
    ) -> None:
        super().__init__()
        self.reader = FittedReader() if reader is None else reader
        self.crops, self.lags, self.foreign = crops, lags, foreign
        self._clips: dict[str, Clip] = {}
        self._sounds: dict[int, Tensor] = {}

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fit the reader, if it is one to be fitted.

        Raises:
            RuntimeError: If there is no table, or nothing to fit the reader on.
        """
        self._clips, self._sounds = {}, {}
        table_of(trainer, self)
        if isinstance(self.reader, TrainableReader):
            frames, landmarks = training_crops(trainer, self.crops)
            self.reader.fit(frames.to(pl_module.device), landmarks.to(pl_module.device))

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Read the movement in one clip from every row."""
        (clip,) = names(batch)
        rows = {row: self._seen(shown) for row, shown in table_of(trainer, self).shown.items()}
        if (sound := self._foreign_sound(batch)) is not None:
            rows["foreign"] = self._read(self._dub(pl_module, batch, sound))
        points = detached(batch.landmarks[0])
        apart = corner_distance(points)
        truth, *read = (
            known._replace(head=known.head / apart) for known in (movement(points), *rows.values())
        )
        spoken = detached(batch.spoken[0])
        self._clips[clip] = Clip(truth, dict(zip(rows, read, strict=True)), spoken)

    @staticmethod
    def _dub(module: LightningModule, batch: Window, sound: Tensor) -> Float[Tensor, "t 3 S S"]:
        """Frames with the lips of another sound, as long as the shorter of the two."""
        frames = min(sound.shape[1], batch.mfcc.shape[1])
        dubbed = cut(batch, slice(frames))._replace(mfcc=sound[:, :frames].to(batch.mfcc))
        return unit(renderer(module).drive(dubbed, "audio")[0])

    def _seen(self, shown: Shown) -> Movement:
        if shown.landmarks is None:
            return self._read(shown.frames)
        return Movement(*(detached(series) for series in movement(shown.landmarks)))

    def _read(self, frames: Float[Tensor, "t 3 S S"]) -> Movement:
        still = bool((frames == frames[:1]).all())
        read = self.reader.read(frames[:1] if still else frames)
        return Movement(
            *(detached(series).expand(len(frames), *series.shape[1:]) for series in read)
        )

    def _foreign_sound(self, batch: Window) -> Tensor | None:
        """The MFCC of the last clip that says something else; remembers this clip's."""
        if not self.foreign:
            return None
        label = int(batch.label.flatten()[0])
        others = [key for key in self._sounds if key != label or label < 0]
        sound = self._sounds[others[-1]] if others else None
        self._sounds.pop(label, None)
        self._sounds[label] = detached(batch.mfcc)
        return sound

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pool the clips of all processes and enter the figures into the table."""
        clips = gather(self._clips)
        table = table_of(trainer, self).table
        details: dict[str, Any] = {"reader": type(self.reader).__name__, "rows": {}}
        for row in dict.fromkeys(row for clip in clips.values() for row in clip.rows):
            mouth, eyes, head = (
                agreement(clips.values(), row, which, self.lags) for which in (MOUTH, EYES, HEAD)
            )
            figures = _cells(clips, row, MOUTH, "mouth", mouth)
            figures |= _cells(clips, row, EYES, "eye", eyes)
            figures |= _cells(clips, row, HEAD, "head", head)
            figures["mouth_peak"] = Cell(float(mouth.peak))
            for metric, cell in figures.items():
                table.set(row, metric, cell)
                log_cell(pl_module, row, metric, cell)
            details["rows"][row] = {
                "mouth": _plain(mouth),
                "eyes": _plain(eyes),
                "head": _plain(head),
            }
            if row == "truth":
                table.notes.append(self._reader_note(mouth, eyes, head))
        table.details["motion"] = details
        table.details["pooled"] = list(POOLED)

    def _reader_note(self, mouth: Agreement, eyes: Agreement, head: Agreement) -> str:
        return (
            f"Openings are read by {type(self.reader).__name__}, in spoken frames. Its error on "
            f"true frames against the corpus' landmarks, in distances of the outer eye corners: "
            f"mouth {float(mouth.error):.4f} (r {float(mouth.r):.3f}, gain "
            f"{float(mouth.gain):.2f}), eyes {float(eyes.error):.4f} (r {float(eyes.r):.3f}, gain "
            f"{float(eyes.gain):.2f}), {int(mouth.frames)} frames; head, in all frames, "
            f"{float(head.error):.4f} (r {float(head.r):.3f}, gain {float(head.gain):.2f}), "
            f"{int(head.frames)} frames."
        )


def training_crops(
    trainer: Trainer, count: int
) -> tuple[Float[Tensor, "n 3 S S"], Float[Tensor, "n 68 2"]]:
    """At most ``count`` crops in [0, 1] of the training split, with their landmarks.

    Raises:
        RuntimeError: If the trainer has no datamodule.
    """
    data = getattr(trainer, "datamodule", None)
    if data is None:
        raise RuntimeError(
            "The reader is fitted on training crops, but the test runs without a datamodule: "
            "test with `TalkFaceData`, or give MouthMotion a reader that needs no fitting, such "
            "as `DetectorReader`."
        )
    data.setup("fit")
    frames, landmarks, seen = [], [], 0
    for window in _windows(data.train_dataloader()):
        frames.append(window.frames[:, ::SPACING].flatten(0, 1))
        landmarks.append(window.landmarks[:, ::SPACING].flatten(0, 1))
        seen += len(frames[-1])
        if seen >= count:
            break
    pictures = torch.cat(frames)[:count]
    scaled = pictures.float() / 255 if pictures.dtype == torch.uint8 else unit(pictures)
    return scaled, torch.cat(landmarks)[:count].float()


def _windows(loader: Any) -> Iterator[Window]:
    """Windows of several epochs: a small corpus has other ones in each."""
    for epoch in range(EPOCHS):
        loader.sampler.set_epoch(epoch)
        yield from loader


def agreement(clips: Iterable[Clip], row: str, which: int, lags: int) -> Agreement:
    """Mouth, eyes or head of one row against the truth, pooled over ``clips``."""
    result: Agreement = _pooled(clips, row, which, lags).compute()
    return result


def _pooled(clips: Iterable[Clip], row: str, which: int, lags: int) -> MotionAgreement:
    metric = MotionAgreement(lags, sync_on_compute=False)
    for clip in clips:
        if row in clip.rows:
            length = len(series := clip.rows[row][which])
            metric.update(series, clip.truth[which][:length], clip.compared(which)[:length])
    return metric


def _cells(
    clips: Mapping[str, Clip], row: str, which: int, part: str, pooled: Agreement
) -> dict[str, Cell]:
    """Correlation and gain with bootstrapped margins, and those of every clip alone."""
    alone = {
        name: _pooled([clip], row, which, 0) for name, clip in clips.items() if row in clip.rows
    }
    sums = [torch.cat([m.products, m.predicted, m.true]) for m in alone.values()]
    each = {name: metric.compute() for name, metric in alone.items()}
    r, gain = pooled.r, pooled.gain
    margin_r = bootstrap_margin(torch.stack(sums), lambda s: s[0] / (s[1] * s[2]).sqrt())
    margin_gain = bootstrap_margin(torch.stack(sums), lambda s: (s[1] / s[2]).sqrt())
    return {
        f"{part}_r": Cell(float(r), margin_r, {n: float(one.r) for n, one in each.items()}),
        f"{part}_gain": Cell(
            float(gain), margin_gain, {n: float(one.gain) for n, one in each.items()}
        ),
    }


def _plain(figures: Agreement) -> dict[str, Any]:
    known: dict[str, Any] = {
        name: plain(float(value)) for name, value in figures._asdict().items() if name != "curve"
    }
    return {**known, "curve": [plain(value) for value in figures.curve.tolist()]}
