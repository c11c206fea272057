"""The controls of a face."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expression:
    """All controls of a face at one moment; see `Articulation` and `Motion`.

    The last ones belong to feelings and are 0 in a calm face.

    Attributes:
        smile: Corners of the mouth up, to 1, or down, to -1.
        sneer: Upper lip raised, to 1.
        sorrow: Inner ends of the brows up, to 1, or down, to -1.
        furrow: Brows drawn together, to 1.
        wide: Eyes torn open, to 1.
        squint: Lower lids raised, to 1.
        wrinkle: Nose wrinkled, to 1.
    """

    opening: float = 0.0
    width: float = 1.0
    rounding: float = 0.0
    jaw: float = 0.0
    tongue: float = 0.0
    teeth: float = 0.0
    tuck: float = 0.0
    press: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    blink: float = 0.0
    brow: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    smile: float = 0.0
    sneer: float = 0.0
    sorrow: float = 0.0
    furrow: float = 0.0
    wide: float = 0.0
    squint: float = 0.0
    wrinkle: float = 0.0
