"""A small corpus of portraits with meaning: everybody has a colour of their own."""

import colorsys
from pathlib import Path

import torch
from torch import Tensor

from talkface.data.portrait_layout import (
    PersonEntry,
    PortraitCorpus,
    read_person,
    write_person,
    write_portraits,
)


def pictures(hue: float, count: int, side: int, seed: int) -> Tensor:
    """Noisy pictures of a face in one colour on a grey wall, uint8 n 3 side side."""
    rng = torch.Generator().manual_seed(seed)
    at = torch.linspace(-1, 1, side)
    face = (at[:, None].square() + at.square() < 0.6).float()
    colour = torch.tensor(colorsys.hsv_to_rgb(hue, 0.8, 0.9))[:, None, None]
    noise = 0.1 * torch.randn(count, 3, side, side, generator=rng)
    return ((torch.lerp(torch.tensor(0.5), colour, face) + noise).clamp(0, 1) * 255).byte()


def portraits(root: Path, people: int = 6, strangers: int = 4, side: int = 32) -> Path:
    """Six people with five pictures to train and three to validate; four others with four."""
    entries: dict[str, list[PersonEntry]] = {"train": [], "val": [], "unseen": []}
    known = [f"person{i}" for i in range(people)]
    names = [*known, *(f"stranger{i}" for i in range(strangers))]
    for index, name in enumerate(names):
        images = pictures(index / len(names), 8, side, index)
        write_person(root, name, {f"{i}.jpg": image for i, image in enumerate(images)}, {})
        person = read_person(root, name)
        splits = {"train": range(5), "val": range(5, 8)} if name in known else {"unseen": range(4)}
        for split, chosen in splits.items():
            entries[split].append(PersonEntry(name, person.spans(chosen)))
    write_portraits(root, PortraitCorpus("fake", side, tuple(known)), entries)
    return root
