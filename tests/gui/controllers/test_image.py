"""The moving picture: bands between which it is read, and the exact one that follows."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers import image
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.tasks.rendering import SPACINGS, RenderedImage, ScrubBandsRequest, decode_scrub_bands
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.spectral import Quantity, Wavelengths
from tests.gui.conftest import BANDS, smooth_cube


class Curved(CubeField):
    """A field that is not linear between any two wavelengths, and tells which bands it was asked for."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__(smooth_cube(height, width), BANDS)
        self.asked: list[float] = []

    def band(self, nm, *, stride=1, rows=None, cols=None):
        self.asked.append(nm)
        still = super().band(550.0, stride=stride, rows=rows, cols=cols)
        return still + np.float32(0.1 * np.sin(nm / 9))


SAMPLING = SamplingGrid(2, slice(4, 40), slice(2, 51))


def quiet(fraction: float) -> None:
    assert 0 <= fraction <= 1


@pytest.mark.parametrize("spacing", SPACINGS)
def test_nodes_are_the_field_s_own_bands_and_between_them_the_error_is_as_said(spacing: float) -> None:
    field = Curved(45, 60)
    found = decode_scrub_bands(ScrubBandsRequest(field, SAMPLING, spacing), quiet)
    window = {"stride": 2, "rows": SAMPLING.rows, "cols": SAMPLING.cols}
    for nm in (400.0, 700.0, 400 + 3 * spacing):
        np.testing.assert_array_equal(found.bands.band(nm), field.band(nm, **window))
    fine = np.arange(400, 700.1, 1.0)
    worst = max(np.abs(found.bands.band(nm) - field.band(nm, **window)).max() for nm in fine)
    assert 0 < found.error <= worst * 1.0001
    assert found.error > 0.4 * worst  # of eight places half way, some are near the worst
    assert found.error == pytest.approx(0.1 * (1 - np.cos(spacing / 18)), rel=0.4)  # sagitta of a sine


def test_finer_nodes_ask_only_for_what_is_not_known() -> None:
    field = Curved(45, 60)
    request = ScrubBandsRequest(field, SAMPLING, SPACINGS[0])
    coarse = decode_scrub_bands(request, quiet)
    field.asked.clear()
    finer = request.finer(coarse)
    assert finer is not None
    fine = decode_scrub_bands(finer, quiet)
    assert not set(coarse.bands.wavelengths) & set(field.asked)
    assert set(fine.bands.wavelengths) - set(coarse.bands.wavelengths) <= set(field.asked)
    assert finer.finer(fine) is None


def test_a_range_as_narrow_as_one_step_has_no_finer_nodes() -> None:
    field = CubeField(smooth_cube(45, 60)[:2], Wavelengths(np.array([400.0, 403.0])))
    request = ScrubBandsRequest(field, SAMPLING, SPACINGS[0])
    coarse = decode_scrub_bands(request, quiet)
    finer = request.finer(coarse)
    assert finer is not None
    fine = decode_scrub_bands(finer, quiet)
    assert fine.is_finest and fine.error < 1e-6
    np.testing.assert_array_equal(fine.bands.band(403), coarse.bands.band(403))


@pytest.mark.parametrize("missing", [(slice(4, 5), slice(2, 3)), (slice(None), slice(None))], ids=["pixel", "all"])
def test_pixels_without_values_have_no_part_in_the_error(missing: tuple[slice, slice]) -> None:
    values = smooth_cube(45, 60)
    request = ScrubBandsRequest(CubeField(values, BANDS), SAMPLING, SPACINGS[0])
    present = decode_scrub_bands(request, quiet).error
    values[:, *missing] = np.nan
    error = decode_scrub_bands(replace(request, field=CubeField(values, BANDS)), quiet).error
    assert error == (0 if np.isnan(values).all() else pytest.approx(present, rel=0.01))


class Sketched(Curved):
    """One that is a little off where it is sketched."""

    OFF = np.float32(0.03)

    def preview_bands(self, wavelengths, *, stride=1, rows=None, cols=None):
        bands = [Curved.band(self, nm, stride=stride, rows=rows, cols=cols) for nm in wavelengths]
        return np.stack(bands) + self.OFF


def test_nodes_are_sketched_and_the_error_tells_of_that_too() -> None:
    window = {"stride": 2, "rows": SAMPLING.rows, "cols": SAMPLING.cols}
    exact, field = Curved(45, 60), Sketched(45, 60)
    request = ScrubBandsRequest(field, SAMPLING, SPACINGS[1])
    found = decode_scrub_bands(request, quiet)
    np.testing.assert_allclose(found.bands.band(450), exact.band(450, **window) + field.OFF, atol=1e-6)
    assert found.error == pytest.approx(field.OFF, abs=0.01)


