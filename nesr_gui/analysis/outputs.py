"""Files of analyses: maps as TIFF, masks and classes as PNG, TIFF or regions, with their provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.classification import ABSTAINED, NONE, class_numbers
from nesr_gui.analysis.maps import AnalysisMap
from nesr_gui.analysis.masks import mask_regions
from nesr_gui.io.raster import write_exr, write_layers, write_png
from nesr_gui.io.regions.files import GEOJSON, IMAGEJ, NamedRegion, write_regions

TIFF, REGIONS = (".tif", ".tiff"), (GEOJSON[0], *IMAGEJ)
VALUES = (*TIFF, ".exr")
CLASSES = (*TIFF, ".png", *REGIONS)
_COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999",
)  # fmt: skip
"""Of classes, distinguishable by the colour-blind. Source: Okabe and Ito 2008."""


@dataclass(frozen=True)
class ClassCount:
    """Pixels of a class, and their share of the pixels with values."""

    number: int
    name: str
    pixels: int
    share: float


def check_ending(path: Path, endings: Sequence[str], what: str) -> None:
    """Raise ValueError if a file of maps has an extension that cannot hold them; before anything is computed."""
    if path.suffix.lower() not in endings:
        raise ValueError(
            f"{what} cannot be written as {path.suffix or 'a file without an extension'}; choose {', '.join(endings)}"
        )


def write_values(path: Path, made: AnalysisMap) -> None:
    """Write the values of a map: all layers as the bands of a TIFF, or a single layer as OpenEXR.

    Pixels in which the map abstains have no value (NaN).

    Raises:
        ValueError: the extension is another one, or OpenEXR is to hold several layers.
        OSError: the file cannot be written.
    """
    check_ending(path, VALUES, "a map of values")
    if path.suffix.lower() == ".exr":
        if len(made.layers) > 1:
            raise ValueError(f"OpenEXR holds one layer, and this map has {len(made.layers)}; choose .tif")
        write_exr(path, made.answers(), _description(made))
        return
    layers = np.stack([made.answers(at) for at in range(len(made.layers))])
    write_layers(
        path, layers, [layer.label for layer in made.layers], _description(made), georeference=made.window_georeference,
        nodata="nan",
    )  # fmt: skip


def write_classes(
    path: Path, made: AnalysisMap, names: Sequence[str], *, colours: Sequence[str] = _COLOURS, least_pixels: int = 1
) -> None:
    """Write the classes of the first layer of a map: numbers as PNG or TIFF, or the areas as GeoJSON or ImageJ regions.

    The numbers are 0 for none, 1, 2, … for the classes, and 255 where the map abstains, which belongs to no area.

    Args:
        path: the file.
        made: a map whose first layer is a class.
        names: of the classes 1, 2, …
        colours: of their areas, #rrggbb; they repeat if there are fewer than classes.
        least_pixels: areas with fewer pixels are left out.

    Raises:
        ValueError: the extension is another one, or there are too many areas.
        OSError: the file cannot be written.
    """
    check_ending(path, CLASSES, "a map of classes")
    numbers = class_numbers(made.values[0], made.abstained())
    if path.suffix.lower() in REGIONS:
        regions: list[NamedRegion] = []
        for number, name in enumerate(names, 1):
            areas = mask_regions(
                numbers == number, name, binning=made.binning, origin=(made.rows.start, made.cols.start),
                colour=colours[(number - 1) % len(colours)], least_pixels=least_pixels,
            )  # fmt: skip
            regions += [replace(area, group=name) for area in areas]
        if not regions:
            why = "no pixel has a class"
            if made.abstained().any():
                why = f"no pixel has a class that is certain (the map abstains in {made.abstained_share():.0%} of them)"
            raise ValueError(f"{why}, so {path.name} would hold no area; choose another threshold or other classes")
        write_regions(path, regions, made.georeference, made.provenance)
    elif path.suffix.lower() == ".png":
        write_png(path, numbers, _description(made))
    else:
        write_layers(
            path, numbers[None], [made.layers[0].name], _description(made), georeference=made.window_georeference,
            nodata=str(ABSTAINED),
        )  # fmt: skip


def write_mask(path: Path, made: AnalysisMap, name: str) -> None:
    """Write where the first layer of a map has the class 1: 255 there as PNG or TIFF, or its areas as regions.

    Args:
        path: the file.
        made: a map whose first layer is a class.
        name: of the mask.

    Raises:
        ValueError: the extension is another one, the mask is empty, or there are too many areas.
        OSError: the file cannot be written.
    """
    check_ending(path, CLASSES, "a mask")
    mask = class_mask(made, 1)
    if not mask.any():
        raise ValueError(f"{name} contains no pixel, so {path.name} would be empty; choose others")
    if path.suffix.lower() in REGIONS:
        origin = made.rows.start, made.cols.start
        regions = mask_regions(mask, name, binning=made.binning, origin=origin, colour=_COLOURS[0])
        write_regions(path, regions, made.georeference, made.provenance)
    elif path.suffix.lower() == ".png":
        write_png(path, np.uint8(255) * mask, _description(made))
    else:
        write_layers(
            path, np.uint8(255) * mask[None], [name], _description(made), georeference=made.window_georeference,
        )  # fmt: skip


def count_classes(made: AnalysisMap, names: Sequence[str]) -> list[ClassCount]:
    """Pixels without a class, of every class, and in which the map abstains; of the pixels that have values."""
    abstained, counts = made.abstained(), np.zeros(ABSTAINED + 1, np.int64)
    for values, uncertain in zip(made.values[0], abstained, strict=True):  # row by row: NumPy counts copies of 8 bytes
        counts += np.bincount(class_numbers(values, uncertain)[np.isfinite(values)], minlength=ABSTAINED + 1)
    return list(listed_counts(counts, names))


def listed_counts(pixels: npt.NDArray[np.int64], names: Sequence[str]) -> tuple[ClassCount, ...]:
    """Name the numbers of pixels (256,) of none, of the classes, and of those in which a map abstains."""
    listed = [(NONE, "none"), *enumerate(names, 1), (ABSTAINED, "abstained")]
    total = max(int(pixels.sum()), 1)
    return tuple(
        ClassCount(number, name, int(pixels[number]), float(pixels[number] / total)) for number, name in listed
    )


def class_mask(made: AnalysisMap, number: int) -> npt.NDArray[np.bool_]:
    """Where (h, w) a map has a class and does not abstain."""
    return np.asarray(class_numbers(made.values[0], made.abstained()) == number)


def _description(made: AnalysisMap) -> dict[str, object]:
    described: dict[str, object] = dict(made.provenance)
    described["layers"] = [layer.label for layer in made.layers]
    if made.widths is not None:
        shares = [f"{layer.name} {made.abstained_share(at):.2%}" for at, layer in enumerate(made.layers)]
        described["abstained"] = f"share of the pixels: {'; '.join(shares)}"
        described["differences"] = [float(f"{difference:.6g}") for difference in made.differences]
    return described
