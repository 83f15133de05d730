"""Calibration of the camera by a chart in the photograph, and the stored camera profiles."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.colorimetry.charts import ColourChart
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Reading
from nesr_gui.gui.model.preferences import profile_library
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import calibration as tasks
from nesr_gui.gui.tasks.calibration import ChartResult, PlacedChart, Refusal
from nesr_gui.gui.tasks.loading import CameraRequest, read_camera_or_profile
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.calibration import ESTIMATED, SHOWN, CalibrationDialog
from nesr_gui.gui.views.dialogs.camera_profiles import CameraProfilesDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.save_dialog import ask_save_path
from nesr_gui.io.errors import error_message
from nesr_gui.io.photos.camera_profile import ENDING, CameraProfile
from nesr_gui.io.photos.chart_finder import missing_package
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.photos.profile_library import Library, with_profile, without_profile
from nesr_gui.regions import Region

if TYPE_CHECKING:
    from nesr_gui.colorimetry.viewing_conditions import Observer
    from nesr_gui.inference.model import LoadedModel
    from nesr_gui.io.photos.chart_calibration import ChartAnchor
    from nesr_gui.io.photos.chart_patches import ChartReading
    from nesr_gui.io.photos.photo import DecodedPhoto

PROFILES = f"Camera profiles (*{ENDING})"
TABLES = "Tables of reflectances (*.csv);;All files (*)"
PLACED = "The colours inside the corners are those of the chart."
_REPLACED = (
    "another image was opened in the tab of this photograph; a profile can still be saved and used from its file"
)
_TASKS = (Task.LOAD_CHART, Task.FIND_CHART, Task.READ_PATCHES, Task.CALIBRATE, Task.PATCH_SPECTRA)
_BUSY = (Task.FIND_CHART, Task.CALIBRATE)


class CalibrationController(QObject):
    """Runs the dialog of a calibration; `model` returns the model for photographs that is in use."""

    def __init__(
        self, window: MainWindow, workspace: Workspace, worker: Worker, model: Callable[[], LoadedModel | None]
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker, self._model = window, workspace, worker, model
        self.dialog: CalibrationDialog | None = None
        self.profiles: CameraProfilesDialog | None = None
        self._decoded: DecodedPhoto | None = None  # photograph of the dialog
        self._calibrated: Document | None = None  # the document that it was opened for
        self._chart: ColourChart | None = None
        self._corners: weakref.WeakKeyDictionary[DecodedPhoto, npt.NDArray[np.float64]] = weakref.WeakKeyDictionary()

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def show_actions(self) -> None:
        """Enable the action and its button, if a photograph from a file is open."""
        is_possible = self._document.development.decoded is not None
        enable(self._window.actions_by_name, ("calibrate_camera",), is_possible)

    def open(self) -> None:
        """Open the dialog for the current photograph."""
        document = self._document
        decoded, colours = document.development.decoded, document.colours
        if decoded is None or colours is None:
            return
        self._decoded, self._calibrated, self._chart = decoded, document, None
        self.dialog = dialog = CalibrationDialog(missing_package(), bool(decoded.stored.camera), self._window)
        dialog.view.show_photograph(colours, decoded.shape)
        dialog.chart_picked.connect(self._load_chart)
        dialog.table_requested.connect(self._ask_table)
        dialog.search_requested.connect(self._search)
        dialog.corners_changed.connect(self._take_corners)
        dialog.estimate_requested.connect(self._estimate)
        dialog.cancel_requested.connect(self._cancel)
        dialog.profile_picked.connect(self._use)
        dialog.save_requested.connect(self._save)
        dialog.remember_picked.connect(self._remember)
        dialog.anchors_picked.connect(self._add_anchors)
        dialog.finished.connect(self._close)
        dialog.open()
        self._load_chart("classic")

    # The chart and its place

    def _load_chart(self, source: str | Path) -> None:
        self._worker.submit(Task.LOAD_CHART, tasks.ChartRequest(source), tasks.load_chart, self._take_chart)

    def _ask_table(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.dialog, "Open a table of reflectances", "", TABLES)
        if path:
            self._load_chart(Path(path))

    def _take_chart(self, request: tasks.ChartRequest, chart: ColourChart) -> None:
        if self.dialog is None or self._decoded is None:
            return
        is_first, self._chart = self._chart is None, chart
        self.dialog.show_chart(chart, request.source)
        if is_first and self._decoded in self._corners:
            self.dialog.show_corners(self._corners[self._decoded])
        self.dialog.show_busy(False)

    def _placed(self) -> PlacedChart | None:
        """The chart as it is placed now."""
        document = self._photographed()
        if document is None or self.dialog is None or self._decoded is None or self._chart is None:
            return None
        encoding = document.development.interpretation.source_encoding
        return PlacedChart(self._decoded, self._chart, self.dialog.view.corners, encoding)

    def _photographed(self) -> Document | None:
        """The document of the dialog's photograph; None, of which the user is notified, once it shows another image."""
        if self._calibrated is not None and self._calibrated.development.decoded is self._decoded:
            return self._calibrated
        if self.dialog is not None:
            self.dialog.show_message(_REPLACED)
        return None

    def _take_corners(self, corners: npt.NDArray[np.float64]) -> None:
        for task in (Task.CALIBRATE, Task.PATCH_SPECTRA):
            self._worker.cancel(task)
        if (placed := self._placed()) is not None:
            self._worker.submit(Task.READ_PATCHES, placed, tasks.read_patches, self._take_reading)

    def _take_reading(self, request: PlacedChart, reading: ChartReading | Refusal) -> None:
        if self.dialog is None or self.dialog.view.corners is not request.corners:
            return
        if isinstance(reading, Refusal):
            self.dialog.show_placement(None, reading.reason)
        elif not reading.has_its_colours:
            self.dialog.show_placement(None, "")
        else:
            self.dialog.show_placement(reading.corners, f"{PLACED} Estimate the profile, or correct the corners.")

    def _search(self) -> None:
        if (placed := self._placed()) is not None and self.dialog is not None:
            self._worker.submit(Task.FIND_CHART, placed, tasks.find_chart, self._take_found)
            self.dialog.show_busy(True)
            self.dialog.show_progress(None)

    def _take_found(self, request: PlacedChart, corners: npt.NDArray[np.float64] | Refusal) -> None:
        if self.dialog is None or request.decoded is not self._decoded:
            return
        if isinstance(corners, Refusal):
            self.dialog.show_message(corners.reason)
        else:
            self.dialog.show_corners(corners)

    # The estimate

    def _estimate(self) -> None:
        if (placed := self._placed()) is not None and self.dialog is not None:
            self._worker.cancel(Task.READ_PATCHES)
            self._worker.submit(Task.CALIBRATE, placed, tasks.calibrate, self._take_result)
            self.dialog.show_busy(True)

    def _take_result(self, request: PlacedChart, result: ChartResult | Refusal) -> None:
        if self.dialog is None or self.dialog.view.corners is not request.corners:
            return
        if isinstance(result, Refusal):
            self.dialog.show_message(result.reason)
            return
        self._corners[request.decoded] = request.corners
        self.dialog.show_result(result.calibration, result.reading.corners)
        self._query_spectra(request, result)

    def _query_spectra(self, request: PlacedChart, result: ChartResult) -> None:
        """Query the estimated spectra of all patches inside the photograph, with the profile and without."""
        visible = np.flatnonzero(result.reading.is_visible).tolist()
        regions = {result.reading.region(patch): patch for patch in visible}
        model, document = self._model(), self._photographed()
        if model is not None and document is not None:
            settings = DevelopSettings(profile=result.calibration.profile)
            query = tasks.PatchSpectraRequest(
                request.decoded, settings, model, tuple(regions), shown=document.field, binning=document.binning
            )
            take = partial(self._take_spectra, regions)
            self._worker.submit(Task.PATCH_SPECTRA, query, tasks.estimate_spectra, take)

    def _take_spectra(
        self, regions: dict[Region, int], request: tasks.PatchSpectraRequest, spectra: tasks.PatchSpectra
    ) -> None:
        if self.dialog is not None and request.decoded is self._decoded:
            for kind, found in ((SHOWN, spectra.shown), (ESTIMATED, spectra.estimated)):
                self.dialog.show_spectra(kind, {regions[region]: spectrum for region, spectrum in found.items()})

    def show_progress(self, task: Task, fraction: float) -> None:
        """Show the progress of an estimate in the dialog."""
        if self.dialog is not None and task is Task.CALIBRATE:
            self.dialog.show_progress(fraction)

    def take_failure(self, task: Task, error: Exception) -> None:
        """Show in the dialog why a chart could not be loaded, or what else failed."""
        if self.dialog is not None and task in (*_TASKS, Task.WRITE, Task.CAMERA_PROFILES):
            self.dialog.show_message(error_message(error) or type(error).__name__)

    def take_end(self) -> None:
        """Enable the dialog after a search or an estimate has finished, failed or was cancelled."""
        if self.dialog is not None:
            self.dialog.show_busy(any(self._worker.is_busy(task) for task in _BUSY))

    def _cancel(self) -> None:
        for task in _BUSY:
            self._worker.cancel(task)

    def _close(self) -> None:
        self.dialog = self._decoded = self._calibrated = self._chart = None
        for task in _TASKS:
            self._worker.cancel(task)

    def _use(self, profile: CameraProfile) -> None:
        """Develop the photograph with the profile."""
        if (document := self._photographed()) is not None:
            document.development.use_profile(profile)

    def _add_anchors(self, anchors: tuple[ChartAnchor, ...]) -> None:
        """Add marks to the patches, with their published reflectances as measured spectra."""
        document = self._photographed()
        if document is None or self._chart is None or self.dialog is None:
            return
        source = f"published reflectances of the {self._chart.name}"
        spots = [(each.region, Reading(replace(each.spectrum, name=each.patch), source)) for each in anchors]
        added = document.mark_set.add_measured(spots)
        self.dialog.show_message(f"Added {added} marks, whose measured spectra correct the reconstruction")

    # Profiles

    def _save(self, profile: CameraProfile) -> None:
        proposed = f"{_file_name(profile.name)}{ENDING}"
        path = ask_save_path(self.dialog, "Save camera profile", proposed, PROFILES, ending=ENDING)
        if path is not None:
            self._worker.submit(Task.WRITE, tasks.ProfileExport(path, profile), tasks.write_profile, self._take_saved)

    def _take_saved(self, request: tasks.ProfileExport, done: None) -> None:
        if self.dialog is not None:
            self.dialog.show_message(f"Wrote {request.path}")
        else:
            self._window.messages.show_success(f"Wrote {request.path}.")

    def _remember(self, profile: CameraProfile, is_automatic: bool) -> None:
        if is_automatic:
            self._change(partial(with_profile, profile=profile, is_automatic=True))
        else:
            self._change(partial(without_profile, profile=profile))

    def _change(self, change: Callable[[Library], Library]) -> None:
        request = tasks.LibraryRequest(profile_library(), change)
        self._worker.submit(Task.CAMERA_PROFILES, request, tasks.change_library, self._take_library)

    def _take_library(self, request: tasks.LibraryRequest, library: Library) -> None:
        if self.profiles is not None:
            self.profiles.show_library(library)

    def open_profiles(self) -> None:
        """Open the list of the stored profiles."""
        development = self._document.development
        self.profiles = dialog = CameraProfilesDialog(development.decoded is not None, self._window)
        dialog.automatic_picked.connect(
            lambda profile, is_automatic: self._change(
                partial(with_profile, profile=profile, is_automatic=is_automatic)
            )
        )
        dialog.removal_picked.connect(self._ask_removal)
        dialog.use_picked.connect(development.use_profile)
        dialog.file_requested.connect(self._ask_profile)
        dialog.finished.connect(self._close_profiles)
        dialog.open()
        self._change(lambda library: library)

    def _ask_removal(self, profile: CameraProfile) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Remove camera profile",
            f"Remove the camera profile {profile.name}? Photographs and sessions that use it keep it.",
            QMessageBox.StandardButton.Cancel,
            self.profiles,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        remove = box.addButton("Remove", QMessageBox.ButtonRole.AcceptRole)
        remove.clicked.connect(lambda: self._change(partial(without_profile, profile=profile)))
        box.open()

    def _ask_profile(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.profiles, "Add a camera profile", "", PROFILES)
        if path:
            request = CameraRequest(Path(path))
            self._worker.submit(Task.LOAD_CAMERA, request, read_camera_or_profile, self._take_profile)

    def _take_profile(self, request: CameraRequest, camera: Observer | CameraProfile) -> None:
        if not isinstance(camera, CameraProfile):
            raise ValueError(f"{request.path.name} is not a camera profile; load it in the Input panel")
        self._change(partial(with_profile, profile=camera, is_automatic=False))

    def _close_profiles(self) -> None:
        self.profiles = None


def _file_name(name: str) -> str:
    """A name for a file, without characters that file systems reserve."""
    return "".join("_" if character in '<>:"/\\|?*' or ord(character) < 32 else character for character in name)
