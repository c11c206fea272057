"""The training of the system: one GAN step with manual optimization."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, cast

import torch
from jaxtyping import Float
from pytorch_lightning import Callback
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from talkface import ranks
from talkface.draws import Draws
from talkface.losses import R1, Objective, PathLength, Terms
from talkface.models import (
    AudioEncoder,
    Decoder,
    Generator,
    IdentityEncoder,
    IdentityPlan,
    ModalityDiscriminator,
    SequenceDiscriminator,
    VideoCodes,
    VideoEncoder,
    WordClassifier,
)
from talkface.models.animator import Drive
from talkface.models.identity import pooled
from talkface.models.recompute import recompute
from talkface.models.warmstart import start_warm
from talkface.optim import LazyAdam, anneal
from talkface.system.adversaries import Adversaries
from talkface.system.phases import Phase, Phased
from talkface.system.scored import ScoredAnimator
from talkface.types import Rendering, Window

Turn = AbstractContextManager[Callable[[Tensor], None]]
ADAM = LazyAdam()

log = logging.getLogger(__name__)


class Imagined(NamedTuple):
    """What one step made of a window.

    Attributes:
        rendering: For the loss terms.
        features: Identity features of a run of frames, in steps in which the word adversary plays.
        sources: Mouth and face codes (b r d, b r e) of the runs of the first drive, and the plan
            of the portraits; None while the encoders warm up.
    """

    rendering: Rendering
    features: Float[Tensor, "b t e"] | None = None
    sources: tuple[Tensor, Tensor, IdentityPlan] | None = None


class TalkFace(ScoredAnimator, Phased):
    """One portrait plus speech, a driving video, or both, to a talking face.

    Args:
        identity_encoder: E_i.
        video_encoder: E_v.
        audio_encoder: E_a.
        generator: G: StyleGAN2, or the up-sampling decoder.
        sequence_discriminator: D_seq; unused without the ``gan`` term.
        modality_discriminator: D_sync; unused without the ``sync_gan`` term.
        word_classifier: The word adversary; unused without the ``words`` term.
        terms: Loss terms of encoders and generator.
        r1: Lazy penalty of D_seq; None for none.
        path_length: Lazy penalty of a StyleGAN2 generator; None for none.
        generator_adam: Optimizer of encoders and generator.
        discriminator_adam: Optimizer of the adversaries.
        equalized: Factor of that learning rate for the generator. Its weights are N(0, 1) and
            scaled when used, so a step of the same size changes them less than those of an encoder.
        trunk: Factor of that learning rate for the FAN of the video encoder: several where it
            starts from nothing, at most 1 where it starts from released weights.
        drives: Which drives are rendered in training.
        rendered: Consecutive frames rendered per window; all frames are encoded.
        still_face: Share of audio-driven runs whose face code is that of the portrait, as it is
            when there is sound only; the others have that of the true frames.
        warmup: Training steps on encodings alone before anything is rendered.
        anneal_steps: Training steps over which learning rates fall; None keeps them.
        clip: Largest gradient norm of encoders and generator; None for no limit.
        compiled: Have torch compile encoders and generator when a training starts: minutes at
            first, then quicker steps.
        gradient_checkpointing: Compute activations of encoders and generator again in the backward
            pass in place of keeping them: the same numbers, less memory, longer steps.
        resolution: Side S of the images.
        mfcc: Preset of the MFCC front end that ``Window.mfcc`` comes from.

    Raises:
        ValueError: If a number is out of range, or parts do not fit each other.
    """

    def __init__(
        self,
        identity_encoder: IdentityEncoder,
        video_encoder: VideoEncoder,
        audio_encoder: AudioEncoder,
        generator: Decoder,
        terms: Terms,
        sequence_discriminator: SequenceDiscriminator | None = None,
        modality_discriminator: ModalityDiscriminator | None = None,
        word_classifier: WordClassifier | None = None,
        r1: R1 | None = None,
        path_length: PathLength | None = None,
        generator_adam: LazyAdam = ADAM,
        discriminator_adam: LazyAdam = ADAM,
        equalized: float = 4.0,
        trunk: float = 1.0,
        drives: tuple[Drive, ...] = ("audio", "video"),
        rendered: int = 3,
        still_face: float = 0.5,
        warmup: int = 0,
        anneal_steps: int | None = None,
        clip: float | None = 10.0,
        compiled: bool = False,
        gradient_checkpointing: bool = False,
        resolution: int = 64,
        mfcc: str = "davs",
    ) -> None:
        super().__init__()
        _check_range("rendered", rendered, 1)
        _check_range("warmup", warmup, 0)
        _check_range("anneal_steps", 1 if anneal_steps is None else anneal_steps, 1)
        if not 0 <= still_face <= 1:
            raise ValueError(f"`model.still_face` is {still_face}; use 0 to 1.")
        if compiled and gradient_checkpointing:
            raise ValueError(
                "`model.compiled` and `model.gradient_checkpointing` do not go together, as torch "
                "decides itself what a compiled network keeps; set one of them to false"
            )
        if path_length is not None and not isinstance(generator, Generator):
            raise ValueError(
                f"path_length needs a generator with styles, but {type(generator).__name__} has "
                "none; set model.path_length to null"
            )
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.identity_encoder, self.video_encoder = identity_encoder, video_encoder
        self.audio_encoder, self.generator = audio_encoder, generator
        self.objective, self.terms = Objective(terms), terms
        self.adversaries = Adversaries(
            terms,
            gan=sequence_discriminator,
            sync_gan=modality_discriminator,
            words=word_classifier,
        )
        self.r1, self.path_length = r1, path_length
        self.generator_adam, self.discriminator_adam = generator_adam, discriminator_adam
        self.equalized, self.trunk = equalized, trunk
        self.drives, self.rendered, self.still_face = drives, rendered, still_face
        self.warmup, self.anneal_steps, self.clip = warmup, anneal_steps, clip
        self.compiled, self.resolution, self.mfcc = compiled, resolution, mfcc
        if gradient_checkpointing:
            for network in self._trained():
                recompute(network)

    def training_step(self, window: Window, batch_idx: int) -> None:
        """Adversaries, then encoders and generator, both on one rendering."""
        self.begin(window)
        self.learn(window, self.phase)
        self.end()

    def learn(self, window: Window, phase: Callable[[Phase], Turn]) -> None:
        """What a training step learns; ``phase`` gives the floor to one optimizer."""
        rendering, features, sources = self.imagine(window)
        with phase("discriminator") as step:
            if losses := self.adversary_losses(rendering, features, window):
                step(torch.stack(losses).sum())
            target = rendering.target if self.terms.gan else None
            if self.r1 and self.due(self.r1.every) and target is not None:
                step(self.r1_penalty(target, self.r1))
        with phase("generator") as step:
            step(self.generator_loss(rendering, features, window))
            if self.path_length and self.due(self.path_length.every) and sources is not None:
                step(self.path_length_penalty(sources, self.path_length))

    def imagine(self, window: Window) -> Imagined:
        """Encode all frames and render a run of them; identity features in steps that need them."""
        video = self.encode_video(torch.cat([window.driving, window.identity[:, None]], 1))
        audio = self.encode_audio(window.mfcc)
        codes = (audio, video.lips[:, :-1], video.landmarks[:, :-1])
        if self.steps < self.warmup:
            return Imagined(Rendering(None, None, None, *codes))
        run = self._draw_run(window.frames.shape[1])
        portrait, drives = self.driven(window, video, audio, run)
        frames = torch.cat([self.render(mouth, face, portrait) for mouth, face in drives])
        n = len(drives)
        target = window.frames[:, run].repeat(n, 1, 1, 1, 1)
        landmarks = window.landmarks[:, run].repeat(n, 1, 1, 1)
        due = self.terms.words and self.due(self.terms.words.every)
        features = self.identity_features(window) if due else None
        rendering = Rendering(frames, target, landmarks, *codes)
        return Imagined(rendering, features, (*drives[0], portrait))

    def driven(
        self, window: Window, video: VideoCodes, audio: Float[Tensor, "b t d"], run: slice
    ) -> tuple[IdentityPlan, list[tuple[Float[Tensor, "b r d"], Float[Tensor, "b r e"]]]]:
        """The portraits, and mouth and face codes of a run under every drive."""
        face, still = video.face[:, run], video.face[:, -1:]
        draw = ranks.rows(lambda n: torch.rand(n, 1, 1, device=face.device), len(face))
        pick = draw < self.still_face
        drives = {
            "audio": (audio[:, run], torch.where(pick, still, face)),
            "video": (video.lips[:, run], face),
            "both": (audio[:, run], face),
        }
        portrait = self.generator.plan(self.identity_encoder(window.identity), still[:, 0])
        return portrait, [drives[drive] for drive in self.drives]

    def _draw_run(self, frames: int) -> slice:
        if frames < self.rendered:
            raise ValueError(
                f"runs of {self.rendered} frames are rendered, but windows have {frames}; raise "
                "data.frames or lower model.rendered"
            )
        start = int(torch.randint(frames - self.rendered + 1, ()))
        return slice(start, start + self.rendered)

    def identity_features(self, window: Window) -> Float[Tensor, "b t e"]:
        """Identity features of consecutive frames, for the word adversary."""
        count = cast("WordClassifier", self.adversaries.word_classifier).frames
        if window.frames.shape[1] < count:
            raise ValueError(
                f"the word adversary judges runs of {count} frames, but windows have "
                f"{window.frames.shape[1]}; raise data.frames or lower "
                "model.word_classifier.init_args.frames"
            )
        frames = window.frames[:, :count]
        features = pooled(self.identity_encoder(frames.flatten(0, 1)))
        runs: Tensor = features.unflatten(0, frames.shape[:2])
        return runs

    def adversary_losses(
        self, rendering: Rendering, features: Float[Tensor, "b t e"] | None, window: Window
    ) -> list[Float[Tensor, ""]]:
        """Losses of the adversaries that play in this step."""
        losses = self.adversaries.losses(rendering, features, window)
        self.report({f"adversary/{k}": v for k, v in losses.items()})
        return [loss.float() for loss in losses.values()]

    def r1_penalty(self, target: Float[Tensor, "n r 3 s s"], r1: R1) -> Float[Tensor, ""]:
        """Gradient penalty of D_seq at true frames, in full precision."""
        with torch.autocast(self.device.type, enabled=False):
            real = target[: len(target) // len(self.drives)].float().requires_grad_()
            penalty: Tensor = r1(real, self.adversaries["gan"](real))
        self.report({"adversary/r1": penalty})
        return penalty

    def generator_loss(
        self, rendering: Rendering, features: Float[Tensor, "b t e"] | None, window: Window
    ) -> Float[Tensor, ""]:
        """Objective of encoders and generator against the adversaries as they are now."""
        rendered, game = rendering.frames is not None, self.terms.gan
        gan = rendered and game is not None and self.steps >= self.warmup + game.start
        plays = {"gan": gan, "words": features is not None}
        rendering = self.adversaries.answer(rendering, features, gan=gan)
        total: Tensor
        skip = frozenset(slot for slot, playing in plays.items() if not playing)
        total, values = self.objective(rendering, window, skip)
        self.report({f"train/{k}": v for k, v in values.items()})
        return total

    def path_length_penalty(
        self, sources: tuple[Tensor, Tensor, IdentityPlan], path_length: PathLength
    ) -> Float[Tensor, ""]:
        """Penalty of the synthesis at the first frame of every run, in full precision."""
        generator = cast("Generator", self.generator)
        mouth, face, plan = sources
        with torch.autocast(self.device.type, enabled=False):
            with torch.no_grad():
                styles = generator.style(mouth[:, 0].float(), face[:, 0].float(), plan)
            styles.requires_grad_()
            splices = tuple(None if s is None else s.detach().float() for s in plan.splices)
            painted = generator.paint(styles, plan._replace(splices=splices))
            penalty: Tensor = path_length(painted, styles)
        self.report({"train/path_length": penalty})
        return penalty

    def due(self, every: int) -> bool:
        """Whether something lazy runs in this step."""
        return self.steps % every == 0

    def configure_optimizers(self) -> tuple[list[Optimizer], list[LambdaLR]]:
        """One optimizer for encoders and generator, one for all adversaries."""
        networks = self._trained()
        factors = {self.generator: self.equalized, self.video_encoder.trunk: self.trunk}
        apart = {id(p) for network in factors for p in network.parameters()}
        rest = [p for network in networks for p in network.parameters() if id(p) not in apart]
        lazy = self.path_length.every if self.path_length else None
        first = self.generator_adam.build(rest, lazy)
        for network, factor in factors.items():
            if learning := [p for p in network.parameters() if p.requires_grad]:
                lr = first.defaults["lr"] * factor
                first.add_param_group({"params": learning, "lr": lr})
        # Always there, so that the phases keep their places; a plain zero when nobody plays.
        rivals = list(self.adversaries.parameters()) or [nn.Parameter(torch.zeros(()))]
        every = self.r1.every if self.r1 else None
        optimizers: list[Optimizer] = [first, self.discriminator_adam.build(rivals, every)]
        return optimizers, [anneal(o, self.anneal_steps) for o in optimizers]

    def configure_callbacks(self) -> list[Callback]:
        """Random numbers that depend on the step alone."""
        return [Draws()]

    def _trained(self) -> tuple[nn.Module, ...]:
        return self.identity_encoder, self.video_encoder, self.audio_encoder, self.generator

    def setup(self, stage: str) -> None:
        """Lay the weights out as convolutions like them, before processes agree on the layout."""
        super().setup(stage)
        if stage == "fit":
            self.to(memory_format=torch.channels_last)

    def on_fit_start(self) -> None:
        """Start from the weights that networks name in ``init_from``, unless a run is resumed.

        Raises:
            WarmStartError: Such weights cannot be used.
            ValueError: The corpus has more words than the word adversary knows.
        """
        words, data = self.adversaries.word_classifier, getattr(self.trainer, "datamodule", None)
        if words is not None and words.classes < (found := getattr(data, "classes", 0)):
            raise ValueError(
                f"the word adversary tells {words.classes} words apart, but the corpus has {found};"
                f" set model.word_classifier.init_args.classes to {found}"
            )
        if self.trainer.ckpt_path is None:
            for report in start_warm(self):
                log.info("%s", report)
        if self.compiled:
            for network in self._trained():
                network.compile()


def _check_range(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"`model.{name}` is {value}; use at least {least}.")
