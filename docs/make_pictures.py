"""Make the pictures of the user guide from the program itself: `python docs/make_pictures.py`, no display needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QBuffer, QEventLoop, QSize, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication

from nesr_gui import resources
from nesr_gui.analysis.definitions import ClassDefinition
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.colorimetry.cie import CHARTS
from nesr_gui.gui.app import App
from nesr_gui.gui.model.analyses import AnalysisKind
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.library import OpenedLibrary
from nesr_gui.gui.model.marks import Reading
from nesr_gui.gui.model.preferences import nothing_remembered
from nesr_gui.gui.model.transect import TransectLine
from nesr_gui.gui.tasks.files import ChartRequest, read_chart
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import TABLE
from nesr_gui.gui.view_modes.analysis import AnalysisMode
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Spectrum

WINDOW = QSize(1280, 800)
THEMES = {"": "light", "-dark": "dark"}
"""By what they add to the name of a picture: the guide shows the one that fits the window."""
WORK = (
    Task.RECONSTRUCT, Task.CURVES, Task.REGIONS, Task.REGION_REFINED, Task.COLOURS, Task.PICTURE_LEFT,
    Task.PICTURE_RIGHT, Task.ANCHOR, Task.SUGGEST, Task.FRAME_LEFT, Task.FRAME_RIGHT, Task.TONE_LEFT, Task.TONE_RIGHT,
    Task.MATCH, Task.FIT_ANALYSIS, Task.IMAGE_MEANS,
)  # fmt: skip

CALIBRATION = (Task.READ_PATCHES, Task.CALIBRATE, Task.PATCH_SPECTRA)
CHART = np.array([[12.0, 12], [12, 408], [272, 408], [272, 12]])
"""Corners of the chart in the sample photograph."""
_ZOOMED = 2  # steps into the picture of the averaging box
CUP = ((0.33, 0.46), (0.62, 0.6), (1.03, 0.85), (1.03, 0.99), (0.6, 0.97), (0.33, 0.82))
"""Values at 450 and 650 nm of white things."""


def until(is_so: Callable[[], bool], seconds: float = 900) -> None:
    """Let the program run until something is so."""
    loop, watch, limit = QEventLoop(), QTimer(interval=30), QTimer(interval=int(1000 * seconds), singleShot=True)
    watch.timeout.connect(lambda: loop.quit() if is_so() else None)
    limit.timeout.connect(lambda: loop.exit(1))
    watch.start()
    limit.start()
    if loop.exec():
        raise TimeoutError("the program did not come to rest")


def save(pixmap: QPixmap, path: Path) -> None:
    """As a JPEG whose letters stay sharp."""
    buffer = QBuffer()
    pixmap.save(buffer, "PNG")
    Image.open(BytesIO(buffer.data().data())).convert("RGB").save(path, quality=88, subsampling=0, optimize=True)


@contextmanager
def opened(sample: str, theme: str) -> Iterator[App]:
    """A new user's window with a sample, all its pixels reconstructed, and some marks."""
    with nothing_remembered():
        app = App()
        try:
            app.preferences.choose("theme", theme)
            app.first_steps.close()
            app.window.show()
            app.window.compose(WINDOW)
            app.reconstruction.load_model(None, "cpu")
            chosen = resources.sample(sample)
            app.files.open(chosen.photograph, chosen.truth, DevelopSettings(working_pixels=10**9))
            until(lambda: app.document.field is not None)
            height, width = app.document.source_shape or (1, 1)
            for row, col in ((0.42, 0.5), (0.62, 0.27), (0.2, 0.85)):
                app.document.add_pin(int(row * height), int(col * width))
            app.document.mark_set.add(
                Region(Shape.RECTANGLE, ((0.77 * height, 0.07 * width), (0.9 * height, 0.15 * width)))
            )
            until(lambda: all(mark.place in app.document.colour_results for mark in app.document.marks))
            yield app
        finally:
            app.window.may_close = lambda: True
            app.window.close()


def show(app: App, mode: str, nm: float, side: int = 0) -> None:
    """One mode, exactly, and nothing under way."""
    app.document.set_wavelength(nm)
    app.view.show_mode(mode)

    def is_there() -> bool:
        shown = app.renderers[side].shown
        known = shown is not None and shown.is_exact and shown.request.mode.name == mode
        return known and not any(app.worker.is_busy(task) for task in WORK)

    until(is_there)


