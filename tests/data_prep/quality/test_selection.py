import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.corpora.raw import CorpusError
from data_prep.quality import selection
from data_prep.quality.limits import Limits
from data_prep.quality.measure import Quality
from data_prep.quality.selection import read_all, select
from data_prep.quality.table import read_table, write_table
from data_prep.run import LEFT_OUT
from talkface.data.layout import LayoutError, read_manifest
from talkface.data.windows import WindowDataset


@pytest.fixture
def corpus(prepared: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(prepared, tmp_path / "corpus"))


def state(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("*.json*")}


def ids(root: Path, split: str = "train") -> list[str]:
    return [record.id for record in read_manifest(root, split)]


def row(**figures: float | str) -> Quality:
    return Quality("a", "train", 40, 1.6, **figures)  # type: ignore[arg-type]


def test_limits_say_what_is_wrong() -> None:
    limits = Limits(max_offset=2, least_confidence=0.5, least_face=40)
    good = {"offset": -2.0, "confidence": 0.5, "face": 40.0}
    assert limits.reason(row(**good)) is None
    assert limits.reason(row(**{**good, "offset": -3.0})) == "offset -3 beyond 2"
    worse = limits.reason(row(**{**good, "offset": 4.0, "confidence": 0.25}))
    assert worse == "offset +4 beyond 2; confidence 0.25 below 0.5"
    unknown = limits.reason(row(confidence=0.9, face=50.0))
    assert unknown == "offset unknown"
    assert limits.reason(row(problem="cut short")) == "damaged: cut short"
    assert Limits(max_offset=0).reason(row(offset=1.0)) == "offset +1 beyond 0"
    assert Limits().reason(row(problem="cut short")) is None


def test_clips_that_were_left_out_come_back_where_they_were(corpus: Path) -> None:
    before, clips = state(corpus), ids(corpus)
    full = read_all(corpus)
    select(corpus, full, {clips[0]: "blurred", clips[2]: "late"})
    assert ids(corpus) == [clips[1], clips[3]]
    lines = [json.loads(line) for line in (corpus / LEFT_OUT).read_text().splitlines()]
    assert [(line["id"], line["reason"]) for line in lines] == [
        (clips[0], "blurred"),
        (clips[2], "late"),
    ]
    assert read_all(corpus) == full
    select(corpus, read_all(corpus), {clips[1]: "small"})
    assert ids(corpus) == [clips[0], *clips[2:]]
    select(corpus, read_all(corpus), {})
    assert state(corpus) == before


@pytest.mark.parametrize("writes", range(4))
def test_an_interruption_at_any_write_loses_no_clip(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    full, clips = read_all(corpus), ids(corpus)
    select(corpus, full, {clips[0]: "blurred", clips[1]: "late"})
    done, real = [0], selection._replace

    def dying(path: Path, lines: object) -> None:
        if done[0] == writes:
            raise KeyboardInterrupt
        done[0] += 1
        real(path, lines)  # type: ignore[arg-type]

    monkeypatch.setattr(selection, "_replace", dying)
    with pytest.raises(KeyboardInterrupt):
        select(corpus, read_all(corpus), {clips[2]: "small", clips[1]: "late"})
    monkeypatch.undo()
    assert read_all(corpus) == full


def test_a_split_is_never_emptied(corpus: Path) -> None:
    before, full = state(corpus), read_all(corpus)
    reasons = {record.id: "late" for record in full["val"]}
    with pytest.raises(CorpusError, match="of 'val' keeps to these limits"):
        select(corpus, full, reasons)
    assert state(corpus) == before


def test_a_damaged_list_is_named(corpus: Path) -> None:
    (corpus / LEFT_OUT).write_text('{"id": "a"}\n')
    with pytest.raises(LayoutError, match=r"left_out\.jsonl is missing or damaged"):
        read_all(corpus)


def test_training_and_shards_do_without_what_the_command_leaves_out(
    corpus: Path, tmp_path: Path
) -> None:
    assert main(["quality", str(corpus), "--workers=0"]) == 0
    rows, small = read_table(corpus), ids(corpus)[2]
    write_table(corpus, {**rows, small: replace(rows[small], face=5.0)}.values())
    assert main(["quality", str(corpus), "--workers=0", "--least-face=6"]) == 0
    assert len(WindowDataset(corpus, "train")) == 3
    shards = tmp_path / "shards"
    assert main(["shards", f"--source={corpus}", f"--output={shards}"]) == 0
    assert ids(shards) == ids(corpus)
    assert len(read_table(corpus)) == 6
    assert main(["quality", str(corpus), "--workers=0"]) == 0
    assert len(WindowDataset(corpus, "train")) == 4
