import json
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from talkface.data.health import TooManySkipsError
from talkface.data.layout import (
    ClipReader,
    Corpus,
    LayoutError,
    is_complete,
    read_manifest,
    read_record,
    write_clip,
    write_corpus,
)
from talkface.data.shard_writer import write_shards
from talkface.data.shards import (
    INDEX,
    ForeignShardError,
    MissingShardError,
    ShardError,
    ShardFiles,
    ShardIndex,
    TruncatedShardError,
)
from talkface.data.windows import ClipDataset, WindowDataset
from talkface.types import Window
from tests import fakes

SIZE = 600_000
"""Two clips to a shard."""


@pytest.fixture(scope="module")
def packed(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("packed")
    write_shards(prepared, output, SIZE)
    return output


@pytest.fixture
def shards(packed: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(packed, tmp_path / "shards"))


def test_windows_and_clips_are_those_of_the_folder(prepared: Path, packed: Path) -> None:
    for epoch in range(2):
        folder, tars = (WindowDataset(root, "train", 12) for root in (prepared, packed))
        for dataset in (folder, tars):
            dataset.set_epoch(epoch)
        for one, other in zip(everything(folder), everything(tars), strict=True):
            assert one.clip == other.clip
            for a, b in zip(one[:-1], other[:-1], strict=True):
                torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
    clips, others = (ClipDataset(root, "test") for root in (prepared, packed))
    assert torch.equal(clips[0].frames, others[0].frames)
    assert torch.equal(clips.sound("s1/clip5"), others.sound("s1/clip5"))


def test_plain_readers_find_every_clip_with_its_members_together(
    prepared: Path, packed: Path
) -> None:
    found = []
    for path in sorted(packed.glob("train-*.tar")):
        assert path.stat().st_size <= SIZE
        with tarfile.open(path, "r|") as tar:  # a stream: no seeking
            for info in tar:
                file = tar.extractfile(info)
                assert file is not None
                assert file.read() == (prepared / "clips" / info.name).read_bytes()
                found.append(info.name)
    clips = [name.split(".")[0] for name in found[::3]]
    assert found == [f"{clip}.{suffix}" for clip in clips for suffix in ("jpgs", "npz", "json")]
    assert sorted(clips) == ["s0/clip0", "s0/clip2", "s1/clip1", "s1/clip3"]
    assert len(list(packed.glob("train-*.tar"))) > 1


@pytest.mark.parametrize("name", ["a.b/c d%2E", "ключ", "deep/" * 30 + "clip"])
def test_any_name_of_a_clip_comes_back(tmp_path: Path, name: str) -> None:
    clip = fakes.clip(name)
    write_clip(tmp_path / "folder", clip)
    write_corpus(tmp_path / "folder", Corpus("fake", 64), [clip.record])
    write_shards(tmp_path / "folder", tmp_path / "shards", SIZE)
    assert read_record(tmp_path / "shards", name) == clip.record
    assert torch.equal(ClipReader(tmp_path / "shards", clip.record).sound(), clip.sound)
    with tarfile.open(tmp_path / "shards" / "train-000000.tar") as tar:
        assert all(member.count(".") == 1 for member in tar.getnames())


def test_a_window_reads_little_more_than_itself(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    inner = ShardFiles._bytes

    def counted(self: ShardFiles, shard: int, start: int, length: int) -> bytes:
        read.append(length)
        return inner(self, shard, start, length)

    monkeypatch.setattr(ShardFiles, "_bytes", counted)
    reader = ClipReader(packed, read_manifest(packed, "train")[0])
    read.clear()
    reader.frames([3, 4])
    with tarfile.open(next(packed.glob("train-*.tar"))) as tar:
        whole = next(i.size for i in tar if i.name.endswith("jpgs"))
    assert sum(read) < whole / 10


def test_packing_again_writes_what_changed_only(prepared: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(prepared, tmp_path / "folder"))
    first = write_shards(source, tmp_path / "shards", SIZE)
    before = {p.name: p.read_bytes() for p in (tmp_path / "shards").iterdir()}
    again = write_shards(source, tmp_path / "shards", SIZE)
    assert (first.kept, again.kept, again.written) == (0, first.written, 0)
    (tmp_path / "shards" / "val-000000.tar").unlink()
    repaired = write_shards(source, tmp_path / "shards", SIZE)
    assert (repaired.written, repaired.kept) == (1, first.written - 1)
    assert {p.name: p.read_bytes() for p in (tmp_path / "shards").iterdir()} == before
    write_shards(source, tmp_path / "shards", 10 * SIZE)
    assert len(list((tmp_path / "shards").glob("*.tar"))) == 3


def test_damaged_clips_are_left_out_and_named(prepared: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(prepared, tmp_path / "folder"))
    images = source / "clips" / "s0" / "clip0.jpgs"
    images.write_bytes(images.read_bytes()[:-1])
    packed = write_shards(source, tmp_path / "shards", SIZE)
    assert list(packed.skipped) == ["s0/clip0"]
    assert "missing or damaged" in packed.skipped["s0/clip0"]
    assert not is_complete(tmp_path / "shards", "s0/clip0")
    assert len(read_manifest(tmp_path / "shards", "train")) == 3


def everything(dataset: WindowDataset) -> list[Window]:
    return [dataset[index] for index in range(len(dataset))]


def lose(root: Path) -> None:
    (root / "train-000001.tar").unlink()


def cut(root: Path) -> None:
    path = root / "train-000001.tar"
    path.write_bytes(path.read_bytes()[:-5000])


def lose_index(root: Path) -> None:
    (root / INDEX).unlink()


def break_index(root: Path) -> None:
    (root / INDEX).write_bytes(b"PK nothing")


def lose_corpus(root: Path) -> None:
    (root / "corpus.json").unlink()
    (root / INDEX).unlink()


def add_a_clip(root: Path) -> None:
    line = json.loads((root / "train.jsonl").read_text().splitlines()[0])
    with (root / "train.jsonl").open("a") as file:
        file.write(json.dumps({**line, "id": "s9/other"}) + "\n")


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (lose, MissingShardError, r"1 of 2 shards are missing .*: train-000001\.tar\. Copy them"),
        (cut, TruncatedShardError, r"train-000001\.tar has .* bytes, .*truncated copy.*Copy it"),
        (lose_index, MissingShardError, r"tar files .* but not shards\.npz"),
        (break_index, ShardError, r"shards\.npz is no index of shards .*Copy it again"),
        (lose_corpus, ForeignShardError, r"no corpus\.json.*python -m data_prep shards"),
        (add_a_clip, MissingShardError, r"No shard .* has the clip 's9/other'.*copy all"),
    ],
)
def test_harm_is_found_before_training(
    shards: Path, harm: Callable[[Path], None], error: type[ShardError], message: str
) -> None:
    harm(shards)
    with pytest.raises(error, match=message):
        WindowDataset(shards, "train", 12)


