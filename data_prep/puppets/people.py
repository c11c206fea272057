"""Drawing people by seed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.canvas import Colour, linear
from data_prep.puppets.espeak import Voice
from data_prep.puppets.identity import (
    Beard,
    Bones,
    Brows,
    Clothes,
    Colours,
    Eyes,
    HairStyle,
    Identity,
    Lips,
    Style,
)

T = TypeVar("T")
Palette = tuple[tuple[int, int, int], ...]

# Ten tones from light to dark, after the Monk skin tone scale (https://skintone.google), warmed.
_SKIN: Palette = (
    (246, 222, 206), (242, 211, 190), (236, 200, 170), (226, 186, 150), (208, 162, 124),
    (178, 130, 94), (148, 103, 74), (116, 78, 56), (94, 63, 47), (76, 51, 40),
)  # fmt: skip
_DARK_HAIR: Palette = ((22, 18, 17), (34, 25, 21), (48, 34, 26), (66, 44, 30))
_LIGHT_HAIR: Palette = (
    (92, 62, 38), (128, 88, 50), (176, 132, 78), (206, 172, 116), (150, 84, 48), (128, 54, 26),
)  # fmt: skip
_GREY_HAIR: Palette = ((120, 118, 116), (168, 166, 164), (196, 194, 192))
_DARK_EYES: Palette = ((58, 36, 22), (74, 46, 26), (46, 30, 20))
_LIGHT_EYES: Palette = (
    (92, 124, 150), (74, 108, 132), (96, 118, 82), (118, 98, 58), (110, 122, 126),
)  # fmt: skip
_CLOTHES: Palette = (
    (46, 62, 92), (120, 42, 46), (52, 88, 70), (210, 206, 198), (62, 62, 66), (150, 116, 70),
    (92, 70, 110), (176, 186, 200), (30, 34, 42), (170, 92, 70), (84, 122, 140),
)  # fmt: skip
_WALLS: Palette = (
    (176, 186, 192), (120, 132, 146), (204, 192, 172), (92, 112, 108), (150, 132, 138),
    (66, 80, 104), (188, 170, 160), (134, 148, 122), (210, 210, 206), (84, 76, 82),
)  # fmt: skip
_GLASSES: Palette = ((24, 22, 24), (70, 40, 24), (120, 110, 100), (60, 20, 26))
_ROUGE: Palette = ((176, 44, 58), (196, 78, 88), (146, 40, 66), (206, 96, 92))
_ACCENTS = ("en-us", "en-us", "en-us", "en", "en", "en-gb-x-rp", "en-gb-scotland", "en-029")
_WOMEN_HAIR: tuple[HairStyle, ...] = ("long", "long", "bob", "bun", "fringe", "curly", "short")
_MEN_HAIR: tuple[HairStyle, ...] = ("short", "short", "side", "side", "buzz", "curly", "fringe")
_BEARDS: tuple[Beard, ...] = ("none", "stubble", "moustache", "goatee", "full")
_CUTS: tuple[Clothes, ...] = ("crew", "vneck", "shirt", "hoodie")
_HALF, _MAN, _WOMAN, _FAIR, _OLD = 0.5, 0.6, 0.4, 0.45, 0.62


def draw_identity(seed: int) -> Identity:
    """The person with this seed; different seeds give different people."""
    rng = np.random.default_rng([seed, 0x1D])
    masculine = float(np.clip(rng.random() * 1.3 - 0.15, 0, 1))
    age = float(rng.beta(1.6, 2.2))
    return Identity(
        seed=seed,
        voice=_voice(rng, masculine),
        articulation=_about(rng, 1.12, 0.08),
        masculine=masculine,
        age=age,
        bones=_bones(rng, masculine),
        eyes=_eyes(rng, masculine),
        brows=_brows(rng, masculine),
        lips=_lips(rng, masculine),
        colours=_colours(rng, age, masculine),
        style=_style(rng, age, masculine),
        light=(_about(rng, 0.0, 0.5), _about(rng, -0.6, 0.12)),
        zoom=_about(rng, 1.0, 0.035),
        offset=(_about(rng, 0.0, 0.012), _about(rng, 0.0, 0.01)),
    )


def elsewhere(who: Identity, rng: np.random.Generator) -> Identity:
    """The same person on another day: other clothes, wall, light and camera."""
    colours = replace(who.colours, clothes=_tone(rng, _CLOTHES), wall=_tone(rng, _WALLS))
    style = replace(who.style, clothes=_pick(rng, _CUTS), wall=int(rng.integers(5)))
    return replace(
        who,
        colours=colours,
        style=style,
        light=(_about(rng, 0.0, 0.6), _about(rng, -0.6, 0.2)),
        zoom=_about(rng, 1.0, 0.1),
        offset=(_about(rng, 0.0, 0.03), _about(rng, 0.0, 0.025)),
    )


def _bones(rng: np.random.Generator, masculine: float) -> Bones:
    return Bones(
        face_width=_about(rng, 1.0, 0.045),
        jaw_width=_about(rng, 0.93 + 0.12 * masculine, 0.05),
        chin_length=_about(rng, 0.98 + 0.04 * masculine, 0.025),
        forehead=_about(rng, 1.0, 0.05),
        cheeks=_about(rng, 1.0, 0.35),
        nose_width=_about(rng, 0.95 + 0.12 * masculine, 0.12),
        nose_length=_about(rng, 1.0, 0.05),
        nose_bridge=_about(rng, 0.95 + 0.15 * masculine, 0.2),
        ears=_about(rng, 1.0, 0.1),
    )


def _eyes(rng: np.random.Generator, masculine: float) -> Eyes:
    return Eyes(
        width=_about(rng, 0.258 - 0.012 * masculine, 0.01),
        height=_about(rng, 1.05 - 0.15 * masculine, 0.1),
        tilt=_about(rng, 0.02 - 0.01 * masculine, 0.02),
        lashes=float(np.clip(_about(rng, 1.0 - 0.75 * masculine, 0.15), 0.1, 1.2)),
        crease=float(np.clip(_about(rng, 1.0, 0.4), 0.15, 1.6)),
    )


def _brows(rng: np.random.Generator, masculine: float) -> Brows:
    return Brows(
        height=_about(rng, 0.35 - 0.05 * masculine, 0.02),
        thickness=_about(rng, 0.06 + 0.03 * masculine, 0.01),
        arch=_about(rng, 0.075 - 0.035 * masculine, 0.015),
        tilt=_about(rng, 0.0, 0.025),
    )


def _lips(rng: np.random.Generator, masculine: float) -> Lips:
    return Lips(
        width=_about(rng, 0.40, 0.02),
        height=_about(rng, 1.08, 0.022),
        upper=_about(rng, 0.112 - 0.024 * masculine, 0.014),
        lower=_about(rng, 0.15 - 0.02 * masculine, 0.016),
        smile=_about(rng, 0.012, 0.012),
    )


def _colours(rng: np.random.Generator, age: float, masculine: float) -> Colours:
    depth = float(rng.random())
    fair = depth < _FAIR and rng.random() < _MAN
    grey = age > _OLD and rng.random() < 0.75  # odds of having turned grey
    iris = _LIGHT_EYES if fair and rng.random() < 0.8 else _DARK_EYES  # odds
    skin = _tone(rng, _SKIN, depth)
    return Colours(
        depth=depth,
        skin=skin,
        lips=_lip_colour(rng, skin, depth, masculine),
        hair=_tone(rng, _GREY_HAIR if grey else _LIGHT_HAIR if fair else _DARK_HAIR),
        iris=_tone(rng, iris),
        clothes=_tone(rng, _CLOTHES),
        wall=_tone(rng, _WALLS),
        glasses=_tone(rng, _GLASSES),
    )


def _lip_colour(rng: np.random.Generator, skin: Colour, depth: float, masculine: float) -> Colour:
    """The skin, redder; with lipstick on some."""
    natural = np.asarray(skin) * (0.84 - 0.12 * depth, 0.46 + 0.1 * depth, 0.48 + 0.12 * depth)
    stick = (1 - masculine) * float(rng.random() < _HALF) * float(rng.uniform(0.3, 0.9))
    rouge = np.asarray(_tone(rng, _ROUGE))
    return _triple(natural + (rouge * (1 - 0.35 * depth) - natural) * stick)


def _style(rng: np.random.Generator, age: float, masculine: float) -> Style:
    hair = _hair(rng, masculine, age)
    odds = (0.4, 0.22, 0.08, 0.1, 0.2) if masculine > _MAN else (1.0, 0.0, 0.0, 0.0, 0.0)
    bare = masculine < _WOMAN and hair in {"bun", "short", "buzz"}
    return Style(
        hair=hair,
        parting=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 0.6)),
        volume=_about(rng, 1.0, 0.3),
        hairline=_about(rng, 0.0, 0.06) - 0.06 * masculine,
        beard=_BEARDS[int(rng.choice(len(_BEARDS), p=odds))],
        glasses=int(rng.integers(1, 4)) if rng.random() < 0.22 else 0,  # odds
        earrings=bool(bare and rng.random() < _MAN),
        freckles=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.12 else 0.0,  # odds
        clothes=_pick(rng, _CUTS),
        wall=int(rng.integers(5)),
    )


def _hair(rng: np.random.Generator, masculine: float, age: float) -> HairStyle:
    if masculine > _MAN and rng.random() < 0.1 + 0.25 * age:
        return "bald"
    return _pick(rng, _MEN_HAIR if masculine > _HALF else _WOMEN_HAIR)


def _voice(rng: np.random.Generator, masculine: float) -> Voice:
    variant = f"m{rng.integers(1, 8)}" if masculine > _HALF else f"f{rng.integers(1, 6)}"
    return Voice(
        name=f"{_pick(rng, _ACCENTS)}+{variant}",
        rate=int(rng.integers(140, 181)),
        pitch=int(rng.integers(32, 69)),
        intonation=int(rng.integers(30, 75)),
    )


def _pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def _about(rng: np.random.Generator, mean: float, spread: float) -> float:
    """Normal draw, cut at two standard deviations."""
    return float(mean + spread * np.clip(rng.standard_normal(), -2, 2))


def _tone(rng: np.random.Generator, palette: Palette, place: float | None = None) -> Colour:
    """A colour of the palette, or between two at ``place`` in [0, 1], slightly varied."""
    position = (rng.random() if place is None else place) * (len(palette) - 1)
    position = position if place is not None else round(position)
    low = min(int(position), len(palette) - 2)
    a, b = np.asarray(palette[low], float), np.asarray(palette[low + 1], float)
    mixed = (a + (b - a) * (position - low)) * (
        1 + 0.03 * rng.standard_normal() + 0.008 * rng.standard_normal(3)
    )
    red, green, blue = np.clip(mixed, 4, 252)
    return linear(float(red), float(green), float(blue))


def _triple(values: NDArray[np.floating]) -> Colour:
    red, green, blue = (float(v) for v in values)
    return red, green, blue
