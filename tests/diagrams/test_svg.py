"""The figure of a small network, read back from the picture."""

from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from talkface.diagrams.cost import Blueprint, Measured, Part, Row, measure
from talkface.diagrams.svg import BAR, FRAME, PORTRAIT, WIDTH, draw

SVG = "{http://www.w3.org/2000/svg}"


def heads() -> Blueprint:
    """A convolution, then two heads side by side, one of which the portrait enters."""
    with torch.device("meta"):
        network = nn.ModuleDict(
            {
                "trunk": nn.Conv2d(3, 8, 3, padding=1),
                "left": nn.Conv2d(8, 2, 1, bias=False),
                "right": nn.Conv2d(8, 4, 1, bias=False),
                "portrait": nn.Conv2d(3, 8, 1, bias=False),
            }
        ).requires_grad_(requires_grad=False)
        image = torch.zeros(1, 3, 16, 16)
    trunk, left, right, portrait = network.values()
    rows = (
        Row((Part("trunk <of all>", (trunk,)),)),
        Row((Part("left", (left,)), Part("right", (right,))), Part("splice", (portrait,))),
    )

    def run(_: object) -> None:
        x = trunk(image)
        left(x), right(x)

    return Blueprint("Heads", network, "image", "frame", rows, run, lambda: portrait(image))


@pytest.fixture(scope="module")
def drawn() -> tuple[Measured, ElementTree.Element]:
    plan = heads()
    measured = measure(plan)
    return measured, ElementTree.fromstring(draw(plan, measured))


def texts(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def test_every_box_tells_name_shape_parameters_and_operations(
    drawn: tuple[Measured, ElementTree.Element],
) -> None:
    convolution = 2 * 16 * 16 * 8 * 3 * 9  # two operations, places, outputs, inputs, kernel
    assert convolution == 110_592
    found = texts(drawn[1])
    boxes = [found[i : i + 4] for i in range(len(found) - 16, len(found), 4)]
    assert boxes == [
        ["trunk <of all>", "8 × 16 × 16", "224 parameters", "111 kFLOP"],
        ["splice", "8 × 16 × 16", "24 parameters", "12.3 kFLOP"],
        ["left", "2 × 16 × 16", "16 parameters", "8.19 kFLOP"],
        ["right", "4 × 16 × 16", "32 parameters", "16.4 kFLOP"],
    ]


def test_the_head_tells_the_sums(drawn: tuple[Measured, ElementTree.Element]) -> None:
    assert texts(drawn[1])[:4] == [
        "Heads",
        "296 parameters, 135 kFLOP per frame, and 12.3 kFLOP once per portrait",
        "image",
        "once per portrait",
    ]


def test_bars_are_shares_of_all_operations(drawn: tuple[Measured, ElementTree.Element]) -> None:
    measured, picture = drawn
    bars = [float(r.get("width", "")) for r in picture.iter(f"{SVG}rect") if r.get("fill") == BAR]
    total = 110_592 + 12_288 + 8_192 + 16_384
    assert measured.flops + measured.once == total
    shares = [110_592 / total, 12_288 / total, 8_192 / total, 16_384 / total]
    assert [bar / (WIDTH - 2) for bar in bars] == pytest.approx(shares, abs=1e-3)


def test_boxes_lie_inside_the_picture_and_apart(
    drawn: tuple[Measured, ElementTree.Element],
) -> None:
    picture = drawn[1]
    boxes = [
        tuple(float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
        for rect in picture.iter(f"{SVG}rect")
        if rect.get("rx")
    ]
    assert len(boxes) == 4
    for i, (x, y, width, height) in enumerate(boxes):
        assert 0 <= x <= x + width <= float(picture.get("width", ""))
        assert 0 <= y <= y + height <= float(picture.get("height", ""))
        for other in boxes[i + 1 :]:
            assert abs(x - other[0]) >= width or abs(y - other[1]) >= height


def test_what_the_portrait_gives_has_a_colour_of_its_own(
    drawn: tuple[Measured, ElementTree.Element],
) -> None:
    fills = [rect.get("fill") for rect in drawn[1].iter(f"{SVG}rect") if rect.get("rx")]
    assert fills == [FRAME, PORTRAIT, FRAME, FRAME]


def test_arrows_follow_the_data(drawn: tuple[Measured, ElementTree.Element]) -> None:
    arrows = [path for path in drawn[1].iter(f"{SVG}path") if path.get("marker-end")]
    assert len(arrows) == 1 + 2 + 1  # image to trunk, trunk to both heads, splice to the first


def test_nothing_leads_to_a_constant() -> None:
    with torch.device("meta"):
        layer = nn.Conv2d(3, 8, 1).requires_grad_(requires_grad=False)
        constant = torch.zeros(1, 3, 4, 4)
    rows = (Row((Part("constant", shape=(3, 4, 4)),)), Row((Part("layer", (layer,)),)))
    plan = Blueprint("Constant", layer, "style", "frame", rows, lambda _: layer(constant))
    assert draw(plan, measure(plan)).count("marker-end") == 1