def take_looks(app: App, folder: Path, ending: str) -> None:
    """The window, each of its modes except the analyses, two pictures at once, and the dialog of exports."""
    show(app, "photograph", 550.0)
    save(app.window.grab(), folder / f"window{ending}.jpg")
    for mode in TABLE:
        if mode.name != "truth_error" and not isinstance(mode, AnalysisMode):
            show(app, mode.name, 620.0)
            save(app.window.panes.grab(), folder / f"{mode.name}{ending}.jpg")
    app.window.actions_by_name["export_cube"].trigger()
    dialog = QApplication.activeModalWidget()
    save(dialog.grab(), folder / f"export{ending}.jpg")
    dialog.reject()
    app.document.set_view_settings(replace(app.document.view_settings, modes=("photograph", "photograph"), active=1))
    app.view.divide()
    show(app, "band", 620.0, side=1)
    save(app.window.panes.grab(), folder / f"divider{ending}.jpg")


def take_truth(app: App, folder: Path, ending: str) -> None:
    """What is measured beside what is estimated."""
    show(app, "truth_error", 480.0)
    save(app.window.grab(), folder / f"truth{ending}.jpg")
    save(app.window.panes.grab(), folder / f"truth_error{ending}.jpg")


def take_calibration(app: App, folder: Path, ending: str) -> None:
    """The dialog of a calibration with its result."""
    app.calibration.open()
    dialog = app.calibration.dialog
    assert dialog is not None
    dialog.resize(1080, 640)
    until(dialog.estimate.isEnabled)
    dialog.show_corners(CHART)
    dialog.estimate.click()
    until(lambda: bool(dialog.plot.curves) and not any(app.worker.is_busy(task) for task in CALIBRATION))
    dialog.view.patch_picked.emit(16)
    dialog.view.setFocus()
    save(dialog.grab(), folder / f"calibration{ending}.jpg")
    dialog.close()


def take_anchors(app: App, folder: Path, ending: str) -> None:
    """Three spots measured in the cube of the sample, and those to measure next."""
    document = app.document
    truth, (height, width) = document.truth, document.source_shape or (1, 1)
    assert truth is not None
    document.mark_set.clear()
    spots = []
    for name, row, col in (("skin", 0.14, 0.25), ("blue", 0.62, 0.08), ("orange", 0.38, 0.08)):
        at = int(row * height), int(col * width)
        rows, cols = (slice(centre - 2, centre + 3) for centre in at)
        values = truth.cube(truth.bands, rows=rows, cols=cols).values.mean((1, 2))
        spots.append((at, Reading(Spectrum(truth.bands, values, name), f"{name}.csv")))
    document.mark_set.add_measured(spots)
    document.set_plot_settings(replace(document.plot_settings, truth=False))
    app.anchors.dock.show()
    app.anchors.dock.raise_()
    until(lambda: not document.awaits_anchoring)
    app.anchors.suggest()
    until(lambda: bool(document.suggestions))
    show(app, "photograph", 550.0)
    until(lambda: all(mark.place in document.colour_results for mark in document.marks))
    save(app.window.grab(), folder / f"anchors{ending}.jpg")


def take_statistics(app: App, folder: Path, ending: str) -> None:
    """Spectra without their continuum, and the statistics of a region."""
    document, window = app.document, app.window
    document.set_plot_settings(replace(document.plot_settings, truth=False))
    document.mark_set.set_active(3)
    window.actions_by_name["remove_continuum"].trigger()
    show(app, "photograph", 550.0)
    until(lambda: all(document.readout(mark) and mark.place in document.absorptions for mark in document.marks))
    save(window.plot.parentWidget().grab(), folder / f"continuum{ending}.jpg")
    window.actions_by_name["remove_continuum"].trigger()
    document.mark_set.set_active(4)
    window.actions_by_name["box_9"].trigger()
    app.statistics.open()
    app.statistics.set_interval((450.0, 600.0))
    show(app, "photograph", 550.0)
    until(lambda: not any(app.worker.is_busy(task) for task in (Task.STATISTICS, Task.HISTOGRAM, Task.INTEGRALS)))
    save(window.grab(), folder / f"statistics{ending}.jpg")


def take_box(app: App, folder: Path, ending: str) -> None:
    """A marked box, and the box under the mouse with its spectrum."""
    document, actions = app.document, app.window.actions_by_name
    document.mark_set.clear()
    document.set_plot_settings(replace(document.plot_settings, truth=False))
    height, width = document.source_shape or (1, 1)
    actions["box_9"].trigger()
    document.pick_pixel(int(0.38 * height), int(0.4 * width))
    for _ in range(_ZOOMED):
        actions["zoom_in"].trigger()
    document.set_hover((int(0.38 * height) + 3, int(0.3 * width)))
    show(app, "photograph", 550.0)
    until(lambda: document.hover_curve is not None and document.readout(document.marks[0]) is not None)
    until(lambda: not any(app.worker.is_busy(task) for task in (*WORK, Task.REGION_READOUTS)))
    save(app.window.grab(), folder / f"averaging_box{ending}.jpg")
    document.set_hover(None)
    actions["fit"].trigger()
    actions["box_1"].trigger()


