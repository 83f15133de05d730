"""Masks as regions: the outlines of the parts of a mask, for files of other programs and for marks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.pixelwise import Bools
from nesr_gui.io.regions.files import MAX_REGIONS, NamedRegion
from nesr_gui.regions import Point, Region, Shape

MAX_EDGES = 4_000_000  # pixel edges of all outlines
Integers = npt.NDArray[np.int64]


def mask_regions(
    mask: Bools, name: str = "", *, binning: int = 1, origin: tuple[int, int] = (0, 0), colour: str = "",
    least_pixels: int = 1, most: int | None = None,
) -> list[NamedRegion]:  # fmt: skip
    """The connected parts of a mask as polygons along the edges of its pixels, with their holes.

    Pixels that touch only at a corner belong to different parts. The polygons cover exactly the pixels of the mask.

    Args:
        mask: (h, w).
        name: of the regions; a number is added if there are several.
        binning: source pixels along one side of a pixel of the mask.
        origin: row and column of the first pixel of the mask, in pixels of the mask.
        colour: of the regions, #rrggbb.
        least_pixels: parts with fewer pixels are left out.
        most: only this number of the largest parts, in the order of their size; None for all from top to bottom.

    Raises:
        ValueError: there are more than 10,000 parts to return, or their outlines have more than 4 million pixel edges.
    """
    width = mask.shape[1] + 1
    rings = [np.stack(np.divmod(ring, width), axis=1) for ring in _trace(mask)]
    areas = [_area(ring) for ring in rings]
    holes = _holes(mask, rings, areas)
    parts = [
        (ring, [rings[hole] for hole in holes.get(at, [])])
        for at, (ring, area) in enumerate(zip(rings, areas, strict=True))
        if area > 0 and area + sum(areas[hole] for hole in holes.get(at, [])) >= least_pixels
    ]
    if most is not None:
        parts.sort(key=lambda part: _area(part[0]) + sum(map(_area, part[1])), reverse=True)
        parts = parts[:most]
    if len(parts) > MAX_REGIONS:
        raise ValueError(_too_many(f"{len(parts):,} separate parts", f"{MAX_REGIONS:,}"))

    def placed(ring: Integers) -> tuple[Point, ...]:
        corners = (_corners(ring) + np.array(origin)) * binning
        return tuple((float(row), float(col)) for row, col in corners.tolist())

    return [
        NamedRegion(
            Region(Shape.POLYGON, placed(ring), tuple(placed(hole) for hole in inner)),
            f"{name} {number}".strip() if len(parts) > 1 else name,
            colour,
        )
        for number, (ring, inner) in enumerate(parts, 1)
    ]


def _too_many(found: str, most: str) -> str:
    return (
        f"the mask has {found}; at most {most} can be regions, so choose another threshold, leave out small parts, or "
        "write the mask as an image"
    )


def _trace(mask: Bools) -> list[Integers]:
    """Closed outlines (N,) of a mask, as numbers row · (width + 1) + column of their vertices, each only once.

    Edges between pixels and what is not part of the mask are directed, with their pixel on the right: outlines of parts
    turn right, those of holes left. Where an outline meets itself it is cut in two.
    """
    starts, ends = _edges(mask)
    if starts.size > MAX_EDGES:
        raise ValueError(_too_many(f"outlines of {starts.size:,} pixel edges", f"{MAX_EDGES:,}"))
    order = np.argsort(starts, kind="stable")
    vertices, first, count = np.unique(starts[order], return_index=True, return_counts=True)
    goals = np.searchsorted(vertices, ends[order])
    ways = goals[first].tolist()
    others = np.where(count == 2, goals[np.minimum(first + 1, goals.size - 1)], -1).tolist()
    places, width = vertices.tolist(), mask.shape[1] + 1
    right = {1: width, width: -1, -1: -width, -width: 1}  # the step to the right after each step
    on_path, rings = [-1] * len(ways), []
    for start in range(len(ways)):
        while ways[start] >= 0:
            path = [start]
            on_path[start] = 0
            while path:
                at = path[-1]
                if others[at] >= 0 and len(path) > 1:  # two pixels touch here: keep to the one on the right
                    step = places[at] - places[path[-2]]
                    if places[ways[at]] - places[at] != right[step]:
                        ways[at], others[at] = others[at], ways[at]
                following, ways[at], others[at] = ways[at], others[at], -1
                if on_path[following] < 0:
                    on_path[following] = len(path)
                    path.append(following)
                    continue
                meeting = on_path[following]
                ring = path[meeting:]
                for vertex in ring:
                    on_path[vertex] = -1
                rings.append(vertices[ring])
                del path[meeting:]
                if path:  # the vertex where the outline met itself has another way out
                    on_path[following] = len(path)
                    path.append(following)
    return rings


def _edges(mask: Bools) -> tuple[Integers, Integers]:
    """Start and end vertices (E,) of the directed edges of a mask."""
    width = mask.shape[1] + 1
    padded = np.pad(mask, 1)
    parts = []
    for edges, is_forward, step in (
        (padded[:-1, 1:-1] != padded[1:, 1:-1], padded[1:, 1:-1], 1),  # along rows; with the pixel below: to the right
        (padded[1:-1, :-1] != padded[1:-1, 1:], padded[1:-1, :-1], width),  # along columns; the pixel to the left: down
    ):
        rows, cols = np.nonzero(edges)
        low = rows * width + cols
        forward = is_forward[rows, cols]
        parts.append((np.where(forward, low, low + step), np.where(forward, low + step, low)))
    starts, ends = (np.concatenate(part).astype(np.int64) for part in zip(*parts, strict=True))
    return starts, ends


def _area(ring: Integers) -> float:
    """Signed area in pixels of an outline (N, 2): positive around a part, negative around a hole."""
    rows, cols = ring.T
    return float((cols * np.roll(rows, -1) - np.roll(cols, -1) * rows).sum() / 2)


def _holes(mask: Bools, rings: list[Integers], areas: list[float]) -> dict[int, list[int]]:
    """The holes of each outline, both by their numbers.

    Left of a hole are pixels of its part; the run of pixels that ends there begins at the outline of the part, or at
    another hole of it, farther to the left.
    """
    width = mask.shape[1] + 1
    keys, owners = [], []
    left_of: dict[int, int] = {}  # hole → its leftmost edge, to the left of which is its part
    for number, ring in enumerate(rings):
        following = np.roll(ring, -1, axis=0)
        is_up, is_down = following[:, 0] < ring[:, 0], following[:, 0] > ring[:, 0]
        begins = following[is_up] @ (width, 1)  # the pixel is to the right of an edge that goes up
        keys.append(begins)
        owners.append(np.full(begins.size, number))
        if areas[number] < 0:
            down = ring[is_down]
            left_of[number] = int(down[down[:, 1].argmin()] @ (width, 1))
    if not left_of:
        return {}
    all_keys, all_owners = np.concatenate(keys), np.concatenate(owners)
    order = np.argsort(all_keys)
    all_keys, all_owners = all_keys[order], all_owners[order]
    holes: dict[int, list[int]] = {}
    for hole, key in left_of.items():
        owner = hole
        while areas[owner] < 0:
            owner = int(all_owners[np.searchsorted(all_keys, key) - 1])
            key = left_of.get(owner, key)
        holes.setdefault(owner, []).append(hole)
    return holes


def _corners(ring: Integers) -> Integers:
    """The vertices (N, 2) of an outline at which it turns."""
    arriving, leaving = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    return ring[(arriving != leaving).any(axis=1)]