def test_a_sampling_that_does_not_fit_its_stride_is_answered() -> None:
    field = Curved(45, 60)
    odd = SamplingGrid(7, slice(0, 45), slice(7, 60), 3)
    assert decode_scrub_bands(ScrubBandsRequest(field, odd, 20.0), quiet).bands.shape == odd.size


@pytest.fixture
def curved(opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> App:
    """A band is shown of a field that is not linear, and its nodes are there."""
    monkeypatch.setattr(image, "FRAME_SECONDS", 0.0)
    opened.document.set_field(Curved(*opened.document.field.shape), 1, (0.0, 1.0), opened.document.encoded)
    opened.view.show_mode("band")
    wait_for_nodes(opened, qtbot)
    return opened


def wait_for_nodes(app: App, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: (found := app.renderers[0]._scrub_cache._bands) is not None and found.is_finest)


def answers(app: App) -> list[RenderedImage]:
    found: list[RenderedImage] = []
    app.renderers[0].answered.connect(found.append)
    return found


def test_a_move_is_read_between_nodes_and_followed_by_the_exact_picture(curved: App, qtbot: QtBot) -> None:
    given, caption = answers(curved), curved.window.image.captions[0]
    curved.document.set_wavelength(553.2)
    qtbot.waitUntil(lambda: len(given) == 1)
    assert given[0].request.scrub_bands is not None and not given[0].is_exact
    assert "(preview, values ±" in caption.text()
    qtbot.waitUntil(lambda: given[-1].is_exact)
    exact = given[-1]
    assert exact.request.scrub_bands is None and caption.text() == "Band 553.2 nm"
    field = curved.document.field
    sampling = exact.request.sampling
    np.testing.assert_array_equal(
        exact.painted, field.band(553.2, stride=sampling.stride, rows=sampling.rows, cols=sampling.cols)
    )
    assert given[0].painted.shape == exact.painted.shape
    assert 0 < np.abs(given[0].painted - exact.painted).max() < 3 * given[0].request.scrub_bands.error


def test_the_grain_learns_nothing_from_pictures_that_cost_nothing(curved: App, qtbot: QtBot) -> None:
    given, budget = answers(curved), curved.renderers[0].budget
    for nm in (510.3, 511.1, 512.7):
        curved.document.set_wavelength(nm)
    qtbot.waitUntil(lambda: bool(given) and given[-1].is_exact)
    assert curved.renderers[0].budget == budget


def test_nodes_belong_to_one_field_and_one_view(curved: App, qtbot: QtBot) -> None:
    picturing = curved.renderers[0]
    first = picturing._scrub_cache._bands
    view = picturing._view
    picturing.set_view(type(view)(view.top, view.top + 20, view.left, view.left + 20, view.scale))
    wait_for_nodes(curved, qtbot)
    qtbot.waitUntil(
        lambda: picturing._scrub_cache._bands is first or picturing._scrub_cache._bands.sampling != first.sampling
    )
    curved.document.set_field(Curved(*curved.document.field.shape), 1, (0.0, 1.0), curved.document.encoded)
    assert picturing._scrub_cache._bands is None
    wait_for_nodes(curved, qtbot)
    assert picturing._scrub_cache._bands.field is curved.document.field


def test_what_costs_less_than_a_frame_needs_no_nodes(
    opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "FRAME_SECONDS", 3600.0)
    given = answers(opened)
    QTest.keyClick(opened.window, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: bool(given) and given[-1].is_exact)
    assert not opened.worker.is_busy(Task.SCRUB_LEFT) and opened.renderers[0]._scrub_cache._bands is None


class Gated(CubeField):
    """A field that gives sampled bands, as for a coarse picture, only after `gate` is set."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__(smooth_cube(height, width), BANDS, Quantity.REFLECTANCE)
        self.gate, self.is_asked = threading.Event(), threading.Event()

    def band(self, nm, *, stride=1, rows=None, cols=None):
        if stride > 1:
            self.is_asked.set()
            assert self.gate.wait(60)
        return super().band(nm, stride=stride, rows=rows, cols=cols)


@pytest.mark.parametrize("mode", ["rerendered", "colour_error"])
def test_a_costly_mode_is_coarse_first_and_nothing_delays_it(
    opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr("nesr_gui.gui.tasks.rendering.FEWEST_SAMPLES", 1)
    field, renderer, given = Gated(60, 80), opened.renderers[0], answers(opened)
    opened.document.set_field(field, 1, (0.0, 1.0), opened.document.encoded)
    opened.view.show_mode(mode)
    qtbot.waitUntil(field.is_asked.is_set)
    renderer._ask_exact()  # as after a rest: it waits, since both would share the processor
    assert not opened.worker.is_busy(Task.PICTURE_LEFT) and renderer._rest.isActive()
    field.gate.set()
    qtbot.waitUntil(lambda: bool(given) and given[-1].is_exact)
    assert not given[0].is_exact and given[0].request.sampling.stride > 1
    assert [picture.request.mode.name for picture in given[:1]] == [mode]


def test_of_200_random_moves_every_caption_names_the_wavelength_of_its_picture(
    queued_refresh: None, curved: App, qtbot: QtBot
) -> None:
    """While pictures arrive, and after: the values are those of the field there, within the error of a preview."""
    caption, field, rng = curved.window.image.captions[0], curved.document.field, np.random.default_rng(5)
    wrong: list[object] = []
    checked: list[float] = []
    layer = curved.window.image.canvas.layers[0]

    def check() -> None:
        picture, text = layer.picture, caption.text()
        assert picture is not None
        sampling, bands = picture.request.sampling, picture.request.scrub_bands
        said = float(text.removeprefix("Band ").partition(" nm")[0])
        values = field.band(said, stride=sampling.stride, rows=sampling.rows, cols=sampling.cols)
        error = float(np.abs(picture.painted - values).max())
        is_preview = "preview" in text
        if error > (1.5 * bands.error if bands else 0) or is_preview != (bands is not None):
            wrong.append((text, picture.request.context.nm, error))
        if is_preview and f"±{bands.error:.1g})" not in text:
            wrong.append(text)
        checked.append(said)

    curved.renderers[0].answered.connect(lambda picture: check())
    for nm in rng.uniform(400, 700, 200).round(1).tolist():
        curved.document.set_wavelength(nm)
        QApplication.processEvents()
        check()
    qtbot.waitUntil(lambda: layer.picture.is_exact and layer.picture.request.context.nm == curved.document.nm)
    check()
    assert wrong == [] and len(set(checked)) > 20 and checked[-1] == curved.document.nm


def test_the_histogram_is_of_what_is_in_view(curved: App, qtbot: QtBot) -> None:
    renderer, document = curved.renderers[0], curved.document
    qtbot.waitUntil(lambda: renderer.shown.is_exact and renderer.is_settled)
    whole_image = renderer.shown
    assert whole_image.histogram.counts.sum() == whole_image.painted.size
    view = renderer._view
    renderer.set_view(replace(view, top=8.0, bottom=20.0, left=10.0, right=30.0))
    qtbot.waitUntil(lambda: renderer.shown.histogram is not whole_image.histogram)
    assert renderer.shown.painted is whole_image.painted and renderer.shown.shown is whole_image.shown
    seen = whole_image.painted[8:20, 10:30]
    assert renderer.shown.histogram.counts.sum() == seen.size
    curved.view.set_automatic_levels()
    np.testing.assert_allclose(
        document.view_settings.levels[renderer.shown.request.scale.key], np.percentile(seen, (0.5, 99.5)), rtol=1e-6
    )
    renderer.set_view(view)
    qtbot.waitUntil(lambda: renderer.shown.histogram.counts.sum() == whole_image.painted.size)


def test_a_view_without_values_has_no_histogram_and_the_next_one_has(curved: App, qtbot: QtBot) -> None:
    values = smooth_cube(*curved.document.field.shape)
    values[:, :12, :12] = np.nan
    curved.document.set_field(CubeField(values, BANDS), 1, (0.0, 1.0), curved.document.encoded)
    renderer = curved.renderers[0]
    qtbot.waitUntil(lambda: renderer.shown.is_exact and renderer.is_settled and renderer.shown.histogram is not None)
    rendered, view = renderer.shown.painted, renderer._view
    renderer.set_view(replace(view, top=2.0, bottom=10.0, left=2.0, right=10.0))
    qtbot.waitUntil(lambda: renderer.shown.histogram is None)
    renderer.set_view(view)
    qtbot.waitUntil(lambda: renderer.shown.histogram is not None)
    assert renderer.shown.painted is rendered
