"""The commit of the checkout that is used, and nothing where there is none."""

import subprocess
from pathlib import Path

import pytest
import torch

from talkface.cli.versions import code_version


def git(folder: Path, *args: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", "-C", str(folder), *names, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "code.py").write_text("1")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_the_commit_of_a_checkout_is_told_and_whether_it_was_changed(checkout: Path) -> None:
    (checkout / "untracked").touch()
    version = code_version(checkout)
    assert version["code/commit"] == git(checkout, "rev-parse", "HEAD")
    assert version["code/dirty"] is False
    (checkout / "code.py").write_text("2")
    assert code_version(checkout)["code/dirty"] is True


def test_a_package_inside_of_another_repository_has_no_commit(checkout: Path) -> None:
    inside = checkout / "site-packages"
    inside.mkdir()
    version = code_version(inside)
    assert version["code/commit"] is version["code/dirty"] is None


def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    version = code_version(checkout)
    assert version["code/commit"] is version["code/dirty"] is None
    assert version["code/torch"] == torch.__version__
