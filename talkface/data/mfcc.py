"""Mel-frequency cepstral coefficients, and the patch of them that belongs to a video frame."""

import math

import torch
from jaxtyping import Float, Int16
from torch import Tensor, nn
from torchaudio.functional import create_dct, melscale_fbanks

from talkface.data.mfcc_presets import PRESETS, MfccPreset, UnknownPresetError
from talkface.types import FPS, SAMPLE_RATE

FULL_SCALE = 32_768.0
"""Loudest sample of 16-bit sound, to which sound in [-1, 1] is scaled."""


class Mfcc(nn.Module):
    r"""Cepstra of mono sound at ``SAMPLE_RATE``.

    $$c_j = \ell_j \sqrt{2 / M} \sum_{m=1}^{M} \cos\left(\pi j (m - 1/2) / M\right)
    \ln \max(f, E_m), \quad \ell_j = 1 + \frac{L}{2} \sin(\pi j / L)$$

    with $E_m$ the output of mel filter $m$ of $M$ on the spectrum $a |X|^p$, $f$ the floor and $L$
    the length of the lifter. With ``energy`` the column begins with $\ln \max(f, \sum a |X|^p)$.
    Every column depends on its own samples only, so a part of a sound gives the same columns as
    the whole.

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
        bank = _filterbank(p)
        order = torch.arange(p.first, p.last + 1)
        lifter = 1 + p.lifter / 2 * torch.sin(math.pi * order / p.lifter)
        cepstra = create_dct(p.last + 1, p.filters, norm="ortho")[:, p.first :] * lifter
        if p.energy:  # one more filter, of ones, whose logarithm passes the transform as it is
            bank = nn.functional.pad(bank, (1, 0), value=1.0)
            cepstra = torch.block_diag(torch.ones(1, 1), cepstra)
        window = torch.hamming_window(p.window, periodic=False, alpha=p.taper, beta=1 - p.taper)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("bank", bank * p.scale, persistent=False)
        self.register_buffer("cepstra", cepstra, persistent=False)

    @property
    def coefficients(self) -> int:
        """Coefficients per column, the axis ``k``."""
        return self.cepstra.shape[1]

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

        Frame l has the columns 4l - 8 to 4l + 11, counted from 0, as both presets set it: 215 ms
        of sound around its middle. Beyond either end of the sound lies silence.

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


def _filterbank(preset: MfccPreset) -> Float[Tensor, "bins filters"]:
    r"""Triangles of height 1.

    Snapped ones, as python_speech_features has them, have their corners at the bins
    $\lfloor (n + 1) f / r \rfloor$, with $n$ the length of the transform, $f$ the corner in Hz and
    $r$ the sampling rate. torchaudio knows corners at exact frequencies only.
    """
    p, bins = preset, preset.nfft // 2 + 1
    if not p.snapped:
        continuous: Tensor = melscale_fbanks(bins, p.low, p.high, p.filters, SAMPLE_RATE)
        return continuous
    low, high = (math.log1p(hz / 700) for hz in (p.low, p.high))
    hz = 700 * torch.linspace(low, high, p.filters + 2, dtype=torch.float64).expm1()
    corners = ((p.nfft + 1) * hz / SAMPLE_RATE).floor()
    start, peak, end = corners[:-2], corners[1:-1], corners[2:]
    at = torch.arange(bins)[:, None]
    triangles = torch.minimum((at - start) / (peak - start), (end - at) / (end - peak))
    return triangles.clamp_min(0).float()
