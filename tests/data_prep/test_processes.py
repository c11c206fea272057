import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BOSS = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from data_prep.processes import settle

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=settle) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


def lives(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for the worker under /proc")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_its_parent(end: int, tmp_path: Path) -> None:
    script = tmp_path / "boss.py"
    script.write_text(BOSS)
    paths = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    boss = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert boss.stdout is not None
    worker = int(boss.stdout.readline())
    assert lives(worker)
    boss.send_signal(end)
    boss.wait()
    until = time.monotonic() + 60
    while lives(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not lives(worker)
