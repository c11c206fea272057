"""The kernels for CUDA: that they compile, and, where there is one, that they are right."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from talkface.ops import backend, bias_act, fir_kernel, upfirdn2d
from talkface.ops.bias_act import bias_act_reference
from talkface.ops.build import CSRC
from talkface.ops.upfirdn import upfirdn2d_reference

TOOLKIT = Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))

PROGRAM = """
import sys
from talkface.ops import native
from talkface.ops.build import _ninja_is_found
from torch.utils.cpp_extension import load
with _ninja_is_found():
    load("ops", [sys.argv[1]], build_directory=sys.argv[2], is_python_module=False)
"""

LOSSY = {
    torch.float64: 1e-12,
    torch.float32: 2.0**-20,
    torch.float16: 2.0**-10,
    torch.bfloat16: 2.0**-8,
}


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(torch.version.cuda is None, reason="this torch is not for CUDA")
@pytest.mark.skipif(not (TOOLKIT / "bin" / "nvcc").exists(), reason=f"no nvcc in {TOOLKIT}")
def test_the_kernels_compile_for_two_generations_and_load(tmp_path: Path) -> None:
    settings = {"CUDA_HOME": str(TOOLKIT), "TORCH_CUDA_ARCH_LIST": "8.6;9.0"}
    command = [sys.executable, "-c", PROGRAM, str(CSRC / "cuda.cu"), str(tmp_path)]
    subprocess.run(command, env={**os.environ, **settings}, check=True)
    if tool := shutil.which("cuobjdump", path=f"{TOOLKIT / 'bin'}:{os.environ['PATH']}"):
        listed = [tool, "--list-elf", str(tmp_path / "ops.so")]
        told = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
        assert "sm_86" in told
        assert "sm_90" in told


@pytest.mark.gpu
@pytest.mark.timeout(600)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: CUDA kernels are not run")
@pytest.mark.parametrize("dtype", LOSSY, ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_they_are_the_reference_forward_and_backward(
    last: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(backend.SETTING, "native")
    layout = torch.channels_last if last else torch.contiguous_format
    x = torch.randn(2, 24, 19, 18, device="cuda").to(dtype).to(memory_format=layout)
    bias = torch.randn(24, device="cuda").to(dtype).requires_grad_()
    x.requires_grad_()
    exact_x, exact_bias = x.detach().double().requires_grad_(), bias.detach().double()
    exact_bias.requires_grad_()
    rtol, atol = LOSSY[dtype], 1e-5 if dtype != torch.float64 else 1e-12
    for up in (1, 2, 3):
        for down, pad in ((1, (2, 1)), (2, (1, 1)), (3, (-1, 3))):
            for kernel in (fir_kernel(gain=4.0), torch.arange(6.0).view(2, 3)):
                taps = kernel.cuda()
                out = upfirdn2d(x, taps, up, down, pad)
                exact = upfirdn2d_reference(exact_x, taps.double(), up, down, pad)
                torch.testing.assert_close(out.double(), exact, rtol=rtol, atol=atol)
                grad = torch.randn_like(out)
                mine = torch.autograd.grad(out, x, grad)[0]
                theirs = torch.autograd.grad(exact, exact_x, grad.double())[0]
                torch.testing.assert_close(mine.double(), theirs, rtol=rtol, atol=atol)
    out, exact = bias_act(x, bias), bias_act_reference(exact_x, exact_bias)
    torch.testing.assert_close(out.double(), exact, rtol=rtol, atol=atol)
    grad = torch.randn_like(out)
    mine_x, mine_bias = torch.autograd.grad(out, (x, bias), grad)
    theirs_x, theirs_bias = torch.autograd.grad(exact, (exact_x, exact_bias), grad.double())
    torch.testing.assert_close(mine_x.double(), theirs_x, rtol=rtol, atol=atol)
    scale = theirs_bias.abs().max().item()
    torch.testing.assert_close(
        mine_bias.double(), theirs_bias, rtol=0, atol=4 * rtol * (scale + 30)
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: CUDA kernels are not run")
def test_their_gradients_are_those_of_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backend.SETTING, "native")
    x = torch.randn(1, 2, 4, 3, device="cuda", dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, device="cuda", dtype=torch.float64, requires_grad=True)
    kernel = fir_kernel().double().cuda()
    assert torch.autograd.gradgradcheck(bias_act, (x, bias))
    assert torch.autograd.gradgradcheck(lambda x: upfirdn2d(x, kernel, 2, 1, (2, 1)), x)
