"""Memorising: are renderings nearer to training frames than true frames are?"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from talkface.callbacks.shared import Renderer, renderer
from talkface.diagnose.finding import Finding
from talkface.diagnose.subject import Subject
from talkface.diagnose.swap_sheet import as_bytes
from talkface.figures.pictures import tile
from talkface.figures.sheet import Block, Row, Tile, sheet
from talkface.metrics.image import unit
from talkface.metrics.table import Cell, ResultTable
from talkface.types import Window

SIDES = {"face": 24, "mouth": 16}
"""Side in pixels to which a region is reduced before it is compared."""

MOUTH = slice(48, 68)
AROUND = 0.25
"""Margin around all places where training frames have lips, in widths of them."""

USUAL = (0.25, 0.55, 0.75, 0.95)
"""Left, top, right and bottom of the mouth, in sides, where no landmarks are known."""

NONE = 1e-6
"""Distance in grey levels that counts as none."""

WORST = 6
DRIVES = ("audio", "video")

QUESTION = "Are renderings of test clips nearer to training frames than the true frames are?"

Box = tuple[float, float, float, float]


class Library(NamedTuple):
    """Training frames, reduced.

    Attributes:
        box: Where mouths are, in sides.
        looks: By region, what is compared.
        thumbs: The frames themselves.
        places: Clip and frame of each.
    """

    box: Box
    looks: dict[str, Float[Tensor, "n e"]]
    thumbs: Float[Tensor, "n 3 S S"]
    places: list[tuple[str, int]]


class Match(NamedTuple):
    """A frame and the nearest training frame.

    Attributes:
        ratio: Distance from it over that of the true frame from its own nearest.
        label: What it is.
        pictures: Rendering, nearest training frame, truth.
    """

    ratio: float
    label: str
    pictures: tuple[Tensor, Tensor, Tensor]


def diagnose(subject: Subject) -> Finding:
    """Render test clips and look for each frame among training frames."""
    library = collect(subject.training_windows())
    return measure(renderer(subject.model), subject.windows(), library)


def collect(windows: Iterable[Window]) -> Library:
    """All frames of clips."""
    frames, points, places = [], [], []
    for window in windows:
        frames.append(unit(window.frames[0]).cpu().half())
        points.append((window.landmarks[0].cpu() + 0.5) / window.frames.shape[-1])
        places += [(window.clip[0], index) for index in range(len(frames[-1]))]
    thumbs, box = torch.cat(frames), mouth_box(torch.cat(points))
    looks = {
        region: torch.cat([look(part.float(), region, box) for part in thumbs.split(256)])
        for region in SIDES
    }
    return Library(box, looks, thumbs, places)


def mouth_box(points: Float[Tensor, "n 68 2"]) -> Box:
    """Where the lips of nearly all frames lie, with a margin, in sides of the picture."""
    lips = points[:, MOUTH].flatten(0, 1)
    lips = lips[lips.isfinite().all(1)]
    if not len(lips):
        return USUAL
    ends = lips.float().new_tensor([0.02, 0.98])
    low, high = (torch.stack([x.quantile(q) for x in thinned(lips).unbind(1)]) for q in ends)
    margin = AROUND * (high - low)[0]
    left, top = (low - margin).clamp(0, 1).tolist()
    right, bottom = (high + margin).clamp(0, 1).tolist()
    return left, top, right, bottom


def thinned(points: Float[Tensor, "n 2"], most: int = 100_000) -> Float[Tensor, "m 2"]:
    """Every so many points: torch takes no quantile of more than 16 million."""
    return points[:: max(1, len(points) // most)]


def look(frames: Float[Tensor, "n 3 S S"], region: str, box: Box) -> Float[Tensor, "n e"]:
    """Grey pixels of a region, reduced, without their mean."""
    side = frames.shape[-1]
    grey = frames.mean(1, keepdim=True)
    if region == "mouth":
        left, top, right, bottom = (round(at * side) for at in box)
        grey = grey[:, :, top : max(bottom, top + 1), left : max(right, left + 1)]
    size = (SIDES[region],) * 2
    small = F.interpolate(grey, size, mode="bilinear", antialias=True).flatten(1)
    return small - small.mean(1, keepdim=True)


def nearest(
    looks: Float[Tensor, "t e"], library: Float[Tensor, "n e"]
) -> tuple[Float[Tensor, " t"], Int64[Tensor, " t"]]:
    """Distance in grey levels, root mean square, and place of the nearest."""
    apart = torch.cdist(looks, library, compute_mode="donot_use_mm_for_euclid_dist")
    distance, place = apart.min(1)
    return distance * 255 / looks.shape[1] ** 0.5, place


@torch.no_grad()
def measure(model: Renderer, windows: Sequence[Window], library: Library) -> Finding:
    """Distances of renderings from training frames, against those of the true frames.

    The row *copy*, which shows a true frame all the time, says what ratio is usual for a real
    picture.
    """
    table, matches = ResultTable(), {region: list[Match]() for region in SIDES}
    values: dict[tuple[str, str], dict[str, float]] = {}
    for window in windows:
        clip, truth = window.clip[0], unit(window.frames[0]).cpu()
        rows = {drive: unit(model.drive(window, drive)[0]).cpu() for drive in DRIVES}
        rows["copy"] = unit(window.identity).cpu().expand_as(truth)
        for region in SIDES:
            for row, frames in rows.items():
                found, match = compare(frames, truth, library, region)
                for metric, value in found.items():
                    values.setdefault((row, f"{region} {metric}"), {})[clip] = value
                if row in DRIVES:
                    named = match._replace(label=f"{clip}, {row}, {match.label}")
                    matches[region].append(named)
    for (row, metric), clips in values.items():
        table.set(row, metric, Cell.mean(clips))
    table.details["training_frames"] = len(library.places)
    table.notes.append(
        f"{len(library.places)} training frames. Distances in grey levels; a ratio is that of a "
        "rendering from its nearest training frame over that of the true frame from its own."
    )
    return Finding(QUESTION, table, {"memory": draw(matches)})


def compare(
    frames: Float[Tensor, "t 3 S S"],
    truth: Float[Tensor, "t 3 S S"],
    library: Library,
    region: str,
) -> tuple[dict[str, float], Match]:
    """Figures of one rendered clip, and its frame that is nearest to a training frame."""
    true, seen = (look(x, region, library.box) for x in (truth, frames))
    own, _ = nearest(true, library.looks[region])
    far, place = nearest(seen, library.looks[region])
    off = (seen - true).square().mean(1).sqrt() * 255
    ratio = far / own.clamp(min=NONE)
    figures = {
        "ratio": float(far.mean() / own.mean().clamp(min=NONE)),
        "from training": float(far.mean()),
        "from truth": float(off.mean()),
        "nearer to training": float((far < off).float().mean()),
    }
    at = int(ratio.argmin())
    clip, frame = library.places[int(place[at])]
    pictures = (frames[at], library.thumbs[place[at]].float(), truth[at])
    return figures, Match(float(ratio[at]), f"frame {at}\nlike {clip}, frame {frame}", pictures)


def draw(matches: Mapping[str, Sequence[Match]]) -> Figure:
    """The worst matches of either region: rendering, nearest training frame, truth."""
    blocks = []
    for region, found in matches.items():
        worst = sorted(found, key=lambda match: match.ratio)[:WORST]
        rows = [
            Row(
                f"{match.label}\nratio {match.ratio:.2f}",
                [Tile(tile(as_bytes(picture))) for picture in match.pictures],
            )
            for match in worst
        ]
        blocks.append(Block(f"nearest by {region}", ["rendering", "training", "truth"], rows))
    return sheet(blocks, (3,))
