"""The controls of a face."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expression:
    """All controls of a face at one moment; see `Articulation` and `Motion`."""

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
