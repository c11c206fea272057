import json
import math
from pathlib import Path

import pytest

from talkface.metrics.table import Cell, ResultTable, TableNotFoundError
from talkface.metrics.table_text import write_table


def table() -> ResultTable:
    result = ResultTable(protocol={"clips": 3, "side": 64}, notes=["One sentence."])
    result.set("audio", "psnr", Cell.mean({"a": 20.0, "b": 22.0, "c": 24.0}))
    result.set("truth", "psnr", Cell.mean({"a": math.inf, "b": math.inf, "c": math.inf}))
    result.set("truth", "mouth_r", Cell(0.987, 0.01, {"a": 0.9, "b": 1.0, "c": 1.0}))
    result.set("audio", "mouth_r", Cell(math.nan))
    result.details["pooled"] = ["mouth_r"]
    result.clips = {"a": {"word": "BLUE"}, "b": {"word": "RED"}, "c": {"word": "BLUE"}}
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


def test_unknown_rows_and_metrics_come_last_under_their_own_names() -> None:
    result = table()
    result.set("wav2lip", "sparkle", Cell(1.5))
    assert result.rows() == ["truth", "audio", "wav2lip"]
    assert result.metrics() == ["psnr", "mouth_r", "sparkle"]
    assert result.title("wav2lip") == "wav2lip"
    result.titles["wav2lip"] = "Wav2Lip"
    assert result.title("wav2lip") == "Wav2Lip"
    assert math.isnan(result.get("wav2lip", "psnr").value)


def test_the_json_file_holds_means_intervals_and_every_clip(tmp_path: Path) -> None:
    write_table(table(), tmp_path)
    content = json.loads((tmp_path / "table.json").read_text())
    assert content["protocol"] == {"clips": 3, "side": 64}
    assert content["better"] == {"psnr": 1, "mouth_r": 1}
    cell = content["rows"]["audio"]["psnr"]
    assert cell["clips"] == {"a": 20.0, "b": 22.0, "c": 24.0}
    assert cell["ci95"] == pytest.approx([22 - 2.2632, 22 + 2.2632], abs=1e-3)
    assert content["rows"]["truth"]["psnr"]["value"] == "inf"
    assert content["rows"]["audio"]["mouth_r"] == {"value": None, "ci95": None}


def test_a_table_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_table(table(), tmp_path)
    again = ResultTable.read(tmp_path)
    assert again.to_json() == table().to_json()
    assert again.get("audio", "psnr").clips == {"a": 20.0, "b": 22.0, "c": 24.0}
    assert again.get("truth", "psnr").value == math.inf


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no table.json"),
        ('{"format": 1}', "format 1"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": 2, "rows": {"truth": {"psnr": {}}}}', "damaged"),
    ],
    ids=["none", "older", "cut", "no object", "cells without figures"],
)
def test_what_is_no_table_is_told(content: str | None, told: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "table.json").write_text(content)
    with pytest.raises(TableNotFoundError, match=rf"{told}.*Give a folder that `talkface test`"):
        ResultTable.read(tmp_path)


def test_clips_fall_into_groups_by_what_is_known_about_them() -> None:
    result = table()
    result.clips["d"] = {}
    assert result.values("word") == {"BLUE": ["a", "c"], "RED": ["b"]}
    assert result.values("emotion") == {}


def test_a_part_averages_over_its_own_clips_and_leaves_pooled_figures_out() -> None:
    part = table().part(["a", "c"])
    assert part.get("audio", "psnr").value == 22
    assert part.get("audio", "psnr").margin == pytest.approx(1.96 * math.sqrt(8) / math.sqrt(2))
    assert part.metrics() == ["psnr"]
    assert table().part(["b"]).get("audio", "psnr").value == 22
