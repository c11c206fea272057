import logging
import math
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from talkface.finite import NonFiniteError
from talkface.losses import AngularMargin
from talkface.models import IdentityEncoder
from talkface.optim import LazyAdam
from talkface.pretrain import IdentityPretraining, OtherPeopleError
from talkface.types import Portraits

PEOPLE = 4


def system(people: int = PEOPLE, **settings: Any) -> IdentityPretraining:
    torch.manual_seed(0)
    encoder = IdentityEncoder(dim=16, channels=(4, 4, 8, 8, 8))
    return IdentityPretraining(encoder, people, **settings)


def faces(people: int = PEOPLE, each: int = 4, seed: int = 0) -> list[Portraits]:
    """Noisy pictures in one colour per person: red, green, blue, white, and then any."""
    rng = torch.Generator().manual_seed(seed)
    any_colour = 2 * torch.rand(people, 3, generator=torch.Generator().manual_seed(0)) - 1
    tints = torch.cat([1.6 * torch.eye(4)[:, :3] - 0.8, any_colour])[:people, :, None, None]
    tints[3:4] = 0.8
    person = torch.arange(people).repeat(each)
    images = tints[person] + 0.1 * torch.randn(len(person), 3, 16, 16, generator=rng)
    return [Portraits(i, p) for i, p in zip(images.clamp(-1, 1), person, strict=True)]


def loader(portraits: list[Portraits], size: int = 8) -> "DataLoader[Any]":
    return DataLoader(portraits, size)  # type: ignore[arg-type]


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"max_epochs": 1, "enable_checkpointing": False, **options},
    )


def fitted(folder: Path, epochs: int, **settings: Any) -> tuple[IdentityPretraining, pl.Trainer]:
    model = system(**settings)
    run = trainer(folder, max_epochs=epochs, check_val_every_n_epoch=epochs)
    run.fit(model, loader(faces(), 16), [loader(faces(seed=1, each=6)), loader(faces(8))])
    return model, run


@pytest.mark.parametrize("margin", [AngularMargin(8.0, 0.3), None], ids=["angular", "softmax"])
def test_training_tells_people_apart_and_strangers_as_well(
    margin: AngularMargin | None, tmp_path: Path
) -> None:
    _, run = fitted(tmp_path, 70, margin=margin, adam=LazyAdam(5e-3, 0.9, 0.999))
    found = run.callback_metrics
    assert found["train/accuracy"] == 1
    assert found["val/verification_seen"] > 0.9
    assert found["val/verification_unseen"] > 0.8
    assert found["val/auc_seen"] > 0.95
    assert -1 < found["val/threshold_seen"] < 1


def test_validation_and_test_find_the_same(tmp_path: Path) -> None:
    sets = [loader(faces(8)), loader(faces(8))]
    run, model = trainer(tmp_path), system()
    run.validate(model, sets, verbose=False)
    validated = {k.partition("/")[2]: v for k, v in run.callback_metrics.items()}
    run.test(model, sets, verbose=False)
    tested = {k.partition("/")[2]: v for k, v in run.callback_metrics.items()}
    assert validated == tested
    assert set(tested) == {
        f"{value}_{people}"
        for value in ("verification", "threshold", "auc")
        for people in ("seen", "unseen")
    }


def test_the_two_sets_of_pictures_are_judged_apart(tmp_path: Path) -> None:
    run, model = trainer(tmp_path), system()
    alike = [Portraits(torch.zeros(3, 16, 16), p.person) for p in faces(8)]
    run.validate(model, [loader(faces(8)), loader(alike)], verbose=False)
    assert run.callback_metrics["val/verification_seen"] > 0.6
    assert run.callback_metrics["val/verification_unseen"] == 0.5


def test_the_loss_of_a_softmax_is_that_of_a_linear_layer() -> None:
    model = system(margin=None)
    batch = next(iter(loader(faces())))
    logits = model.encoder(batch.image).code @ model.head.weight.T + model.head.bias
    expected = F.cross_entropy(logits, batch.person)
    torch.testing.assert_close(model.training_step(batch, 0), expected)


def test_the_loss_of_a_margin_is_that_of_its_logits() -> None:
    margin = AngularMargin(8.0, 0.3)
    model = system(margin=margin)
    assert model.head.bias is None
    batch = next(iter(loader(faces())))
    code = model.encoder(batch.image).code
    scores = F.cosine_similarity(code[:, None], model.head.weight[None], dim=2)
    expected = F.cross_entropy(margin.logits(scores, batch.person), batch.person)
    torch.testing.assert_close(model.training_step(batch, 0), expected)


