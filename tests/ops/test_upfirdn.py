import numpy as np
import pytest
import torch

from talkface.ops import fir_kernel, upfirdn2d

pytestmark = [
    pytest.mark.usefixtures("each_way"),
    pytest.mark.parametrize("each_way", ["reference", "native"], indirect=True),
]

TAPS = (1.0, 2.0, 5.0, -3.0)
"""Neither symmetric nor positive: a filter that is not flipped shows."""


def picture(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def expected_axis(x: np.ndarray, up: int, down: int, pad: tuple[int, int]) -> np.ndarray:
    """The same along the last axis, from scipy's zero-stuffed full convolution."""
    signal = pytest.importorskip("scipy.signal")
    full = np.asarray(signal.upfirdn(np.array(TAPS), x, up=up, axis=-1))
    first = len(TAPS) - 1 - pad[0]
    last = x.shape[-1] * up + pad[1]
    margin = 32
    sides = [(0, 0)] * (x.ndim - 1) + [(margin, margin)]
    wide = np.pad(full, sides)
    return np.asarray(wide[..., margin + first : margin + last][..., ::down])


@pytest.mark.parametrize("up", [1, 2, 3])
@pytest.mark.parametrize("down", [1, 2, 3])
@pytest.mark.parametrize("pad", [(0, 0), (2, 1), (1, 2), (5, 4), (-1, 3), (3, -2)])
def test_it_is_scipy_along_both_axes(up: int, down: int, pad: tuple[int, int]) -> None:
    x = picture(2, 3, 6, 7)
    row = torch.tensor(TAPS, dtype=torch.float64)
    out = upfirdn2d(x, torch.outer(row, row), up, down, pad)
    expected = expected_axis(x.numpy(), up, down, pad)
    expected = expected_axis(expected.swapaxes(2, 3), up, down, pad).swapaxes(2, 3)
    torch.testing.assert_close(out, torch.from_numpy(expected.copy()))
    assert out.shape[2] == (6 * up + sum(pad) - len(TAPS)) // down + 1


def test_a_kernel_that_is_no_product_is_convolved() -> None:
    x, kernel = picture(1, 1, 6, 5), picture(3, 3)
    signal = pytest.importorskip("scipy.signal")
    expected = signal.convolve2d(x[0, 0].numpy(), kernel.numpy(), mode="same")
    torch.testing.assert_close(
        upfirdn2d(x, kernel, pad=(1, 1))[0, 0], torch.from_numpy(np.asarray(expected))
    )


@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_the_kernel_is_separable_and_sums_to_the_gain(gain: float) -> None:
    kernel = fir_kernel(gain=gain)
    assert kernel.sum().item() == pytest.approx(gain)
    assert torch.linalg.matrix_rank(kernel) == 1
    torch.testing.assert_close(kernel[1] / kernel[1, 0], torch.tensor([1.0, 3.0, 3.0, 1.0]))


def test_doubling_draws_a_slope_through_the_centres_of_the_pixels() -> None:
    slope = torch.arange(8.0).expand(1, 1, 8, 8)
    out = upfirdn2d(slope, fir_kernel(gain=4.0), up=2, pad=(2, 1))
    assert out.shape == (1, 1, 16, 16)
    expected = (torch.arange(16) + 0.5) / 2 - 0.5
    torch.testing.assert_close(out[0, 0, 5, 2:-2], expected[2:-2])


def test_halving_keeps_a_plain_picture_and_removes_a_chessboard() -> None:
    plain = torch.ones(1, 1, 8, 8)
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    for image, expected in ((plain, 1.0), (board[None, None], 0.0)):
        out = upfirdn2d(image, fir_kernel(), down=2, pad=(1, 1))
        assert out.shape == (1, 1, 4, 4)
        torch.testing.assert_close(out[..., 1:-1, 1:-1], torch.full((1, 1, 2, 2), expected))


def test_gradients_are_those_of_finite_differences() -> None:
    kernel = fir_kernel().double()
    x = picture(1, 2, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: upfirdn2d(x, kernel, 2, 1, (2, 1)), x)
    assert torch.autograd.gradgradcheck(lambda x: upfirdn2d(x, kernel, 1, 2, (1, 1)), x)
