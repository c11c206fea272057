"""Every shipped config resolves, and every overlay changes only what it names."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from talkface.cli import main

CONFIGS = Path(__file__).parents[1] / "configs"
BASE = CONFIGS / "lrw.yaml"
SHIPPED = sorted(CONFIGS.rglob("*.yaml"))
COMPLETE = [path for path in SHIPPED if "root:" in path.read_text()]
OVERLAYS = [path for path in SHIPPED if path not in COMPLETE]


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
    named = tuple(key.removesuffix("+") for key in given(path))
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
        "data.batch_size": 2,
        "data.workers": 0,
        "model.warmup": 0,
        "model.rendered": 3,
        "trainer.default_root_dir": tmp_path / "run",
        "trainer.max_epochs": 1,
        "trainer.limit_train_batches": 1,
        "trainer.limit_val_batches": 0,
        "trainer.enable_progress_bar": False,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    main(["fit", f"--config={CONFIGS / 'demo.yaml'}", f"--config={path}", *options])
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()
