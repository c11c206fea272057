"""The small things that several callbacks need."""

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, distributed

from talkface.callbacks.shared import cut, detached, gather, names, renderer
from talkface.types import Window

FRAMES = 7
"""Frames of a window: no other axis is as long."""


class Still(pl.LightningModule):
    """Renders what it was shown."""

    def drive(self, window: Window, drive: str) -> Tensor:
        return window.frames


def window() -> Window:
    rng = torch.Generator().manual_seed(0)
    return Window(
        identity=torch.rand(2, 3, 4, 4, generator=rng),
        frames=torch.rand(2, FRAMES, 3, 4, 4, generator=rng),
        driving=torch.rand(2, FRAMES, 3, 4, 4, generator=rng),
        mfcc=torch.rand(2, FRAMES, 12, 20, generator=rng),
        landmarks=torch.rand(2, FRAMES, 68, 2, generator=rng),
        driving_landmarks=torch.rand(2, FRAMES, 68, 2, generator=rng),
        label=torch.tensor([0, -1]),
        spoken=torch.rand(2, FRAMES, generator=rng) < 0.5,
        clip=["first", "second"],
    )


def test_a_clip_and_a_batch_of_clips_have_names() -> None:
    assert names(window()._replace(clip="only")) == ["only"]
    assert names(window()._replace(clip=("first", "second"))) == ["first", "second"]


def test_a_cut_takes_the_same_run_out_of_every_field_that_has_frames() -> None:
    whole = window()
    part = cut(whole, slice(2, 5))
    shortened = set()
    for name, value in whole._asdict().items():
        if isinstance(value, Tensor) and value.ndim > 1 and value.shape[1] == FRAMES:
            shortened.add(name)
            assert torch.equal(getattr(part, name), value[:, 2:5]), name
        else:
            assert getattr(part, name) is value, name
    assert shortened == {
        "frames",
        "driving",
        "mfcc",
        "landmarks",
        "driving_landmarks",
        "spoken",
    }


def test_a_module_that_can_drive_is_a_renderer() -> None:
    module: Any = Still()
    assert renderer(module) is module


def test_a_module_that_cannot_drive_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"LightningModule cannot render.* needs a method `drive\("):
        renderer(pl.LightningModule())


def test_one_process_gathers_its_own_values() -> None:
    assert gather({"b": 2, "a": 1}) == {"b": 2, "a": 1}


def test_clips_of_all_processes_are_gathered_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def meet(parts: list[Any], values: dict[str, int]) -> None:
        parts[:] = [values, {"b": 2, "a": 1}]

    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_gather_object", meet)
    assert list(gather({"c": 3, "a": 1}).items()) == [("a", 1), ("b", 2), ("c", 3)]


def test_a_detached_copy_shares_neither_graph_nor_memory() -> None:
    original = torch.ones(3, requires_grad=True)
    copy = detached(original)
    assert not copy.requires_grad
    copy.zero_()
    assert original.tolist() == [1, 1, 1]
