import pytest
import torch

from talkface.cli.precision import affordable

OLD = {"cpu_name": "Old", "avx2": True, "avx512_bf16": False, "amx_bf16": False}


def processor(monkeypatch: pytest.MonkeyPatch, **has: bool) -> None:
    known = {**OLD, **has}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)


@pytest.mark.parametrize("has", ["amx_bf16", "avx512_bf16", "bf16"])
def test_half_precision_stays_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, has: str
) -> None:
    processor(monkeypatch, **{has: True})
    assert affordable("bf16-mixed", "auto") == "bf16-mixed"


def test_emulated_half_precision_becomes_full_and_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    processor(monkeypatch)
    assert affordable("bf16-mixed", "cpu") == affordable("bf16-true", "auto") == "32-true"
    assert "this processor (Old) has no bfloat16" in caplog.text
    caplog.clear()
    assert affordable("64-true", "cpu") == "64-true"
    assert affordable(None, "cpu") is None
    assert affordable("bf16-mixed", "gpu") == "bf16-mixed"
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    assert affordable("bf16-mixed", "auto") == "bf16-mixed"
    assert not caplog.records
