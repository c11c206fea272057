"""Native operations are built once, by one process, or done without."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from talkface.ops import NativeOpsError, OpsSettingError, backend, bias_act, build
from talkface.ops.bias_act import bias_act_reference

COMPILER = """#!/bin/sh
# Takes as long as it likes, and links what was compiled before.
for last; do :; done
case "$*" in
*--version*) echo 'a compiler of tests 1.0' ;;
*-shared*) echo linked >> "$BUILDS"; sleep 0.3; cp "$READY" "$last" ;;
*" -c "*) echo begun >> "$BUILDS"; [ ! -e "$HANGS" ] || sleep 60; touch "$last" ;;
esac
"""

PROGRAM = """
import torch
from talkface.ops import bias_act
out = bias_act(torch.tensor([[3.0, -3.0]]), torch.tensor([1.0, 1.0]))
torch.testing.assert_close(out, torch.tensor([[4.0, -0.4]]) * 2**0.5)
"""


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if nothing had been loaded or told."""
    monkeypatch.delenv(backend.SETTING, raising=False)
    for known in (backend._load, backend._tell):
        known.cache_clear()
    yield
    for known in (backend._load, backend._tell):
        known.cache_clear()


def lack(what: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """Take away what a build needs; the reason that is to be told."""
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(folder / "cache"))
    if what == "a compiler":
        monkeypatch.setenv("CXX", "no-such-compiler")
        return "no compiler 'no-such-compiler' on PATH; install g++ or set CXX"
    if what == "a folder":
        (folder / "cache").touch()
        return "Not a directory"
    script = folder / "c++"
    script.write_text(
        "#!/bin/sh\ncase $* in *--version*) ;; *) echo 'x.cpp:1: error: no'; exit 1; esac"
    )
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    return "x.cpp:1: error: no"


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize("what", ["a compiler", "a compiler that works", "a folder"])
def test_without_something_there_is_one_notice_and_the_reference(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reason = lack(what, monkeypatch, tmp_path)
    x, bias = torch.randn(2, 3, 4, 4), torch.randn(3)
    for _ in range(3):
        assert torch.equal(bias_act(x, bias), bias_act_reference(x, bias))
    notices = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(notices) == 1
    assert reason in notices[0]
    assert "TALKFACE_OPS=reference" in notices[0]
    monkeypatch.setenv(backend.SETTING, "native")
    with pytest.raises(NativeOpsError, match=r"TALKFACE_OPS=native, but .* for cpu: ") as refusal:
        bias_act(x, bias)
    assert reason in str(refusal.value)
    assert not list(tmp_path.glob("cache/*/work-*"))


@pytest.mark.usefixtures("anew")
def test_the_setting_is_one_of_two_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backend.SETTING, "fast")
    with pytest.raises(OpsSettingError, match="'fast' names no operations; use `native` or `refe"):
        bias_act(torch.zeros(1, 1), torch.zeros(1))


@pytest.mark.usefixtures("anew")
def test_other_kinds_of_device_use_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not backend.is_chosen("meta")
    assert not backend.is_chosen("mps")
    monkeypatch.setenv(backend.SETTING, "native")
    with pytest.raises(NativeOpsError, match="for mps: they exist for cpu and cuda"):
        backend.is_chosen("mps")


def test_another_compiler_torch_or_cpu_is_another_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [build.recipe_for("cpu").key]
    assert build.recipe_for("cpu").key == keys[0]
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    keys.append(build.recipe_for("cpu").key)
    assert not {"-mavx2", "-march=native"} & set(build.recipe_for("cpu").flags)
    monkeypatch.setattr(torch, "__version__", "2.0.0")
    keys.append(build.recipe_for("cpu").key)
    compiler = shutil.copy(shutil.which("env") or "", tmp_path / "c++")
    monkeypatch.setenv("CXX", str(compiler))
    keys.append(build.recipe_for("cpu").key)
    shutil.copytree(build.CSRC, tmp_path / "csrc")
    with (tmp_path / "csrc" / "shape.h").open("a") as header:
        header.write("// changed\n")
    monkeypatch.setattr(build, "CSRC", tmp_path / "csrc")
    keys.append(build.recipe_for("cpu").key)
    assert len(set(keys)) == len(keys)


@pytest.fixture
def world(library: Path, tmp_path: Path) -> dict[str, str]:
    """An empty cache, and a compiler that is quick and keeps count."""
    compiler = tmp_path / "c++"
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    places = {"BUILDS": "builds", "HANGS": "hangs", "TORCH_EXTENSIONS_DIR": "cache"}
    own = {name: str(tmp_path / place) for name, place in places.items()}
    own |= {"CXX": str(compiler), "READY": str(library), backend.SETTING: "native"}
    return {**os.environ, **own}


def start(world: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.Popen(
        command, env=world, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def ends_well(process: subprocess.Popen[str]) -> None:
    _, told = process.communicate(timeout=200)
    assert process.returncode == 0, told


def wait_for(file: Path) -> None:
    end = time.monotonic() + 200
    while not file.exists():
        assert time.monotonic() < end, f"no {file}"
        time.sleep(0.05)


@pytest.mark.slow
def test_of_processes_that_start_at_once_one_builds_and_all_are_right(
    world: dict[str, str], tmp_path: Path
) -> None:
    for process in [start(world) for _ in range(4)]:
        ends_well(process)
    assert (tmp_path / "builds").read_text().split() == ["begun", "linked"]
    (folder,) = (tmp_path / "cache").iterdir()
    assert {file.name for file in folder.iterdir()} <= {"ops.so", "lock"}


@pytest.mark.slow
@pytest.mark.parametrize("orphan", [False, True])
def test_a_builder_that_was_killed_holds_nobody_up(
    orphan: bool, world: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "hangs").touch()
    builder = start(world)
    wait_for(tmp_path / "builds")
    waiting = start(world)
    time.sleep(1)
    (tmp_path / "hangs").unlink()
    if orphan:  # its compiler lives on
        builder.kill()
    else:
        os.killpg(builder.pid, signal.SIGKILL)
    begin = time.monotonic()
    ends_well(waiting)
    assert time.monotonic() - begin < 50  # a compiler that hangs takes 60 s
    ends_well(start(world))
    assert (tmp_path / "builds").read_text().split() == ["begun", "begun", "linked"]
    if orphan:
        os.killpg(builder.pid, signal.SIGKILL)
    builder.communicate()
