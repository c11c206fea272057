import numpy as np
import pytest

from data_prep.encodings import ENCODINGS, Encoding, Stills, Video, cost
from tests import fakes


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return fakes.clip("one").frames.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize(
    "encoding",
    [Stills("JPEG", 95, True), Stills("WEBP", 90), Video(12, True)],
    ids=lambda e: e.name,
)
def test_the_frames_asked_for_come_back(encoding: Encoding, frames: np.ndarray) -> None:
    wanted = [30, *range(13, 33)]
    back = encoding.decode(encoding.encode(frames), wanted).permute(0, 2, 3, 1).numpy()
    distances = np.abs(back[:, None].astype(int) - frames[None]).mean((2, 3, 4))
    assert distances[range(21), wanted].max() < 4
    moved = np.abs(frames[13].astype(int) - frames[14]).mean()
    assert moved > 0.1  # so a neighbour would show
    assert (distances.argmin(1) == wanted).mean() > 0.9


def test_more_quality_costs_more_bytes_and_keeps_more(frames: np.ndarray) -> None:
    poor, good = (cost(Stills("JPEG", quality, True), [frames], 1) for quality in (50, 95))
    assert good.size > poor.size
    assert good.psnr > poor.psnr + 3
    assert good.rate > 0


def test_names_of_encodings_are_their_own() -> None:
    assert len({encoding.name for encoding in ENCODINGS}) == len(ENCODINGS)
