import json
import os
import threading
import time
from pathlib import Path

import pytest

from data_prep import claim as claims
from data_prep.claim import LOCK, OWNER, claim
from data_prep.corpora import CorpusError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT", 0.05)
    monkeypatch.setattr(claims, "WATCH", 0.6)


def sign(output: Path, node: str, beat: int = 0) -> None:
    """Write the owner's file as a process of ``node`` does."""
    fields = {"token": "theirs", "node": node, "process": 7, "beat": beat}
    aside = output / "aside"
    aside.write_text(json.dumps(fields))
    aside.replace(output / OWNER)


def beats(output: Path, stop: threading.Event) -> None:
    beat = 0
    while not stop.wait(0.05):
        beat += 1
        sign(output, "elsewhere boot", beat)


def test_a_folder_that_is_held_is_refused_and_free_again_afterwards(tmp_path: Path) -> None:
    with claim(tmp_path):
        me = rf"process {os.getpid()} on \S+\)\. Wait"
        with pytest.raises(CorpusError, match=me), claim(tmp_path):
            pass
    with claim(tmp_path) as held:
        held.check()
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_what_a_killed_run_of_this_machine_left_is_taken_over_at_once(tmp_path: Path) -> None:
    sign(tmp_path, claims.this_machine())
    (tmp_path / "clips").mkdir()
    for leftover in (".a.npz.0123.part", ".a.0123.part.mp4"):
        (tmp_path / "clips" / leftover).touch()
    (tmp_path / f".{OWNER}.0123.part").touch()
    began = time.monotonic()
    with claim(tmp_path):
        assert time.monotonic() - began < 0.5
        assert not list((tmp_path / "clips").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK, "clips"]


def test_an_owner_on_another_machine_that_lives_is_left_alone(tmp_path: Path) -> None:
    sign(tmp_path, "elsewhere boot")
    stop = threading.Event()
    thread = threading.Thread(target=beats, args=(tmp_path, stop))
    thread.start()
    try:
        with pytest.raises(CorpusError, match="process 7 on elsewhere"), claim(tmp_path):
            pass
    finally:
        stop.set()
        thread.join()


def test_an_owner_on_another_machine_that_is_dead_is_watched_then_replaced(tmp_path: Path) -> None:
    sign(tmp_path, "elsewhere boot")
    began = time.monotonic()
    with claim(tmp_path):
        assert time.monotonic() - began >= 0.6


def test_without_locks_of_the_kernel_the_signs_of_life_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_arguments: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", unknown)
    with claim(tmp_path), pytest.raises(CorpusError, match="Another"), claim(tmp_path):
        pass


def test_of_two_that_start_at_once_the_first_notices(tmp_path: Path) -> None:
    with claim(tmp_path) as held:
        sign(tmp_path, "elsewhere boot")
        time.sleep(0.3)
        with pytest.raises(CorpusError, match="process 7 on elsewhere"):
            held.check()
    assert json.loads((tmp_path / OWNER).read_text())["token"] == "theirs"
