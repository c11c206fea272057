import pytest
import torch

from talkface.bench.generators import DifferentError, Size, frames_per_second, nobody
from talkface.bench.plain import plain_paint
from talkface.models import Generator

TINY = Size(64, 128, 8, 2)


def test_stylegan2_as_it_is_usually_written_paints_the_same() -> None:
    """Also with weights that are not those of the start, where noise and biases are zero."""
    torch.manual_seed(0)
    generator = Generator(64, 8, 4, 4, base=256, limit=8, residual=False, splices=False).eval()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        styles = torch.randn(3, len(generator.sides), 20)
        plan = nobody(generator)
        torch.testing.assert_close(
            plain_paint(generator, styles), generator.paint(styles, plan), rtol=1e-4, atol=1e-4
        )


def test_both_ways_have_a_speed() -> None:
    assert min(frames_per_second(TINY)) > 0


def test_ways_that_do_not_agree_are_no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "talkface.bench.generators.plain_paint", lambda g, s: 1.1 * plain_paint(g, s)
    )
    with pytest.raises(DifferentError, match=r"differ by 0\.09"):
        frames_per_second(TINY)
