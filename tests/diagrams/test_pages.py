"""What docs/networks tells is what the code says now."""

import sys
from pathlib import Path

import pytest
import torch

from talkface.diagrams import __main__ as command
from talkface.diagrams.blueprints import RELEASED_SIDE, fan
from talkface.diagrams.cost import measure
from talkface.diagrams.pages import CONFIGS, ORDER, pages
from talkface.models import FAN, IdentityEncoder

DOCS = Path(__file__).parents[2] / "docs/networks"


@pytest.fixture(scope="module")
def now() -> dict[str, str]:
    return pages()


def rows(page: str) -> dict[str, list[str]]:
    """Cells of all tables by the first of their row."""
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_the_committed_page_and_figures_are_those_of_the_code(now: dict[str, str]) -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in DOCS.iterdir()}
    stale = {name for name in committed | now if committed.get(name) != now.get(name)}
    assert not stale, "run `make figures`"


def test_every_network_has_a_row_and_every_config_a_column(now: dict[str, str]) -> None:
    table = rows(now["networks.md"])
    assert [name for name in table if name in ORDER] == list(ORDER)
    assert all(len(table[name]) == 1 + len(CONFIGS) for name in ORDER)


def test_every_figure_is_shown(now: dict[str, str]) -> None:
    figures = {name for name in now if name.endswith(".svg")}
    assert len(figures) == len(ORDER) + 1
    assert all(f"({name})" in now["networks.md"] for name in figures)


def test_the_cost_of_the_identity_encoder_is_that_known_on_paper(now: dict[str, str]) -> None:
    channels, side = (16, 32, 64, 96, 96), 64  # demo.yaml
    flops = 2 * channels[-1] * 256
    for i, (inputs, outputs) in enumerate(zip((3, *channels), channels, strict=False)):
        flops += 2 * (side >> i) ** 2 * 9 * outputs * (inputs + outputs)
    count = sum(p.numel() for p in IdentityEncoder(channels=channels).parameters())
    cell = rows(now["networks.md"])["IdentityEncoder"][-1]
    assert cell == f"{count / 1e3:.0f} k, {flops / 1e6:.0f} MFLOP"


def test_the_sums_are_those_of_the_networks(now: dict[str, str]) -> None:
    table = rows(now["networks.md"])
    column = 1 + CONFIGS.index("grid.yaml")
    mega = {"kFLOP": 1e-3, "MFLOP": 1, "GFLOP": 1e3}

    def cost(name: str, which: int = 0) -> float:
        value, unit = table[name][column].split(", ")[1].split(" + ")[which].split()[:2]
        return float(value) * mega[unit]

    portrait, sound, video = (float(c.split()[0]) for c in table["grid.yaml"][1:])
    encoders = cost("IdentityEncoder") + cost("VideoEncoder")
    assert portrait == pytest.approx(encoders + cost("Generator", 1), abs=1)
    assert sound == pytest.approx(cost("AudioEncoder") + cost("Generator"), abs=1)
    assert video == pytest.approx(cost("VideoEncoder") + cost("Generator"), abs=1)


def test_a_fan_of_four_hourglasses_is_as_large_as_the_released_one() -> None:
    with torch.device("meta"):
        network = FAN(4).eval().requires_grad_(requires_grad=False)
    measured = measure(fan(network, RELEASED_SIDE))
    assert measured.parameters == 23_820_176


def test_the_command_writes_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: dict[str, str]
) -> None:
    monkeypatch.setattr(command, "pages", lambda: now)
    monkeypatch.setattr(sys, "argv", ["diagrams", "--output", str(tmp_path / "new")])
    command.main()
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()}
    assert written == now
