"""Where the time of training steps goes."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pytorch_lightning import Callback, LightningModule, Trainer

from talkface.bench.clock import Stopwatch, now, peak_memory
from talkface.cli.command import train
from talkface.system.phases import Phase
from talkface.system.talkface import TalkFace
from talkface.types import Window

PARTS = {
    "encode_video": "encode the video",
    "encode_audio": "encode the sound",
    "driven": "encode the portrait",
    "render": "render",
    "identity_features": "identity features",
    "adversary_losses": "losses of the adversaries",
    "r1_penalty": "R1",
    "generator_loss": "losses of the generator",
    "path_length_penalty": "path length",
    "manual_backward": "backward",
    "clip_gradients": "clip",
}
"""Methods of ``TalkFace``, and what they do."""

PHASED = ("manual_backward", "clip_gradients")
"""Those that are told apart by whose turn it is."""

REST = "optimizers and the rest"
WARM = 3
"""Steps that are not counted."""


RESULT = "step.json"


class Steps(NamedTuple):
    """What training steps cost.

    Attributes:
        parts: Seconds per step of every part, longest first; they add up to a step.
        windows: Windows per second that the steps alone eat.
        waited: Seconds per step for which its batch was waited for.
        memory: Most memory in use, in MB.
    """

    parts: dict[str, float]
    windows: float
    waited: float
    memory: dict[str, float]

    @property
    def whole(self) -> float:
        """Seconds of a step."""
        return sum(self.parts.values())


def measure_steps(arguments: Sequence[str], folder: Path, steps: int) -> Steps:
    """Train for a few steps, as ``talkface fit`` does, with everything that plays playing.

    Args:
        arguments: Command line of ``fit``: config, corpus.
        folder: Where the run may write.
        steps: Steps that count.
    """
    clock = f"{StepClock.__module__}.{StepClock.__name__}"
    trainer = [
        f"default_root_dir={folder}",
        "max_epochs=1",
        f"limit_train_batches={steps + WARM}",
        "limit_val_batches=0",
        "num_sanity_val_steps=0",
        "logger=false",
        "enable_checkpointing=false",
        f"callbacks=[{{class_path: {clock}}}]",
    ]
    train(["fit", *arguments, *(f"--trainer.{setting}" for setting in trainer)])
    return Steps(**json.loads((folder / RESULT).read_text()))


class StepClock(Callback):
    """Times the parts of training steps, and how long a step waits for its batch."""

    def __init__(self) -> None:
        self._watch = Stopwatch()
        self._steps = self._windows = 0
        self._waited = self._whole = self._since = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: TalkFace) -> None:  # type: ignore[override]
        """Let everything play from the first step, and put a stopwatch on every part."""
        pl_module.warmup = 0
        if pl_module.terms.gan is not None:
            pl_module.terms.gan.start = 0
        now_playing = {"phase": ""}
        for method, part in PARTS.items():
            phased = method in PHASED

            def name(part: str = part, phased: bool = phased) -> str:
                return f"{part}, {now_playing['phase']}" if phased else part

            self._watch.watch(pl_module, method, name)
        phase = pl_module.phase

        @contextmanager
        def named(name: Phase) -> Iterator[Any]:
            now_playing["phase"] = name
            with phase(name) as step:
                yield step

        object.__setattr__(pl_module, "phase", named)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Window, batch_idx: int
    ) -> None:
        """A batch is there."""
        if batch_idx == WARM:
            self._watch.seconds.clear()
            self._steps = self._windows = 0
            self._waited = self._whole = 0.0
        began = now()
        self._waited += began - self._since
        self._since = began

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
    ) -> None:
        """A step is done."""
        ended = now()
        self._whole += ended - self._since
        self._since = ended
        self._steps += 1
        self._windows += len(batch.frames)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was measured into the folder of the run."""
        rest = self._whole - sum(self._watch.seconds.values())
        spent = sorted({**self._watch.seconds, REST: rest}.items(), key=lambda item: -item[1])
        steps = Steps(
            {part: seconds / self._steps for part, seconds in spent},
            self._windows / self._whole,
            self._waited / self._steps,
            peak_memory(),
        )
        path = Path(trainer.default_root_dir) / RESULT
        path.write_text(json.dumps(steps._asdict()))
