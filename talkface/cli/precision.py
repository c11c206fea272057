"""Half precision only where the processor has it."""

import logging

import torch

log = logging.getLogger(__name__)

BRAIN_FLOAT = ("amx_bf16", "avx512_bf16", "bf16")
"""Names of what computes in bfloat16, on Intel, AMD and ARM."""

FULL = "32-true"


def affordable(precision: str | int | None, accelerator: object) -> str | int | None:
    """The precision to compute in: ``precision``, or 32 bits where 16 would be emulated.

    Processors without bfloat16 have to emulate it: a convolution then takes up to 27 times as long
    as in 32 bits (AMD EPYC with AVX2, one thread).

    Args:
        precision: What the config says.
        accelerator: The trainer's ``accelerator``.
    """
    on_processor = accelerator == "cpu" or (
        accelerator == "auto" and not torch.accelerator.is_available()
    )
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if not (on_processor and known and str(precision).startswith("bf16")):
        return precision
    if any(known.get(name) for name in BRAIN_FLOAT):
        return precision
    log.warning(
        "precision %s: this processor (%s) has no bfloat16 and would be many times slower in it; "
        "computing in %s.",
        precision,
        known.get("cpu_name", known.get("architecture", "unknown")),
        FULL,
    )
    return FULL
