"""The GAN step: who learns when, what drives what, and what a checkpoint keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from talkface.data.datamodule import TalkFaceData
from talkface.losses import (
    R1,
    Adversarial,
    Contrastive,
    InfoNCE,
    LandmarkError,
    ModalityAdversary,
    PathLength,
    Pixel,
    Terms,
    WordConfusion,
)
from talkface.models import (
    FAN,
    AudioEncoder,
    Generator,
    IdentityCodes,
    IdentityEncoder,
    IdentityPlan,
    ModalityDiscriminator,
    SequenceDiscriminator,
    UpsamplingDecoder,
    VideoEncoder,
    WordClassifier,
)
from talkface.optim import LazyAdam
from talkface.system import TalkFace
from talkface.types import Window

CHANNELS = (8, 8, 8, 8, 8)
DIM = 16
ENCODERS = ("identity_encoder", "video_encoder", "audio_encoder")
NETWORKS = (*ENCODERS, "generator")


def all_terms() -> Terms:
    return Terms(
        pixel=Pixel(),
        gan=Adversarial(),
        contrastive=Contrastive(),
        contrastive_raw=Contrastive(normalize=False),
        info_nce=InfoNCE(),
        sync_gan=ModalityAdversary(),
        words=WordConfusion(),
        landmarks=LandmarkError(),
    )


def system(terms: Terms | None = None, *, residual: bool = True, **settings: Any) -> TalkFace:
    """All networks, as small as they get."""
    torch.manual_seed(0)
    return TalkFace(
        IdentityEncoder(DIM, CHANNELS),
        VideoEncoder(DIM, 4, FAN(features=16, depth=2, pool=False), hidden=16),
        AudioEncoder(DIM, width=8),
        Generator(64, DIM, 8, 8, CHANNELS, base=256, limit=16, residual=residual),
        terms or all_terms(),
        SequenceDiscriminator(frames=2, scales=1, layers=2, width=8),
        ModalityDiscriminator(DIM, 16),
        WordClassifier(classes=3, frames=4, dim=DIM + sum(CHANNELS), width=8),
        **{"rendered": 2, **settings},
    )


def data(prepared: Path) -> TalkFaceData:
    return TalkFaceData(prepared, frames=6, batch_size=2, workers=0, augment=None)


def trainer(steps: int = 1) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        limit_train_batches=steps,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@pytest.fixture
def window(prepared: Path) -> Window:
    module = data(prepared)
    module.setup("fit")
    return module.on_after_batch_transfer(next(iter(module.train_dataloader())), 0)


def weights(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def moved(module: nn.Module, before: list[Tensor]) -> bool:
    return any(not torch.equal(p, q) for p, q in zip(module.parameters(), before, strict=True))


# -- who learns -------------------------------------------------------------------------------


def test_every_network_learns_in_its_own_phase_only(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = system(r1=R1())
    seen: list[tuple[str, dict[str, bool]]] = []
    names = [*NETWORKS, "adversaries.gan", "adversaries.sync_gan", "adversaries.words"]
    phase = TalkFace.phase

    @contextmanager
    def watched(self: TalkFace, name: Any) -> Iterator[Any]:
        before = {n: weights(self.get_submodule(n)) for n in names}
        with phase(self, name) as step:
            yield step
        seen.append((name, {n: moved(self.get_submodule(n), before[n]) for n in names}))

    monkeypatch.setattr(TalkFace, "phase", watched)
    trainer(steps=2).fit(model, data(prepared))
    for name, changed in seen:
        for network, learned in changed.items():
            assert learned == (network.startswith("adversaries") == (name == "discriminator")), (
                f"{network} in the phase of the {name}"
            )
    assert [name for name, _ in seen] == ["discriminator", "generator"] * 2


def test_nothing_is_rendered_while_the_encoders_warm_up(prepared: Path) -> None:
    model = system(warmup=1)
    before = {name: weights(model.get_submodule(name)) for name in NETWORKS}
    trainer(steps=1).fit(model, data(prepared))
    changed = {name: moved(model.get_submodule(name), before[name]) for name in NETWORKS}
    assert changed == {
        "identity_encoder": False,
        "video_encoder": True,
        "audio_encoder": True,
        "generator": False,
    }


def test_a_warm_up_without_anyone_to_play_against_trains(prepared: Path) -> None:
    model = system(Terms(gan=Adversarial(), landmarks=LandmarkError()), warmup=1, r1=R1())
    trainer(steps=2).fit(model, data(prepared))
    assert model.steps == 2


def test_the_penalty_of_a_game_that_is_not_played_is_not_due(prepared: Path) -> None:
    trainer(steps=1).fit(system(Terms(pixel=Pixel()), r1=R1(every=1)), data(prepared))


def test_r1_is_lazy(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, steps = system(r1=R1(every=2)), []
    penalty = TalkFace.r1_penalty

    def counted(self: TalkFace, target: Tensor, r1: R1) -> Tensor:
        steps.append(self.steps)
        return penalty(self, target, r1)

    monkeypatch.setattr(TalkFace, "r1_penalty", counted)
    fitting = trainer()
    fitting.limit_train_batches = 1.0
    fitting.fit_loop.max_epochs = 2
    fitting.fit(model, data(prepared))
    assert (steps, model.steps) == ([0, 2], 4)


def test_path_length_is_lazy_and_counts_in_the_optimizer(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adam = LazyAdam(lr=1e-3, beta1=0.5, beta2=0.9)
    model = system(path_length=PathLength(every=2), generator_adam=adam, warmup=1, residual=False)
    steps: list[int] = []
    penalty = TalkFace.path_length_penalty

    def counted(self: TalkFace, sources: Any, path_length: PathLength) -> Tensor:
        steps.append(self.steps)
        value = penalty(self, sources, path_length)
        assert value.requires_grad
        return value

    monkeypatch.setattr(TalkFace, "path_length_penalty", counted)
    fitting = trainer()
    fitting.limit_train_batches = 1.0
    fitting.fit_loop.max_epochs = 2
    fitting.fit(model, data(prepared))
    assert (steps, model.steps) == ([2], 4)
    assert model.path_length is not None
    assert model.path_length.mean > 0
    for group in fitting.optimizers[0].param_groups:
        factor = 4.0 if group["params"][0] is next(model.generator.parameters()) else 1.0
        assert group["lr"] == pytest.approx(factor * 1e-3 * 2 / 3)
        assert group["betas"] == pytest.approx((0.5 ** (2 / 3), 0.9 ** (2 / 3)))


def test_path_length_teaches_the_synthesis_and_nothing_before_it(window: Window) -> None:
    model = system(residual=False)
    sources = model.imagine(window).sources
    assert sources is not None
    penalty = PathLength()
    model.report = lambda *_: None  # type: ignore[method-assign]
    model.path_length_penalty(sources, penalty).backward()
    taught = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {name.split(".")[0] for name in taught} == {"generator"}
    assert any("levels.4.second.weight" in name for name in taught)
    assert not any(".splice." in name for name in taught)


def test_an_up_sampling_decoder_trains_in_place_of_the_generator(prepared: Path) -> None:
    model = system(Terms(pixel=Pixel(power=2)))
    model.generator = UpsamplingDecoder(64, DIM, 8, DIM, CHANNELS, base=256, limit=16)
    before = weights(model.generator)
    trainer(steps=2).fit(model, data(prepared))
    assert moved(model.generator, before)


def test_the_path_length_of_a_decoder_without_styles_is_refused() -> None:
    model = system()
    decoder = UpsamplingDecoder(64, DIM, 8, DIM, CHANNELS, base=256, limit=16)
    with pytest.raises(ValueError, match="path_length needs a generator with styles, but Upsampl"):
        TalkFace(
            model.identity_encoder,
            model.video_encoder,
            model.audio_encoder,
            decoder,
            Terms(pixel=Pixel()),
            path_length=PathLength(),
        )


def test_more_words_than_the_adversary_knows_are_told(prepared: Path) -> None:
    model = system()
    model.adversaries["words"] = WordClassifier(2, 4, DIM + sum(CHANNELS), 8)
    with pytest.raises(ValueError, match=r"tells 2 words apart, but the corpus has 3; set model\."):
        trainer().fit(model, data(prepared))


def test_networks_learn_at_their_own_rates_and_all_rates_fall(prepared: Path) -> None:
    model = system(generator_adam=LazyAdam(lr=1e-3), equalized=3.0, trunk=5.0, anneal_steps=2)
    fitting = trainer(steps=1)
    fitting.fit(model, data(prepared))
    groups = fitting.optimizers[0].param_groups
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert len(rates) == sum(1 for name in NETWORKS for _ in model.get_submodule(name).parameters())
    for network, factor in (
        (model.generator, 3.0),
        (model.video_encoder.trunk, 5.0),
        (model.video_encoder.lips, 1.0),
        (model.identity_encoder, 1.0),
        (model.audio_encoder, 1.0),
    ):
        for p in network.parameters():
            assert rates[id(p)] == pytest.approx(factor * 1e-3 * 0.51)


# -- what is rendered -------------------------------------------------------------------------


def test_an_untrained_generator_repeats_the_portrait(window: Window) -> None:
    model = system().eval()
    with torch.no_grad():
        frames = model.drive(window, "both")
    torch.testing.assert_close(frames, window.identity[:, None].expand_as(frames))


def changes(model: TalkFace, window: Window, other: Window, drive: Any) -> bool:
    with torch.no_grad():
        return not torch.equal(model.drive(window, drive), model.drive(other, drive))


@pytest.mark.parametrize(
    ("drive", "hears", "sees"),
    [("audio", True, False), ("video", False, True), ("both", True, True)],
)
def test_a_drive_follows_its_sources_and_no_other(
    window: Window, drive: str, hears: bool, sees: bool
) -> None:
    model = system(residual=False).eval()
    assert changes(model, window, window._replace(mfcc=window.mfcc.flip(1)), drive) == hears
    assert changes(model, window, window._replace(driving=window.driving.flip(3)), drive) == sees
    assert changes(model, window, window._replace(identity=window.identity.flip(2)), drive)


@pytest.mark.parametrize(("share", "same"), [(1.0, True), (0.0, False)])
def test_sound_alone_moves_a_still_face_as_in_use(window: Window, share: float, same: bool) -> None:
    model = system(residual=False, still_face=share, drives=("audio",)).eval()
    with torch.no_grad():
        rendered = model.imagine(window).rendering.frames
        used = model.drive(window, "audio")
    assert rendered is not None
    runs = [used[:, i : i + 2] for i in range(5)]
    assert any(torch.allclose(rendered, run, atol=1e-5) for run in runs) == same


def test_drives_lie_one_after_the_other(window: Window) -> None:
    rendering = system(drives=("audio", "video", "both")).imagine(window).rendering
    assert rendering.frames is not None
    assert rendering.target is not None
    assert rendering.frames.shape == rendering.target.shape == (6, 2, 3, 64, 64)
    assert torch.equal(rendering.target[:2], rendering.target[4:])


def test_a_long_clip_is_rendered_in_parts(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = data(prepared)
    module.setup("test")
    clip = module.on_after_batch_transfer(next(iter(module.test_dataloader())), 0)
    model = system(residual=False).eval()
    lengths: list[int] = []
    planned: list[IdentityPlan] = []
    render, plan = model.render, model.generator.plan

    def watched(mouth: Tensor, face: Tensor, portrait: IdentityPlan) -> Tensor:
        lengths.append(mouth.shape[1])
        return render(mouth, face, portrait)

    def counted(identity: IdentityCodes, face: Tensor) -> IdentityPlan:
        planned.append(plan(identity, face))
        return planned[-1]

    monkeypatch.setattr(model, "render", watched)
    monkeypatch.setattr(model.generator, "plan", counted)
    with torch.no_grad():
        parts = model.drive(clip, "both")
        assert len(planned) == 1
        monkeypatch.setattr("talkface.models.animator.CHUNK", 1000)
        whole = model.drive(clip, "both")
    total = clip.mfcc.shape[1]
    assert lengths == [32, total - 32, total]
    torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)


# -- refusals and checkpoints -----------------------------------------------------------------


@pytest.mark.parametrize("slot", ["gan", "sync_gan", "words"])
def test_a_game_needs_two(slot: str) -> None:
    terms = replace(Terms(pixel=Pixel()), **{slot: getattr(all_terms(), slot)})
    model = system()
    with pytest.raises(ValueError, match=rf"terms\.{slot} is set"):
        TalkFace(
            model.identity_encoder,
            model.video_encoder,
            model.audio_encoder,
            model.generator,
            terms,
        )


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("rendered", 0, "at least 1"),
        ("warmup", -1, "at least 0"),
        ("anneal_steps", 0, "at least 1"),
        ("still_face", 1.5, "0 to 1"),
    ],
)
def test_numbers_out_of_range_are_told(name: str, value: float, advice: str) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=rf"`model\.{name}` is {value}; use {advice}"):
        system(**settings)


def test_windows_too_short_to_render_are_told(window: Window) -> None:
    with pytest.raises(ValueError, match=r"runs of 7 frames .* windows have 6; raise data\.frames"):
        system(rendered=7).imagine(window)


def test_windows_too_short_for_the_word_adversary_are_told(window: Window) -> None:
    short = window._replace(frames=window.frames[:, :3])
    with pytest.raises(
        ValueError, match=r"runs of 4 frames, but windows have 3; raise data\.frames"
    ):
        system().identity_features(short)


def test_a_checkpoint_goes_on_counting(prepared: Path, tmp_path: Path) -> None:
    fitting = trainer(steps=2)
    fitting.fit(system(), data(prepared))
    fitting.save_checkpoint(tmp_path / "model.ckpt")
    resumed = system()
    again = trainer(steps=1)
    again.fit_loop.max_epochs = 2
    again.fit(resumed, data(prepared), ckpt_path=tmp_path / "model.ckpt", weights_only=False)
    assert resumed.steps == 3


def test_validation_reports_both_drives_copy_and_sync(prepared: Path) -> None:
    (metrics,) = trainer_with_validation().validate(system(), data(prepared), verbose=False)
    assert {"val/psnr_audio", "val/psnr_video", "val/psnr_copy", "val/sync_accuracy"} <= set(
        metrics
    )
    assert metrics["val/psnr_audio"] == pytest.approx(metrics["val/psnr_copy"])


def trainer_with_validation() -> pl.Trainer:
    fitting = trainer()
    fitting.limit_val_batches = 1.0
    return fitting
