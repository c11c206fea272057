import pytest
import torch

from talkface.render import RenderError
from talkface.render.replay import Replay, bounce


def test_a_walk_over_three_rows_goes_back_and_forth() -> None:
    assert bounce(torch.arange(9), 3).tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0]
    assert bounce(torch.arange(3), 1).tolist() == [0, 0, 0]


def test_replay_pulls_only_what_is_asked_for() -> None:
    chunks = iter(torch.arange(12.0).view(4, 3, 1).unbind(0))
    replay = Replay(chunks)
    assert replay.take(4).flatten().tolist() == [0, 1, 2, 3]
    assert next(chunks)[0].item() == 6


def test_replay_walks_back_past_the_end() -> None:
    replay = Replay(iter([torch.arange(3.0)[:, None]]))
    taken = torch.cat([replay.take(2) for _ in range(4)])
    assert taken.flatten().tolist() == [0, 1, 2, 1, 0, 1, 2, 1]


def test_nothing_to_replay_is_an_error() -> None:
    with pytest.raises(RenderError, match="no frame"):
        Replay(iter([])).take(1)
