"""Identity pre-training: the identity encoder learns to tell people apart."""

import logging
import math
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Optimizer

from talkface.draws import Draws
from talkface.finite import Failure, NonFiniteError, carrying, gradient_norm
from talkface.losses import AngularMargin
from talkface.losses.angular import cosines
from talkface.metrics.verification import FaceVerification
from talkface.models import IdentityEncoder
from talkface.models.warmstart import start_warm
from talkface.optim import LazyAdam, anneal
from talkface.types import Portraits

log = logging.getLogger(__name__)

ADAM = LazyAdam(lr=1e-3, beta1=0.9, beta2=0.999)
MARGIN = AngularMargin()


class OtherPeopleError(ValueError):
    """A checkpoint names other people than the data."""

    def __init__(self, trained: int, given: int) -> None:
        super().__init__(
            f"The checkpoint was trained on {trained} people, but the data have {given}. "
            "Set --data.root to the corpus that it was trained on."
        )


class IdentityPretraining(pl.LightningModule):
    """The identity encoder as a classifier of people, to start a `TalkFace` from.

    Only the code is classified. The maps, which are what the generator uses, have no loss of their
    own: gradients reach them through the descent alone. But each map is all that the deeper stages
    see of the portrait, so whatever tells people apart must pass through every one of them.

    The checkpoint holds the encoder under ``encoder.*`` and the classifier under ``head.*``.

    Args:
        encoder: E_i.
        people: Number of people to tell apart; the command line takes it from the data.
        margin: The angular margin that people are told apart with; None for a plain softmax.
        adam: Optimizer; its rate falls by half a cosine over the whole training.
        pairs: Most pairs of pictures of the same person, and of different ones, in validation.

    Raises:
        ValueError: If there are fewer than two people.
    """

    def __init__(
        self,
        encoder: IdentityEncoder,
        people: int,
        margin: AngularMargin | None = MARGIN,
        adam: LazyAdam = ADAM,
        pairs: int = 3000,
    ) -> None:
        super().__init__()
        if people < 2:  # noqa: PLR2004
            raise ValueError(f"The data have {people} people; telling them apart takes two.")
        self.save_hyperparameters()
        self.encoder = encoder
        self.head = nn.Linear(encoder.head.out_features, people, bias=margin is None)
        self.margin = margin
        self.adam = adam
        self.seen, self.unseen = FaceVerification(pairs), FaceVerification(pairs)

    def training_step(self, portraits: Portraits, batch_idx: int) -> Float[Tensor, ""]:
        """Cross-entropy of naming the person; accuracy is counted without the margin."""
        code = self.encoder(portraits.image).code
        scores = self.scores(code)
        logits = self.margin.logits(scores, portraits.person) if self.margin else scores
        losses = F.cross_entropy(logits, portraits.person, reduction="none")
        self._judged = portraits, losses.detach()
        loss = losses.mean()
        named = (scores.argmax(1) == portraits.person).float().mean()
        self.log_dict({"train/loss": loss.detach(), "train/accuracy": named}, prog_bar=True)
        return carrying(loss)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Stop before a number that is not finite reaches a weight.

        Raises:
            NonFiniteError: In all processes, if loss or gradients of any are not finite. Gradients
                that only overflow 16 bits are left to the scaling, which leaves the step out.
        """
        norm = gradient_norm(self.parameters())
        if bool(norm.isfinite()):
            return
        here = not bool(self._judged[1].isfinite().all())
        anywhere = self.trainer.strategy.reduce_boolean_decision(here, all=False)
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        if scaler is None or anywhere:
            raise NonFiniteError(self._failure(norm), None)

    def _failure(self, norm: Tensor) -> Failure:
        portraits, losses = self._judged
        files = [portraits.file] if isinstance(portraits.file, str) else list(portraits.file)
        broken = (~losses.isfinite()).nonzero().flatten().tolist()
        return Failure(
            phase="encoder",
            step=self.global_step,
            epoch=self.current_epoch,
            clips=[files[i] for i in broken if i < len(files)] or files,
            values={"train/loss": float(losses.mean())},
            norm=float(norm),
            precision=str(self.trainer.precision),
            rank=self.global_rank,
            world=self.trainer.world_size,
            remedy="lower `model.adam.lr` or the scale of `model.margin`",
        )

    def scores(self, code: Float[Tensor, "b d"]) -> Float[Tensor, "b people"]:
        """How much a code speaks for each person: cosines with a margin, logits without."""
        if self.margin is None:
            logits: Tensor = self.head(code)
            return logits.float()
        return cosines(code, self.head.weight)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam, with a rate that falls to the end of the training; constant if that is open."""
        optimizer = self.adam.build(self.parameters())
        steps = self.trainer.estimated_stepping_batches
        scheduler = anneal(optimizer, int(steps) if math.isfinite(steps) else None)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def configure_callbacks(self) -> list[pl.Callback]:
        """Random numbers that depend on the step alone."""
        return [Draws()]

    def setup(self, stage: str) -> None:
        """Lay the weights out as convolutions like them, before processes agree on the layout."""
        self.to(memory_format=torch.channels_last)

    def on_fit_start(self) -> None:
        """Start from what the encoder names in ``init_from``, unless a run is resumed.

        Raises:
            WarmStartError: Such weights cannot be used.
        """
        if self.trainer.ckpt_path is None:
            for report in start_warm(self):
                log.info("%s", report)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of other people.

        Raises:
            OtherPeopleError: If its classifier names another number of people.
        """
        trained = len(checkpoint["state_dict"]["head.weight"])
        if trained != self.head.out_features:
            raise OtherPeopleError(trained, self.head.out_features)

    # -- evaluation -------------------------------------------------------------------------

    def validation_step(
        self, portraits: Portraits, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Collect codes; pairs of them are judged when all are there.

        The first loader has other pictures of the people trained on, the second other people.
        """
        code = self.encoder(portraits.image).code
        (self.seen, self.unseen)[dataloader_idx].update(code, portraits.person)

    def on_validation_epoch_end(self) -> None:
        """Verification of people trained on, and of people never seen."""
        self._log_verification("val")

    def test_step(self, portraits: Portraits, batch_idx: int, dataloader_idx: int = 0) -> None:
        """The same as in validation."""
        self.validation_step(portraits, batch_idx, dataloader_idx)

    def on_test_epoch_end(self) -> None:
        """The same as in validation."""
        self._log_verification("test")

    def _log_verification(self, stage: str) -> None:
        for name, metric in (("seen", self.seen), ("unseen", self.unseen)):
            if not self.trainer.sanity_checking:  # a batch or two: too few pairs to say anything
                accuracy, threshold, auc = metric.compute()
                values = {"verification": accuracy, "threshold": threshold, "auc": auc}
                named = {f"{stage}/{key}_{name}": value for key, value in values.items()}
                self.log_dict(named, sync_dist=True)  # all processes say the same
            metric.reset()