def test_another_tar_of_the_same_size_is_noticed(shards: Path) -> None:
    dataset = WindowDataset(shards, "train", 12, max_skips=0)
    path = shards / "train-000000.tar"
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(TooManySkipsError, match=r"does not have 's\d/clip\d' where shards\.npz"):
        everything(dataset)


def test_damage_inside_a_member_is_named(shards: Path) -> None:
    dataset = WindowDataset(shards, "train", 12, max_skips=0)
    index = ShardIndex.read(shards)
    row = index.find("s0/clip0")
    path = shards / index.names[index.shards[row]]
    data, offset = bytearray(path.read_bytes()), int(index.offsets[row, 0])
    data[offset : offset + 50_000] = bytes(50_000)
    path.write_bytes(data)
    with pytest.raises(TooManySkipsError, match=r"s0/clip0\.jpgs in .*\.tar is missing or damaged"):
        everything(dataset)


def test_a_reader_travels_to_other_processes(packed: Path) -> None:
    files = ShardFiles(packed)
    copied: ShardFiles = pickle.loads(pickle.dumps(files))
    assert copied.read("s0/clip0", "json") == files.read("s0/clip0", "json")


def test_shards_are_not_packed_again(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="folder of shards already"):
        write_shards(packed, tmp_path, SIZE)
