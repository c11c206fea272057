"""Every shipped config resolves, and every overlay changes only what it names."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from talkface.cli import main
from tests.portraits import portraits

CONFIGS = Path(__file__).parents[1] / "configs"
BASE = CONFIGS / "lrw.yaml"
SHIPPED = sorted(CONFIGS.rglob("*.yaml"))
COMPLETE = [path for path in SHIPPED if "root:" in path.read_text()]
OVERLAYS = [path for path in SHIPPED if path not in COMPLETE]
STARTS = {"msceleb.yaml": "lrw.yaml", "puppet_faces.yaml": "grid.yaml"}
"""Configs of identity pre-training, and the training that starts from their encoder."""


def name_of(path: Path) -> str:
    return path.relative_to(CONFIGS).as_posix()


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested dict as dotted keys, such as ``model.terms.gan.weight``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) and value else {name: value}
    return flat


def resolved(*configs: Path) -> dict[str, Any]:
    """All settings of ``talkface fit`` with these configs, flattened."""
    out = io.StringIO()
    args = ["fit", *(f"--config={path}" for path in configs), "--print_config"]
    with redirect_stdout(out), pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 0
    return flatten(yaml.safe_load(out.getvalue()))


def given(path: Path) -> dict[str, Any]:
    return flatten(yaml.safe_load(path.read_text()))


def test_there_is_something_to_test() -> None:
    assert BASE in COMPLETE


@pytest.mark.parametrize("path", COMPLETE, ids=name_of)
def test_a_complete_config_resolves_alone(path: Path) -> None:
    settings = resolved(path)
    for name in ("data.root", "data.resolution", "trainer.max_epochs"):
        if name in given(path):
            assert settings[name] == given(path)[name]


@pytest.mark.parametrize("path", OVERLAYS, ids=name_of)
def test_an_overlay_changes_only_what_it_names(path: Path) -> None:
    base, changed = resolved(BASE), resolved(BASE, path)
    differing = {key for key in base | changed if base.get(key) != changed.get(key)}
    # A class that is named brings its own arguments.
    named = tuple(key.removesuffix("+").removesuffix(".class_path") for key in given(path))
    assert differing, "it changes nothing"
    assert all(key.startswith(named) for key in differing), differing


@pytest.mark.parametrize("path", OVERLAYS, ids=name_of)
def test_an_overlay_asks_its_question_first(path: Path) -> None:
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("path", OVERLAYS, ids=name_of)
def test_an_overlay_trains(
    path: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    settings = {
        "data.root": prepared,
        "data.frames": 4,
        "data.words": 3,  # all that there are
        "data.batch_size": 2,
        "data.workers": 0,
        "model.warmup": 0,
        "model.rendered": 3,
        "trainer.accelerator": "cpu",
        "trainer.devices": 1,
        "trainer.strategy": "auto",
        "trainer.default_root_dir": tmp_path / "run",
        "trainer.max_epochs": 1,
        "trainer.limit_train_batches": 1,
        "trainer.limit_val_batches": 0,
        "trainer.enable_progress_bar": False,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    main(["fit", f"--config={CONFIGS / 'demo.yaml'}", f"--config={path}", *options])
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()


@pytest.mark.parametrize(("first", "then"), STARTS.items())
def test_what_is_pre_trained_fits_where_it_is_used(first: str, then: str) -> None:
    encoder, user = (resolved(CONFIGS / name) for name in (first, then))
    for name in ("dim", "channels"):
        used = user[f"model.identity_encoder.init_args.{name}"]
        assert encoder[f"model.encoder.init_args.{name}"] == used
    assert encoder["data.resolution"] == user["data.resolution"]


@pytest.mark.parametrize("name", STARTS)
def test_a_pre_training_trains(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    settings = {
        "data.root": portraits(tmp_path / "portraits"),
        "data.resolution": 32,
        "data.batch_size": 4,
        "data.workers": 0,
        "trainer.default_root_dir": tmp_path / "run",
        "trainer.accelerator": "cpu",
        "trainer.devices": 1,
        "trainer.strategy": "auto",
        "trainer.max_epochs": 1,
        "trainer.limit_train_batches": 1,
        "trainer.num_sanity_val_steps": 0,
        "trainer.enable_progress_bar": False,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    main(["fit", f"--config={CONFIGS / name}", *options])
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()


@pytest.mark.parametrize("path", COMPLETE, ids=name_of)
def test_experiments_other_than_pre_training_are_talkface(path: Path) -> None:
    expected = "identity" if path.name in STARTS else "talkface"
    assert resolved(path)["experiment"] == expected
