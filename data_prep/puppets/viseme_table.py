"""Where every sound of English wants the mouth to be, and how strongly."""
# ruff: noqa: RUF001 - the phonetic alphabet looks like others

from typing import NamedTuple


class Target(NamedTuple):
    """Where the mouth wants to be.

    Attributes:
        opening: Gap between the lips in pupil distances.
        width: Width of the mouth, 1 at rest.
        rounding: Lips pushed forward, 0 to 1.
        jaw: Jaw lowered, 0 to 1.
        tongue: Tip of the tongue raised, 0 to 1.
        teeth: Upper lip drawn up from the teeth, 0 to 1.
        tuck: Lower lip against the upper teeth, 0 to 1.
    """

    opening: float
    width: float = 1.0
    rounding: float = 0.0
    jaw: float = 0.2
    tongue: float = 0.1
    teeth: float = 0.2
    tuck: float = 0.0


class Viseme(NamedTuple):
    """A target with its dominance and reach: seconds in which the dominance falls by 1/e."""

    target: Target
    dominance: float = 1.0
    reach: float = 0.045


_REST = Viseme(Target(0.0, 1.0, 0.0, 0.0, 0.0, 0.0), 0.6, 0.05)
_BILABIAL = Viseme(Target(0.0, 0.98, 0.05, 0.1, 0.1, 0.0), 1.4, 0.035)
_LABIODENTAL = Viseme(Target(0.045, 1.0, 0.0, 0.15, 0.1, 0.7, 1.0), 2.2, 0.035)
_DENTAL = Viseme(Target(0.10, 1.02, 0.0, 0.25, 1.0, 0.4), 1.2, 0.035)
_ALVEOLAR = Viseme(Target(0.085, 1.02, 0.0, 0.2, 0.6, 0.4), 0.55, 0.03)
_LATERAL = Viseme(Target(0.13, 1.0, 0.0, 0.3, 0.9, 0.3), 0.7, 0.035)
_SIBILANT = Viseme(Target(0.065, 1.08, 0.0, 0.1, 0.1, 0.8), 1.3, 0.035)
_POSTALVEOLAR = Viseme(Target(0.11, 0.74, 0.8, 0.12, 0.1, 0.7), 1.5, 0.045)
_VELAR = Viseme(Target(0.12, 1.0, 0.0, 0.3, 0.0, 0.3), 0.35, 0.03)
_ROTIC = Viseme(Target(0.10, 0.78, 0.6, 0.25, 0.3, 0.2), 0.8, 0.045)
_GLIDE_W = Viseme(Target(0.04, 0.56, 1.0, 0.2, 0.0, 0.0), 2.0, 0.05)
_GLIDE_J = Viseme(Target(0.08, 1.10, 0.0, 0.2, 0.2, 0.5), 0.8, 0.035)
_OPEN = Viseme(Target(0.31, 0.95, 0.0, 1.0, 0.0, 0.2), 1.3, 0.055)
_OPEN_FRONT = Viseme(Target(0.28, 1.08, 0.0, 0.9, 0.1, 0.5), 1.3, 0.055)
_OPEN_ROUND = Viseme(Target(0.26, 0.82, 0.4, 0.85, 0.0, 0.1), 1.3, 0.055)
_MID_OPEN = Viseme(Target(0.20, 0.98, 0.0, 0.65, 0.1, 0.3), 1.1, 0.05)
_SCHWA = Viseme(Target(0.13, 0.98, 0.0, 0.4, 0.1, 0.2), 0.6, 0.045)
_RHOTIC_VOWEL = Viseme(Target(0.14, 0.84, 0.4, 0.35, 0.3, 0.3), 1.1, 0.05)
_MID_FRONT = Viseme(Target(0.20, 1.08, 0.0, 0.6, 0.1, 0.5), 1.2, 0.05)
_NEAR_CLOSE = Viseme(Target(0.13, 1.08, 0.0, 0.35, 0.2, 0.5), 0.9, 0.045)
_CLOSE_FRONT = Viseme(Target(0.105, 1.18, 0.0, 0.22, 0.3, 0.8), 1.3, 0.05)
_CLOSE_BACK = Viseme(Target(0.075, 0.60, 1.0, 0.22, 0.0, 0.0), 1.6, 0.055)
_NEAR_BACK = Viseme(Target(0.10, 0.70, 0.75, 0.3, 0.0, 0.0), 1.5, 0.05)
_MID_BACK = Viseme(Target(0.17, 0.70, 0.8, 0.55, 0.0, 0.0), 1.4, 0.055)
_ASPIRATE = Viseme(Target(0.14, 1.0, 0.0, 0.4, 0.0, 0.2), 0.2, 0.03)

_GROUPS: tuple[tuple[Viseme, str], ...] = (
    (_BILABIAL, "m b p"),
    (_LABIODENTAL, "f v"),
    (_DENTAL, "θ ð t̪ d̪"),
    (_ALVEOLAR, "t d n ɾ n̩"),
    (_LATERAL, "l ɫ l̩"),
    (_SIBILANT, "s z"),
    (_POSTALVEOLAR, "ʃ ʒ tʃ dʒ"),
    (_VELAR, "k ɡ g ŋ x ʔ"),
    (_ROTIC, "ɹ r"),
    (_GLIDE_W, "w ʍ"),
    (_GLIDE_J, "j"),
    (_ASPIRATE, "h"),
    (_OPEN, "ɑ a"),
    (_OPEN_FRONT, "æ"),
    (_OPEN_ROUND, "ɒ"),
    (_MID_OPEN, "ʌ ɐ"),
    (_SCHWA, "ə"),
    (_RHOTIC_VOWEL, "ɚ ɜ ɝ"),
    (_MID_FRONT, "ɛ e"),
    (_NEAR_CLOSE, "ɪ ᵻ"),
    (_CLOSE_FRONT, "i"),
    (_CLOSE_BACK, "u ʉ"),
    (_NEAR_BACK, "ʊ"),
    (_MID_BACK, "o ɔ"),
)
VISEMES: dict[str, Viseme] = {
    ipa: viseme for viseme, symbols in _GROUPS for ipa in symbols.split()
} | {"": _REST}
"""Viseme of every sound of English that the engine names; the empty one is silence."""
