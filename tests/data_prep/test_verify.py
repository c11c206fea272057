import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_prep.__main__ import main
from data_prep.engines import LocalEngine
from data_prep.verify import verify
from talkface.data.layout import read_manifest, read_record, write_clip
from tests import fakes
from tests.data_prep.same import contents
from tests.data_prep.trees import face_tree, grid_tree

HERE = LocalEngine(0)
CLIP = "clips/s1/lbaq7a"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that prepared a folder of four clips."""
    root = tmp_path_factory.mktemp("verify")
    grid_tree(root / "raw", {"s1": ("bbaf2n", "lbaq7a", "pbav3s", "sbahzp")})
    options = ["--val=1", "--test=1", "--side=64", "--landmarks=sidecar", "--workers=0"]
    command = ["grid", f"--source={root / 'raw'}", f"--output={root / 'out'}", *options]
    main(command)
    return command


@pytest.fixture
def copy(made: list[str], tmp_path: Path) -> tuple[list[str], Path, Path]:
    """A command for a copy of that folder, the copy, and the original."""
    whole = Path(made[2].removeprefix("--output="))
    output = shutil.copytree(whole, tmp_path / "out")
    return [*made[:2], f"--output={output}", *made[3:]], output, whole


def without_sums(output: Path) -> None:
    for path in output.rglob("clips/**/*.json"):
        fields = json.loads(path.read_text())
        del fields["sha256"]
        path.write_text(json.dumps(fields))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def rewrite(path: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    arrays = dict(np.load(path))
    change(arrays)
    np.savez(path, **arrays)


def astray(arrays: dict[str, np.ndarray]) -> None:
    arrays["landmarks"][3, 5] = (400, 20)


def shorter(arrays: dict[str, np.ndarray]) -> None:
    arrays["sound"] = arrays["sound"][:-1]


def blind(arrays: dict[str, np.ndarray]) -> None:
    arrays["landmarks"][:] = np.nan


@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda root: cut(root / f"{CLIP}.jpgs"), "bytes, not|has changed"),
        (lambda root: cut(root / f"{CLIP}.npz"), "missing or damaged|has changed"),
        (lambda root: (root / f"{CLIP}.npz").unlink(), "No such file"),
        (lambda root: (root / f"{CLIP}.json").write_text("{"), "missing or damaged"),
        (lambda root: (root / f"{CLIP}.json").unlink(), "No such file"),
        (lambda root: rewrite(root / f"{CLIP}.npz", astray), "far outside|has changed"),
        (lambda root: rewrite(root / f"{CLIP}.npz", blind), "are unknown|has changed"),
        (lambda root: rewrite(root / f"{CLIP}.npz", shorter), "of the sound|has changed"),
    ],
)
def test_harm_is_found_in_exactly_the_clip_that_has_it(
    copy: tuple[list[str], Path, Path], harm: Callable[[Path], None], message: str, sums: bool
) -> None:
    _, output, _ = copy
    if not sums:
        without_sums(output)
        assert verify(output, HERE).sound
    harm(output)
    found = verify(output, HERE)
    assert list(found.broken) == ["s1/lbaq7a"]
    assert any(part in found.broken["s1/lbaq7a"] for part in message.split("|"))
    assert found.checked == 4


def test_one_flipped_bit_is_found_by_its_sum(copy: tuple[list[str], Path, Path]) -> None:
    flip(copy[1] / f"{CLIP}.jpgs")
    assert "has changed since" in verify(copy[1], HERE).broken["s1/lbaq7a"]


def test_verifying_tells_and_changes_nothing_repairing_makes_all_good(
    copy: tuple[list[str], Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    command, output, whole = copy
    assert main([*command, "--verify"]) == 0
    flip(output / f"{CLIP}.jpgs")
    cut(output / "clips/s1/sbahzp.npz")
    before = contents(output)
    with caplog.at_level("INFO"):
        assert main([*command, "--verify"]) == 1
    assert "broken s1/lbaq7a: " in caplog.text
    assert "4 verified: 2 broken, 0 faults of manifests" in caplog.text
    assert contents(output) == before
    assert main([*command, "--repair"]) == 0
    assert contents(output) == contents(whole)


def test_a_manifest_that_contradicts_the_records_is_found_and_written_anew(
    copy: tuple[list[str], Path, Path],
) -> None:
    command, output, whole = copy
    path = output / "train.jsonl"
    path.write_text(path.read_text().replace('"speaker": "s1"', '"speaker": "s2"', 1))
    found = verify(output, HERE)
    assert not found.broken
    assert "differs from what is stored" in found.lists[0]
    main([*command, "--repair"])
    assert contents(output) == contents(whole)


def test_sound_that_ends_long_before_the_picture_is_found(tmp_path: Path) -> None:
    clip = fakes.clip("one")
    clip.sound = clip.sound[:12_000]
    clip.record = dataclasses.replace(clip.record, samples=12_000)
    write_clip(tmp_path, clip)
    side = clip.frames.shape[-1]
    (tmp_path / "prepare.json").write_text(json.dumps({"side": side}))
    assert "0.85 s before the picture" in verify(tmp_path, HERE).broken["one"]


def test_a_record_of_another_run_may_name_another_split(
    copy: tuple[list[str], Path, Path],
) -> None:
    command, output, _ = copy
    main([*command, "--val=2"])
    assert read_record(output, read_manifest(output, "val")[0].id).split == "val"
    assert verify(output, HERE).sound


def test_people_are_verified_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = face_tree(tmp_path / "raw", {"anna": 3, "bela": 3, "carl": 3})
    command = ["msceleb", f"--source={source}", f"--output={tmp_path / 'out'}", "--side=32"]
    command += ["--landmarks=sidecar", "--workers=0", "--unseen=1", "--val=1", "--least=2"]
    assert main(command) == 0
    whole = contents(tmp_path / "out")
    assert main([*command, "--verify"]) == 0
    flip(tmp_path / "out" / "people" / "bela.jpgs")
    assert main([*command, "--verify"]) == 1
    assert "broken bela: " in caplog.text
    assert main([*command, "--repair"]) == 0
    assert contents(tmp_path / "out") == whole


def test_a_folder_that_holds_nothing_is_one_clear_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = [f"--source={tmp_path}", f"--output={tmp_path}", "--verify"]
    assert main(["grid", *options]) == 1
    assert "holds nothing that could be verified" in caplog.text
