"""The talking-face system: encoder trio, generator and their adversaries, trained as a GAN."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics.functional.image import peak_signal_noise_ratio

from talkface.losses import R1, Objective, Terms, discriminator_loss
from talkface.losses.words import word_loss
from talkface.metrics.image import unit
from talkface.metrics.retrieval import frame_retrieval
from talkface.models import (
    AudioEncoder,
    Generator,
    IdentityEncoder,
    ModalityDiscriminator,
    SequenceDiscriminator,
    VideoCodes,
    VideoEncoder,
    WordClassifier,
)
from talkface.models.animator import Animator, Drive
from talkface.models.identity import pooled
from talkface.optim import LazyAdam, anneal
from talkface.types import Rendering, Window

Phase = Literal["discriminator", "generator"]
ADAM = LazyAdam()


class TalkFace(Animator, pl.LightningModule):
    """One portrait plus speech, a driving video, or both, to a talking face.

    Args:
        identity_encoder: E_i.
        video_encoder: E_v.
        audio_encoder: E_a.
        generator: G.
        sequence_discriminator: D_seq; unused without the ``gan`` term.
        modality_discriminator: D_sync; unused without the ``sync_gan`` term.
        word_classifier: The word adversary; unused without the ``words`` term.
        terms: Loss terms of encoders and generator.
        r1: Lazy penalty of D_seq; None for none.
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
        resolution: Side S of the images.
        mfcc: Preset of the MFCC front end that ``Window.mfcc`` comes from.

    Raises:
        ValueError: If a number is out of range, or a term has nobody to play against.
    """

    def __init__(
        self,
        identity_encoder: IdentityEncoder,
        video_encoder: VideoEncoder,
        audio_encoder: AudioEncoder,
        generator: Generator,
        terms: Terms,
        sequence_discriminator: SequenceDiscriminator | None = None,
        modality_discriminator: ModalityDiscriminator | None = None,
        word_classifier: WordClassifier | None = None,
        r1: R1 | None = None,
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
        resolution: int = 64,
        mfcc: str = "davs",
    ) -> None:
        super().__init__()
        least = {
            "rendered": (rendered, 1),
            "warmup": (warmup, 0),
            "anneal_steps": (1 if anneal_steps is None else anneal_steps, 1),
        }
        for name, (value, minimum) in least.items():
            if value < minimum:
                raise ValueError(f"`model.{name}` is {value}; use at least {minimum}.")
        if not 0 <= still_face <= 1:
            raise ValueError(f"`model.still_face` is {still_face}; use 0 to 1.")
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.identity_encoder = identity_encoder
        self.video_encoder = video_encoder
        self.audio_encoder = audio_encoder
        self.generator = generator
        self.objective = Objective(terms)
        self.terms = terms
        self.adversaries = _players(
            terms,
            gan=sequence_discriminator,
            sync_gan=modality_discriminator,
            words=word_classifier,
        )
        self.r1 = r1
        self.generator_adam = generator_adam
        self.discriminator_adam = discriminator_adam
        self.equalized = equalized
        self.trunk = trunk
        self.drives = drives
        self.rendered = rendered
        self.still_face = still_face
        self.warmup = warmup
        self.anneal_steps = anneal_steps
        self.clip = clip
        self.resolution = resolution
        self.mfcc = mfcc
        self.steps = 0

    # -- training ---------------------------------------------------------------------------

    def training_step(self, window: Window, batch_idx: int) -> None:
        """Adversaries, then encoders and generator, both on one rendering."""
        rendering, features = self.imagine(window)
        with self.phase("discriminator") as step:
            if losses := self.adversary_losses(rendering, features, window):
                step(torch.stack(losses).sum())
            if (
                self.r1
                and self.due(self.r1.every)
                and self.terms.gan
                and rendering.target is not None
            ):
                step(self.r1_penalty(rendering.target, self.r1))
        with self.phase("generator") as step:
            step(self.generator_loss(rendering, features, window))
        self.steps += 1
        for scheduler in cast("Sequence[LambdaLR]", self.lr_schedulers()):
            scheduler.step()

    def imagine(self, window: Window) -> tuple[Rendering, Float[Tensor, "b t e"] | None]:
        """Encode all frames and render a run of them; identity features in steps that need them."""
        video = self.encode_video(torch.cat([window.driving, window.identity[:, None]], 1))
        audio = self.encode_audio(window.mfcc)
        frames = target = landmarks = features = None
        if self.steps >= self.warmup:
            if window.frames.shape[1] < self.rendered:
                raise ValueError(
                    f"runs of {self.rendered} frames are rendered, but windows have "
                    f"{window.frames.shape[1]}; raise data.frames or lower model.rendered"
                )
            start = int(torch.randint(window.frames.shape[1] - self.rendered + 1, ()))
            run = slice(start, start + self.rendered)
            frames = self.render_run(window, video, audio, run)
            n = len(self.drives)
            target = window.frames[:, run].repeat(n, 1, 1, 1, 1)
            landmarks = window.landmarks[:, run].repeat(n, 1, 1, 1)
            if self.terms.words and self.due(self.terms.words.every):
                features = self.identity_features(window)
        rendering = Rendering(
            frames, target, landmarks, audio, video.lips[:, :-1], video.landmarks[:, :-1]
        )
        return rendering, features

    def render_run(
        self, window: Window, video: VideoCodes, audio: Float[Tensor, "b t d"], run: slice
    ) -> Float[Tensor, "n r 3 s s"]:
        """One run of every window under every drive, drives one after the other."""
        face, still = video.face[:, run], video.face[:, -1:]
        pick = torch.rand(len(face), 1, 1, device=face.device) < self.still_face
        drives = {
            "audio": (audio[:, run], torch.where(pick, still, face)),
            "video": (video.lips[:, run], face),
            "both": (audio[:, run], face),
        }
        portrait = self.generator.plan(self.identity_encoder(window.identity), still[:, 0])
        return torch.cat([self.render(*drives[drive], portrait) for drive in self.drives])

    def identity_features(self, window: Window) -> Float[Tensor, "b t e"]:
        """Identity features of consecutive frames, for the word adversary."""
        count = cast("WordClassifier", self.adversaries["words"]).frames
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
        """Losses of the adversaries that play in this step, on detached renderings and features."""
        losses: dict[str, Tensor] = {}
        if self.terms.gan and rendering.frames is not None and rendering.target is not None:
            judge = self.adversaries["gan"]
            real = judge(rendering.target[: len(window.frames)])
            fake = judge(rendering.frames.detach())
            losses["gan"] = discriminator_loss(real, fake, self.terms.gan.game)
        if "sync_gan" in self.adversaries:
            judge = self.adversaries["sync_gan"]
            real, fake = judge(rendering.audio.detach()), judge(rendering.lips.detach())
            losses["sync_gan"] = F.softplus(-real).mean() + F.softplus(fake).mean()
        if features is not None:
            losses["words"] = word_loss(self.adversaries["words"](features.detach()), window.label)
        self.log_dict({f"adversary/{k}": v.detach() for k, v in losses.items()})
        return [loss.float() for loss in losses.values()]

    def r1_penalty(self, target: Float[Tensor, "n r 3 s s"], r1: R1) -> Float[Tensor, ""]:
        """Gradient penalty of D_seq at true frames, in full precision."""
        with torch.autocast(self.device.type, enabled=False):
            real = target[: len(target) // len(self.drives)].float().requires_grad_()
            penalty: Tensor = r1(real, self.adversaries["gan"](real))
        self.log("adversary/r1", penalty.detach())
        return penalty

    def generator_loss(
        self, rendering: Rendering, features: Float[Tensor, "b t e"] | None, window: Window
    ) -> Float[Tensor, ""]:
        """Objective of encoders and generator against the adversaries as they are now."""
        skip = set()
        if self.terms.gan and rendering.frames is not None:
            if self.steps >= self.warmup + self.terms.gan.start:
                rendering = rendering._replace(realness=self.adversaries["gan"](rendering.frames))
            else:
                skip.add("gan")
        if "sync_gan" in self.adversaries:
            rendering = rendering._replace(modality=self.adversaries["sync_gan"](rendering.lips))
        if features is not None:
            rendering = rendering._replace(words=self.adversaries["words"](features))
        else:
            skip.add("words")
        total: Tensor
        total, values = self.objective(rendering, window, frozenset(skip))
        self.log_dict({f"train/{k}": v.detach() for k, v in values.items()}, prog_bar=True)
        return total

    @contextmanager
    def phase(self, name: Phase) -> Iterator[Callable[[Tensor], None]]:
        """Give one optimizer the floor: only its parameters get gradients."""
        optimizers = cast("Sequence[LightningOptimizer]", self.optimizers())
        optimizer = optimizers[0 if name == "generator" else 1]

        def step(loss: Tensor) -> None:
            optimizer.zero_grad()
            self.manual_backward(loss)
            if self.clip is not None and name == "generator":
                self.clip_gradients(optimizer.optimizer, self.clip, "norm")
            optimizer.step()

        with self.toggled_optimizer(optimizer):
            yield step

    def due(self, every: int) -> bool:
        """Whether something lazy runs in this step."""
        return self.steps % every == 0

    def configure_optimizers(self) -> tuple[list[Optimizer], list[LambdaLR]]:
        """One optimizer for encoders and generator, one for all adversaries."""
        networks = (self.identity_encoder, self.video_encoder, self.audio_encoder, self.generator)
        factors = {self.generator: self.equalized, self.video_encoder.trunk: self.trunk}
        apart = {id(p) for network in factors for p in network.parameters()}
        rest = [p for network in networks for p in network.parameters() if id(p) not in apart]
        every = self.r1.every if self.r1 else None
        first = self.generator_adam.build(rest)
        for network, factor in factors.items():
            lr = self.generator_adam.lr * factor
            first.add_param_group({"params": list(network.parameters()), "lr": lr})
        optimizers: list[Optimizer] = [first]
        # Always there, so that the phases keep their places; a plain zero when nobody plays.
        rivals = list(self.adversaries.parameters()) or [nn.Parameter(torch.zeros(()))]
        optimizers.append(self.discriminator_adam.build(rivals, every))
        return optimizers, [anneal(o, self.anneal_steps) for o in optimizers]

    def on_fit_start(self) -> None:
        """Lay the weights out as convolutions like them."""
        self.to(memory_format=torch.channels_last)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the number of training steps."""
        checkpoint["talkface_steps"] = self.steps

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on counting where the checkpoint stopped."""
        self.steps = checkpoint.get("talkface_steps", 0)

    # -- evaluation -------------------------------------------------------------------------

    def validation_step(self, window: Window, batch_idx: int) -> None:
        """PSNR of both drives and of *copy*, and how well sound finds its lips."""
        truth = unit(window.frames)
        rows = {drive: unit(self.drive(window, drive)) for drive in ("audio", "video")}
        rows["copy"] = unit(window.identity)[:, None].expand_as(truth)
        n = len(truth)
        for name, frames in rows.items():
            value = peak_signal_noise_ratio(frames, truth, data_range=1.0, dim=(1, 2, 3, 4))
            self.log(f"val/psnr_{name}", value, batch_size=n, sync_dist=True, prog_bar=True)
        found = frame_retrieval(
            self.encode_audio(window.mfcc), self.encode_video(window.driving).lips
        )
        self.log("val/sync_accuracy", found, batch_size=n, sync_dist=True, prog_bar=True)

    def test_step(self, window: Window, batch_idx: int) -> dict[str, Float[Tensor, "t 3 s s"]]:
        """Rows of the evaluation table for one clip: frames in [0, 1], rounded to 8 bits."""
        truth = unit(window.frames[0])
        copy = unit(window.identity).expand_as(truth)
        rows = {drive: unit(self.drive(window, drive)[0]) for drive in ("audio", "video")}
        return {"truth": truth, "copy": copy, **rows}

    def predict_step(self, window: Window, batch_idx: int) -> dict[str, Float[Tensor, "t 3 s s"]]:
        """The same frames, to be kept."""
        return self.test_step(window, batch_idx)


def _players(terms: Terms, **networks: nn.Module | None) -> nn.ModuleDict:
    """The networks that a term plays against, by its slot."""
    players = {}
    for slot, network in networks.items():
        if getattr(terms, slot) is None:
            continue
        if network is None:
            raise ValueError(f"terms.{slot} is set, but the network it plays against is null")
        players[slot] = network
    return nn.ModuleDict(players)
