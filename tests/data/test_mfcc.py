import pytest
import torch
from torch import Tensor

from talkface.data.mfcc import Mfcc
from talkface.data.mfcc_presets import UnknownPresetError
from tests import fakes


@pytest.fixture(scope="module")
def sound() -> Tensor:
    noise = torch.randn(25_600, generator=torch.Generator().manual_seed(0)) * 300
    return (fakes.speech(fakes.loudness(40, 1), 120.0) + noise).to(torch.int16)


@pytest.fixture(params=["davs", "psf"], scope="module")
def mfcc(request: pytest.FixtureRequest) -> Mfcc:
    return Mfcc(request.param)


def test_floating_point_sound_is_taken_as_full_scale_one(mfcc: Mfcc, sound: Tensor) -> None:
    torch.testing.assert_close(mfcc(sound.float() / 32768), mfcc(sound))


def test_a_sound_shorter_than_a_window_has_no_column(mfcc: Mfcc) -> None:
    assert mfcc(torch.zeros(399, dtype=torch.int16)).shape == (0, mfcc.coefficients)


def test_frame_l_has_the_columns_4l_minus_8_to_4l_plus_11(mfcc: Mfcc, sound: Tensor) -> None:
    columns = mfcc(sound)
    patches = mfcc.per_frame(sound, 2, 35)
    for index, frame in enumerate(range(2, 37)):
        expected = columns[4 * frame - 8 : 4 * frame + 12].T
        torch.testing.assert_close(patches[index], expected, atol=1e-3, rtol=1e-5)


def test_a_part_equals_the_whole(mfcc: Mfcc, sound: Tensor) -> None:
    whole = mfcc.per_frame(sound, 0, 40)
    parts = [mfcc.per_frame(sound, first, 8) for first in range(0, 40, 8)]
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-3, rtol=1e-5)


def test_beyond_the_ends_lies_silence(mfcc: Mfcc, sound: Tensor) -> None:
    padded = torch.nn.functional.pad(sound, (6_400, 6_400))
    torch.testing.assert_close(
        mfcc.per_frame(sound, -8, 56), mfcc.per_frame(padded, 2, 56), atol=1e-3, rtol=1e-5
    )
    silent = mfcc.per_frame(torch.zeros(0), 0, 3)
    torch.testing.assert_close(mfcc.per_frame(sound, 500, 3), silent)


def test_usable_frames_need_no_padding(mfcc: Mfcc, sound: Tensor) -> None:
    assert mfcc.usable(29 * 640) == range(2, 26)
    assert len(mfcc.usable(0)) == len(mfcc.usable(3_439)) == 0
    assert mfcc.usable(3_440) == range(2, 3)  # columns 0 to 19 end at sample 3,440
    whole = mfcc.per_frame(sound, 2, 1)
    torch.testing.assert_close(mfcc.per_frame(sound[:3_440], 2, 1), whole)
    assert not torch.allclose(mfcc.per_frame(sound[:3_300], 2, 1), whole)


@pytest.mark.parametrize(
    ("preset", "coefficients", "steps"), [("davs", 12, 20), ("psf", 13, 20), ("wide", 13, 32)]
)
def test_the_shape_is_announced(preset: str, coefficients: int, steps: int) -> None:
    mfcc = Mfcc(preset)
    assert mfcc.per_frame(torch.zeros(16_000), 3, 5).shape == (5, coefficients, steps)
    assert (mfcc.coefficients, mfcc.steps) == (coefficients, steps)
    assert not mfcc.state_dict()


def test_the_preset_is_davs_unless_told_otherwise(sound: Tensor) -> None:
    assert torch.equal(Mfcc()(sound), Mfcc("davs")(sound))


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(UnknownPresetError, match=r"'dav'. Choose from \['davs', 'psf', 'wide'\]"):
        Mfcc("dav")


def test_the_wide_patch_has_the_narrow_one_in_its_middle(sound: Tensor) -> None:
    wide, narrow = (Mfcc(preset).per_frame(sound, 4, 6) for preset in ("wide", "psf"))
    torch.testing.assert_close(wide[..., 6:26], narrow)
