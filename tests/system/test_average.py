"""The average of the weights is what is kept and what is scored."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from talkface.cli import main


def trained(prepared: Path, folder: Path, *configs: str) -> dict[str, dict[str, Tensor]]:
    """Checkpoint of two steps of the demo."""
    options = {
        "data.root": prepared,
        "data.frames": 4,
        "data.batch_size": 2,
        "data.workers": 0,
        "model.warmup": 0,
        "trainer.default_root_dir": folder,
        "trainer.max_epochs": 1,
        "trainer.limit_val_batches": 0,
        "trainer.num_sanity_val_steps": 0,
        "trainer.enable_progress_bar": False,
        "wandb.mode": "disabled",
    }
    given = [f"--config={name}" for name in ("demo.yaml", *configs)]
    main(["fit", *given, *(f"--{name}={value}" for name, value in options.items())])
    content: dict[str, dict[str, Tensor]] = torch.load(
        folder / "checkpoints/last.ckpt", weights_only=False
    )
    return content


NAME = "generator.levels.4.second.weight"


def test_a_checkpoint_holds_the_average_and_goes_on_from_the_weights(
    prepared: Path, tmp_path: Path
) -> None:
    content = trained(prepared, tmp_path / "run")
    average, live = content["state_dict"][NAME], content["current_model_state"][NAME]
    assert average.shape == live.shape
    assert not torch.equal(average, live)


@pytest.mark.parametrize("overlay", ["ablations/no_ema.yaml"])
def test_without_the_average_a_checkpoint_holds_the_weights(
    prepared: Path, tmp_path: Path, overlay: str
) -> None:
    content = trained(prepared, tmp_path / "run", overlay)
    assert "current_model_state" not in content
    assert NAME in content["state_dict"]
