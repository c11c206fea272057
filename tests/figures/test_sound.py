import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from talkface.data.mfcc import Mfcc
from talkface.data.mfcc_presets import UnknownPresetError
from talkface.data.records import WordSpan
from talkface.figures.errors import MomentError, ShortSoundError
from talkface.figures.sound import BINS, covered, draw_mfcc, envelope
from talkface.types import SAMPLE_RATE
from tests import fakes
from tests.figures.kept import overlaps, texts

SPEECH = fakes.speech(fakes.loudness(40, seed=1), 120.0)


def chart(figure: Figure) -> tuple[Tensor, tuple[float, float, float, float]]:
    """Values of the map, coefficient by column, and where they stand."""
    (image,) = figure.axes[1].images
    assert image.origin == "lower"
    left, right, bottom, top = image.get_extent()
    return torch.from_numpy(np.asarray(image.get_array())), (left, right, bottom, top)


@pytest.mark.parametrize("preset", ["davs", "psf"])
def test_the_map_holds_the_coefficients_lowest_at_the_bottom(preset: str) -> None:
    figure = draw_mfcc(SPEECH, preset)
    values, (_, _, bottom, top) = chart(figure)
    wanted = Mfcc(preset)(SPEECH)
    assert torch.equal(values, wanted.T)
    assert (bottom, top) == (-0.5, wanted.shape[1] - 0.5)
    names = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    numbers = [str(number) for number in range(1, 13)]
    assert names == (["ln E", *numbers] if preset == "psf" else numbers)
    low, high = figure.axes[1].images[0].get_clim()
    assert high == -low == pytest.approx(float(wanted.abs().max()))


def test_a_click_stands_at_its_time_in_wave_and_map() -> None:
    sound = torch.zeros(SAMPLE_RATE, dtype=torch.int16)
    at = 7_000
    sound[at] = 30_000
    figure = draw_mfcc(sound, "psf")
    values, (left, right, _, _) = chart(figure)
    loud = (values[0] > values[0].min() + 1).nonzero().flatten()
    width = (right - left) / values.shape[1]
    assert width == pytest.approx(0.010)
    middle = left + (float(loud.float().mean()) + 0.5) * width
    assert middle == pytest.approx(at / SAMPLE_RATE, abs=0.005)
    times, _, high = envelope(sound / 32_768)
    assert float(times[high.argmax()]) == pytest.approx(at / SAMPLE_RATE, abs=1 / BINS)
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim() == (0, 1)


def test_the_envelope_keeps_every_peak() -> None:
    sound = torch.randn(10_000, generator=torch.Generator().manual_seed(0))
    times, low, high = envelope(sound, bins=70)
    assert len(times) == len(low) == len(high) == 70
    assert high.max() == sound.max()
    assert low.min() == sound.min()
    assert float(high[1]) == float(sound[143:286].max())
    assert float(times[1]) == pytest.approx(1.5 * 143 / SAMPLE_RATE)
    assert len(envelope(sound[:5], bins=70)[0]) == 5


@pytest.mark.parametrize("preset", ["davs", "psf"])
def test_a_marked_frame_is_outlined_with_the_patch_that_belongs_to_it(preset: str) -> None:
    figure = draw_mfcc(SPEECH, preset, frames=[12])
    values, (left, right, _, _) = chart(figure)
    (outline,) = figure.axes[1].patches
    assert isinstance(outline, Rectangle)
    width = (right - left) / values.shape[1]
    first, count = (outline.get_x() - left) / width, outline.get_width() / width
    assert first == pytest.approx(round(first))
    mfcc = Mfcc(preset)
    patch = mfcc.per_frame(SPEECH, 12, 1)[0]
    inside = values[:, round(first) : round(first) + round(count)]
    torch.testing.assert_close(inside, patch)
    (shade,) = figure.axes[0].patches
    assert shade.get_extents().transformed(figure.axes[0].transData.inverted()).intervalx == (
        pytest.approx([0.48, 0.52])
    )
    assert covered(0, 1, mfcc.preset) == pytest.approx((0.0075, 0.010))


def test_words_stand_below_their_stretch_and_give_way_to_each_other() -> None:
    words = [
        WordSpan("EXTRAORDINARY", 0.5, 0.55),
        WordSpan("UNFORTUNATELY", 0.56, 0.6),
        WordSpan("SO", 1.0, 1.4),
    ]
    figure = draw_mfcc(SPEECH, words=words, title="s1/clip")
    assert overlaps(figure) == []
    places = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert [places[w.word][0] for w in words] == pytest.approx([0.525, 0.58, 1.2])
    heights = [places[word.word][1] for word in words]
    assert heights[1] < heights[0] == heights[2]


def test_axes_are_named_with_their_units() -> None:
    told = texts(draw_mfcc(SPEECH, title="speech.wav"))
    for name in (
        "speech.wav",
        "time [s]",
        "MFCC index",
        "MFCC value",
        "amplitude\n(full scale = 1)",
        "video frame (25 per second)",
    ):
        assert name in told


def test_sounds_and_frames_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(ShortSoundError, match=r"10 ms long, but one column .* needs 25 ms"):
        draw_mfcc(SPEECH[:160])
    with pytest.raises(MomentError, match=r"'a' has no moment 1\.6 s: it is 1\.6 s long"):
        draw_mfcc(SPEECH, frames=[3, 40], title="a")
    with pytest.raises(UnknownPresetError):
        draw_mfcc(SPEECH, "loud")


def test_silence_is_drawn_as_silence() -> None:
    figure = draw_mfcc(torch.zeros(8_000, dtype=torch.int16))
    assert (chart(figure)[0] == 0).all()
    low, high = figure.axes[0].get_ylim()
    assert high == -low == pytest.approx(0.0105)
