"""Workers must not grow, however many epochs they live."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from talkface.data.datamodule import TalkFaceData
from talkface.data.layout import read_manifest
from talkface.data.loading import EpochSampler
from talkface.data.records import PackedRecords
from talkface.data.shard_writer import write_shards

EPOCHS, WARM = 12, 4
WINDOWS_PER_CLIP = 30
GROWTH = 1.5
"""MB that may come and go with what the allocator keeps: 1.5 kB per window are too much."""


def memory(pid: int) -> dict[str, float]:
    """Memory of a process in MB: all of it, and what it shares with no other."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {row.split(":")[0]: int(row.split()[1]) / 1024 for row in rows}
    private = sum(size for name, size in sizes.items() if name.startswith("Private_"))
    return {"resident": sizes["Rss"], "private": private}


def main(root: str) -> None:
    """Memory of a worker after each epoch; run on its own, as tests check types, which adds up."""
    data = TalkFaceData(Path(root), batch_size=4, workers=1, windows_per_clip=WINDOWS_PER_CLIP)
    data.setup("fit")
    loader, found = data.train_dataloader(), []
    for epoch in range(EPOCHS):
        assert isinstance(loader.sampler, EpochSampler)
        loader.sampler.set_epoch(epoch)
        assert sum(1 for _ in loader) == WINDOWS_PER_CLIP
        (worker,) = loader._iterator._workers  # type: ignore[union-attr]
        found.append(memory(worker.pid))
    sys.stdout.write(json.dumps(found))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
@pytest.mark.parametrize("storage", ["folder", "shards"])
def test_memory_does_not_grow_over_ten_epochs(prepared: Path, tmp_path: Path, storage: str) -> None:
    if storage == "shards":
        write_shards(prepared, tmp_path, 600_000)
    root = tmp_path if storage == "shards" else prepared
    command = [sys.executable, __file__, str(root)]
    checkout = Path(__file__).parents[2]
    run = subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True)
    found = json.loads(run.stdout)
    for kind in ("resident", "private"):
        sizes = [epoch[kind] for epoch in found]
        assert max(sizes[WARM:]) - sizes[WARM - 1] < GROWTH, (kind, sizes)


def test_packed_records_are_the_same_and_no_objects(prepared: Path) -> None:
    records = read_manifest(prepared, "train")
    packed = PackedRecords(records)
    assert list(packed) == records
    assert packed[-1] == records[-1]
    assert packed[1:3] == records[1:3]
    with pytest.raises(IndexError):
        packed[4]
    held = [value for value in vars(packed).values() if not isinstance(value, np.ndarray)]
    assert held == []
    assert packed[0] is not packed[0]


if __name__ == "__main__":
    main(sys.argv[1])
