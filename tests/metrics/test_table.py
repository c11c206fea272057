import json
import math
from pathlib import Path

import pytest

from talkface.metrics.table import Cell, ResultTable


def table() -> ResultTable:
    result = ResultTable(protocol={"clips": 3, "side": 64})
    result.set("audio", "psnr", Cell.mean({"a": 20.0, "b": 22.0, "c": 24.0}))
    result.set("truth", "psnr", Cell.mean({"a": math.inf, "b": math.inf, "c": math.inf}))
    result.set("truth", "mouth_r", Cell(0.987))
    result.set("audio", "mouth_r", Cell(math.nan))
    return result


def test_the_interval_is_two_standard_errors_wide_on_either_side() -> None:
    cell = Cell.mean({"a": 20.0, "b": 22.0, "c": 24.0})
    assert cell.value == 22
    assert cell.margin == pytest.approx(1.96 * 2 / math.sqrt(3))


def test_undefined_clips_are_left_out_and_one_clip_has_no_interval() -> None:
    cell = Cell.mean({"a": math.nan, "b": 3.0})
    assert cell.value == 3
    assert math.isnan(cell.margin)
    assert math.isnan(Cell.mean({}).value)


def test_markdown_shows_rows_and_metrics_in_their_order() -> None:
    lines = table().to_markdown().splitlines()
    assert lines[0] == "|  | PSNR [dB] | mouth r |"
    assert lines[2] == "| ground truth | ∞ | 0.99 |"
    assert lines[3] == "| audio-driven | 22.00 ± 2.26 | – |"
    assert "clips: 3; side: 64" in lines[5]


def test_unknown_rows_and_metrics_come_last_under_their_own_names() -> None:
    result = table()
    result.set("other", "lmd", Cell(1.5))
    assert result.rows() == ["truth", "audio", "other"]
    assert result.metrics() == ["psnr", "mouth_r", "lmd"]
    assert "| other | – | – | 1.500 |" in result.to_markdown()


def test_the_files_hold_the_same_and_nothing_else_is_left(tmp_path: Path) -> None:
    table().write(tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["table.json", "table.md"]
    content = json.loads((tmp_path / "new" / "table.json").read_text())
    assert content["protocol"] == {"clips": 3, "side": 64}
    cell = content["rows"]["audio"]["psnr"]
    assert cell["clips"] == {"a": 20.0, "b": 22.0, "c": 24.0}
    assert cell["ci95"] == pytest.approx([22 - 2.2632, 22 + 2.2632], abs=1e-3)
    assert content["rows"]["truth"]["psnr"]["value"] is None
    assert content["rows"]["audio"]["mouth_r"] == {"value": None, "ci95": None}
