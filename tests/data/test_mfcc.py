import math

import numpy as np
import pytest
import torch
from torch import Tensor

from talkface.data.mfcc import Mfcc, UnknownPresetError
from tests import fakes


def reference(sound: np.ndarray) -> np.ndarray:
    """The formula, column by column, with loops and in double precision."""
    emphasised = np.append(sound[0], sound[1:] - 0.97 * sound[:-1])
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 399)
    mel = np.linspace(1127 * np.log(1 + 300 / 700), 1127 * np.log(1 + 3700 / 700), 15)
    edges, at = 700 * (np.exp(mel / 1127) - 1), np.linspace(0, 8000, 257)
    columns = []
    for start in range(0, len(sound) - 399, 160):
        spectrum = np.abs(np.fft.fft(emphasised[start : start + 400] * hamming, 512))[:257]
        logs = []
        for low, middle, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
            triangle = np.minimum((at - low) / (middle - low), (high - at) / (high - middle))
            logs.append(math.log(max(1.0, float(np.maximum(triangle, 0) @ spectrum))))
        cepstra = [
            math.sqrt(2 / 13)
            * sum(logs[m - 1] * math.cos(math.pi * j / 13 * (m - 0.5)) for m in range(1, 14))
            * (1 + 11 * math.sin(math.pi * j / 22))
            for j in range(13)
        ]
        columns.append(cepstra[1:])
    return np.array(columns)


@pytest.fixture(scope="module")
def sound() -> Tensor:
    noise = torch.randn(25_600, generator=torch.Generator().manual_seed(0)) * 300
    return (fakes.speech(fakes.loudness(40, 1), 120.0) + noise).to(torch.int16)


def test_davs_is_its_formula(sound: Tensor) -> None:
    ours = Mfcc("davs")(sound[:4_000])
    assert ours.shape == (23, 12)
    np.testing.assert_allclose(ours, reference(sound[:4_000].double().numpy()), atol=2e-3)


def test_floating_point_sound_is_taken_as_full_scale_one(sound: Tensor) -> None:
    mfcc = Mfcc()
    torch.testing.assert_close(mfcc(sound.float() / 32768), mfcc(sound))


def test_digital_silence_is_zero() -> None:
    assert torch.equal(Mfcc()(torch.zeros(1_600, dtype=torch.int16)), torch.zeros(8, 12))


def test_a_sound_shorter_than_a_window_has_no_column() -> None:
    assert Mfcc()(torch.zeros(399, dtype=torch.int16)).shape == (0, 12)


def test_frame_l_has_the_columns_4l_minus_8_to_4l_plus_11(sound: Tensor) -> None:
    mfcc = Mfcc()
    columns = mfcc(sound)
    patches = mfcc.per_frame(sound, 2, 35)
    for index, frame in enumerate(range(2, 37)):
        expected = columns[4 * frame - 8 : 4 * frame + 12].T
        torch.testing.assert_close(patches[index], expected, atol=1e-3, rtol=1e-5)


def test_a_part_equals_the_whole(sound: Tensor) -> None:
    mfcc = Mfcc()
    whole = mfcc.per_frame(sound, 0, 40)
    parts = [mfcc.per_frame(sound, first, 8) for first in range(0, 40, 8)]
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-3, rtol=1e-5)


def test_beyond_the_ends_lies_silence(sound: Tensor) -> None:
    mfcc = Mfcc()
    padded = torch.nn.functional.pad(sound, (6_400, 6_400))
    torch.testing.assert_close(
        mfcc.per_frame(sound, -8, 56), mfcc.per_frame(padded, 2, 56), atol=1e-3, rtol=1e-5
    )
    assert mfcc.per_frame(sound, 500, 3).abs().max() == 0


def test_usable_frames_need_no_padding(sound: Tensor) -> None:
    mfcc = Mfcc()
    assert mfcc.usable(29 * 640) == range(2, 26)
    assert len(mfcc.usable(0)) == len(mfcc.usable(3_439)) == 0
    assert mfcc.usable(3_440) == range(2, 3)  # columns 0 to 19 end at sample 3,440
    whole = mfcc.per_frame(sound, 2, 1)
    torch.testing.assert_close(mfcc.per_frame(sound[:3_440], 2, 1), whole)
    assert not torch.allclose(mfcc.per_frame(sound[:3_300], 2, 1), whole)


def test_the_shape_is_announced() -> None:
    mfcc = Mfcc()
    assert mfcc.per_frame(torch.zeros(16_000), 3, 5).shape == (5, mfcc.coefficients, mfcc.steps)
    assert (mfcc.coefficients, mfcc.steps) == (12, 20)
    assert not mfcc.state_dict()


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(UnknownPresetError, match=r"'dav'. Choose from \['davs'\]"):
        Mfcc("dav")
