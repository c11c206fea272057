"""Who a puppet is: everything about a person that does not move.

Lengths are in units of the pupil distance; factors are 1 for the average face.
"""

from dataclasses import dataclass
from typing import Literal

from data_prep.puppets.canvas import Colour
from data_prep.puppets.espeak import Voice

HairStyle = Literal["bald", "buzz", "short", "side", "fringe", "curly", "bob", "long", "bun"]
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]
Clothes = Literal["crew", "vneck", "shirt", "hoodie"]


@dataclass(frozen=True)
class Bones:
    """The shape of the head: factors."""

    face_width: float
    jaw_width: float
    chin_length: float
    forehead: float
    cheeks: float
    nose_width: float
    nose_length: float
    nose_bridge: float
    ears: float


@dataclass(frozen=True)
class Eyes:
    """Half width of the opening, factor of its height, how far the outer corner lies higher."""

    width: float
    height: float
    tilt: float
    lashes: float
    crease: float


@dataclass(frozen=True)
class Brows:
    """Height over the eyes, thickness, arch, and how far the outer end lies higher."""

    height: float
    thickness: float
    arch: float
    tilt: float


@dataclass(frozen=True)
class Lips:
    """Half width of the mouth at rest, its height below the eyes, and the lips' thickness."""

    width: float
    height: float
    upper: float
    lower: float
    smile: float


@dataclass(frozen=True)
class Colours:
    """Linear light; ``depth`` runs from the lightest skin (0) to the darkest (1)."""

    depth: float
    skin: Colour
    lips: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    wall: Colour
    glasses: Colour


@dataclass(frozen=True)
class Style:
    """Hair, beard, clothes, what is worn, and the wall behind."""

    hair: HairStyle
    parting: float
    volume: float
    hairline: float
    beard: Beard
    glasses: int
    earrings: bool
    freckles: float
    clothes: Clothes
    wall: int


@dataclass(frozen=True)
class Identity:
    """A person, the voice, and how the camera and the light stand.

    Attributes:
        seed: What the person was drawn from.
        voice: Voice of the speech engine.
        articulation: Factor of the movements of the mouth.
        masculine: 0 to 1.
        age: 0 (young) to 1 (old).
        light: Where the key light stands, x and y of its direction.
        zoom: Factor of the size in the picture.
        offset: Place in the picture, as a share of its side.
    """

    seed: int
    voice: Voice
    articulation: float
    masculine: float
    age: float
    bones: Bones
    eyes: Eyes
    brows: Brows
    lips: Lips
    colours: Colours
    style: Style
    light: tuple[float, float]
    zoom: float
    offset: tuple[float, float]
