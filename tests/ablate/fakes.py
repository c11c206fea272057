"""A ``python`` that pretends to train and test, in milliseconds."""

import shlex
import sys
from pathlib import Path

import pytest

CALLS = Path("calls.txt")
PID = Path("pid.txt")
TIDIED = Path("tidied.txt")

PYTHON = """#!%s -SE
import os, shlex, sys
args = sys.argv[1:]
with open("calls.txt", "a") as calls:
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    calls.write(shlex.join([gpus, *args]) + "\\n")
folder = args[args.index(ROOT) + 1] if (ROOT := "--trainer.default_root_dir") in args else ""
if os.environ.get("FAKE_FAIL", "nothing") in " ".join(args):
    print("reading", "on the way", "talkface fit: error: no such luck", sep="\\n")
    sys.exit(2)
if "fit" in args:
    os.makedirs(folder + "/checkpoints", exist_ok=True)
    open(folder + "/checkpoints/last.ckpt", "w").close()
elif "test" in args:
    os.makedirs(folder, exist_ok=True)
    open(folder + "/table.json", "w").close()
if "FAKE_SLEEP" in os.environ:
    import signal, subprocess, time
    def tidy(*_):
        open("tidied.txt", "w").close()
        sys.exit(1)
    signal.signal(signal.SIGINT, tidy if os.environ["FAKE_SLEEP"] == "tidy" else signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "60"])
    with open("pid.part", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename("pid.part", "pid.txt")
    time.sleep(60)
"""


def fake_python(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let ``sys.executable`` be one that trains nothing; each call becomes a line of ``CALLS``."""
    path = folder / "fake python"
    path.write_text(PYTHON % sys.executable)
    path.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return path


def calls() -> list[str]:
    """The stages that were started, such as ``fit demo+l1/seed0``; ``goes on`` if they resumed."""
    lines = CALLS.read_text().splitlines() if CALLS.exists() else []
    return [_told(shlex.split(line)) for line in lines]


def _told(words: list[str]) -> str:
    stage = next(word for word in ("fit", "test") if word in words)
    folder = Path(words[words.index("--trainer.default_root_dir") + 1])
    run = folder if stage == "fit" else folder.parent
    goes_on = " goes on" if stage == "fit" and "--ckpt_path" in words else ""
    return f"{stage} {run.parent.name}/{run.name}{goes_on}"
