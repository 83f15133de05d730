"""Files, regions and statistics of classes are those of the picture, as other libraries read them."""

import json
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import rasterio
import roifile
from scipy import ndimage

from nesr_gui.analysis.definitions import ClassDefinition, ClusterDefinition, Definition
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.gui.drawing.tone_mapping import paint_answers, paint_categories
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest, AnalysisSpectrum, FittedAnalysis
from nesr_gui.gui.model.marks import SimplifiedRegions
from nesr_gui.gui.tasks.analyses import FitRequest, fit_analyses
from nesr_gui.gui.tasks.class_maps import (
    ClassMapExport,
    ClassMapRequest,
    RegionsRequest,
    StatisticsExport,
    StatisticsRequest,
    compute_statistics,
    count_classes,
    export_class_map,
    export_statistics,
    find_regions,
)
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.regions import Region, Shape, inside
from nesr_gui.spectral import Quantity, Spectrum
from tests.gui.conftest import BANDS, Limited, smooth_cube

SHAPE = 40, 50
UTM = "UTM, 1, 1, 500000, 4000000, 30, 30, 33, North, WGS-84, units=Meters"
VALUES = smooth_cube(*SHAPE)
COLOURS = "#c32f0f", "#1a95fe"


class NarrowlyLimited(Limited):
    """Narrow enough that only some pixels are uncertain."""

    def prediction_interval_blocks(self, wavelengths, *, rows=None, cols=None):
        for limits in super().prediction_interval_blocks(wavelengths, rows=rows, cols=cols):
            middle = (limits.lower + limits.upper) / 2
            yield replace(limits, lower=0.97 * middle, upper=1.03 * middle)


def ignore(fraction: float) -> None:
    pass


def fitted_to(field: CubeField, kind: AnalysisKind, definition: Definition) -> FittedAnalysis:
    spectra = tuple(
        AnalysisSpectrum(name, name, colour, Spectrum(BANDS, VALUES[:, row, col].copy()))
        for name, colour, row, col in (("leaf", COLOURS[0], 3, 4), ("soil", COLOURS[1], 25, 32))
    )  # fmt: skip
    request = AnalysisRequest(kind, definition, field, spectra if definition.least_spectra else (), None)
    return fit_analyses(FitRequest((request,), {}), ignore)[kind]


@pytest.fixture(params=["measured", "uncertain"])
def asked(request: pytest.FixtureRequest) -> ClassMapRequest:
    kind = CubeField if request.param == "measured" else NarrowlyLimited
    field = kind(VALUES, BANDS, Quantity.REFLECTANCE, {KEY: UTM})
    return ClassMapRequest(fitted_to(field, AnalysisKind.CLASSES, ClassDefinition(angle=12.0)), True)


