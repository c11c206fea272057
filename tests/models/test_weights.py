import argparse
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from talkface.models.weights import WarmStartError, named_tensors, read_checkpoint


class Bomb:
    """Removes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return shutil.rmtree, (str(self.folder),)


class Settings:
    def __init__(self) -> None:
        self.lr = 1.0


def test_nothing_but_tensors_and_containers_comes_out_of_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    others = {"args": argparse.Namespace(a=1), "path": tmp_path, "mine": Settings()}
    torch.save({"w": torch.ones(2), "bomb": Bomb(folder), **others}, tmp_path / "a.pt")
    content = read_checkpoint(tmp_path / "a.pt")
    assert folder.is_dir()
    assert content["w"].tolist() == [1, 1]
    assert not any(vars(content[key]) for key in (*others, "bomb"))


def test_files_from_before_the_zip_format_are_read(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert read_checkpoint(tmp_path / "a.pt")["w"].tolist() == [1, 1]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "cut legacy"])
def test_a_damaged_file_is_refused(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    zipped = damage != "cut legacy"
    torch.save({"w": torch.ones(2000)}, file, _use_new_zipfile_serialization=zipped)
    whole = file.read_bytes()
    file.write_bytes({"empty": b"", "text": b"<html>404</html>"}.get(damage, whole[:3000]))
    with pytest.raises(WarmStartError, match=r"a\.pt cannot be used: it is damaged, or not"):
        read_checkpoint(file)


def test_what_is_not_a_file_of_named_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WarmStartError, match="no such file"):
        read_checkpoint(tmp_path)
    torch.save([torch.ones(2)], tmp_path / "a.pt")
    with pytest.raises(WarmStartError, match="it holds a list"):
        read_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"a": 1, "b": 2}, {"a", "b"}),
        ({"g": {"a": 1}, "g_ema": {"b": 2}, "c": 3}, {"b"}),
        ({"g": {"a": 1}, "c": 3}, {"a"}),
        ({"g_ema": {"module.a": 1, "module.b.c": 2}}, {"a", "b.c"}),
        ({"module.a": 1, "b": 2}, {"module.a", "b"}),
        ({}, set()),
    ],
)
def test_tensors_are_found_under_the_first_wrapper_without_the_prefix_of_all(
    content: dict[str, Any], names: set[str]
) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        return torch.tensor(value)

    found = named_tensors({**filled(content), "epoch": 3}, "g_ema", "g")
    assert found.keys() == names
