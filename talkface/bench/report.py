"""The table of a run, and what changed since the last one."""

import json
import logging
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from talkface.data.durable import write_aside

logger = logging.getLogger("talkface.bench")

TITLES = {
    "step": "A training step; share of it",
    "loader": "Loading; times what the steps eat",
    "generator": "Rendering; times StyleGAN2 as it is usually written",
    "kernels": "Kernels; times the reference",
}


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        section: What it belongs to.
        name: What was measured.
        value: How much.
        unit: Of ``value``.
        ratio: Of ``value`` to something measured in the same run: what runs are compared by.
    """

    section: str
    name: str
    value: float
    unit: str
    ratio: float | None = None


@dataclass
class Report:
    """What one run found."""

    config: str
    figures: list[Figure] = field(default_factory=list)

    def show(self, before: Path) -> None:
        """Log a table, with the ratios of an earlier run of the same config if there is one."""
        last = _ratios(before, self.config)
        for section in dict.fromkeys(figure.section for figure in self.figures):
            logger.info("\n%s", TITLES[section])
            for one in self.figures:
                if one.section == section:
                    logger.info("%s", _line(one, last.get(f"{section}/{one.name}")))
        if last:
            logger.info("\nIn brackets: the run before, kept in %s.", before)

    def save(self, path: Path) -> None:
        """Keep the figures, with what the machine is."""
        content = {
            "config": self.config,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "figures": [asdict(figure) for figure in self.figures],
        }
        with write_aside(path) as file:
            file.write(json.dumps(content, indent=1).encode())


def machine() -> dict[str, Any]:
    """What the machine is, as far as speed depends on it."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "system": platform.platform(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "gpus": gpus,
        "torch": torch.__version__,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _ratios(path: Path, config: str) -> dict[str, float]:
    """Ratios of the run that is kept in ``path``, if it is of the same config."""
    try:
        kept = json.loads(path.read_text())
        return {
            f"{one['section']}/{one['name']}": one["ratio"]
            for one in kept["figures"]
            if kept["config"] == config and one["ratio"] is not None
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be compared with: %s", path, error)
        return {}


def _line(figure: Figure, before: float | None) -> str:
    ratio = "" if figure.ratio is None else f"{figure.ratio:8.2f}"
    changed = "" if before is None else f"  ({before:.2f})"
    return f"  {figure.name:<40}{figure.value:10.1f} {figure.unit:<10}{ratio}{changed}".rstrip()
