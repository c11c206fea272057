import csv
import json
import logging
from pathlib import Path

import pytest
import torch

from talkface import judging
from talkface.compare.api import compare
from talkface.compare.errors import NothingScoredError
from talkface.compare.folders import Clip
from talkface.compare.results import Compared
from talkface.compare.scorer import Scored, Scorer
from talkface.compare.settings import Settings
from talkface.compare.view import View
from talkface.data.media import read_image
from talkface.models.identity import IdentityEncoder
from tests.compare import fakes
from tests.render.fakes import write_truncated

SETTINGS = Settings(64)


def run(folder: Path, *methods: str, settings: Settings = SETTINGS, **options: bool) -> Compared:
    folders = {method: folder / method for method in methods}
    return compare(folder / "real", folders, folder / "out", settings, workers=0, **options)


def reasons(folder: Path) -> dict[tuple[str, str], str]:
    with (folder / "out" / "refused.csv").open() as file:
        return {(line["method"], line["clip"]): line["reason"] for line in csv.DictReader(file)}


def late(path: Path, openings: tuple[float, ...], by: int) -> None:
    frames = fakes.talking(openings)
    fakes.write(path, torch.cat([frames[:1].expand(by, -1, -1, -1), frames[:-by]]))


@pytest.mark.usefixtures("spots")
def test_each_fault_moves_the_figures_that_it_must(videos: Path) -> None:
    for name, openings in (("a/one", fakes.SPEECH), ("b/two.x", fakes.SPEECH[::-1])):
        late(videos / "late" / f"{name}.mp4", openings, 2)
        fakes.write(videos / "frozen" / f"{name}.mp4", fakes.talking(openings[:1] * 12))
    table = run(videos, "same", "late", "frozen").table
    assert table.get("same", "psnr").value == float("inf")
    assert table.get("same", "ssim").value == pytest.approx(1)
    assert table.get("same", "lmd_face").value == 0
    assert table.get("late", "psnr").value < 45
    assert table.get("same", "mouth_peak").value == 0
    assert table.get("late", "mouth_peak").value == 2
    assert table.get("late", "mouth_r").value < 0.5
    assert table.get("frozen", "mouth_gain").value < 0.3
    assert table.get("truth", "mouth_r").value == pytest.approx(1)
    assert table.get("copy", "mouth_gain").value == pytest.approx(0, abs=1e-5)


@pytest.mark.usefixtures("spots")
def test_everything_is_written(videos: Path) -> None:
    run(videos, "same")
    out = videos / "out"
    found = {path.name for path in out.iterdir()}
    assert found == {
        *("table.json", "table.md", "table.tex", "table.csv", "clips.csv"),
        *("refused.csv", "strip.png", "clips"),
    }
    tree = json.loads((out / "table.json").read_text())
    assert list(tree["rows"]) == ["truth", "copy", "same"]
    assert (out / "refused.csv").read_text() == "method,clip,reason\n"
    rows = 2 * 2 * (128 + 4) + 3 * 4  # truth and same, twice, each tile doubled
    assert read_image(out / "strip.png").shape[1] == rows


