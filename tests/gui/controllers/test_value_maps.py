"""Values of analyses in the window: layers, means, masks as regions, files, and the wavelength in loadings."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from scipy.optimize import nnls

from nesr_gui.analysis.definitions import AbundanceDefinition, ComponentDefinition, ExpressionDefinition
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers.view_settings import ABSTAINS
from nesr_gui.gui.figures.picture import Content, ImageFormat, Picture, PictureExport, export_picture
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest
from nesr_gui.gui.model.marks import analysis_key
from nesr_gui.gui.model.view_settings import PaneLayout
from nesr_gui.gui.tasks import value_maps
from nesr_gui.gui.tasks.analyses import FitRequest, fit_analyses
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.dialogs.picture import PictureDialog
from nesr_gui.io.spectra.csv import read_table
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import Quantity, Wavelengths
from tests.gui.conftest import BANDS, Limited, smooth_cube

HEIGHT, WIDTH = 30, 40
CHANCE = np.random.default_rng(5)
MEMBERS = (0.5 + 0.4 * np.sin(BANDS.nm / np.array([[60.0], [90.0], [35.0]]) + np.array([[0.0], [1.0], [2.0]]))).astype(
    np.float32
)
SHARES = CHANCE.dirichlet((0.6, 0.6, 0.6), (HEIGHT, WIDTH)).astype(np.float32)
VALUES = np.tensordot(MEMBERS.T, SHARES, axes=(1, 2)) + CHANCE.normal(0, 0.01, (31, HEIGHT, WIDTH)).astype(np.float32)
SPOTS = [(3, 4), (15, 20), (25, 33)]
for spot, member in zip(SPOTS, MEMBERS, strict=True):
    VALUES[:, spot[0], spot[1]] = member


def is_at_rest(app: App) -> bool:
    return (
        not app.worker._newest and not app.refresh._stale and all(not each._rest.isActive() for each in app.renderers)
    )


@pytest.fixture
def cube(app: App, qtbot: QtBot) -> App:
    """A window with a measured cube and three marked endmembers."""
    app.document.open_cube("scene", CubeField(VALUES.astype(np.float32), BANDS), (0.0, 1.0))
    for row, col in SPOTS:
        app.document.add_pin(row, col)
    qtbot.waitUntil(lambda: len(app.document.analysis_spectra) == 3)
    return app


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    """Answers the question for a file name; returns the offered file types."""

    def answer(path: Path) -> list[str]:
        offered: list[str] = []

        def ask(parent: object, title: str, proposed: str, filters: str) -> tuple[str, str]:
            offered.append(filters)
            return str(path), ""

        monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
        return offered

    return answer


def show(app: App, kind: AnalysisKind, qtbot: QtBot) -> None:
    app.window.actions_by_name[f"show_{kind}"].trigger()
    settle(app, kind, qtbot)


def settle(app: App, kind: AnalysisKind, qtbot: QtBot) -> None:
    def is_shown() -> bool:
        known, shown = app.document.analyses.get(kind), app.renderers[app.document.view_settings.active].shown
        wanted = app.document.analysis_settings.definition(kind)
        return (
            known is not None and known.request.definition == wanted and is_at_rest(app)
            and (known.analysis is None or (shown is not None and shown.is_exact and shown.request.mode.name == kind))
        )  # fmt: skip

    qtbot.waitUntil(is_shown)


def define(app: App, kind: AnalysisKind, definition: object, qtbot: QtBot) -> None:
    app.analyses.set_definition(kind, definition, "definition", False)
    settle(app, kind, qtbot)


def painted(app: App, side: int | None = None) -> np.ndarray:
    shown = app.renderers[app.document.view_settings.active if side is None else side].shown
    assert shown is not None and shown.painted.shape[:2] == (HEIGHT, WIDTH)
    return shown.painted


def test_abundances_equal_those_of_scipy(cube, qtbot):
    """Non-negative least squares; for a sum of 1 with a row of large weight (Heinz and Chang 2001)."""
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    weight = 1e4
    augmented = np.concatenate([MEMBERS.T.astype(float), np.full((1, 3), weight)])
    for is_summed in (True, False):
        define(cube, AnalysisKind.ABUNDANCES, AbundanceDefinition(sums_to_one=is_summed), qtbot)
        expected = np.stack([
            nnls(augmented, [*spectrum, weight])[0] if is_summed else nnls(MEMBERS.T, spectrum)[0]
            for spectrum in VALUES.reshape(31, -1).T.astype(float)
        ]).T.reshape(3, HEIGHT, WIDTH)  # fmt: skip
        for number in range(3):
            cube.analyses.set_layers(AnalysisKind.ABUNDANCES, (number,))
            settle(cube, AnalysisKind.ABUNDANCES, qtbot)
            np.testing.assert_allclose(painted(cube), expected[number], atol=2e-4)


def test_components_equal_those_of_scikit_learn(cube, qtbot):
    decomposition = pytest.importorskip("sklearn.decomposition")
    show(cube, AnalysisKind.COMPONENTS, qtbot)
    spectra = VALUES.reshape(31, -1).T.astype(float)
    pca = decomposition.PCA(3).fit(spectra)
    scores = pca.transform(spectra).T.reshape(3, HEIGHT, WIDTH)
    fitted = cube.document.analyses[AnalysisKind.COMPONENTS].analysis
    np.testing.assert_allclose(fitted.explained[:3], pca.explained_variance_ratio_, rtol=1e-4)
    for number in range(3):
        cube.analyses.set_layers(AnalysisKind.COMPONENTS, (number,))
        settle(cube, AnalysisKind.COMPONENTS, qtbot)
        sign = np.sign((scores[number] * painted(cube)).sum())
        np.testing.assert_allclose(painted(cube), sign * scores[number], atol=2e-4)


def test_layers_are_stepped_and_mixed_by_keys(cube, qtbot):
    actions = cube.window.actions_by_name
    assert not actions["next_layer"].isEnabled() and not actions["export_map"].isEnabled()
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    assert all(actions[name].isEnabled() for name in ("next_layer", "previous_layer", "mix_layers", "export_map"))
    assert not actions["export_loadings"].isEnabled() and not actions["mask_regions"].isEnabled()

    def layers() -> tuple[int, ...]:
        return cube.document.view_settings.layers[0]["abundances"]

    for name, expected in (("next_layer", (1,)), ("previous_layer", (0,)), ("previous_layer", (3,)),
                           ("next_layer", (0,)), ("mix_layers", (0, 1, 2)), ("mix_layers", (0,))):  # fmt: skip
        actions[name].trigger()
        assert layers() == expected
        choice = cube.values.abundances.layers
        rows = {item.row() for item in choice.table.selectedItems()}
        assert choice.mix.isChecked() == (len(expected) > 1) and rows == (set() if len(expected) > 1 else {*expected})
    show(cube, AnalysisKind.EXPRESSION, qtbot)
    assert not actions["next_layer"].isEnabled() and actions["export_map"].isEnabled()


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("layers", [(2, 0, 1), (1, 2)])
def test_mixed_colours_state_and_write_the_values_of_their_layers(cube, qtbot, tmp_path, layers):
    rasterio = pytest.importorskip("rasterio")
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    maps = cube.document.analyses[AnalysisKind.ABUNDANCES].analysis.values(VALUES.astype(np.float32))
    levels = cube.document.view_settings.with_levels("abundances pin 1", (0.25, 0.5))
    cube.document.set_view_settings(levels.with_layers("abundances", *layers))
    settle(cube, AnalysisKind.ABUNDANCES, qtbot)
    np.testing.assert_allclose(painted(cube), np.moveaxis(maps[list(layers)], 0, -1), atol=1e-5)
    cube.document.set_hover((7, 9))
    stated = ", ".join(f"pin {layer + 1} {maps[layer, 7, 9]:.3f}" for layer in layers)
    qtbot.waitUntil(lambda: cube.window.status.where.text().endswith(stated))
    context = RenderContext.of(cube.document)
    picture, path = Picture("abundances", context), tmp_path / "mixed.tif"
    export_picture(PictureExport(path, picture, Content.VALUES, ImageFormat.GEOTIFF), lambda fraction: None)
    with rasterio.open(path) as file:
        assert file.descriptions == tuple(f"pin {layer + 1}" for layer in layers)
        np.testing.assert_allclose(file.read(), maps[list(layers)], atol=1e-5)
    path = tmp_path / "mixed.png"
    export_picture(PictureExport(path, picture, Content.VALUES, ImageFormat.PNG), lambda fraction: None)
    with Image.open(path) as file:
        stated = json.loads(file.text["Description"])
    assert stated["quantity"] == [f"pin {layer + 1}" for layer in layers]
    limits = stated["limits"][layers.index(0)] if 0 in layers else [0.25, 0.5]
    assert limits == [0.25, 0.5]
    numbers = imagecodecs.imread(path)
    for channel, (low, high) in enumerate(stated["limits"]):
        shares = np.clip((maps[layers[channel]] - low) / (high - low), 0, 1)
        np.testing.assert_allclose(numbers[..., channel] / 65535, shares, atol=1e-4)
    if len(layers) == 2:
        assert not numbers[..., 2].any()


def test_undo_and_redo_in_quick_succession_leave_the_analysis_that_is_defined(cube, qtbot):
    show(cube, AnalysisKind.EXPRESSION, qtbot)
    define(cube, AnalysisKind.EXPRESSION, ExpressionDefinition("b550"), qtbot)
    define(cube, AnalysisKind.EXPRESSION, ExpressionDefinition("b550 > 0.5"), qtbot)
    for action in ("undo", "redo"):
        cube.window.actions_by_name[action].trigger()
        cube.refresh.run()  # before the other one is computed
    qtbot.waitUntil(lambda: is_at_rest(cube))
    fitted = cube.document.fitted(AnalysisKind.EXPRESSION)
    assert fitted is not None and fitted.analysis.expression.is_truth_value
    settle(cube, AnalysisKind.EXPRESSION, qtbot)


def test_a_map_is_not_exported_before_it_is_that_of_the_definition(cube, qtbot, choose, tmp_path):
    path = tmp_path / "map.tif"
    choose(path)
    show(cube, AnalysisKind.EXPRESSION, qtbot)
    define(cube, AnalysisKind.EXPRESSION, ExpressionDefinition("b550"), qtbot)
    cube.analyses.set_definition(AnalysisKind.EXPRESSION, ExpressionDefinition("b650"), "definition", False)
    cube.window.actions_by_name["export_map"].trigger()
    assert "Band math is still being computed; export again in a moment" in cube.window.messages.text.text()
    cube.values.make_regions()
    assert "the expression is still being computed; make its regions" in cube.window.messages.text.text()
    settle(cube, AnalysisKind.EXPRESSION, qtbot)
    cube.window.actions_by_name["export_map"].trigger()
    qtbot.waitUntil(lambda: path.exists() and is_at_rest(cube))
    np.testing.assert_allclose(tifffile.imread(path), VALUES[25], atol=1e-6)


def test_two_panes_show_two_abundances(cube, qtbot):
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    cube.document.set_view_settings(
        cube.document.view_settings.arranged(PaneLayout.SIDE_BY_SIDE).showing("abundances", 1)
    )
    cube.analyses.set_layers(AnalysisKind.ABUNDANCES, (2,))
    settle(cube, AnalysisKind.ABUNDANCES, qtbot)
    qtbot.waitUntil(lambda: cube.renderers[0].shown is not None and cube.renderers[0].shown.is_exact)
    qtbot.waitUntil(lambda: is_at_rest(cube))
    np.testing.assert_allclose(painted(cube, 0)[3, 4], 1, atol=1e-4)
    np.testing.assert_allclose(painted(cube, 1)[25, 33], 1, atol=1e-4)
    assert painted(cube, 1)[3, 4] == pytest.approx(0, abs=1e-4)
    captions = [cube.window.panes.images[side].captions[side].accessibleName() for side in (0, 1)]
    assert [caption.rpartition(": ")[2] for caption in captions] == ["pin 1", "pin 3"]
    table = cube.values.abundances.layers.table
    for side in (1, 0, 1):  # the panel is about the active pane
        assert cube.document.view_settings.active == side
        assert [index.row() for index in table.selectionModel().selectedRows()] == [2 * side]
        cube.view.activate_other_side()


def test_both_panes_are_learned_again_after_a_change(cube, qtbot):
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    cube.document.set_view_settings(
        cube.document.view_settings.arranged(PaneLayout.SIDE_BY_SIDE).showing("components", 1)
    )
    kinds = AnalysisKind.ABUNDANCES, AnalysisKind.COMPONENTS
    qtbot.waitUntil(lambda: all(cube.document.fitted(kind) is not None for kind in kinds))
    cube.analyses.set_range((450.0, 600.0))
    qtbot.waitUntil(lambda: all(cube.document.fitted(kind) is not None for kind in kinds))
    assert all(len(cube.document.fitted(kind).analysis.wavelengths) == 16 for kind in kinds)


def test_means_of_image_and_active_region_appear(cube, qtbot):
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    table = cube.values.abundances.layers.table
    qtbot.waitUntil(lambda: table.item(0, 1) is not None and table.item(0, 1).text() != "")
    maps = cube.document.analyses[AnalysisKind.ABUNDANCES].analysis.values(VALUES.astype(np.float32))
    assert [table.item(row, 1).text() for row in range(4)] == [f"{mean:.3f}" for mean in maps.mean(axis=(1, 2))]
    assert table.isColumnHidden(2)
    cube.document.mark_set.add(Region.rectangle(2, 3, 12, 17))  # also an endmember
    qtbot.waitUntil(lambda: table.rowCount() == 5 and table.item(4, 2).text() != "" and is_at_rest(cube))
    fitted = cube.document.analyses[AnalysisKind.ABUNDANCES]
    found = fitted.analysis.values(VALUES[:, 2:12, 3:17].astype(np.float32)).mean(axis=(1, 2))
    assert [table.item(row, 2).text() for row in range(5)] == [f"{mean:.3f}" for mean in found]
    cube.document.mark_set.set_active(1)
    qtbot.waitUntil(lambda: table.isColumnHidden(2))


def test_a_mask_becomes_regions_that_can_be_undone(app, qtbot):
    values = smooth_cube(HEIGHT, WIDTH)
    app.document.open_cube("scene", CubeField(values, BANDS), (0.0, 1.0))
    show(app, AnalysisKind.EXPRESSION, qtbot)
    define(app, AnalysisKind.EXPRESSION, ExpressionDefinition("b550 > 0.5"), qtbot)
    bar = app.window.panes.bars[0]
    assert [bar.title.text(), bar.legend.toolTip()] == ["mask", "match\nno match"]
    app.document.add_pin(2, 2)
    app.window.actions_by_name["mask_regions"].trigger()
    qtbot.waitUntil(lambda: len(app.document.marks) > 1)
    covered = np.zeros((HEIGHT, WIDTH), bool)
    for mark in app.document.marks[1:]:
        rows, cols = mark.place.window(covered.shape, 1)
        centres = (np.arange(part.start, part.stop) + 0.5 for part in (rows, cols))
        covered[rows, cols] |= inside(mark.place, *centres)
    np.testing.assert_array_equal(covered, values[15] > 0.5)
    assert app.document.marks[1].name == "b550 > 0.5 1"
    assert "largest parts of the mask" in app.window.messages.text.text()
    found = {analysis_key(mark) for mark in app.document.marks[1:]}
    assert found == set(app.document.analysis_settings.left_out)  # they are no endmembers
    app.document.undo_stack.undo()
    assert len(app.document.marks) == 1 and app.document.analysis_settings.left_out == ()


def test_the_result_of_another_image_is_discarded(cube, qtbot, monkeypatch):
    show(cube, AnalysisKind.EXPRESSION, qtbot)
    define(cube, AnalysisKind.EXPRESSION, ExpressionDefinition("b550 > 0.5"), qtbot)
    request = value_maps.MapRequest(cube.document.analyses[AnalysisKind.EXPRESSION], True)
    found = value_maps.outline_mask(request, lambda fraction: None)
    fitted = request.fitted
    cube.document.open_cube("other", CubeField(VALUES.astype(np.float32), BANDS), (0.0, 1.0))
    cube.values._take_regions(request, found)
    assert cube.document.marks == ()
    cube.analyses._take(FitRequest((fitted.request,), {}), {AnalysisKind.EXPRESSION: fitted})
    assert fitted not in cube.document.analyses.values()


def test_means_of_another_region_or_analysis_are_dropped(cube, qtbot):
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    here, there = Region.rectangle(2, 3, 12, 17), Region.rectangle(20, 20, 28, 30)
    cube.document.mark_set.add(here)
    settle(cube, AnalysisKind.ABUNDANCES, qtbot)
    qtbot.waitUntil(lambda: len(cube.document.analysis_spectra) == 4 and len(cube.values._means) == 2)
    settle(cube, AnalysisKind.ABUNDANCES, qtbot)
    means = {task: each.tolist() for task, each in cube.values._means.items()}
    fitted = cube.document.analyses[AnalysisKind.ABUNDANCES]
    other = fit_analyses(FitRequest((fitted.request,), {}), lambda fraction: None)[AnalysisKind.ABUNDANCES]
    for task, late in (
        (Task.REGION_MEANS, value_maps.MeansRequest(fitted, there)),
        (Task.REGION_MEANS, value_maps.MeansRequest(other, here)),
        (Task.IMAGE_MEANS, value_maps.MeansRequest(other, None)),
    ):
        cube.values._take_means(task, late, np.full(5, 0.123))
    assert {task: each.tolist() for task, each in cube.values._means.items()} == means


class PartlyCertain(Limited):
    """Certain in the left half."""

    def prediction_interval_blocks(self, wavelengths, *, rows=None, cols=None):
        for limits in super().prediction_interval_blocks(wavelengths, rows=rows, cols=cols):
            middle = (limits.lower + limits.upper) / 2
            is_certain = np.arange(limits.cols.start, limits.cols.stop) < WIDTH // 2
            lower, upper = (np.where(is_certain, middle, each) for each in (limits.lower, limits.upper))
            yield type(limits)(limits.rows, limits.cols, lower, upper)


def test_uncertain_pixels_are_left_out_of_files_and_regions_and_named_under_the_mouse(app, qtbot, choose, tmp_path):
    """As in the picture; and not, where they are not marked."""
    values = smooth_cube(HEIGHT, WIDTH)
    app.document.open_cube("scene", PartlyCertain(values, BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    is_right = np.arange(WIDTH) >= WIDTH // 2
    show(app, AnalysisKind.EXPRESSION, qtbot)
    for abstains in (True, False):
        app.analyses.set_abstaining(abstains)
        define(app, AnalysisKind.EXPRESSION, ExpressionDefinition("b550", difference=0.4), qtbot)
        qtbot.waitUntil(lambda: app.renderers[0].is_settled)
        is_silent = abstains & is_right & (values[15] > 0.4)  # the interval is as wide as the value
        path = tmp_path / f"map{abstains}.tif"
        choose(path)
        app.values.expression.export.click()
        qtbot.waitUntil(lambda path=path: path.exists() and is_at_rest(app))
        np.testing.assert_allclose(tifffile.imread(path), np.where(is_silent, np.nan, values[15]), rtol=1e-5)
        for row, col in ((3, 4), (25, 33), (12, 30), (2, 25)):
            app.document.set_hover((row, col))
            assert app.window.status.where.text().endswith(f"({ABSTAINS})") == is_silent[row, col]
        define(app, AnalysisKind.EXPRESSION, ExpressionDefinition("b550 > 0.6"), qtbot)
        before = len(app.document.marks)
        app.window.actions_by_name["mask_regions"].trigger()
        qtbot.waitUntil(lambda before=before: len(app.document.marks) > before)
        covered = np.zeros((HEIGHT, WIDTH), bool)
        for mark in app.document.marks[before:]:
            covered |= inside(mark.place, *(np.arange(size) + 0.5 for size in covered.shape))
        is_sure = values[15] / 2 > 0.6  # the lower limit
        np.testing.assert_array_equal(covered, (values[15] > 0.6) & (~is_right | is_sure | (not abstains)))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (CubeField, "b550 > 0.95 is true in no pixel, so it has no regions; choose another comparison"),
        (Limited, r"b550 > 0.95 is true in no pixel for certain \(it abstains in \d+% of them\), so"),
    ],
)
def test_an_empty_mask_has_no_regions(field, words):
    image = field(smooth_cube(HEIGHT, WIDTH), BANDS, Quantity.REFLECTANCE)
    request = AnalysisRequest(AnalysisKind.EXPRESSION, ExpressionDefinition("b550 > 0.95"), image, (), None)
    fitted = fit_analyses(FitRequest((request,), {}), lambda fraction: None)[AnalysisKind.EXPRESSION]
    with pytest.raises(ValueError, match=words):
        value_maps.outline_mask(value_maps.MapRequest(fitted, True), lambda fraction: None)


def test_maps_and_loadings_are_written(cube, qtbot, choose, tmp_path):
    show(cube, AnalysisKind.COMPONENTS, qtbot)
    offered = choose(tmp_path / "scores.tif")
    cube.values.components.export.click()
    qtbot.waitUntil(lambda: (tmp_path / "scores.tif").exists() and is_at_rest(cube))
    analysis = cube.document.analyses[AnalysisKind.COMPONENTS].analysis
    np.testing.assert_allclose(
        tifffile.imread(tmp_path / "scores.tif"), analysis.values(VALUES.astype(np.float32)), atol=1e-5
    )
    assert offered == ["GeoTIFF (*.tif)"]  # OpenEXR holds one layer
    choose(tmp_path / "loadings.csv")
    cube.values.components.export_loadings.click()
    qtbot.waitUntil(lambda: (tmp_path / "loadings.csv").exists())
    curves = read_spectra(tmp_path / "loadings.csv")
    assert [curve.name for curve in curves] == ["mean", *(f"PC {number}" for number in range(1, 7))]
    np.testing.assert_allclose(curves[1].values, analysis.loadings[0], rtol=1e-4)
    show(cube, AnalysisKind.EXPRESSION, qtbot)
    define(cube, AnalysisKind.EXPRESSION, ExpressionDefinition("b550 > 0.5"), qtbot)
    offered = choose(tmp_path / "mask.geojson")
    cube.values.expression.export.click()
    qtbot.waitUntil(lambda: (tmp_path / "mask.geojson").exists())
    assert json.loads((tmp_path / "mask.geojson").read_text())["features"] and "GeoJSON" in offered[0]


def test_files_lie_where_the_file_of_a_photograph_says(app, qtbot, choose, tmp_path):
    """A GeoTIFF states it, not the reconstruction: maps, masks, selections, marks and transects are on the map."""
    place = rasterio.Affine(2, 0, 500_000, 0, -2, 5_400_000)
    source, out = tmp_path / "photo.tif", tmp_path / "out"
    out.mkdir()
    colours = np.random.default_rng(0).integers(0, 256, (3, 60, 80)).astype(np.uint8)
    with rasterio.open(
        source, "w", driver="GTiff", width=80, height=60, count=3, dtype="uint8", crs="EPSG:32632", transform=place,
        photometric="RGB",
    ) as file:  # fmt: skip
        file.write(colours)
    app.reconstruction.load_model(None, "auto")
    app.files.open(source)
    qtbot.waitUntil(lambda: app.document.field is not None)
    show(app, AnalysisKind.EXPRESSION, qtbot)
    for text, name in (("b550", "values.tif"), ("b550 > 0.5", "mask.tif")):
        define(app, AnalysisKind.EXPRESSION, ExpressionDefinition(text), qtbot)
        choose(out / name)
        app.window.actions_by_name["export_map"].trigger()
        qtbot.waitUntil(lambda name=name: (out / name).exists() and not app.worker._newest)
    app.scatter.open()
    qtbot.waitUntil(lambda: app.document.scatter.map is not None)
    app.scatter.select_view()
    qtbot.waitUntil(lambda: app.document.scatter.mask is not None)
    choose(out / "selection.tif")
    app.window.actions_by_name["export_selection"].trigger()
    qtbot.waitUntil(lambda: (out / "selection.tif").exists() and not app.worker._newest)
    app.document.mark_set.add(Region.rectangle(10, 20, 30, 40))
    app.transect.draw((5.5, 10.5), (5.5, 60.5), 1)
    for name, action in (("marks.geojson", "export_table"), ("transect.csv", "export_transect")):
        choose(out / name)
        app.window.actions_by_name[action].trigger()
        qtbot.waitUntil(lambda name=name: (out / name).exists() and not app.worker._newest)
    (feature,) = json.loads((out / "marks.geojson").read_text())["features"]
    assert np.min(feature["geometry"]["coordinates"][0], axis=0).tolist() == [500_040, 5_400_000 - 60]
    assert float(read_table(out / "transect.csv", ("distance_m",))[-1]["distance_m"]) == pytest.approx(100)
    app.view.toggle_scale_bar()
    assert app.window.image.scale_bar.text.endswith(" m")
    for name in ("values.tif", "mask.tif", "selection.tif"):
        with rasterio.open(out / name) as file:
            assert (file.shape, file.crs.to_epsg(), tuple(file.transform)) == ((60, 80), 32632, tuple(place)), name


def test_the_wavelength_is_shared_with_the_loadings(cube, qtbot):
    show(cube, AnalysisKind.COMPONENTS, qtbot)
    loadings = cube.values.components.loadings
    assert loadings.line.value() == cube.document.nm
    cube.document.set_wavelength(612.0)
    qtbot.waitUntil(lambda: loadings.line.value() == 612.0)
    loadings.wavelength_picked.emit(455.0)
    assert cube.document.nm == 455.0


def test_a_definition_is_undone_and_learned_again(cube, qtbot):
    show(cube, AnalysisKind.EXPRESSION, qtbot)
    before = painted(cube).copy()
    define(cube, AnalysisKind.EXPRESSION, ExpressionDefinition("b650"), qtbot)
    np.testing.assert_allclose(painted(cube), VALUES[25], rtol=1e-5)
    cube.document.undo_stack.undo()
    settle(cube, AnalysisKind.EXPRESSION, qtbot)
    qtbot.waitUntil(lambda: np.array_equal(painted(cube), before))
    assert cube.values.expression.text.currentText() == "GLI"
    assert cube.analyses.panel.wavelengths.isHidden()  # an expression states its own
    show(cube, AnalysisKind.COMPONENTS, qtbot)
    assert not cube.analyses.panel.wavelengths.isHidden()


@pytest.mark.parametrize("kind", [AnalysisKind.ABUNDANCES, AnalysisKind.EXPRESSION, AnalysisKind.COMPONENTS])
def test_radiance_of_other_wavelengths_is_analysed(app, qtbot, kind):
    """A cube of 900-1700 nm whose values are of the order of 10,000, with a part without values."""
    bands = Wavelengths.from_step(900, 1700, 100)
    values = (20_000 * CHANCE.random((9, HEIGHT, WIDTH))).astype(np.float32)
    values[:, :3] = np.nan
    app.document.open_cube("radiance", CubeField(values, bands, Quantity.RADIANCE), (0.0, 20_000.0))
    for row, col in SPOTS:
        app.document.add_pin(row, col)
    qtbot.waitUntil(lambda: len(app.document.analysis_spectra) == 3)
    app.window.actions_by_name[f"show_{kind}"].trigger()
    if kind is AnalysisKind.EXPRESSION:
        settle(app, kind, qtbot)  # the index is impossible here
        assert app.document.analyses[kind].refusal and app.values.expression.problem.isVisible()
        define(app, kind, ExpressionDefinition("b1000 / b1500"), qtbot)
    settle(app, kind, qtbot)
    picture = app.renderers[0].shown
    low, high = picture.request.limits
    inside = picture.painted[np.isfinite(picture.painted)]
    assert np.isnan(picture.painted[:3]).all() and inside.size == (HEIGHT - 3) * WIDTH
    assert ((inside >= low) & (inside <= high)).mean() > 0.9 and high - low < 4 * np.ptp(inside)


def test_components_can_be_cancelled_and_follow_the_image(cube, qtbot, monkeypatch):
    """A fit that runs when the image changes delivers nothing."""
    started, gate = threading.Event(), threading.Event()
    fit = ComponentDefinition.fit

    def slow(self, field, spectra, within, progress):
        if field.shape == (HEIGHT, WIDTH):
            started.set()
            gate.wait(30)
            progress(0.5)  # raises Cancelled
        return fit(self, field, spectra, within, progress)

    monkeypatch.setattr(ComponentDefinition, "fit", slow)
    cube.window.actions_by_name["show_components"].trigger()
    qtbot.waitUntil(started.is_set)
    assert cube.window.status.shown() in (None, Task.FIT_ANALYSIS)
    other = CubeField(VALUES[:, :20].astype(np.float32), BANDS)
    cube.document.open_cube("other", other, (0.0, 1.0))
    cube.window.actions_by_name["show_components"].trigger()
    gate.set()
    qtbot.waitUntil(lambda: AnalysisKind.COMPONENTS in cube.document.analyses)
    assert cube.document.analyses[AnalysisKind.COMPONENTS].request.field is other


def test_a_picture_of_an_analysis_that_became_impossible_is_not_exported(cube, qtbot):
    show(cube, AnalysisKind.ABUNDANCES, qtbot)
    for mark in cube.document.marks[1:]:
        cube.document.mark_set.remove(mark.number)
    qtbot.waitUntil(lambda: is_at_rest(cube) and not cube.document.analyses["abundances"].analysis)
    cube.window.actions_by_name["export_picture"].trigger()
    dialog = cube.window.findChild(PictureDialog)
    qtbot.waitUntil(lambda: dialog is not None and dialog.isVisible())
    assert dialog.picture.mode == "abundances" and "2 to 30 endmembers" in dialog.picture.reason(Content.PICTURE)
    assert not dialog.accept_button.isEnabled()
    dialog.reject()
