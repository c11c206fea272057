import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_prep.__main__ import INTERRUPTED, main
from talkface.data.layout import read_manifest
from talkface.data.portrait_layout import read_portraits
from tests.data_prep.records import plain, write_records
from tests.data_prep.trees import face_tree, grid_tree, lrw_tree

NAMES = ("bbaf2n", "lbaq7a", "pbav3s")


def command(source: Path, output: Path, *more: str) -> list[str]:
    options = ["--val=0", "--test=1", "--side=64", "--landmarks=sidecar", *more]
    return ["grid", f"--source={source}", f"--output={output}", *options]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_shows_its_progress_and_names_what_it_skips(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    workers: int,
) -> None:
    source = grid_tree(tmp_path / "raw", {"s1": NAMES})
    (source / "s1" / "lbaq7a.mp4").write_text("no video")
    with caplog.at_level("INFO"):
        assert main(command(source, tmp_path / "out", f"--workers={workers}")) == 0
    assert "2 clips prepared, 0 kept from before, 1 skipped" in caplog.text
    assert "skipped s1/lbaq7a: " in caplog.text
    progress = capsys.readouterr().err
    assert "3/3" in progress
    assert "frames/s, 1 skipped" in progress
    listed = [path.read_text().splitlines() for path in (tmp_path / "out").glob("t*.jsonl")]
    assert sum(map(len, listed)) == 2


def test_nothing_prepared_is_a_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = grid_tree(tmp_path / "raw", {"s1": ("bbaf2n", "lbaq7a")})
    for path in source.rglob("*.landmarks.npy"):
        path.unlink()
    assert main(command(source, tmp_path / "out", "--workers=0")) == 1
    assert "No clip could be prepared." in caplog.text
    assert not (tmp_path / "out" / "corpus.json").exists()


def test_a_wrong_folder_is_one_clear_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(command(tmp_path / "nowhere", tmp_path / "out")) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "No video" in caplog.text
    assert not (tmp_path / "out").exists()


def test_interruption_tells_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("data_prep.__main__.build", interrupt)
    assert main(command(tmp_path, tmp_path / "out")) == INTERRUPTED
    assert "Run the same command again to go on." in caplog.text


def test_lrw_has_its_command(tmp_path: Path) -> None:
    source = lrw_tree(tmp_path / "raw", ("ABOUT",))
    options = [f"--source={source}", f"--output={tmp_path / 'out'}", "--landmarks=sidecar"]
    assert main(["lrw", *options, "--side=64", "--workers=0", "--limit=2"]) == 0


def test_portraits_have_their_command(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = face_tree(tmp_path / "raw", {"anna": 3, "bela": 3, "carl": 3})
    (source / "anna" / "0.png").write_text("no picture")
    command = ["msceleb", f"--source={source}", f"--output={tmp_path / 'out'}", "--side=32"]
    options = ["--landmarks=sidecar", "--workers=0", "--unseen=1", "--val=1", "--least=2"]
    with caplog.at_level("INFO"):
        assert main([*command, *options]) == 0
    assert "3 people prepared, 0 kept from before, 1 skipped" in caplog.text
    assert "skipped anna/0.png: " in caplog.text
    assert len(read_portraits(tmp_path / "out").people) == 2


def test_records_are_found_in_the_source_and_taken_for_crops(tmp_path: Path) -> None:
    write_records(tmp_path / "raw", plain([0, 1, 2], per_person=2))
    command = ["msceleb", f"--source={tmp_path / 'raw'}", f"--output={tmp_path / 'out'}"]
    options = ["--side=32", "--workers=0", "--unseen=0", "--val=1", "--least=2"]
    assert main([*command, *options]) == 0
    settings = json.loads((tmp_path / "out" / "prepare.json").read_text())
    assert settings == {"corpus": "msceleb", "side": 32, "landmarks": "insightface"}
    assert read_portraits(tmp_path / "out").people == ("0000000", "0000001", "0000002")


@pytest.mark.slow
def test_people_are_prepared_by_several_processes(tmp_path: Path) -> None:
    source = face_tree(tmp_path / "raw", {"anna": 3, "bela": 3, "carl": 3})
    options = ["--landmarks=sidecar", "--side=32", "--unseen=1", "--val=1", "--least=2"]
    for workers in (0, 2):
        output = tmp_path / f"out{workers}"
        command = ["msceleb", f"--source={source}", f"--output={output}", f"--workers={workers}"]
        assert main([*command, *options]) == 0
    for path in (tmp_path / "out0").rglob("people/*"):
        other = tmp_path / "out2" / "people" / path.name
        assert path.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("option", ["--workers=-1", "--side=0", "--limit=0", "--landmarks=dlib"])
def test_bad_options_are_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(SystemExit):
        main(command(tmp_path, tmp_path / "out", option))


@pytest.fixture
def heeding_interrupts() -> Iterator[None]:
    """Children notice SIGINT even if these tests are a background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.usefixtures("heeding_interrupts")
def test_a_stopped_run_leaves_no_process_and_can_go_on(tmp_path: Path, how: signal.Signals) -> None:
    names = tuple(f"b{i:03d}" for i in range(60))
    source, output = grid_tree(tmp_path / "raw", {"s1": names}), tmp_path / "out"
    arguments = [sys.executable, "-m", "data_prep", *command(source, output)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, start_new_session=True) as run:
        while run.poll() is None and not list(output.rglob("clips/s1/*.json")):
            time.sleep(0.02)
        os.killpg(run.pid, how) if how == signal.SIGINT else run.kill()
        run.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while _alive(run.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(run.pid)
    assert run.returncode == (INTERRUPTED if how == signal.SIGINT else -signal.SIGKILL)
    done = len(list(output.rglob("clips/s1/*.json")))
    assert 0 < done < 60
    assert main(command(source, output)) == 0
    assert len(read_manifest(output, "train")) == 59


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