@pytest.mark.usefixtures("spots")
def test_a_second_run_makes_only_what_has_changed(
    videos: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(videos, "same").table.to_json()
    made: list[tuple[str, str]] = []
    score = Scorer.score

    def counted(self: Scorer, clip: Clip, row: str, truth: View) -> Scored:
        made.append((clip.name, row))
        return score(self, clip, row, truth)

    monkeypatch.setattr(Scorer, "score", counted)
    with caplog.at_level(logging.INFO, "talkface"):
        assert run(videos, "same").table.to_json() == first
    assert made == []
    assert "6 of 6 scores are kept from before" in caplog.text
    fakes.write(videos / "same" / "a" / "one.mov", fakes.talking())
    run(videos, "same")
    assert made == [("a/one", "same")]


@pytest.mark.usefixtures("spots")
def test_what_cannot_be_used_is_refused_with_its_reason_and_the_rest_goes_on(videos: Path) -> None:
    bad = videos / "bad"
    for name in ("short", "empty", "noise", "dark", "cut", "good"):
        fakes.write(videos / "real" / f"{name}.mp4", fakes.talking())
    fakes.write(bad / "short.mp4", fakes.talking(fakes.SPEECH[:9]))
    (bad / "empty.mp4").write_bytes(b"")
    (bad / "noise.mp4").write_bytes(bytes(range(256)) * 9)
    fakes.write(bad / "dark.mp4", fakes.talking(dark=range(12)))
    write_truncated(bad / "cut.mp4")
    fakes.write(bad / "good.mp4", fakes.talking())
    fakes.write(bad / "other.mp4", fakes.talking())
    found = run(videos, "bad")
    assert found.clips["bad"] == found.clips["truth"] == ["good"]
    told = reasons(videos)
    assert "It has 9 frames at 25 per second, the true clip 12" in told["bad", "short"]
    assert "is empty (0 bytes)" in told["bad", "empty"]
    assert "noise.mp4" in told["bad", "noise"]
    assert "No face found in any of the 12 frames" in told["bad", "dark"]
    assert "cut.mp4" in told["bad", "cut"]
    assert "no video of this name" in told["bad", "a/one"]
    assert "no true clip of this name" in told["bad", "other"]
    assert len(told) == 8
    assert (
        "bad 1 of 8 (2 without a video, 5 refused, 1 without a true clip)" in found.table.notes[0]
    )


@pytest.mark.usefixtures("spots")
def test_nothing_left_is_an_error_that_shows_why(videos: Path) -> None:
    for name in ("a/one", "b/two.x"):
        fakes.write(videos / "bad" / f"{name}.mp4", fakes.talking(dark=range(12)))
    with pytest.raises(NothingScoredError, match=r"2 videos were refused, .* No face found in any"):
        run(videos, "bad")
    assert len(reasons(videos)) == 2


@pytest.mark.usefixtures("spots")
def test_an_unusable_true_clip_refuses_the_clip_everywhere(videos: Path) -> None:
    (videos / "real" / "a" / "one.mp4").write_bytes(b"no video")
    assert run(videos, "same").clips["same"] == ["b/two.x"]
    told = reasons(videos)
    assert set(told) == {("truth", "a/one"), ("same", "a/one")}
    assert all("The true clip cannot be used" in reason for reason in told.values())


@pytest.mark.usefixtures("spots")
def test_a_true_clip_without_sound_has_all_but_sync_figures(
    videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "load_syncnet", lambda _: fakes.Plain())
    loud = fakes.write(videos / "real" / "loud.mp4", fakes.talking(), sound=True)
    (videos / "same" / "loud.mp4").write_bytes(loud.read_bytes())
    settings = Settings(64, syncnet=Path("syncnet"))
    table = run(videos, "same", settings=settings).table
    assert list(table.get("same", "lse_d").clips) == ["loud"]
    assert table.get("same", "lse_d").value == table.get("truth", "lse_d").value
    assert len(table.get("same", "ssim").clips) == 3
    assert "as the true clip has no sound: a/one, b/two.x." in table.notes[-1]
    fakes.write(videos / "mute" / "loud.mp4", fakes.talking())
    muted = run(videos, "mute", settings=settings).table
    assert muted.get("mute", "lse_d").value == pytest.approx(
        table.get("same", "lse_d").value, rel=0.2
    )


@pytest.mark.usefixtures("spots")
def test_missing_weights_cost_one_metric_and_are_told(videos: Path) -> None:
    none = Settings(64, syncnet=videos / "no.model", identity=videos / "no.ckpt")
    table = run(videos, "same", settings=none).table
    assert [note.split(" is left out")[0] for note in table.notes[-2:]] == ["LSE", "CSIM"]
    assert "no.model: there is no such file" in table.notes[-2]
    assert table.protocol["SyncNet"] is None
    assert table.get("same", "ssim").value == 1
    encoder = IdentityEncoder(6, (4, 4, 4, 4, 4))
    torch.save({f"encoder.{k}": v for k, v in encoder.state_dict().items()}, videos / "no.ckpt")
    found = run(videos, "same", settings=none).table  # scores without it are made again
    assert [note.split(" is left out")[0] for note in found.notes[-1:]] == ["LSE"]
    assert found.get("same", "csim").value == found.get("truth", "csim").value


@pytest.mark.slow
def test_figures_do_not_depend_on_the_number_of_workers(videos: Path) -> None:
    for path in [*(videos / "real").rglob("*.mp4"), *(videos / "same").rglob("*.mov")]:
        fakes.write(path, fakes.talking()[..., 20:180])
    folders = {"same": videos / "same"}
    settings = Settings(64, None, aligned=True)
    tables = [
        compare(videos / "real", folders, videos / str(n), settings, workers=n).table.to_json()
        for n in (0, 2)
    ]
    assert tables[0] == tables[1]
