"""Mel-frequency cepstral coefficients, and the patch of them that belongs to a video frame."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int16
from torch import Tensor, nn
from torchaudio.functional import create_dct, melscale_fbanks

from talkface.types import FPS, SAMPLE_RATE

FULL_SCALE = 32_768.0
"""Loudest sample of 16-bit sound, to which sound in [-1, 1] is scaled."""


@dataclass(frozen=True)
class MfccPreset:
    """How sound becomes coefficients; lengths in samples of ``SAMPLE_RATE``.

    Attributes:
        window: Length of the Hamming window.
        hop: Step between windows.
        preemphasis: Share of the previous sample that is taken off each sample.
        nfft: Length of the Fourier transform.
        power: Exponent of the spectrum, 1 for magnitude and 2 for power.
        filters: Number of triangular filters, equally spaced on the HTK mel scale.
        low: Lower end of the first filter in Hz.
        high: Upper end of the last filter in Hz.
        floor: Least filter output, so that digital silence has a logarithm. Samples count in
            16-bit steps; 1.0 lies below the rounding noise of 16 bits and makes silence exactly 0.
        first: Lowest cepstrum kept; 1 drops c0, the loudness.
        last: Highest cepstrum kept.
        lifter: Length of the sine lifter.
        steps: Columns per video frame.
        lead: Columns of the patch that lie before the first sample of its video frame.
    """

    window: int
    hop: int
    preemphasis: float
    nfft: int
    power: float
    filters: int
    low: float
    high: float
    floor: float
    first: int
    last: int
    lifter: int
    steps: int
    lead: int


PRESETS = {
    "davs": MfccPreset(
        window=400,
        hop=160,
        preemphasis=0.97,
        nfft=512,
        power=1.0,
        filters=13,
        low=300.0,
        high=3700.0,
        floor=1.0,
        first=1,
        last=12,
        lifter=22,
        steps=20,
        lead=8,
    ),
}
"""``davs``: Zhou et al. 2019, https://arxiv.org/abs/1807.07860, as their preprocessing sets it."""


class UnknownPresetError(ValueError):
    """There is no preset of that name."""

    def __init__(self, preset: str) -> None:
        super().__init__(f"There is no MFCC preset {preset!r}. Choose from {sorted(PRESETS)}.")


class Mfcc(nn.Module):
    r"""Cepstra of mono sound at ``SAMPLE_RATE``.

    $$c_j = \ell_j \sqrt{2 / M} \sum_{m=1}^{M} \cos\left(\pi j (m - 1/2) / M\right)
    \ln \max(f, E_m), \quad \ell_j = 1 + \frac{L}{2} \sin(\pi j / L)$$

    with $E_m$ the output of mel filter $m$ of $M$ on the spectrum, $f$ the floor and $L$ the
    length of the lifter. Every column depends on its own samples only, so a part of a sound
    gives the same columns as the whole.

    Args:
        preset: Name of the settings.

    Raises:
        UnknownPresetError: If there is no such preset.
    """

    window: Tensor
    bank: Tensor
    cepstra: Tensor

    def __init__(self, preset: str = "davs") -> None:
        super().__init__()
        if preset not in PRESETS:
            raise UnknownPresetError(preset)
        self.preset = p = PRESETS[preset]
        bank = melscale_fbanks(p.nfft // 2 + 1, p.low, p.high, p.filters, SAMPLE_RATE)
        order = torch.arange(p.first, p.last + 1)
        lifter = 1 + p.lifter / 2 * torch.sin(math.pi * order / p.lifter)
        cepstra = create_dct(p.last + 1, p.filters, norm="ortho")[:, p.first :] * lifter
        window = torch.hamming_window(p.window, periodic=False)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("cepstra", cepstra, persistent=False)

    @property
    def coefficients(self) -> int:
        """Coefficients per column, the axis ``k``."""
        return self.preset.last - self.preset.first + 1

    @property
    def steps(self) -> int:
        """Columns per video frame, the axis ``s``."""
        return self.preset.steps

    def forward(
        self, sound: Int16[Tensor, " samples"] | Float[Tensor, " samples"]
    ) -> Float[Tensor, "n k"]:
        """Coefficients of all windows that fit into ``sound``.

        Args:
            sound: 16-bit samples, or floating-point samples in [-1, 1].
        """
        return self._columns(nn.functional.pad(_scaled(sound), (1, 0)))

    def per_frame(
        self, sound: Int16[Tensor, " samples"] | Float[Tensor, " samples"], first: int, count: int
    ) -> Float[Tensor, "t k s"]:
        """Patches of the video frames ``first`` to ``first + count - 1``.

        Frame l of ``davs`` has the columns 4l - 8 to 4l + 11, which is 215 ms of sound around
        its middle. Beyond either end of the sound lies silence.

        Args:
            sound: The whole sound of the clip, 16-bit samples or floating point in [-1, 1].
            first: First video frame, counted from 0.
            count: Number of video frames.
        """
        p, per_frame = self.preset, SAMPLE_RATE // FPS
        start = first * per_frame - p.lead * p.hop - 1  # one more sample for the pre-emphasis
        stop = start + 1 + (count - 1) * per_frame + (p.steps - 1) * p.hop + p.window
        inside = _scaled(sound[max(start, 0) : max(stop, 0)])
        before = min(max(-start, 0), stop - start)
        after = stop - start - before - len(inside)
        columns = self._columns(nn.functional.pad(inside, (before, after)))
        return columns.unfold(0, p.steps, per_frame // p.hop)

    def usable(self, samples: int) -> range:
        """Video frames whose patch lies inside a sound of ``samples`` samples."""
        p, per_frame = self.preset, SAMPLE_RATE // FPS
        behind = (p.steps - 1 - p.lead) * p.hop + p.window
        return range(-(-p.lead * p.hop // per_frame), max(samples - behind, -1) // per_frame + 1)

    def _columns(self, sound: Float[Tensor, " samples"]) -> Float[Tensor, "n k"]:
        """Coefficients of a sound whose first sample only serves the pre-emphasis."""
        p = self.preset
        if len(sound) - 1 < p.window:
            return sound.new_zeros(0, self.coefficients)
        frames = (sound[1:] - p.preemphasis * sound[:-1]).unfold(0, p.window, p.hop)
        spectrum = torch.fft.rfft(frames * self.window, p.nfft).abs().pow(p.power)
        energies: Tensor = spectrum @ self.bank
        return energies.clamp_min(p.floor).log() @ self.cepstra


def _scaled(
    sound: Int16[Tensor, " samples"] | Float[Tensor, " samples"],
) -> Float[Tensor, " samples"]:
    return sound * FULL_SCALE if sound.is_floating_point() else sound.float()
