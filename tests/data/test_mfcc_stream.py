import random

import pytest
import torch
from torch import Tensor

from talkface.data.mfcc import Mfcc
from talkface.data.mfcc_presets import PRESETS
from talkface.data.mfcc_stream import MfccStream, MfccStreamError, frames_of_sound
from tests import fakes


def needed(mfcc: Mfcc) -> int:
    """Samples from the start of a video frame to the end of its patch."""
    preset = mfcc.preset
    return (preset.steps - preset.lead - 1) * preset.hop + preset.window


@pytest.fixture(params=PRESETS, scope="module")
def mfcc(request: pytest.FixtureRequest) -> Mfcc:
    return Mfcc(request.param)


@pytest.fixture(scope="module")
def sound() -> Tensor:
    voice = fakes.speech(fakes.loudness(100, 1), 120.0)
    noise = torch.randn(len(voice), generator=torch.Generator().manual_seed(0)) * 300
    noise[24_000:32_000] = -voice[24_000:32_000].float()  # a pause of digital silence
    return (voice + noise).to(torch.int16)[:-123]


def runs(mfcc: Mfcc, chunks: tuple[Tensor, ...]) -> list[Tensor]:
    stream = MfccStream(mfcc)
    return [*(stream.feed(chunk) for chunk in chunks), stream.finish()]


def uneven(sound: Tensor, seed: int) -> tuple[Tensor, ...]:
    rng, sizes = random.Random(seed), [0]
    while sum(sizes) < len(sound):
        sizes.append(min(rng.choice([0, 1, 7, 160, 640, 641, 9_000]), len(sound) - sum(sizes)))
    chunks: tuple[Tensor, ...] = sound.split(sizes)
    return chunks


@pytest.mark.parametrize("seed", range(4))
def test_however_it_is_cut_each_run_has_the_bits_of_the_whole_file(
    mfcc: Mfcc, sound: Tensor, seed: int
) -> None:
    first = 0
    for run in runs(mfcc, uneven(sound, seed)):
        if len(run):
            assert torch.equal(run, mfcc.per_frame(sound, first, len(run)))
        first += len(run)
    assert first == frames_of_sound(len(sound)) == 100


def test_all_runs_together_are_the_whole_file_in_one_go(mfcc: Mfcc, sound: Tensor) -> None:
    whole = mfcc.per_frame(sound, 0, 100)
    together = torch.cat(runs(mfcc, uneven(sound, 5)))
    torch.testing.assert_close(together, whole, rtol=0, atol=2e-4)


def test_a_patch_comes_with_the_last_sample_that_it_needs(mfcc: Mfcc, sound: Tensor) -> None:
    stream = MfccStream(mfcc)
    came = [
        fed
        for fed, sample in enumerate(sound[:4_000].split(1), start=1)
        for _ in stream.feed(sample)
    ]
    assert came == [
        640 * frame + needed(mfcc) for frame in range((4_000 - needed(mfcc)) // 640 + 1)
    ]


def test_floating_point_chunks_count_like_16_bit_chunks(mfcc: Mfcc, sound: Tensor) -> None:
    mixed = tuple(
        chunk.float() / 32_768 if index % 2 else chunk
        for index, chunk in enumerate(sound[:32_000].split(1_000))
    )
    plain = runs(mfcc, sound[:32_000].split(1_000))
    for ours, expected in zip(runs(mfcc, mixed), plain, strict=True):
        assert torch.equal(ours, expected)


def test_little_more_is_kept_than_a_patch(mfcc: Mfcc, sound: Tensor) -> None:
    lead = -(-mfcc.preset.lead * mfcc.preset.hop // 640)  # frames
    stream = MfccStream(mfcc)
    for _ in range(5):
        for chunk in uneven(sound, 6):
            stream.feed(chunk)
            held = stream.kept.untyped_storage().nbytes() // 4
            assert len(stream.kept) == held < (lead + 1) * 640 + needed(mfcc)
    assert stream.next == (5 * len(sound) - needed(mfcc)) // 640 + 1


@pytest.mark.parametrize("frames", [97, 99, 130])
def test_the_caller_may_say_how_many_frames_there_are(
    mfcc: Mfcc, sound: Tensor, frames: int
) -> None:
    stream = MfccStream(mfcc)
    begun = stream.feed(sound)
    assert len(begun) == (len(sound) - needed(mfcc)) // 640 + 1 <= 97
    rest = stream.finish(frames)
    whole = mfcc.per_frame(sound, 0, frames)
    torch.testing.assert_close(torch.cat([begun, rest]), whole, rtol=0, atol=2e-4)


@pytest.mark.parametrize("samples", [0, 1, 900, 2_159, 2_160, 5_000])
def test_a_short_sound_is_given_to_the_nearest_frame(
    mfcc: Mfcc, sound: Tensor, samples: int
) -> None:
    patches = torch.cat(runs(mfcc, (sound[:samples],)))
    expected = mfcc.per_frame(sound[:samples], 0, max(1, round(samples / 640)))
    torch.testing.assert_close(patches, expected, rtol=0, atol=2e-4)


def test_frames_of_sound_are_counted_to_the_nearest() -> None:
    counted = [frames_of_sound(samples) for samples in (0, 1, 959, 960, 961, 1_280, 16_000)]
    assert counted == [1, 1, 1, 2, 2, 2, 25]


def test_a_stream_cannot_end_before_what_it_gave_out(sound: Tensor) -> None:
    stream = MfccStream(Mfcc())
    stream.feed(sound[:16_000])
    with pytest.raises(MfccStreamError, match=r"after 21 frames: 22 .* Finish with 22 frames"):
        stream.finish(21)
    assert len(stream.finish(22)) == 0


def test_a_finished_stream_takes_no_more_sound(sound: Tensor) -> None:
    stream = MfccStream(Mfcc())
    stream.finish()
    with pytest.raises(MfccStreamError, match="Make another one"):
        stream.feed(sound)
    with pytest.raises(MfccStreamError, match="only once"):
        stream.finish()


@pytest.mark.parametrize(
    ("samples", "frames"), [(1, 1), (640, 1), (959, 1), (961, 2), (16_000, 25), (18_557, 29)]
)
def test_frames_are_the_sound_to_the_nearest_frame(samples: int, frames: int) -> None:
    assert frames_of_sound(samples) == frames
    assert abs(frames * 640 - samples) <= 640
