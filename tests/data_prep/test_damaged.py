"""200 damaged clips: no crash, no hang, a reason for every drop, and what is kept is right."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.engines import LocalEngine
from data_prep.verify import verify
from talkface.data.layout import SPLITS, ClipReader, ClipRecord, read_manifest
from tests.data_prep.damaged import EITHER, KEPT, Damaged, damaged_corpora
from tests.data_prep.film import DARK, ONSET, PER_FRAME
from tests.data_prep.same import contents

SIDE = 64

BARE = re.compile(r"^\w*(Error|Exception|Interrupt)\(|Traceback|object has no|index out of range")
"""Python's own words, which tell nobody what is wrong with a file."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[Damaged]]:
    """Damaged corpora by their folders, which are named like the commands."""
    return damaged_corpora(tmp_path_factory.mktemp("damaged"))


@pytest.fixture(scope="module")
def prepared(made: dict[Path, list[Damaged]]) -> list[Path]:
    """The corpora as this process alone prepares them."""
    outputs = [raw.parent / f"{raw.name}-0" for raw in made]
    for raw, output in zip(made, outputs, strict=True):
        assert main(command(raw, output, 0)) == 0
    return outputs


def command(raw: Path, output: Path, workers: int) -> list[str]:
    options = [f"--side={SIDE}", "--landmarks=sidecar", f"--workers={workers}"]
    held_out = {"lrw": [], "grid": ["--val=1", "--test=1"], "cremad": ["--val=1", "--test=1"]}
    limit = ["--clip-timeout=20"]
    return [
        raw.name,
        f"--source={raw}",
        f"--output={output}",
        *options,
        *limit,
        *held_out[raw.name],
    ]


def reasons(output: Path) -> dict[str, str]:
    rows = [json.loads(line) for line in (output / "skipped.jsonl").read_text().splitlines()]
    return {row["id"]: row["reason"] for row in rows}


def records(output: Path) -> list[ClipRecord]:
    splits = [split for split in SPLITS if (output / f"{split}.jsonl").is_file()]
    return [record for split in splits for record in read_manifest(output, split)]


def test_every_clip_is_prepared_or_has_a_reason(
    made: dict[Path, list[Damaged]], prepared: Sequence[Path]
) -> None:
    assert sum(map(len, made.values())) == 200
    for clips, output in zip(made.values(), prepared, strict=True):
        skipped, kept = reasons(output), [record.id for record in records(output)]
        assert sorted([*skipped, *kept]) == sorted(clip.id for clip in clips)
        fates = {clip.id: KEPT if clip.id in kept else "skipped" for clip in clips}
        assert [c for c in clips if c.fate not in (EITHER, fates[c.id])] == []
        for clip in clips:
            if (reason := skipped.get(clip.id)) is not None:
                assert len(reason) > 20, clip
                assert reason.isprintable(), clip
                assert not BARE.search(reason), (clip, reason)
        print(Counter((c.kind, fates[c.id]) for c in clips))  # noqa: T201 - for the table in docs


def test_what_is_kept_is_right(made: dict[Path, list[Damaged]], prepared: Sequence[Path]) -> None:
    for clips, output in zip(made.values(), prepared, strict=True):
        kinds = {clip.id: clip.kind for clip in clips}
        faults = {
            (record.id, kinds[record.id]): faults_of(output, record) for record in records(output)
        }
        assert {clip: found for clip, found in faults.items() if found} == {}


def faults_of(output: Path, record: ClipRecord) -> list[str]:
    """What differs from the film: length, each picture's time, colours in place, sound in step."""
    reader, faults = ClipReader(output, record), list[str]()
    pictures, sound = reader.frames(range(record.frames)).float(), reader.sound().float()
    if record.frames not in (29, 30) or len(sound) < 16_000:
        faults.append(f"{record.frames} frames, {len(sound)} samples")
    levels = pictures.flatten(1).median(dim=1).values
    late = [(float(level) - DARK) / PER_FRAME - t for t, level in enumerate(levels)]
    if max(map(abs, late)) > 2.6:  # 10 per second: each picture stands for 2.5 frames
        faults.append(f"pictures are late by {min(late):.1f} to {max(late):.1f} frames")
    for colour, part in enumerate((slice(36, 42), slice(42, 48), slice(48, 68))):
        x, y = reader.landmarks()[0, part].mean(dim=0).round().long().tolist()
        if int(pictures[0, :, y, x].argmax()) != colour:
            faults.append(f"no colour {colour} at {x}, {y}")
    level = sound[: len(sound) // 80 * 80].view(-1, 80).abs().mean(dim=1)  # 5 ms: no single click
    onset = int((level > 2_000).nonzero()[0]) * 80 / 16_000
    if abs(onset - ONSET) > 0.04:
        faults.append(f"the tone sets in at {onset:.2f} s")
    return faults


def test_what_is_prepared_is_sound(prepared: Sequence[Path]) -> None:
    for output in prepared:
        assert verify(output, LocalEngine(0)).sound


def test_a_second_run_changes_nothing(
    made: dict[Path, list[Damaged]], prepared: Sequence[Path], caplog: pytest.LogCaptureFixture
) -> None:
    for raw, output in zip(made, prepared, strict=True):
        before = contents(output)
        with caplog.at_level("INFO"):
            assert main(command(raw, output, 0)) == 0
        assert " 0 clips prepared" in f" {caplog.messages[-2]}", caplog.messages
        assert contents(output) == before


def test_two_processes_make_the_same(
    made: dict[Path, list[Damaged]], prepared: Sequence[Path]
) -> None:
    for raw, output in zip(made, prepared, strict=True):
        other = raw.parent / f"{raw.name}-2"
        assert main(command(raw, other, 2)) == 0
        assert contents(other) == contents(output)