def test_gradients_reach_every_weight_of_the_descent() -> None:
    model = system()
    model.training_step(next(iter(loader(faces()))), 0).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_half_precision_gives_a_loss_in_full_precision() -> None:
    batch = next(iter(loader(faces())))
    for margin in (AngularMargin(), None):
        model = system(margin=margin)
        plain = model.training_step(batch, 0)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model.training_step(batch, 0)
        assert loss.dtype == torch.float32
        assert loss.item() == pytest.approx(plain.item(), rel=0.1)


def rates(run: pl.Trainer, model: IdentityPretraining) -> list[float]:
    """The learning rate after every step of a training."""
    seen: list[float] = []

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
            seen.append(trainer.optimizers[0].param_groups[0]["lr"])

    run.callbacks.append(Watch())  # type: ignore[attr-defined]
    run.fit(model, loader(faces()))
    return seen


def test_the_rate_falls_by_half_a_cosine_over_all_steps(tmp_path: Path) -> None:
    adam = LazyAdam(1e-2, 0.9, 0.999)
    found = rates(trainer(tmp_path, max_epochs=5), system(adam=adam))
    cosine = [(1 + math.cos(math.pi * step / 10)) / 2 for step in range(1, 11)]
    assert found == pytest.approx([1e-2 * (0.02 + 0.98 * c) for c in cosine])


def test_the_rate_of_a_training_without_end_stays(tmp_path: Path) -> None:
    endless = trainer(tmp_path, max_epochs=-1, max_time={"seconds": 0.2})
    found = rates(endless, system(adam=LazyAdam(1e-2)))
    assert set(found) == {1e-2}


def test_a_checkpoint_holds_the_encoder_and_rebuilds_the_model(tmp_path: Path) -> None:
    model, run = fitted(tmp_path, 1)
    path = tmp_path / "last.ckpt"
    run.save_checkpoint(path)
    content = torch.load(path, weights_only=False)
    kept = {
        name.removeprefix("encoder."): value
        for name, value in content["state_dict"].items()
        if name.startswith("encoder.")
    }
    other = IdentityEncoder(dim=16, channels=(4, 4, 8, 8, 8))
    other.load_state_dict(kept)
    image = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(other(image).code, model.encoder(image).code)
    rebuilt = IdentityPretraining.load_from_checkpoint(path, weights_only=False)
    torch.testing.assert_close(rebuilt.encoder(image).code, model.encoder(image).code)


def test_pre_training_can_start_from_an_encoder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save(system().encoder.state_dict(), tmp_path / "encoder.pt")
    torch.manual_seed(5)
    encoder = IdentityEncoder(16, (4, 4, 8, 8, 8), init_from=tmp_path / "encoder.pt")
    model = IdentityPretraining(encoder, PEOPLE, adam=LazyAdam(lr=0.0))
    with caplog.at_level(logging.INFO):
        trainer(tmp_path).fit(model, loader(faces()))
    assert "encoder.pt" in caplog.text
    expected: Tensor = system().encoder.head.weight
    assert torch.equal(encoder.head.weight, expected)


def test_a_checkpoint_of_other_people_is_told(tmp_path: Path) -> None:
    _, run = fitted(tmp_path, 1)
    run.save_checkpoint(tmp_path / "last.ckpt")
    with pytest.raises(OtherPeopleError, match="trained on 4 people, but the data have 5"):
        trainer(tmp_path).validate(
            system(5),
            [loader(faces(8)), loader(faces(8))],
            str(tmp_path / "last.ckpt"),
            weights_only=False,
        )


def test_one_person_cannot_be_told_apart() -> None:
    with pytest.raises(ValueError, match="The data have 1 people"):
        system(1)


def test_a_loss_that_is_not_finite_stops_before_a_weight_changes_and_names_the_picture(
    tmp_path: Path,
) -> None:
    whole = [p._replace(file=f"p{i}") for i, p in enumerate(faces())]
    broken = whole[13]._replace(image=torch.full((3, 16, 16), float("nan")))
    model, run = system(), trainer(tmp_path, limit_val_batches=0)
    weights: dict[str, Tensor] = {}

    class Kept(pl.Callback):
        def on_train_batch_start(self, *_: Any) -> None:
            weights.update({name: value.clone() for name, value in model.state_dict().items()})

    run.callbacks.append(Kept())  # type: ignore[attr-defined]
    told = r"phase of the encoder, step 1 of epoch 0: not finite: train/loss nan. Clips: p13\. "
    with pytest.raises(NonFiniteError, match=told + r".* lower `model.adam.lr`"):
        run.fit(model, loader([*whole[:13], broken, *whole[14:]]))
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
