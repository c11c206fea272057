import importlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data_prep.__main__ import main
from data_prep.engines import ABRUPT
from data_prep.ray_engine import RayEngine
from tests.data_prep.same import contents
from tests.data_prep.trees import lrw_tree

STORE = 80 * 2**20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of three machines, on this one; the first only keeps the books."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: `pip install 'talkface[ray]'`")
    paths = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
        made = importlib.import_module("ray.cluster_utils").Cluster(True, head_node_args=head)
        for gpus in (0, 1):
            made.add_node(num_cpus=1, num_gpus=gpus, object_store_memory=STORE)
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_processes_get_their_share_of_a_gpu_and_bad_units_are_skipped(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.ray_engine.RETRIES", 1)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    mortal = importlib.import_module("mortal")
    engine = RayEngine(cluster.address, gpus=0.5)
    outcomes = list(engine.outcomes(mortal.sighted, [mortal.Number(i) for i in (1, 13, 2)]))
    reasons = {outcome.unit: outcome.reason for outcome in outcomes}
    assert reasons == {"001": "GPU 0", "002": "GPU 0", "013": ABRUPT}
    with pytest.raises(OSError, match="No space left"):
        list(engine.outcomes(mortal.willing, [mortal.Number(100)]))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_lost_machine_had_to_do_is_done_by_others(cluster: Any, tmp_path: Path) -> None:
    raw, output = lrw_tree(tmp_path / "raw", ("ABOUT", "MIGHT", "OTHER")), tmp_path / "out"
    command = ["lrw", f"--source={raw}", "--side=64", "--landmarks=sidecar"]
    assert main([*command, f"--output={tmp_path / 'whole'}", "--workers=0"]) == 0
    done = list[int]()

    def lose() -> None:
        while len(list(output.rglob("clips/**/*.json"))) < 3:
            time.sleep(0.01)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        done.append(len(list(output.rglob("clips/**/*.json"))))

    thread = threading.Thread(target=lose)
    thread.start()
    there = ["--engine=ray", f"--address={cluster.address}"]
    assert main([*command, f"--output={output}", *there]) == 0
    thread.join()
    assert done[0] < 12
    assert contents(output) == contents(tmp_path / "whole")
    assert main([*command, f"--output={output}", "--verify", *there]) == 0


def test_without_ray_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    raw = lrw_tree(tmp_path / "raw", ("ABOUT",))
    options = [f"--source={raw}", f"--output={tmp_path / 'out'}", "--landmarks=sidecar"]
    assert main(["lrw", *options, "--engine=ray"]) == 1
    assert "pip install 'talkface[ray]'" in caplog.text
    caplog.clear()
    assert main(["lrw", *options, "--gpus-per-worker=1"]) == 1
    assert "need `--engine ray`" in caplog.text
