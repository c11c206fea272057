import math

import numpy as np
import pytest
import python_speech_features
import torch
from python_speech_features.base import get_filterbanks
from torch import Tensor

from talkface.data.mfcc import Mfcc
from tests import fakes


def speech(seconds: float, noise: float = 300.0) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    voice = fakes.speech(fakes.loudness(round(25 * seconds), 1), 120.0)
    return (voice + torch.randn(len(voice), generator=rng) * noise).to(torch.int16)


def matlab(samples: list[int]) -> np.ndarray:
    """``mfcc.m`` as DAVS calls it, less c0: 12 rows, a column per window, in double precision."""
    emphasised = [samples[n] - 0.97 * (samples[n - 1] if n else 0) for n in range(len(samples))]
    hamming = [0.54 - 0.46 * math.cos(2 * math.pi * n / 399) for n in range(400)]
    fourier = np.array(
        [[np.exp(-2j * math.pi * k * n / 512) for n in range(400)] for k in range(257)]
    )
    filters = np.zeros((13, 257))
    mel = [1127 * math.log(1 + hz / 700) for hz in (300, 3700)]
    edges = [700 * math.exp((mel[0] + m * (mel[1] - mel[0]) / 14) / 1127) - 700 for m in range(15)]
    for m in range(13):
        low, peak, high = edges[m : m + 3]
        for k in range(257):
            hz = k * 8000 / 256
            if low <= hz <= peak:
                filters[m, k] = (hz - low) / (peak - low)
            elif peak <= hz <= high:
                filters[m, k] = (high - hz) / (high - peak)
    columns = []
    for start in range(0, len(samples) - 400 + 1, 160):
        frame = np.array([emphasised[start + n] * hamming[n] for n in range(400)])
        logs = [math.log(energy) for energy in filters @ np.abs(fourier @ frame)]
        cepstra = [
            math.sqrt(2 / 13)
            * sum(logs[m] * math.cos(c * math.pi * (m + 0.5) / 13) for m in range(13))
            for c in range(13)
        ]
        columns.append([(1 + 11 * math.sin(math.pi * c / 22)) * cepstra[c] for c in range(1, 13)])
    return np.array(columns).T


@pytest.fixture(scope="module")
def spoken() -> Tensor:
    return speech(1.2)


@pytest.fixture(scope="module")
def published(spoken: Tensor) -> np.ndarray:
    return matlab(spoken.tolist())


def test_davs_is_the_published_formula(spoken: Tensor, published: np.ndarray) -> None:
    np.testing.assert_allclose(Mfcc("davs")(spoken).T, published, rtol=0, atol=5e-4)


def test_a_patch_of_davs_is_columns_4l_minus_7_to_4l_plus_12(
    spoken: Tensor, published: np.ndarray
) -> None:
    mfcc = Mfcc("davs")
    usable = mfcc.usable(len(spoken))
    assert usable == range(2, 27)
    for frame, patch in zip(usable, mfcc.per_frame(spoken, 2, 25), strict=True):
        first, last = 4 * frame - 7, 4 * frame + 12  # counted from 1, as there
        np.testing.assert_allclose(patch, published[:, first - 1 : last], rtol=0, atol=5e-4)


def test_digital_silence_is_zero_in_davs() -> None:
    assert torch.equal(Mfcc("davs")(torch.zeros(1_600, dtype=torch.int16)), torch.zeros(8, 12))


def package(sound: Tensor) -> np.ndarray:
    """The columns of python_speech_features with its own defaults."""
    columns: np.ndarray = python_speech_features.mfcc(sound.numpy(), 16_000)
    return columns


def noise(low: int, high: int, seconds: float = 3.0) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randint(low, high + 1, (round(16_000 * seconds),), generator=rng).to(torch.int16)


SOUNDS = {
    "speech": speech(4.0),
    "speech without noise": speech(4.0, noise=0.0),
    "noise": noise(-32_768, 32_767),
    "near silence": noise(-1, 1),
    "a click now and then": (noise(0, 999) == 0).to(torch.int16),
    "digital silence": torch.zeros(48_000, dtype=torch.int16),
    "speech after silence": torch.cat([torch.zeros(16_100, dtype=torch.int16), speech(2.0, 0.0)]),
    "a constant": torch.full((48_000,), 32_767, dtype=torch.int16),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_psf_is_the_package(name: str) -> None:
    sound = SOUNDS[name]
    ours, theirs = Mfcc("psf")(sound), package(sound)
    assert ours.shape == ((len(sound) - 400) // 160 + 1, 13)
    np.testing.assert_allclose(ours, theirs[: len(ours)], rtol=0, atol=1e-3)


def test_psf_has_the_filters_of_the_package() -> None:
    energy, filters = Mfcc("psf").bank.double().mul(512).split([1, 26], dim=1)
    torch.testing.assert_close(energy, torch.ones_like(energy))
    np.testing.assert_allclose(filters.T, get_filterbanks(26, 512, 16_000), atol=1e-7)


def test_a_patch_of_psf_is_what_syncnet_pairs_with_the_five_frames_around() -> None:
    sound = speech(2.0)
    mfcc, columns = Mfcc("psf"), package(sound)
    for first in range(50 - 5):
        patch = mfcc.per_frame(sound, first + 2, 1)[0]
        np.testing.assert_allclose(patch, columns[4 * first : 4 * first + 20].T, atol=1e-3, rtol=0)


def test_beyond_the_ends_psf_is_the_package_on_padded_sound() -> None:
    sound = speech(1.0)
    columns = package(torch.nn.functional.pad(sound, (1_280, 2_160)))
    for frame, patch in enumerate(Mfcc("psf").per_frame(sound, 0, 25)):
        np.testing.assert_allclose(patch, columns[4 * frame : 4 * frame + 20].T, atol=1e-3, rtol=0)


def test_the_package_has_one_column_more_where_the_last_window_is_not_full() -> None:
    for samples, more in ((3_440, 0), (3_441, 1), (3_599, 1), (3_600, 0)):
        sound = speech(1.0)[:samples]
        assert len(package(sound)) - len(Mfcc("psf")(sound)) == more


def test_the_cut_off_column_differs_from_the_package_by_the_pre_emphasis_of_its_end() -> None:
    sound = speech(1.0)[: 3_440 + 100]
    silent = torch.nn.functional.pad(sound, (0, 60))
    np.testing.assert_allclose(package(sound)[:-1], package(silent)[:-1])
    assert np.abs(package(sound)[-1] - package(silent)[-1]).max() > 0.1
