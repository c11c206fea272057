"""Run folders as ``talkface fit`` and ``talkface test`` leave them, with figures to choose."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from talkface.data.renderings import Renderings
from talkface.metrics.table import Cell, ResultTable
from talkface.metrics.table_text import write_table

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Values by row, metric and clip."""

CONFIG: dict[str, Any] = {
    "seed_everything": 0,
    "trainer": {
        "callbacks": [{"class_path": "a.EMA", "init_args": {"decay": 0.9}}],
        "default_root_dir": "/some/where",
    },
    "model": {"terms": {"pixel": {"class_path": "a.Pixel", "init_args": {"power": 2}}}},
    "data": {"root": "/data/puppets", "seed": 0},
    "wandb": {"project": "talkface", "entity": None, "group": None},
}
CURVES = {"val/psnr_audio": [(9, 20.0), (19, 22.0)], "train/pixel": [(4, 0.5), (9, 0.25)]}


def psnr(*values: float, row: str = "audio") -> Figures:
    """PSNR of clips a, b, c …"""
    return {row: {"psnr": dict(zip("abcdefgh", map(float, values), strict=False))}}


def write_run(
    folder: Path,
    figures: Figures | None = None,
    *,
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
    curves: Mapping[str, list[tuple[int, float]]] = CURVES,
    protocol: Mapping[str, str | int] | None = None,
    pooled: tuple[str, ...] = (),
) -> Path:
    """A run folder; without figures it was not tested."""
    folder.mkdir(parents=True)
    tree = {**CONFIG, "seed_everything": seed, **(config or {})}
    (folder / "config.yaml").write_text(yaml.safe_dump(tree))
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["epoch", "step", *curves])
        writer.writeheader()
        for name, points in curves.items():
            writer.writerows({"epoch": s // 10, "step": s, name: value} for s, value in points)
    if figures is not None:
        write_test(folder / "test", figures, protocol or {}, pooled)
    return folder


def write_test(
    folder: Path, figures: Figures, protocol: Mapping[str, str | int], pooled: tuple[str, ...] = ()
) -> None:
    """The table of a test, every figure the mean over its clips."""
    table = ResultTable(protocol={"corpus": "puppets", "side": 8, **protocol})
    table.details["pooled"] = list(pooled)
    for row, metrics in figures.items():
        for metric, clips in metrics.items():
            table.set(row, metric, Cell.mean(clips))
    write_table(table, folder)


def write_pictures(folder: Path, clip: str = "a", level: int = 100) -> None:
    """Renderings of one clip, as a test keeps them."""
    frames = torch.full((9, 3, 16, 16), level, dtype=torch.uint8)
    rows = {"truth": torch.full_like(frames, 200), "audio": frames, "video": frames + 50}
    sound, points = torch.zeros(9 * 640, dtype=torch.int16), torch.zeros(9, 68, 2)
    Renderings(clip, frames[0], rows, sound, points).write(folder)
