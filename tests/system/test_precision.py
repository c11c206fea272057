"""What is computed in 16 bits and in 32, as docs/precision.md says; odd batches stay finite."""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from talkface.data.mfcc import Mfcc
from talkface.losses import R1, PathLength
from talkface.models import VideoCodes
from talkface.models.layers import ModulatedConv
from talkface.models.video import soft_argmax
from talkface.system import TalkFace
from talkface.types import SAMPLE_RATE, Window
from tests.system.test_talkface import system

FRAMES, SIDE, SCALE = 6, 64, 64.0
DOCUMENT = Path(__file__).parents[2] / "docs" / "precision.md"
SOUNDS = {
    "silence": torch.zeros(SAMPLE_RATE, dtype=torch.int16),
    "noise": torch.randint(-32768, 32767, (SAMPLE_RATE,), dtype=torch.int16),
    "clipped": torch.full((SAMPLE_RATE,), 32767, dtype=torch.int16),
}


def window(clips: list[tuple[Tensor, str]], *, known: bool = False) -> Window:
    """Clips of frames in [-1, 1] with a sound; landmarks in the middle, or unknown."""
    mfcc = Mfcc("davs")
    frames = torch.stack([pictures for pictures, _ in clips])
    points = torch.full((len(clips), FRAMES, 68, 2), SIDE / 2 if known else math.nan)
    return Window(
        identity=frames[:, 0],
        frames=frames,
        driving=frames,
        mfcc=torch.stack([mfcc.per_frame(SOUNDS[sound], 8, FRAMES) for _, sound in clips]),
        landmarks=points,
        driving_landmarks=points,
        label=torch.tensor([-1] * len(clips)),
        spoken=torch.zeros(len(clips), FRAMES, dtype=torch.bool),
        clip=[f"clip{i}" for i in range(len(clips))],
    )


def still(value: float) -> Tensor:
    return torch.full((FRAMES, 3, SIDE, SIDE), value)


def blinking() -> Tensor:
    """Saturated frames: every pixel fully on or off, and the other way round in the next."""
    frame = torch.randint(0, 2, (1, 3, SIDE, SIDE)) * 2.0 - 1
    return frame * (-1.0) ** torch.arange(FRAMES)[:, None, None, None]


def computed(model: TalkFace, batch: Window, dtype: torch.dtype) -> dict[str, Tensor]:
    """Every loss of a training step, and the norm of the gradients of each."""
    values: dict[str, Tensor] = {}

    @contextmanager
    def phase(name: Any) -> Iterator[Callable[[Tensor], None]]:
        learning = [p for p in model.parameters_of(name) if p.requires_grad]

        def step(loss: Tensor) -> None:
            grads = torch.autograd.grad(
                loss * SCALE, learning, retain_graph=True, allow_unused=True
            )
            norm = torch.stack([g.norm() for g in grads if g is not None]).norm()
            values[f"gradient/{len(values)}"] = norm / SCALE

        yield step

    model.report = lambda new, **_: values.update(new)  # type: ignore[method-assign]
    with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        model.learn(batch, phase)
    return values


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_losses_and_gradients_of_odd_batches_are_finite(dtype: torch.dtype) -> None:
    repeated = blinking()[:1].repeat(FRAMES, 1, 1, 1)
    clips = [(still(-1.0), "silence"), (blinking(), "noise"), (repeated, "clipped")]
    model = system(r1=R1(every=1), path_length=PathLength(every=1), residual=False)
    values = computed(model, window(clips), dtype)
    assert len(values) == 17
    assert {name: v.item() for name, v in values.items() if not v.isfinite()} == {}
    assert all(buffer.isfinite().all() for buffer in model.buffers())


def bits_of(output: Any) -> set[str]:
    tensors = [output] if isinstance(output, Tensor) else list(output)
    names = {torch.float32: "32", torch.bfloat16: "16", torch.float16: "16"}
    return {bits for one in tensors for bits in ({names[one.dtype]} if isinstance(one, Tensor)
            else bits_of(one))}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_the_table_of_the_documentation_is_true(dtype: torch.dtype) -> None:
    rows = re.findall(r"^\| (`.+`) \| (16|32) \|", DOCUMENT.read_text(), re.MULTILINE)
    expected = {name: {bits} for names, bits in rows for name in re.findall(r"`(.+?)`", names)}
    seen: dict[str, set[str]] = {}

    def note(name: str, output: Any) -> None:
        seen.setdefault(name, set()).update(bits_of(output))

    model = system(r1=R1(every=1), path_length=PathLength(every=1))
    games = [f"adversaries.{name}" for name in model.adversaries]
    for name in ("audio_encoder", "generator", *games):
        watch(model.get_submodule(name), name, note)
    watch(model.get_submodule("video_encoder.trunk.conv4"), "video_encoder.trunk", note)
    watch(model.get_submodule("identity_encoder.stages.4"), "identity_encoder.stages", note)
    watch(model.get_submodule("generator.levels.4"), "generator.levels", note)

    def note_codes(_module: nn.Module, _args: Any, codes: VideoCodes) -> None:
        for name, code in codes._asdict().items():
            note(f"video_encoder.{name}", code)

    model.video_encoder.register_forward_hook(note_codes)
    values = computed(model, window([(blinking(), "noise"), (still(0.0), "silence")]), dtype)
    for name, value in values.items():
        alone = name in {"adversary/r1", "train/path_length"}
        if not name.startswith("gradient"):
            note(name if alone else f"{name.split('/')[0]}/*", value)
    assert {name: bits for name, bits in seen.items() if expected[name] != bits} == {}
    assert expected.keys() == seen.keys()


def watch(module: nn.Module, name: str, note: Callable[[str, Any], None]) -> None:
    """Note outputs while autocast is on: penalties ask the same networks without it."""

    def hook(_module: nn.Module, _args: Any, output: Any) -> None:
        if torch.is_autocast_enabled("cpu"):
            note(name, output)

    module.register_forward_hook(hook)


def test_places_are_exact_at_half_precision() -> None:
    attention = torch.zeros(1, 1, 64, 64)
    attention[..., 40, 45], attention[..., 40, 46] = 0.9, 0.1
    with torch.autocast("cpu", dtype=torch.bfloat16):
        x, y = (soft_argmax(attention)[0, 0] * 256).tolist()
    assert (x, y) == (pytest.approx(182.4, abs=0.01), pytest.approx(162, abs=0.01))


def test_a_style_of_nothing_paints_nothing_in_float16() -> None:
    layer = ModulatedConv(4, 4, 3, style=2)
    torch.nn.init.zeros_(layer.affine.bias)
    with torch.autocast("cpu", dtype=torch.float16):
        painted = layer(torch.ones(1, 4, 4, 4), torch.full((1, 2), 1e-6))
    assert painted.isfinite().all()
