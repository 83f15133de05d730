"""Exported pictures, as other libraries read them."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import OpenEXR
import pytest
import rasterio
import tifffile
from PIL import Image
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.analysis.classification import class_numbers
from nesr_gui.analysis.definitions import ClassDefinition, ExpressionDefinition
from nesr_gui.analysis.maps import compute_map
from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing.tone_mapping import NONE_COLOUR, UNCERTAIN_COLOUR, ToneMapping, lookup
from nesr_gui.gui.figures import picture as pictures
from nesr_gui.gui.figures.picture import Content, ImageFormat, Picture, PictureExport, export_picture
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest, AnalysisSpectrum
from nesr_gui.gui.model.marks import new_mark
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.tasks.analyses import FitRequest, fit_analyses
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.dialogs.picture import PictureDialog
from nesr_gui.io.georeference import Georeference
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, RGBImage, Spectrum
from tests.gui.conftest import BANDS, smooth_cube
from tests.gui.tasks.test_class_maps import NarrowlyLimited

PICTURE, VALUES = Content
SHAPE = 150, 110
UTM = "UTM, 1, 1, 500000, 4000000, 30, 30, 33, North, WGS-84, units=Meters"


def ignore(fraction: float) -> None:
    pass


@pytest.fixture
def context(qapp: object) -> RenderContext:
    """A field of more pixels than fit in one piece of rendering, in a colormap."""
    return RenderContext(
        field=CubeField(smooth_cube(*SHAPE), BANDS, Quantity.REFLECTANCE), photograph=None, encoded=None, colours=None,
        truth=None, reference=None, reference_name="", viewing=ViewingConditions.default(), white=None, nm=523.4,
        binning=1, levels=(0.2, 0.8), view_settings=ViewSettings().with_colormap("band", "viridis"), analyses={},
        is_abstaining=True,
    )  # fmt: skip


def written(context: RenderContext, path: Path, content: Content, kind: ImageFormat, mode: str = "band",
            **options: object) -> Path:  # fmt: skip
    message = export_picture(PictureExport(path, Picture(mode, context), content, kind, **options), ignore)  # type: ignore[arg-type]
    assert f"Wrote {path}" in message and [path] == list(path.parent.iterdir())
    return path


def shades(context: RenderContext) -> np.ndarray:
    table, band = lookup("viridis", context.nm), context.answering.band(context.nm)
    assert table is not None
    return table[ToneMapping.of(context.levels, "viridis").shade(band)]


def test_a_png_is_what_the_pane_shows_with_all_pixels(context: RenderContext, tmp_path: Path) -> None:
    path = written(context, tmp_path / "p.png", PICTURE, ImageFormat.PNG)
    np.testing.assert_array_equal(iio.imread(path), shades(context))
    with Image.open(path) as image:
        assert json.loads(image.text["Description"])["picture"] == "Band 523.4 nm"  # type: ignore[attr-defined]


def test_sixteen_bits_have_no_steps(context: RenderContext, tmp_path: Path) -> None:
    path = written(context, tmp_path / "p.tif", PICTURE, ImageFormat.TIFF16)
    image = tifffile.imread(path)
    assert image.shape == (*SHAPE, 3) and image.dtype == np.uint16
    assert np.abs(image / 257.0 - shades(context)).max() < 5, "the colours of the screen"
    grey = replace(context, view_settings=ViewSettings())
    fine = tifffile.imread(written(grey, tmp_path / "p.tif", PICTURE, ImageFormat.TIFF16))
    share = np.clip((context.answering.band(context.nm) - 0.2) / 0.6, 0, 1)
    np.testing.assert_allclose(fine[..., 1], 65535 * encode_srgb(share), atol=2)
    assert len(np.unique(fine)) > 1000


@pytest.mark.parametrize(("kind", "name"), [(ImageFormat.PNG, "v.png"), (ImageFormat.TIFF16, "v.tif")])
def test_values_in_sixteen_bits_lie_between_the_limits(
    context: RenderContext, tmp_path: Path, kind: ImageFormat, name: str
) -> None:
    path = written(context, tmp_path / name, VALUES, kind)
    image = iio.imread(path) if kind is ImageFormat.PNG else tifffile.imread(path)
    assert image.dtype == np.uint16 and image.shape == SHAPE
    low, high = 0.2, 0.8
    expected = np.clip(context.answering.band(context.nm), low, high)
    np.testing.assert_allclose(low + (high - low) * image / 65535, expected, atol=1e-5)
    if kind is ImageFormat.TIFF16:
        with tifffile.TiffFile(path) as tiff:
            stated = json.loads(tiff.pages[0].description)  # type: ignore[union-attr]
        assert stated["limits"] == [low, high] and stated["quantity"] == "relative reflectance"


def channels(path: Path) -> dict[str, np.ndarray]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels.copy() for name, channel in file.channels().items()}


def test_an_exr_holds_the_values_or_linear_light(context: RenderContext, tmp_path: Path) -> None:
    values = channels(written(context, tmp_path / "v.exr", VALUES, ImageFormat.EXR))
    assert values.keys() == {"Y"} and values["Y"].dtype == np.float32
    np.testing.assert_array_equal(values["Y"], context.answering.band(context.nm))
    path = written(context, tmp_path / "v.exr", PICTURE, ImageFormat.EXR)
    light = np.stack([channels(path)[name] for name in "RGB"], -1)
    assert np.abs(255 * encode_srgb(light) - shades(context)).max() < 5
    colours = channels(written(context, tmp_path / "v.exr", VALUES, ImageFormat.EXR, mode="false_colour"))
    np.testing.assert_array_equal(colours["R"], context.answering.band(650.0))
    np.testing.assert_array_equal(colours["B"], context.answering.band(450.0))


@pytest.mark.parametrize("binning", [1, 4])
def test_a_geotiff_lies_where_an_envi_header_says(context: RenderContext, tmp_path: Path, binning: int) -> None:
    known, path = {"georeference": Georeference.parse(UTM)}, tmp_path / "g.tif"
    context = replace(context, binning=binning)
    with rasterio.open(written(context, path, VALUES, ImageFormat.GEOTIFF, **known)) as image:
        np.testing.assert_array_equal(image.read(1), context.answering.band(context.nm))
        assert image.crs.to_epsg() == 32633
        assert image.transform == rasterio.Affine(30 * binning, 0, 500000, 0, -30 * binning, 4000000)
    with rasterio.open(written(context, path, PICTURE, ImageFormat.GEOTIFF, has_bar=True, **known)) as image:
        np.testing.assert_array_equal(np.moveaxis(image.read(), 0, 2), shades(context))
        assert image.crs.to_epsg() == 32633


@pytest.mark.parametrize("is_point", [False, True])
def test_a_geotiff_keeps_the_georeference_of_its_source(context: RenderContext, tmp_path: Path, is_point: bool) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    transform = rasterio.Affine(10, 0, 300000, 0, -10, 5000000)
    with rasterio.open(
        source / "s.tif", "w", driver="GTiff", width=8, height=6, count=1, dtype="uint8", crs="EPSG:32632",
        transform=transform,
    ) as made:  # fmt: skip
        if is_point:
            made.update_tags(AREA_OR_POINT="Point")
    binned = replace(context, binning=2)
    path = written(
        binned, out / "g.tif", VALUES, ImageFormat.GEOTIFF, georeference=Georeference.of_file(source / "s.tif")
    )
    with rasterio.open(path) as image:
        assert image.crs.to_epsg() == 32632
        assert image.transform.almost_equals(transform @ rasterio.Affine.scale(2)), "also if centres are stated"


def test_without_a_georeference_it_is_a_plain_tiff_and_says_so(context: RenderContext, tmp_path: Path) -> None:
    request = PictureExport(tmp_path / "g.tif", Picture("band", context), VALUES, ImageFormat.GEOTIFF)
    assert "no georeference, so it is a plain TIFF" in export_picture(request, ignore)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "g.tif"), context.answering.band(context.nm))
    assert Georeference.of_file(tmp_path / "gone.tif") is None


def test_the_coordinate_system_of_the_file_is_kept_for_a_cube_that_cannot_name_it(
    context: RenderContext, tmp_path: Path
) -> None:
    (out := tmp_path / "out").mkdir()
    source, keys = tmp_path / "s.tif", (1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32767)  # defined by the user
    place = Georeference.upright((300.0, 500.0), (2.0, 2.0), None, 1.0)
    tifffile.imwrite(
        source, np.zeros((6, 8), np.uint8), extratags=replace(place, geo_keys={34735: keys}).geotiff_tags()
    )
    moved = {"map info": place.window(1, 1).map_info()}
    path = written(
        context, out / "g.tif", VALUES, ImageFormat.GEOTIFF, georeference=Georeference.of_image(source, moved)
    )
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].tags[34735].value == keys
        assert tiff.pages[0].tags[33922].value[3:5] == (302.0, 498.0)


def test_a_colour_bar_stands_beside_the_picture(context: RenderContext, tmp_path: Path) -> None:
    image = iio.imread(written(context, tmp_path / "b.png", PICTURE, ImageFormat.PNG, has_bar=True))
    np.testing.assert_array_equal(image[:, : SHAPE[1]], shades(context))
    bar, table = image[:, SHAPE[1] :], lookup("viridis", 500.0)
    assert table is not None and 20 < bar.shape[1] < 0.6 * SHAPE[1]
    strip = bar[SHAPE[0] // 2, bar.shape[1] // 5]
    assert np.abs(table.astype(int) - strip).sum(1).min() < 12, "a colour of the colormap"
    assert (bar == 255).all(-1).mean() > 0.4
    fine = tifffile.imread(written(context, tmp_path / "b.png", PICTURE, ImageFormat.TIFF16, has_bar=True))
    np.testing.assert_array_equal(fine[:, SHAPE[1] :], bar.astype(np.uint16) * 257)


@pytest.mark.parametrize("binning", [1, 2])
def test_marks_are_drawn_where_they_are(context: RenderContext, tmp_path: Path, binning: int) -> None:
    context = replace(context, binning=binning)
    pin = new_mark((40 * binning, 70 * binning), [])
    region = replace(new_mark(Region.rectangle(*(binning * at for at in (90, 20, 130, 60))), [1]), number=12)
    plain, path = shades(context), tmp_path / "m.png"
    marked = iio.imread(written(context, path, PICTURE, ImageFormat.PNG, marks=(pin, region)))
    changed = (marked != plain).any(-1)
    assert changed[36:44, 66:74].mean() > 0.9 and changed[90, 25:55].all() and changed[100, 20] and not changed[100, 30]
    assert not changed[:30].any() and not changed[:, 85:].any()
    colour = [int(pin.colour[at : at + 2], 16) for at in (1, 3, 5)]
    assert (np.abs(marked[32:48, 62:78].astype(int) - colour).sum(-1) < 6).sum() > 20
    fine = tifffile.imread(written(context, path, PICTURE, ImageFormat.TIFF16, marks=(pin, region)))
    assert np.abs(fine / 257.0 - marked).max() < 5
    np.testing.assert_array_equal(shades(context), plain, "the picture on the screen is its own")


def test_what_cannot_be_written_is_refused(
    context: RenderContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode, content, sentence in (
        ("photograph", PICTURE, "Photograph needs a photograph; open one"),
        ("truth_error", VALUES, "Error needs the measured cube"),
    ):
        with pytest.raises(ValueError, match=sentence):
            export_picture(PictureExport(tmp_path / "p.png", Picture(mode, context), content, ImageFormat.PNG), ignore)
    colours = replace(context, colours=np.zeros((4, 5, 3), np.uint8))
    assert "has no values besides its colours" in Picture("photograph", replace(
        colours, photograph=object())).reason(VALUES)  # type: ignore[arg-type]  # fmt: skip
    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"nesr-gui\[formats\]"):
        export_picture(PictureExport(tmp_path / "p.exr", Picture("band", context), VALUES, ImageFormat.EXR), ignore)
    assert list(tmp_path.iterdir()) == []


def test_it_tells_how_far_it_is_and_can_be_cancelled(context: RenderContext, tmp_path: Path) -> None:
    big = replace(context, field=CubeField(np.zeros((31, 800, 300), np.float32), BANDS, Quantity.REFLECTANCE))
    told = list[float]()
    request = PictureExport(tmp_path / "p.png", Picture("band", big), PICTURE, ImageFormat.PNG)
    export_picture(request, told.append)
    assert told == sorted(told) and len(told) > 4 and told[-1] == 1

    def stop(fraction: float) -> None:
        if fraction > 0.2:
            raise Cancelled

    before = (tmp_path / "p.png").read_bytes()
    with pytest.raises(Cancelled):
        export_picture(replace(request, picture=Picture("false_colour", big)), stop)
    assert (tmp_path / "p.png").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_georeferenced_photograph_needs_no_field(context: RenderContext, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((6, 8, 3)).astype(np.float32)
    colours = (255 * values).astype(np.uint8)
    alone = replace(context, field=None, photograph=RGBImage(values, source_shape=(6, 8)), colours=colours)
    path = written(alone, tmp_path / "p.tif", PICTURE, ImageFormat.GEOTIFF, "photograph",
                   georeference=Georeference.parse("Geographic Lat/Lon, 1, 1, 10, 50, 0.1, 0.1, WGS-84"))  # fmt: skip
    with rasterio.open(path) as image:
        np.testing.assert_array_equal(np.moveaxis(image.read(), 0, 2), colours)
        assert image.crs.to_epsg() == 4326


def test_the_dialog_offers_the_panes_and_writes_all_pixels(
    opened: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.view.show_side_by_side()
    opened.document.set_wavelength(512.3)
    action = opened.window.actions_by_name["export_picture"]
    action.trigger()
    dialog = opened.window.findChild(PictureDialog)
    texts = [dialog.pane.itemText(i) for i in range(dialog.pane.count())]
    assert sorted(texts) == ["Left: Photograph", "Right: Band 512.3 nm"]
    dialog.pane.setCurrentText("Left: Photograph")
    assert not dialog.bar.isEnabled() and dialog.summary.text().startswith("80×60 pixels, all of the image")
    dialog.content.setCurrentIndex(1)
    assert not dialog.accept_button.isEnabled() and "no values besides its colours" in dialog.summary.text()
    dialog.pane.setCurrentText("Right: Band 512.3 nm")
    assert not dialog.marks.isEnabled(), "values are written without marks"
    dialog.format.setCurrentText("OpenEXR")
    assert dialog.accept_button.isEnabled() and "single precision" in dialog.summary.text()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), "OpenEXR image (*.exr)"))
    dialog.accept()
    qtbot.waitUntil(lambda: "80×60 pixels" in opened.window.messages.text.text())
    assert opened.document.field is not None
    np.testing.assert_array_equal(channels(tmp_path / "out.exr")["Y"], opened.document.field.band(512.3))


def test_the_picture_is_copied_with_all_pixels(opened: App, qtbot: QtBot) -> None:
    opened.view.show_mode("band")
    opened.window.actions_by_name["copy_picture"].trigger()
    qtbot.waitUntil(lambda: "Copied Band 550.0 nm: 80×60 pixels" in opened.window.messages.text.text())
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (80, 60)
    context = RenderContext.of(opened.document)
    expected = ToneMapping.of(context.levels, "grey").shade(context.answering.band(550.0))
    assert image.pixelColor(7, 50).red() == expected[50, 7]


def test_a_picture_waits_for_another_export(opened: App, qtbot: QtBot, tmp_path: Path) -> None:
    gate = threading.Event()
    opened.worker.submit(Task.EXPORT, None, lambda request, progress: gate.wait(20), lambda request, result: None)
    opened.exporter.export_picture()
    assert opened.window.findChild(PictureDialog) is None
    assert "another export is running" in opened.window.messages.text.text()
    gate.set()
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.EXPORT))


@pytest.fixture
def classified(context: RenderContext) -> RenderContext:
    """Two classes of a field with intervals, narrow enough that only some pixels are uncertain."""
    field = NarrowlyLimited(smooth_cube(*SHAPE), BANDS, Quantity.REFLECTANCE, {"map_info": UTM})
    spectra = tuple(
        AnalysisSpectrum(name, name, colour, Spectrum(BANDS, field.spectra([place], BANDS)[0]))
        for name, colour, place in (("leaf", "#c32f0f", (3, 4)), ("soil", "#1a95fe", (70, 80)))
    )
    request = AnalysisRequest(AnalysisKind.CLASSES, ClassDefinition(angle=12.0), field, spectra, None)
    return replace(context, field=field, analyses=fit_analyses(FitRequest((request,), {}), ignore))


def map_of(context: RenderContext) -> np.ndarray:
    fitted = context.analyses[AnalysisKind.CLASSES]
    assert fitted.analysis is not None
    made = compute_map(context.answering, fitted.analysis, differences=fitted.differences)
    return class_numbers(made.values[0], made.abstained())


@pytest.mark.parametrize("kind", ImageFormat)
def test_values_of_classes_are_their_numbers(classified: RenderContext, tmp_path: Path, kind: ImageFormat) -> None:
    path = written(classified, tmp_path / f"c{kind.ending}", VALUES, kind, "classes")
    expected = map_of(classified)
    assert set(np.unique(expected).tolist()) == {0, 1, 2, 255}
    if kind is ImageFormat.EXR:
        with OpenEXR.File(str(path)) as file:
            numbers = next(iter(file.channels().values())).pixels
    else:
        numbers = iio.imread(path) if kind is ImageFormat.PNG else tifffile.imread(path)
        assert numbers.dtype == np.uint8
    np.testing.assert_array_equal(numbers, expected)


def test_a_file_of_classes_says_what_they_are_and_rest_on(classified: RenderContext, tmp_path: Path) -> None:
    path = written(classified, tmp_path / "c.png", VALUES, ImageFormat.PNG, "classes")
    with Image.open(path) as image:
        described = json.loads(image.text["Description"])  # type: ignore[attr-defined]
    assert described["classes"] == "0 none; 1 leaf; 2 soil; 255 abstained" and "limits" not in described
    assert described["rests_on"].startswith("Measured values") and described["abstained"].endswith("of the pixels")


def test_a_legend_stands_beside_the_picture_of_classes(classified: RenderContext, tmp_path: Path) -> None:
    path = written(classified, tmp_path / "c.png", PICTURE, ImageFormat.PNG, "classes", has_bar=True)
    image = iio.imread(path)
    assert image.shape[0] == SHAPE[0] and image.shape[1] > SHAPE[1] + 20
    legend = image[:, SHAPE[1] :].reshape(-1, 3)
    for colour in ("#c32f0f", "#1a95fe", NONE_COLOUR, UNCERTAIN_COLOUR):
        assert (legend == tuple(bytes.fromhex(colour[1:]))).all(-1).sum() >= 16, colour
    assert (legend == 255).all(-1).mean() > 0.4


def test_uncertain_values_have_no_value(classified: RenderContext, tmp_path: Path) -> None:
    request = classified.analyses[AnalysisKind.CLASSES].request
    asked = AnalysisRequest(
        AnalysisKind.EXPRESSION, ExpressionDefinition("b550", 0.02), request.field, (), None
    )  # fmt: skip
    context = replace(classified, analyses=fit_analyses(FitRequest((asked,), {}), ignore))
    path = written(context, tmp_path / "v.tif", VALUES, ImageFormat.GEOTIFF, "expression")
    fitted = context.analyses[AnalysisKind.EXPRESSION]
    assert fitted.analysis is not None
    expected = compute_map(context.answering, fitted.analysis, differences=fitted.differences).answers()
    assert 0 < np.isnan(expected).mean() < 1
    np.testing.assert_allclose(tifffile.imread(path), expected, rtol=1e-5)
