import torch
from torch import Tensor

from talkface.data.renderings import Renderings
from talkface.figures.pictures import MARK, OPACITY, closeup
from talkface.figures.sources import Match
from talkface.figures.worst_holes import draw_holes, worst
from tests.figures.kept import overlaps, texts, tiles

SIDE, FRAMES = 64, 30


def grey(clip: str = "a") -> Renderings:
    rows = {"truth": torch.full((FRAMES, 3, SIDE, SIDE), 128, dtype=torch.uint8)}
    empty = torch.zeros(0)
    return Renderings(clip, rows["truth"][0], rows, empty.short(), empty.view(0, 68, 2))


def holed(*holes: tuple[int, int, int, int]) -> Tensor:
    """Grey frames with black squares: frame, upper row, left column, side."""
    frames = grey().rows["truth"].clone()
    for frame, top, left, side in holes:
        frames[frame, :, top : top + side, left : left + side] = 0
    return frames


def empty_masks(clips: int = 1) -> list[Tensor]:
    return [torch.zeros(FRAMES, SIDE, SIDE, dtype=torch.bool) for _ in range(clips)]


def test_the_close_up_is_centred_on_the_hole_and_the_worst_comes_first() -> None:
    masks = empty_masks(2)
    masks[0][3, 20:22, 30:32] = True
    masks[1][9, 40:43, 11:14] = True
    found = worst(masks, 5)
    assert [(hole.clip, hole.frame, hole.pixels) for hole in found] == [(1, 9, 9), (0, 3, 4)]
    assert [hole.box for hole in found] == [(34, 4, 16), (13, 23, 16)]
    assert masks[1].sum() == 9


def test_a_hole_at_the_rim_is_shown_from_the_rim_on() -> None:
    masks = empty_masks()
    masks[0][0, 0, 63] = True
    (hole,) = worst(masks, 3)
    assert hole.box == (0, 48, 16)


def test_a_place_is_shown_once_while_it_lasts() -> None:
    masks = empty_masks()
    masks[0][2:8, 20:22, 30:32] = True  # one hole, six frames
    masks[0][4, 50, 50] = True
    masks[0][25, 20, 30] = True  # the same place, much later
    found = worst(masks, 9)
    assert [(hole.frame, hole.pixels) for hole in found] == [(2, 4), (4, 1), (25, 1)]


def test_every_run_shows_its_worst_places_in_truth_rendering_and_mask() -> None:
    few = holed((5, 30, 40, 2))
    many = holed((5, 30, 40, 2), (7, 10, 12, 2))
    match = Match(grey(), {"few": few, "many": many})
    figure = draw_holes([match], places=2)
    share = 1000 * 4 / (FRAMES * SIDE * SIDE)
    frame = "4 pixels, frame 0.98 ‰"
    assert texts(figure) == [
        f"Small holes in {FRAMES} frames of 1 clip",
        *["truth", "rendered", "holes"] * 2,
        *["few", f"{share:.3f} ‰", "a, 0.20 s", frame],
        *["many", f"{2 * share:.3f} ‰", "a, 0.20 s", frame, "a, 0.28 s", frame],
    ]
    assert overlaps(figure) == []
    shown = tiles(figure)
    assert len(shown) == 3 + 6
    box = worst([torch.from_numpy((few[:, 0] == 0).numpy())], 1)[0].box
    assert box == (23, 33, 16)
    assert (shown[0] == 128).all()
    assert torch.equal(shown[1], closeup(few[5], box, smooth=False))
    black = [round(OPACITY * level) for level in MARK]
    assert shown[2][:, 60, 60].tolist() == black
    coloured = (shown[2][0] != shown[2][1])[::8, ::8]
    assert coloured.nonzero().tolist() == [[7, 7], [7, 8], [8, 7], [8, 8]]


def test_a_run_without_holes_says_so_and_invents_none() -> None:
    clean = grey().rows["truth"]
    match = Match(grey(), {"clean": clean, "holed": holed((1, 30, 30, 2))})
    figure = draw_holes([match])
    assert texts(figure)[4:7] == ["clean", "0.000 ‰", "no hole in any frame"]
    assert len(tiles(figure)) == 3
    nothing = draw_holes([Match(grey(), {"clean": clean})])
    title = f"Small holes in {FRAMES} frames of 1 clip"
    assert texts(nothing) == [title, "clean", "0.000 ‰", "no hole in any frame"]
    assert overlaps(nothing) == []
