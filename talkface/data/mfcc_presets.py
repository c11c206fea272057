"""Settings of the MFCC front end, as published systems use them."""

import sys
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class MfccPreset:
    """How sound becomes coefficients; lengths in samples of ``SAMPLE_RATE``.

    Attributes:
        window: Length of the window.
        taper: Constant part of the window, the rest being a cosine: 0.54 is a Hamming window, 1
            a rectangle.
        hop: Step between windows.
        preemphasis: Share of the previous sample that is taken off each sample.
        nfft: Length of the Fourier transform.
        power: Exponent of the spectrum, 1 for magnitude and 2 for power.
        scale: Factor of the spectrum.
        filters: Number of triangular filters, equally spaced on the HTK mel scale.
        snapped: Whether the corners of the triangles move down to whole bins of the spectrum.
        low: Lower end of the first filter in Hz.
        high: Upper end of the last filter in Hz.
        floor: Least filter output, so that digital silence has a logarithm. Samples count in
            16-bit steps; 1.0 lies below the rounding noise of 16 bits and makes silence exactly 0.
        energy: Whether a column begins with the logarithm of the energy of its window.
        first: Lowest cepstrum kept; 1 drops c0, the loudness.
        last: Highest cepstrum kept.
        lifter: Length of the sine lifter.
        steps: Columns per video frame.
        lead: Columns of the patch that lie before the first sample of its video frame.
    """

    window: int
    taper: float
    hop: int
    preemphasis: float
    nfft: int
    power: float
    scale: float
    filters: int
    snapped: bool
    low: float
    high: float
    floor: float
    energy: bool
    first: int
    last: int
    lifter: int
    steps: int
    lead: int


PUBLISHED = {
    "davs": MfccPreset(
        window=400,
        taper=0.54,
        hop=160,
        preemphasis=0.97,
        nfft=512,
        power=1.0,
        scale=1.0,
        filters=13,
        snapped=False,
        low=300.0,
        high=3700.0,
        floor=1.0,
        energy=False,
        first=1,
        last=12,
        lifter=22,
        steps=20,
        lead=8,
    ),
    "psf": MfccPreset(
        window=400,
        taper=1.0,
        hop=160,
        preemphasis=0.97,
        nfft=512,
        power=2.0,
        scale=1 / 512,
        filters=26,
        snapped=True,
        low=0.0,
        high=8000.0,
        floor=sys.float_info.epsilon,
        energy=True,
        first=1,
        last=12,
        lifter=22,
        steps=20,
        lead=8,
    ),
}

PRESETS = {**PUBLISHED, "wide": replace(PUBLISHED["psf"], steps=32, lead=14)}
"""``davs``: Zhou et al. 2019, https://arxiv.org/abs/1807.07860, as their preprocessing sets it.

``psf``: the defaults of the package python_speech_features 0.6. SyncNet (Chung and Zisserman 2016)
pairs the video frames v to v + 4 with its columns 4v to 4v + 19, which is 0.2 s: with a lead of 8
these are the patch of v + 2, the middle one of the five.

``wide``: the columns of ``psf``, 320 ms of them. Sound says more of how far a mouth is open with
the loudness, which ``davs`` drops, and with more of what comes before and after.
"""


class UnknownPresetError(ValueError):
    """There is no preset of that name."""

    def __init__(self, preset: str) -> None:
        super().__init__(f"There is no MFCC preset {preset!r}. Choose from {sorted(PRESETS)}.")
