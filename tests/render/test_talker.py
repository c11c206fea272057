import pytest
import torch
from torch import Tensor

from talkface.render import NoDriveError, RenderError, Talker
from talkface.render.talker import to_float, to_uint8
from tests.render.fakes import SIDE, FakeModel, blues, tone

IDENTITY = torch.full((3, SIDE, SIDE), 128, dtype=torch.uint8)


def whole(talker: Talker, sound: Tensor | None, driving: list[Tensor] | None) -> Tensor:
    return torch.cat(list(talker.frames(IDENTITY, sound, driving)))


def test_bytes_survive_the_way_to_the_network_and_back() -> None:
    image = torch.arange(255, dtype=torch.uint8).view(3, 5, 17)
    assert torch.equal(to_uint8(to_float(image)), image)


@pytest.mark.parametrize("drive", ["audio", "video", "both"])
def test_streaming_equals_one_shot(model: FakeModel, drive: str) -> None:
    sound = None if drive == "video" else tone(31_111)
    driving = None if drive == "audio" else list(blues(37, SIDE).split(5))
    streamed = whole(Talker(model, 4), sound, driving)
    torch.testing.assert_close(
        streamed, whole(Talker(model, 64), sound, driving), atol=1e-5, rtol=0
    )
    assert len(streamed) == (37 if drive == "video" else 49)


def test_memory_is_bounded_and_the_portrait_encoded_once(model: FakeModel) -> None:
    chunks = list(Talker(model, 4).frames(IDENTITY, tone(64_000), [blues(100, SIDE)]))
    assert max(len(chunk) for chunk in chunks) == 4
    assert model.widest == 4
    assert model.identities == 1


def test_with_both_drives_the_mouth_hears_and_the_face_sees(model: FakeModel) -> None:
    talker, sound, driving = Talker(model), tone(16_000), blues(25, SIDE)
    both = whole(talker, sound, [driving])
    heard, seen = whole(talker, sound, None), whole(talker, None, [driving])
    assert torch.equal(both[:, 0], heard[:, 0])
    assert torch.equal(both[:, 2], seen[:, 2])
    assert heard[:, 0].std() > 0.01
    assert not torch.allclose(both[:, 0], seen[:, 0])


def test_without_a_video_the_face_is_that_of_the_portrait(model: FakeModel) -> None:
    frames = whole(Talker(model), tone(8_000), None)
    expected = to_float(IDENTITY)[2].mean()
    torch.testing.assert_close(frames[:, 2], expected.expand_as(frames[:, 2]))


def test_a_shorter_video_is_played_back_and_forth(model: FakeModel) -> None:
    driving = blues(6, SIDE)
    frames = whole(Talker(model, 4), tone(16 * 640), [driving])
    walk = [0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5]
    torch.testing.assert_close(frames[:, 2], to_float(driving)[walk, 2])


def test_a_longer_video_is_cut(model: FakeModel) -> None:
    assert len(whole(Talker(model), tone(5 * 640), [blues(20, SIDE)])) == 5


def test_silence_renders(model: FakeModel) -> None:
    frames = whole(Talker(model), torch.zeros(3_200, dtype=torch.int16), None)
    assert frames.isfinite().all()
    assert len(frames) == 5


def test_no_drive_is_said_at_once(model: FakeModel) -> None:
    with pytest.raises(NoDriveError, match="--audio"):
        Talker(model).frames(IDENTITY)


def test_unusable_arguments_are_named(model: FakeModel) -> None:
    with pytest.raises(RenderError, match="found 0"):
        Talker(model, 0)
    with pytest.raises(RenderError, match="16x16; found 8x8"):
        Talker(model).frames(IDENTITY[:, :8, :8], tone(640))
    with pytest.raises(RenderError, match="0 s long"):
        Talker(model).frames(IDENTITY, torch.zeros(0, dtype=torch.int16))
