"""The six emotions of CREMA-D in a face and in a voice.

Which parts of a face move follows the prototypes of basic emotions (Ekman and Friesen 1978, Facial
Action Coding System): anger draws the brows down and together over staring eyes, disgust wrinkles
the nose and raises the upper lip, fear raises and joins the brows over eyes torn open and draws
the mouth out, happiness lifts the corners of the mouth and the lower lids, sadness lifts the inner
ends of the brows, lowers the lids and the corners of the mouth.
"""

from collections.abc import Mapping
from dataclasses import replace

from data_prep.puppets.espeak import Voice
from data_prep.puppets.expression import Expression

STRENGTHS: Mapping[str, float] = {"LO": 0.4, "MD": 0.7, "HI": 1.0, "XX": 0.9}
"""How strongly a level shows."""

FACES: Mapping[str, Mapping[str, float]] = {
    "ANG": {"brow": -0.9, "sorrow": -0.65, "furrow": 1.0, "wide": 0.25, "squint": 0.25,
            "smile": -0.55, "width": -0.06, "pitch": 0.05, "gaze_y": -0.2},
    "DIS": {"brow": -0.55, "sorrow": -0.3, "furrow": 0.5, "squint": 0.8, "blink": 0.12,
            "wrinkle": 1.0, "sneer": 1.0, "smile": -0.6, "pitch": -0.04, "roll": 0.05},
    "FEA": {"brow": 0.75, "sorrow": 0.55, "furrow": 0.45, "wide": 1.0, "width": 0.16,
            "smile": -0.35, "opening": 0.07, "jaw": 0.2, "pitch": -0.03, "shift_y": -0.02},
    "HAP": {"brow": 0.3, "squint": 0.6, "smile": 1.0, "width": 0.14, "teeth": 0.3,
            "opening": 0.05},
    "NEU": {},
    "SAD": {"brow": -0.1, "sorrow": 1.0, "furrow": 0.35, "blink": 0.3, "smile": -0.95,
            "width": -0.06, "pitch": 0.08, "gaze_y": 0.35},
}  # fmt: skip
"""What a feeling at full strength adds to the controls of a calm face."""

VOICES: Mapping[str, tuple[float, int, float, float]] = {
    "ANG": (1.12, 8, 1.4, 1.0),
    "DIS": (0.88, -8, 0.9, 0.75),
    "FEA": (1.15, 16, 0.8, 0.65),
    "HAP": (1.06, 12, 1.6, 0.85),
    "NEU": (1.0, 0, 1.0, 0.7),
    "SAD": (0.80, -6, 0.4, 0.45),
}
"""Factor of the pace, what is added to the pitch, factor of the intonation, and loudness."""

_HIGHEST = 100
_LOWEST_RATE, _HIGHEST_RATE = 80, 450


def feel(now: Expression, emotion: str, strength: float) -> Expression:
    """The face ``now`` with a feeling; lips that are held together stay closed.

    Args:
        now: A moment of calm speech.
        emotion: One of `FACES`.
        strength: 0 for calm to 1.
    """
    changed = {
        name: getattr(now, name) + strength * target for name, target in FACES[emotion].items()
    }
    for name in {"opening", "sneer"} & changed.keys():
        calm = float(getattr(now, name))
        changed[name] = calm + (changed[name] - calm) * (1 - now.press)
    if "blink" in changed:  # lowered lids and blinks do not add up
        changed["blink"] = max(now.blink, changed["blink"] - now.blink)
    return replace(now, **changed)


def speak_with(voice: Voice, emotion: str, strength: float) -> tuple[Voice, float]:
    """The voice with a feeling, and how loud it is, 0 to 1."""
    pace, higher, range_, loudness = VOICES[emotion]
    rate = round(voice.rate * (1 + strength * (pace - 1)))
    calm = VOICES["NEU"][-1]
    changed = replace(
        voice,
        rate=min(max(rate, _LOWEST_RATE), _HIGHEST_RATE),
        pitch=min(max(round(voice.pitch + strength * higher), 0), _HIGHEST),
        intonation=min(round(voice.intonation * (1 + strength * (range_ - 1))), _HIGHEST),
    )
    return changed, calm + strength * (loudness - calm)