def take_library(app: App, folder: Path, ending: str) -> None:
    """What a mark is, by the published spectra of the charts."""
    document, workspace = app.document, app.workspace
    document.mark_set.clear()
    document.set_plot_settings(replace(document.plot_settings, truth=False))
    height, width = document.source_shape or (1, 1)
    document.add_pin(int(0.62 * height), int(0.85 * width))
    charts = {name: read_chart(ChartRequest(name), lambda fraction: None) for name in CHARTS}
    workspace.set_libraries([OpenedLibrary(name, SpectralLibrary.of(each, name)) for name, each in charts.items()])
    app.library.show_panel()
    show(app, "photograph", 550.0)
    until(lambda: app.library.answer is not None and document.marks[0].place in document.colour_results)
    save(app.window.grab(), folder / f"library{ending}.jpg")


def take_differences(app: App, folder: Path, ending: str) -> None:
    """The cup selected in the scatter plot, and a transect across cup and saucer."""
    document, actions = app.document, app.window.actions_by_name
    height, width = document.source_shape or (1, 1)
    show(app, "photograph", 550.0)
    app.view.show_single()
    document.mark_set.set_active(document.marks[-1].number)
    actions["scatter_plot"].trigger()
    until(lambda: document.scatter.map is not None)
    document.scatter.select(CUP, ("b450", "b650"))
    until(lambda: document.scatter.mask is not None and document.scatter.intervals is not None)
    until(lambda: not any(app.worker.is_busy(task) for task in (*WORK, Task.SCATTER_DENSITY)))
    save(app.window.grab(), folder / f"scatter{ending}.jpg")
    app.scatter.clear_selection()
    actions["tool_transect"].trigger()
    document.transect.set_line(TransectLine((0.7 * height, 0.15 * width), (0.25 * height, 0.86 * width), 5))
    until(lambda: document.transect.spectra is not None and document.transect.values is not None)
    until(lambda: not any(app.worker.is_busy(task) for task in WORK))
    save(app.window.grab(), folder / f"transect{ending}.jpg")


def pin_patches(document: Document) -> None:
    """Mark three patches of the colour checker and nothing else, without their measured spectra."""
    document.mark_set.clear()
    document.set_plot_settings(replace(document.plot_settings, truth=False))
    height, width = document.source_shape or (1, 1)
    for row, col in ((0.62, 0.08), (0.38, 0.08), (0.14, 0.25)):
        document.add_pin(int(row * height), int(col * width))
    until(lambda: all(mark.place in document.colour_results for mark in document.marks))


def take_classes(app: App, folder: Path, ending: str) -> None:
    """Where else the spectra of three pins are, and clusters of similar spectra."""
    document = app.document
    pin_patches(document)
    classes = document.analysis_settings.with_definition(AnalysisKind.CLASSES, ClassDefinition(angle=25.0))
    document.set_analysis_settings(classes, "threshold")
    for kind, name in ((AnalysisKind.CLASSES, "classification"), (AnalysisKind.CLUSTERS, "clustering")):
        app.analyses.show(kind)
        show(app, kind.value, 550.0)
        until(lambda kind=kind: document.counts_of(kind) is not None)  # type: ignore[misc]
        until(lambda: not any(app.worker.is_busy(task) for task in (*WORK, Task.SCORE_HISTOGRAM)))
        save(app.window.grab(), folder / f"{name}{ending}.jpg")


def take_values(app: App, folder: Path, ending: str) -> None:
    """How much of each spectrum there is, an index, and components."""
    document = app.document
    pin_patches(document)
    app.analyses.show(AnalysisKind.ABUNDANCES)
    until(lambda: app.values.abundances.layers.table.rowCount() == len(document.marks) + 1)
    show(app, "abundances", 550.0)
    save(app.window.grab(), folder / f"unmixing{ending}.jpg")
    app.analyses.show(AnalysisKind.EXPRESSION)
    show(app, "expression", 550.0)
    save(app.window.grab(), folder / f"band_math{ending}.jpg")
    app.analyses.show(AnalysisKind.COMPONENTS)
    show(app, "components", 550.0)
    app.values.mix_layers()
    show(app, "components", 550.0)
    save(app.window.grab(), folder / f"loadings{ending}.jpg")


def main() -> None:
    """Write all pictures beside the guide, or into the folder that is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else resources.guide().parent
    qt = QApplication(sys.argv[:1])
    for ending, theme in THEMES.items():
        with opened("coffee", theme) as app:
            take_looks(app, folder, ending)
            take_differences(app, folder, ending)
        with opened("colour_checker", theme) as app:
            take_truth(app, folder, ending)
            take_calibration(app, folder, ending)
            take_library(app, folder, ending)
            take_classes(app, folder, ending)
            take_values(app, folder, ending)
            take_box(app, folder, ending)
            take_anchors(app, folder, ending)
        with opened("colour_checker", theme) as app:
            take_statistics(app, folder, ending)
    qt.quit()


if __name__ == "__main__":
    main()
