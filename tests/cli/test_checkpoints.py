"""A checkpoint written by one config does not load silently into another."""

from pathlib import Path
from typing import Any

import pytest
import torch

from talkface.cli import main
from talkface.cli.checkpoints import Difference, compare, listed
from tests.test_cli import refused, tiny

__all__ = ["tiny"]


def network(name: str, **arguments: Any) -> dict[str, Any]:
    return {"class_path": f"talkface.models.{name}", "init_args": arguments}


def test_the_same_settings_do_not_differ_however_they_are_written() -> None:
    trained = {
        "generator": network("Generator", channels=[8, 4]),
        "clip": 1.0,
        "_instantiator": "x",
    }
    asked = {"generator": network("Generator", channels=(8, 4)), "clip": 1.0, "r1": None}
    assert compare(trained, asked) == []


def test_every_setting_that_differs_is_named_with_both_values() -> None:
    trained = {
        "anneal_steps": None,
        "generator": network("Generator", base=64, residual=True),
        "clip": 1.0,
    }
    asked = {
        "anneal_steps": 9,
        "generator": network("Generator", base=128, residual=False),
        "clip": None,
    }
    assert compare(trained, asked) == [
        Difference("anneal_steps", None, 9),
        Difference("clip", 1.0, None),
        Difference("generator.base", 64, 128),
        Difference("generator.residual", True, False),
    ]
    assert str(compare(trained, asked)[2]) == "model.generator.base 64, not 128"


def test_another_network_or_none_is_one_difference() -> None:
    one, other = network("Generator", base=64), network("UpsamplingDecoder", base=32)
    assert [str(x) for x in compare({"generator": one}, {"generator": other})] == [
        "model.generator Generator, not UpsamplingDecoder"
    ]
    assert [str(x) for x in compare({"r1": one}, {"r1": None})] == ["model.r1 Generator, not null"]
    assert [str(x) for x in compare({}, {"r1": one})] == ["model.r1 null, not Generator"]


def test_where_a_training_began_and_what_older_versions_lacked_is_no_difference() -> None:
    trained = {"encoder": network("IdentityEncoder", dim=8, init_from="a.ckpt")}
    asked = {"encoder": network("IdentityEncoder", dim=8, init_from=None, new=3)}
    assert compare(trained, asked) == []


def test_only_the_first_differences_are_quoted() -> None:
    many = [Difference(name, 1, 2) for name in "abcdef"]
    assert listed(many).endswith("model.d 1, not 2 and 2 more")
    assert listed(many[:4]).endswith("model.d 1, not 2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("--model.generator.init_args.residual=false", "model.generator.residual True, not False"),
        (
            "--model.video_encoder.init_args.fan.init_args.pool=true",
            "model.video_encoder.fan.pool False, not True",
        ),
        (
            "--model.terms.sync_gan=talkface.losses.ModalityAdversary",
            "model.terms.sync_gan null, not ModalityAdversary",
        ),
        ("--data.mfcc=psf", "was trained with data.mfcc=davs, not psf. Add --data.mfcc=davs"),
    ],
)
def test_a_training_does_not_go_on_with_other_networks(
    tiny: str, prepared: Path, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    _fit(tiny, prepared)
    last = "runs/tiny/checkpoints/last.ckpt"
    args = ["--config", tiny, f"--data.root={prepared}", f"--ckpt_path={last}"]
    assert said in refused(capsys, "fit", *args, change)


def test_a_training_may_go_on_with_other_rates_and_weights_and_that_is_said(
    tiny: str, prepared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tiny, prepared)
    with caplog.at_level("WARNING", "talkface"):
        _fit(
            tiny,
            prepared,
            "--ckpt_path=runs/tiny/checkpoints/last.ckpt",
            "--trainer.max_epochs=2",
            "--model.generator_adam.lr=1e-3",
            "--model.terms.pixel.weight=2",
        )
    assert "model.generator_adam.lr 0.0001, not 0.001; model.terms.pixel.weight" in caplog.text
    assert "the config counts" in caplog.text


def test_a_model_is_evaluated_as_it_was_trained_and_that_is_said(
    tiny: str, prepared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tiny, prepared)
    last = "runs/tiny/checkpoints/last.ckpt"
    args = [f"--data.root={prepared}", f"--ckpt_path={last}", "--model.terms.pixel.weight=2"]
    with caplog.at_level("WARNING", "talkface"):
        main(["validate", "--config", tiny, *args, "--model.generator.init_args.residual=false"])
    assert "model.generator.residual True, not False" in caplog.text
    assert "model.terms.pixel.weight 1.0, not 2.0; the checkpoint counts." in caplog.text


def test_nothing_is_told_of_a_run_that_goes_on_with_its_own_config(
    tiny: str, prepared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fit(tiny, prepared)
    args = ["--config=runs/tiny/config.yaml", "--ckpt_path=runs/tiny/checkpoints/last.ckpt"]
    main(["validate", *args])
    main(["fit", *args, "--trainer.max_epochs=2"])
    assert "was trained with" not in caplog.text


def test_the_preset_of_the_sound_sizes_the_audio_encoder(tiny: str, prepared: Path) -> None:
    _fit(tiny, prepared, "--data.mfcc=psf")
    content = torch.load("runs/tiny/checkpoints/last.ckpt", weights_only=False)
    audio = content["hyper_parameters"]["audio_encoder"]["init_args"]
    assert (audio["coefficients"], audio["steps"]) == (13, 20)
    assert content["hyper_parameters"]["mfcc"] == "psf"


def _fit(config: str, prepared: Path, *more: str) -> None:
    main(["fit", "--config", config, f"--data.root={prepared}", *more])