def numbers_of(asked: ClassMapRequest) -> np.ndarray:
    """What the picture shows, from its colours."""
    from nesr_gui.gui.model.document import Document
    from nesr_gui.gui.model.viewport import whole
    from nesr_gui.gui.tasks.rendering import RenderRequest, render_picture
    from nesr_gui.gui.view_modes import ANALYSES
    from nesr_gui.gui.view_modes.base import RenderContext

    document = Document()
    document.field, document.source_shape = asked.image, SHAPE
    document.analyses = {AnalysisKind.CLASSES: asked.fitted}
    context = RenderContext.of(document)
    shown = render_picture(RenderRequest(ANALYSES[AnalysisKind.CLASSES], context, whole(SHAPE, 1)), ignore).shown
    numbers = np.full(SHAPE, 99, np.uint8)
    for number in range(3):
        flat = np.full(SHAPE, number, np.float32)
        for is_uncertain in (False, True):
            at = np.full(SHAPE, is_uncertain)
            colours = paint_answers(paint_categories(flat, COLOURS), None, at, np.zeros(SHAPE, bool))
            numbers[(shown == colours).all(-1)] = 255 if is_uncertain else number
    assert 99 not in numbers
    return numbers


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_an_image_of_classes_is_the_picture(asked: ClassMapRequest, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"map{ending}"
    message = export_class_map(ClassMapExport(path, asked, ("leaf", "soil"), COLOURS, origin="scene.h5"), ignore)
    expected = numbers_of(asked)
    assert {0, 1, 2} <= set(np.unique(expected).tolist())
    assert (255 in expected) == isinstance(asked.image, NarrowlyLimited)
    if ending == ".png":
        np.testing.assert_array_equal(iio.imread(path), expected)
    else:
        with rasterio.open(path) as image:
            np.testing.assert_array_equal(image.read(1), expected)
            assert (image.crs.to_epsg(), image.nodata) == (32633, 255)
            described = json.loads(image.tags()["TIFFTAG_IMAGEDESCRIPTION"])
            assert described["classes"] == "0 none; 1 leaf; 2 soil; 255 abstained"
            assert described["exported_from"] == "scene.h5" and described["threshold"] == "at most 12°"
    assert f"Wrote {path}: 50×40 pixels. Measured values" in message


def test_areas_are_those_of_the_picture_in_its_colours(asked: ClassMapRequest, tmp_path: Path) -> None:
    path, expected = tmp_path / "map.geojson", numbers_of(asked)
    export_class_map(
        ClassMapExport(path, asked, ("leaf", "soil"), COLOURS, georeference=Georeference.parse(UTM)), ignore
    )
    found = np.zeros(SHAPE, np.uint8)
    content = json.loads(path.read_text())
    for feature in content["features"]:
        name, rings = feature["properties"]["name"], feature["geometry"]["coordinates"]
        number = 1 + ["leaf", "soil"].index(feature["properties"]["class"])
        assert name.split()[0] == feature["properties"]["class"]
        assert feature["properties"]["stroke"] == COLOURS[number - 1]
        for ring in rings:  # the holes after the outline take their pixels away again
            corners = [((4000000 - y) / 30, (x - 500000) / 30) for x, y in ring]
            found ^= np.uint8(number) * _even_odd(corners)
    np.testing.assert_array_equal(found, np.where(expected == 255, 0, expected))
    assert content["provenance"]["rests_on"].startswith("Measured values")


def test_classes_of_a_photograph_lie_where_its_file_says(tmp_path: Path) -> None:
    source = tmp_path / "photo.tif"
    with rasterio.open(
        source, "w", driver="GTiff", width=SHAPE[1], height=SHAPE[0], count=3, dtype="uint8", crs="EPSG:32633",
        transform=rasterio.Affine(2, 0, 500_000, 0, -2, 5_400_000),
    ):  # fmt: skip
        pass
    fitted = fitted_to(CubeField(VALUES, BANDS), AnalysisKind.CLASSES, ClassDefinition(angle=12.0))
    export = ClassMapExport(tmp_path / "m.tif", ClassMapRequest(fitted, True), ("leaf", "soil"), COLOURS,
                            georeference=Georeference.of_file(source))  # fmt: skip
    export_class_map(export, ignore)
    with rasterio.open(tmp_path / "m.tif") as file:
        assert (file.crs.to_epsg(), tuple(file.transform)[:6]) == (32633, (2, 0, 500_000, 0, -2, 5_400_000))


def _even_odd(corners: list[tuple[float, float]]) -> np.ndarray:
    """Pixels whose centres are inside, by crossings of each of their rows."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    crossed = np.zeros(SHAPE, bool)
    for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if r0 != r1:
            crossed ^= (rows > min(r0, r1)) & (rows < max(r0, r1)) & (cols < c0 + (rows - r0) * (c1 - c0) / (r1 - r0))
    return crossed


def test_small_areas_are_left_out_and_imagej_reads_the_rest(asked: ClassMapRequest, tmp_path: Path) -> None:
    numbers, counts = numbers_of(asked), []
    parts = [ndimage.label(numbers == number) for number in (1, 2)]  # pixels that touch at a corner are apart
    sizes = np.concatenate([np.bincount(labels.ravel())[1:] for labels, _ in parts])
    least = sorted(sizes)[len(sizes) // 2] + 1
    for smallest in (1, least):
        path = tmp_path / f"map{smallest}.zip"
        export_class_map(ClassMapExport(path, asked, ("leaf", "soil"), COLOURS, least_pixels=smallest), ignore)
        counts.append(len(roifile.roiread(path)))
    assert counts == [len(sizes), (sizes >= least).sum()] and counts[0] > counts[1] > 0


def test_regions_are_the_largest_areas_and_say_what_they_leave_out(asked: ClassMapRequest) -> None:
    expected = numbers_of(asked)
    request = RegionsRequest(asked, {1: "leaf", 2: "soil"}, dict(enumerate(COLOURS, 1)), 2, 5)
    found = find_regions(request, ignore)
    again = find_regions(replace(request, map=replace(asked, numbers=expected)), ignore)
    assert [mark.place for mark in again.marks] == [mark.place for mark in found.marks]
    assert {mark.colour for mark in found.marks} == set(COLOURS)
    for name, number in (("leaf", 1), ("soil", 2)):
        own = [mark for mark in found.marks if mark.name.startswith(name)]
        areas = [inside(mark.place, *(np.arange(size) + 0.5 for size in SHAPE)) for mark in own]
        assert 1 <= len(own) <= 2 and all(area.sum() >= 5 for area in areas)
        assert [area.sum() for area in areas] == sorted((area.sum() for area in areas), reverse=True)
        assert all((expected[area] == number).all() for area in areas)
    with pytest.raises(ValueError, match=r"no area of leaf has 5,000 pixels or more; choose another threshold"):
        find_regions(replace(request, chosen={1: "leaf"}, least_pixels=5000), ignore)


def test_long_outlines_are_simplified(asked: ClassMapRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    request = RegionsRequest(asked, {1: "leaf"}, {1: COLOURS[0]}, 1, 1)
    (exact,) = find_regions(request, ignore).marks
    monkeypatch.setattr("nesr_gui.gui.model.marks.MOST_CORNERS", len(exact.place.vertices) - 1)
    found = find_regions(request, ignore)
    assert found.simplified.simpler == 1 and 4 < len(found.marks[0].place.vertices) < len(exact.place.vertices)


def test_of_many_holes_the_smallest_are_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    outline = ((0.0, 0.0), (0.0, 40.0), (40.0, 40.0), (40.0, 0.0))
    holes = tuple(
        tuple((2 + row, start + col) for row, col in ((0, 0), (0, side), (side, side), (side, 0)))
        for start, side in ((2, 2), (8, 6), (20, 4))
    )
    region = Region(Shape.POLYGON, outline, holes)
    assert SimplifiedRegions.of([region], 1) == SimplifiedRegions((region,), 0, 0)
    assert SimplifiedRegions.of([region], 1).in_words() == ""
    monkeypatch.setattr("nesr_gui.gui.model.marks.MOST_CORNERS", 12)
    made = SimplifiedRegions.of([region], 1)
    assert made.regions == (Region(Shape.POLYGON, outline, (holes[1], holes[2])),)
    assert made.in_words() == "; the outline of 1 simplified, small holes in 1 filled"


def test_regions_of_a_reduced_resolution_are_in_pixels_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where their outlines are simplified: by a share of a pixel of the picture."""
    for most_corners in (2000, 12):
        monkeypatch.setattr("nesr_gui.gui.model.marks.MOST_CORNERS", most_corners)
        places, names = [], []
        for binning in (1, 3):
            field = CubeField(VALUES, BANDS, binning=binning, source_shape=tuple(binning * size for size in SHAPE))
            asked = ClassMapRequest(fitted_to(field, AnalysisKind.CLASSES, ClassDefinition(angle=12.0)), True)
            found = find_regions(RegionsRequest(asked, {1: "leaf"}, {1: COLOURS[0]}, 3, 1), ignore)
            assert bool(found.simplified.simpler) == (most_corners == 12)
            places.append([np.array(mark.place.vertices) / binning for mark in found.marks])
            names.append([mark.name for mark in found.marks])
        for one, other in zip(*places, strict=True):
            np.testing.assert_allclose(one, other)
        assert names[0] == names[1] == [f"leaf, area {rank}" for rank in range(1, len(names[0]) + 1)]


def test_without_marking_of_uncertain_pixels_all_have_their_class_everywhere(tmp_path: Path) -> None:
    """In counts, files, regions and statistics alike, as in a measured image."""
    definition, classes = ClassDefinition(angle=12.0), AnalysisKind.CLASSES
    fields = (kind(VALUES, BANDS, Quantity.REFLECTANCE) for kind in (CubeField, NarrowlyLimited))
    measured, estimated = (fitted_to(field, classes, definition) for field in fields)
    expected, asked = numbers_of(ClassMapRequest(measured, True)), ClassMapRequest(estimated, False)
    export_class_map(ClassMapExport(tmp_path / "m.png", asked, ("leaf", "soil"), COLOURS), ignore)
    np.testing.assert_array_equal(iio.imread(tmp_path / "m.png"), expected)
    np.testing.assert_array_equal(count_classes(asked, ignore).tally.numbers, expected)
    for number in (1, 2):
        ((_, own),) = compute_statistics(StatisticsRequest(asked, {number: "class"}), ignore).by_name
        assert own.pixels == (expected == number).sum()
    places = []
    for each in (asked, ClassMapRequest(measured, True)):
        found = find_regions(RegionsRequest(each, {1: "leaf"}, {1: COLOURS[0]}, 9, 1), ignore)
        places.append([mark.place for mark in found.marks])
    assert places[0] == places[1]


def test_statistics_are_at_the_wavelengths_that_are_analysed(asked: ClassMapRequest) -> None:
    request = replace(asked.fitted.request, within=(450.0, 600.0))
    part = fit_analyses(FitRequest((request,), {}), ignore)[AnalysisKind.CLASSES]
    found = compute_statistics(StatisticsRequest(replace(asked, fitted=part), {1: "leaf"}), ignore)
    assert found.by_name[0][1].wavelengths.nm.tolist() == BANDS.nm[5:21].tolist()


def test_statistics_are_those_of_the_pixels_of_the_picture(asked: ClassMapRequest, tmp_path: Path) -> None:
    expected = numbers_of(asked)
    found = compute_statistics(StatisticsRequest(asked, {1: "leaf", 2: "soil"}), ignore)
    for number, (name, own) in enumerate(found.by_name, 1):
        chosen = VALUES[:, expected == number].astype(float)
        assert (name, own.pixels) == (("leaf", "soil")[number - 1], chosen.shape[1])
        np.testing.assert_allclose(own.mean, chosen.mean(1), rtol=1e-5)
        np.testing.assert_allclose(own.deviation, chosen.std(1, ddof=1), rtol=1e-4)
        np.testing.assert_array_equal((own.lowest, own.highest), (chosen.min(1), chosen.max(1)))
    export_statistics(StatisticsExport(tmp_path / "s.csv", found), ignore)
    written = {each.name: each.values for each in read_spectra(tmp_path / "s.csv")}
    np.testing.assert_allclose(written["soil highest"], VALUES[:, expected == 2].max(1), rtol=1e-6)
    assert f"leaf {(expected == 1).sum()}; soil" in (tmp_path / "s.csv").read_text()


def test_counts_are_those_of_the_picture(asked: ClassMapRequest) -> None:
    counts, expected = count_classes(asked, ignore), numbers_of(asked)
    assert [each.pixels for each in counts.tally.counts] == [(expected == n).sum() for n in (0, 1, 2, 255)]
    np.testing.assert_array_equal(counts.tally.numbers, expected)
    certain = count_classes(replace(asked, abstains=False), ignore)
    assert certain.tally.counts[-1].pixels == 0


def test_without_pixels_the_advice_names_the_way_out() -> None:
    field = Limited(VALUES, BANDS, Quantity.REFLECTANCE)
    asked = ClassMapRequest(fitted_to(field, AnalysisKind.CLASSES, ClassDefinition(angle=0.0)), True)
    with pytest.raises(ValueError, match="no pixel has the class leaf; .* switch off Mark uncertain pixels"):
        compute_statistics(StatisticsRequest(asked, {1: "leaf"}), ignore)


def test_clusters_are_written_like_classes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    field = CubeField(VALUES, BANDS)
    fitted = fitted_to(field, AnalysisKind.CLUSTERS, ClusterDefinition(4))
    assert [each.name for each in fitted.centres] == [f"cluster {number}" for number in range(1, 5)]
    asked, path = ClassMapRequest(fitted, True), tmp_path / "c.png"
    export_class_map(ClassMapExport(path, asked, asked.analysis.names, COLOURS), ignore)
    numbers = iio.imread(path)
    centres = np.stack([each.values for each in fitted.centres])
    nearest = ((VALUES[None] - centres[:, :, None, None]) ** 2).sum(1).argmin(0) + 1
    assert (numbers == nearest).mean() > 0.999  # float32


def test_each_can_be_cancelled(asked: ClassMapRequest, tmp_path: Path) -> None:
    def cancel(fraction: float) -> None:
        raise Cancelled

    for run, request in (
        (count_classes, asked), (compute_statistics, StatisticsRequest(asked, {1: "leaf"})),
        (find_regions, RegionsRequest(asked, {1: "leaf"}, {1: COLOURS[0]}, 1, 1)),
        (export_class_map, ClassMapExport(tmp_path / "m.png", asked, ("leaf", "soil"), COLOURS)),
    ):  # fmt: skip
        with pytest.raises(Cancelled):
            run(request, cancel)
    assert list(tmp_path.iterdir()) == []
