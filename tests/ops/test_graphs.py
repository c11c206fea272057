"""Compilers, exporters and tracers take modules that use the operations."""

from collections.abc import Iterator

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

from talkface.ops import bias_act, fir_kernel, upfirdn2d


class Block(nn.Module):
    """Both operations, as a level of the generator uses them."""

    fir: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(4))
        self.register_buffer("fir", fir_kernel(gain=4.0))

    def forward(self, x: Tensor) -> Tensor:
        return upfirdn2d(bias_act(x, self.bias), self.fir, up=2, pad=(2, 1))


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the check of shapes that only tests do, which no compiler can look through."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize("last", [False, True])
def test_torch_knows_the_shapes_and_gradients_of_the_operations(last: bool) -> None:
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    x = x.to(memory_format=torch.channels_last) if last else x
    bias = torch.randn(3, dtype=torch.float64)
    ops, kernel = torch.ops.talkface, fir_kernel().double()
    for operation, arguments in (
        (ops.upfirdn2d, (x.requires_grad_(), kernel, 2, 1, 2, 1, 0, 3)),
        (ops.bias_act, (x, bias.requires_grad_(), 0.2)),
        (ops.bias_act_backward, (x, torch.randn_like(x), 0.2)),
        (ops.conv3x3, (x, torch.randn(4, 3, 3, 3, dtype=torch.float64).requires_grad_())),
        (ops.conv3x3_weight, (x, torch.randn(2, 4, 6, 5, dtype=torch.float64).requires_grad_())),
    ):
        torch.library.opcheck(operation.default, arguments)


@pytest.mark.usefixtures("native", "unchecked")
def test_a_compiled_module_is_one_graph_with_the_gradients_of_the_module() -> None:
    block = Block()
    compiled = torch.compile(block, backend="aot_eager", fullgraph=True)
    for shape in ((2, 4, 6, 6), (3, 4, 8, 6)):
        x = torch.randn(shape).to(memory_format=torch.channels_last).requires_grad_()
        expected, out = block(x), compiled(x)
        torch.testing.assert_close(out, expected)
        torch.testing.assert_close(
            torch.autograd.grad(out.square().sum(), (x, block.bias)),
            torch.autograd.grad(expected.square().sum(), (x, block.bias)),
        )


@pytest.mark.usefixtures("native")
def test_an_exported_program_holds_operations_of_torch_alone() -> None:
    block, x = Block().eval(), torch.randn(2, 4, 6, 6)
    program = torch.export.export(block, (x,))
    names = {str(node.target) for node in program.graph.nodes}
    assert "aten.convolution.default" in names or "aten.conv2d.default" in names
    assert not [name for name in names if "talkface" in name]
    torch.testing.assert_close(program.module()(x), block(x))


@pytest.mark.usefixtures("native", "unchecked")
def test_torch_fx_traces_re_sampling() -> None:
    def double(x: Tensor) -> Tensor:
        return upfirdn2d(x, fir_kernel(gain=4.0), up=2, pad=(2, 1))

    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(torch.fx.symbolic_trace(double)(x), double(x))
