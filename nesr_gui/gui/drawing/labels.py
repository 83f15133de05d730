"""Labels: the number of digits of values, and placement without overlap."""

from __future__ import annotations

from collections.abc import Sequence

_LENGTHS = (("km", 1000.0), ("m", 1.0), ("cm", 0.01), ("mm", 0.001), ("µm", 1e-6))


def metric_unit(metres: float) -> tuple[str, float]:
    """Return the largest unit not longer than a length, and its own length in metres."""
    return next(((name, unit) for name, unit in _LENGTHS if metres >= unit * (1 - 1e-9)), _LENGTHS[-1])


def value_format(largest: float) -> str:
    """Return the format specification of values up to `largest` in magnitude: four decimals, or enough digits.

    Radiances may be of the order of 1e-7, or of 1e5.
    """
    return ".4f" if largest == 0 or 1e-3 <= largest < 1e4 else ".3e" if largest < 1 else ".6g"


def spread_out(wanted: Sequence[float], height: float, low: float, high: float) -> list[float] | None:
    """Return the centres of labels nearest to the `wanted` ones (least squares) that do not overlap.

    Args:
        wanted: the desired centres, in any order.
        height: the height of a label.
        low: the lower edge of the available space.
        high: its upper edge.

    Returns:
        A centre for each wanted one, between `low` and `high`; None if the labels do not fit.
    """
    if len(wanted) * height > (high - low) * (1 + 1e-9):  # a height may be the space divided by their number
        return None
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    blocks: list[tuple[float, int]] = []  # mean of the offsets of adjacent labels, and their number
    for rank, place in enumerate(order):
        mean, count = wanted[place] - rank * height, 1
        while blocks and blocks[-1][0] >= mean:
            before, number = blocks.pop()
            mean, count = (before * number + mean * count) / (number + count), number + count
        blocks.append((mean, count))
    offsets = [mean for mean, count in blocks for _ in range(count)]
    least, most = low + height / 2, high - height * (len(wanted) - 0.5)
    centres = [0.0] * len(wanted)
    for rank, place in enumerate(order):
        centres[place] = min(max(offsets[rank], least), most) + rank * height
    return centres
