"""Still pictures of puppets: all but the person changes from one to the next."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.expression import Expression
from data_prep.puppets.people import draw_identity, elsewhere
from data_prep.puppets.puppet import Puppet
from data_prep.puppets.viseme_table import VISEMES

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]


def draw_portrait(identity: int, take: int, side: int) -> tuple[Picture, Points]:
    """One picture of a person, and where the face is in it.

    Args:
        identity: Seed of the person.
        take: Number of the picture among those of the person.
        side: Side of the picture in pixels, a multiple of 32.

    Returns:
        RGB, (side, side, 3), and the iBUG-68 points in pixels, (68, 2).
    """
    rng = np.random.default_rng([identity, take, 0xF070])
    who = elsewhere(draw_identity(identity), rng)
    now = draw_moment(rng)
    puppet = Puppet(who, side, rng)
    return expose(puppet.render(now), rng), puppet.landmarks(now)


def draw_moment(rng: np.random.Generator) -> Expression:
    """A face caught at any moment: speaking or silent, looking anywhere, blinking or not."""
    turn, nod, tilt = np.clip(rng.normal(0, (0.2, 0.08, 0.08)), -0.36, 0.36)
    look_x, look_y = rng.normal(0, (0.4, 0.2))
    return replace(
        _mouth(rng),
        yaw=float(turn),
        pitch=float(np.clip(nod, -0.18, 0.18)),
        roll=float(np.clip(tilt, -0.2, 0.2)),
        blink=_lids(rng),
        brow=float(np.clip(rng.normal(0.05, 0.35), -1, 1)),
        gaze_x=float(np.clip(look_x - turn, -1, 1)),
        gaze_y=float(np.clip(look_y - nod, -1, 1)),
    )


def expose(picture: Picture, rng: np.random.Generator) -> Picture:
    """Another exposure, white balance, contrast and sensor noise."""
    exposure, contrast = np.exp(rng.normal(0, (0.12, 0.12)))
    balance = np.exp(rng.normal(0, 0.04, 3))
    light = np.clip(picture / 255 * exposure * balance, 0, 1) ** contrast
    grain = rng.normal(0, rng.uniform(0.002, 0.015), picture.shape)
    return np.asarray(np.clip((light + grain) * 255 + 0.5, 0, 255), np.uint8)


def _mouth(rng: np.random.Generator) -> Expression:
    """A mouth between two sounds of speech, or at rest."""
    effort = float(rng.uniform(0.4, 1.2)) if rng.random() < 0.7 else 0.0  # odds of speaking
    sounds = list(VISEMES.values())
    one, other = (sounds[i].target for i in rng.integers(len(sounds), size=2))
    share = float(rng.random())
    between = {
        name: a + share * (b - a) for name, a, b in zip(one._fields, one, other, strict=True)
    }
    width = float(rng.uniform(0.95, 1.18))
    if effort == 0:
        return Expression(width=width, teeth=0.0)
    between |= {"opening": effort * between["opening"], "jaw": effort * between["jaw"]}
    return Expression(**{**between, "width": between["width"] * (0.5 + 0.5 * width)})


def _lids(rng: np.random.Generator) -> float:
    """Open, half closed in one picture of ten, closed in another."""
    odds = rng.random()
    if odds < 0.1:
        return 1.0
    return float(rng.uniform(0.3, 0.8)) if odds < 0.2 else float(abs(rng.normal(0, 0.08)))
