"""Asks the field for curves, values and colours of marks and of the pixel under the mouse, and shows them."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.gui.model.marks import Curve, Finding, Pixel, Place, Reading
from nesr_gui.gui.model.plot_settings import Normalise
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks.spectra import (
    FEW,
    MANY,
    SAMPLE,
    FindingsRequest,
    MeansRequest,
    PointsRequest,
    RegionsRequest,
    ask_curves,
    ask_means,
    ask_readings,
    ask_regions,
    ask_spectra,
    find,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Spectrum


class Inquiry(QObject):
    """Turns facts of the session into requests, and answers into facts."""

    def __init__(self, session: Session, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker = session, worker

    def forget(self) -> None:
        """Another field: nothing that is under way belongs to it."""
        for task in (Task.CURVES, Task.READOUTS, Task.HOVER_CURVE):
            self._worker.cancel(task)
        self._session.set_hover_curve(None)
        self.ask_curves()
        self.ask_readings()

    def ask_curves(self) -> None:
        """The curves of the pins that have none yet."""
        missing = tuple(dict.fromkeys(p.pixel for p in self._session.pins if p.pixel not in self._session.curves))
        if self._session.field is not None and missing:
            self._worker.submit(Task.CURVES, self._points(missing), ask_curves, self._take_curves)

    def ask_readings(self) -> None:
        """The values at the wavelength, of the pins and of the pixel under the mouse."""
        session = self._session
        pixels = [pin.pixel for pin in session.pins] + ([session.hover] if session.hover else [])
        if session.field is not None and pixels:
            request = self._points(tuple(dict.fromkeys(pixels)), session.nm)
            self._worker.submit(Task.READOUTS, request, ask_readings, self._take_readings)

    def ask_hover(self) -> None:
        """The curve of the pixel under the mouse."""
        session = self._session
        if session.field is not None and session.hover is not None:
            request = PointsRequest(session.field, None, session.binning, (session.hover,))
            self._worker.submit(Task.HOVER_CURVE, request, ask_spectra, self._take_hover)

    def _points(self, pixels: tuple[Pixel, ...], nm: float | None = None) -> PointsRequest:
        session = self._session
        assert session.field is not None
        return PointsRequest(session.field, session.truth, session.binning, pixels, nm, session.encoded)

    def _take_curves(self, request: PointsRequest, curves: dict[Place, Curve]) -> None:
        if request.field is self._session.field:
            self._session.set_curves(curves)

    def _take_readings(self, request: PointsRequest, readings: dict[Place, Reading]) -> None:
        if request.field is self._session.field and request.nm is not None:
            self._session.set_readings(request.nm, readings)

    def _take_hover(self, request: PointsRequest, spectra: dict[Pixel, Spectrum]) -> None:
        if request.field is self._session.field and self._session.hover is not None:
            self._session.set_hover_curve(spectra[request.pixels[0]])


class CurveInquiry(QObject):
    """Turns facts of the session into requests, and answers into facts.

    A region is asked at some of its pixels at once, and at all of them, or at many of a very large one, when nothing
    else is asked.
    """

    def __init__(self, session: Session, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker = session, worker
        self._finer: Region | None = None  # what is asked finely now
        self._declined: set[Region] = set()  # what the user, or a failure, has stopped from being asked finely
        worker.ended.connect(self._end)
        session.wavelength_changed.connect(self.ask_means)
        session.curves_changed.connect(self.ask_means)

    def forget(self) -> None:
        """Another field: nothing that is under way belongs to it."""
        self._finer = None
        for task in (Task.REGIONS, Task.REGION_REFINED, Task.REGION_READOUTS, Task.COLOURS):
            self._worker.cancel(task)
        self._declined.clear()
        self.ask_regions()

    def ask_regions(self) -> None:
        """The curves of the regions that have none yet; what is asked of a region that is gone is stopped."""
        session = self._session
        regions = [mark.place for mark in session.marks if isinstance(mark.place, Region)]
        if self._finer is not None and self._finer not in regions:
            self._finer = None
            self._worker.cancel(Task.REGION_REFINED)
        missing = tuple(dict.fromkeys(region for region in regions if region not in session.curves))
        if session.field is not None and missing:
            self._worker.submit(Task.REGIONS, self._request(missing, FEW), ask_regions, self._take_regions)
        elif session.field is not None:
            self._ask_finer()

    def ask_means(self) -> None:
        """The values at the wavelength of the regions that have a curve, each of as many pixels as that."""
        session = self._session
        regions = {
            mark.place: curve.pixels
            for mark in session.marks
            if isinstance(mark.place, Region)
            and (curve := session.curves.get(mark.place)) is not None
            and mark.place not in session.readings
        }
        if session.field is not None and regions:
            request = MeansRequest(session.field, session.truth, session.binning, regions, session.nm)
            self._worker.submit(Task.REGION_READOUTS, request, ask_means, self._take_means)

    def ask_findings(self) -> None:
        """How the curves look, under the viewing there is now."""
        session = self._session
        if session.field is None:
            return
        reflective = session.field.quantity is Quantity.REFLECTANCE
        white = None if reflective else session.white
        spectra = {place: curve.spectrum for place, curve in session.curves.items()}
        request = FindingsRequest(
            spectra, session.viewing, reflective or white is not None, white, session.comparison.smooth,
            session.photograph, session.binning,
        )  # fmt: skip
        self._worker.submit(Task.COLOURS, request, find, self._take_findings)

    def _request(self, regions: tuple[Region, ...], most: int) -> RegionsRequest:
        session = self._session
        assert session.field is not None
        return RegionsRequest(session.field, session.truth, session.binning, regions, most, session.encoded)

    def _ask_finer(self) -> None:
        if self._finer is not None or self._worker.is_busy(Task.REGIONS):
            return
        for mark in self._session.marks:
            curve = self._session.curves.get(mark.place)
            if isinstance(mark.place, Region) and curve is not None and mark.place not in self._declined:
                most = curve.of if curve.of <= MANY else SAMPLE
                if curve.pixels < most:
                    self._finer = mark.place
                    request = self._request((mark.place,), most)
                    self._worker.submit(Task.REGION_REFINED, request, ask_regions, self._take_finer)
                    return

    def _end(self, task: Task) -> None:
        """A region asked finely that has not answered is left as it is, and the next one asked."""
        if task is Task.REGION_REFINED and self._finer is not None:
            self._declined.add(self._finer)
            self._finer = None
            self._ask_finer()

    def _take_regions(self, request: RegionsRequest, curves: dict[Place, Curve]) -> None:
        if request.field is self._session.field:
            self._session.set_curves(curves)
            self.ask_regions()

    def _take_finer(self, request: RegionsRequest, curves: dict[Place, Curve]) -> None:
        self._finer = None
        self._take_regions(request, curves)

    def _take_means(self, request: MeansRequest, readings: dict[Place, Reading]) -> None:
        if request.field is self._session.field:
            self._session.set_readings(request.nm, readings)

    def _take_findings(self, request: FindingsRequest, findings: dict[Place, Finding]) -> None:
        self._session.set_findings(findings)


class SpectraDisplay:
    """Hands the facts of the session to the widgets that show them."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        self._session, self._window = session, window

    def show_marks(self) -> None:
        marking = self._session.marking
        self._show_signs()
        self._window.table.show_marks(marking.marks, marking.active)
        self.show_curves()
        self.show_findings()

    def show_active(self) -> None:
        marking = self._session.marking
        self._show_signs()
        self._window.table.show_active(marking.active)
        self.show_curves()
        self.show_light()

    def show_curves(self) -> None:
        self._window.plot.show_curves(self._session.plotted())
        self._window.table.show_curves(self._session.marks, self._session.curves)
        self.show_readings()
        self.show_pair()
        self.show_light()

    def show_comparison(self) -> None:
        comparison = self._session.comparison
        self._window.spectra_bar.show_transform(comparison.transform)
        self._window.spectra_bar.show_references(comparison.truth, comparison.smooth, comparison.library)
        self.show_curves()

    def show_wavelength(self) -> None:
        """The values there, which are not known yet; and what is normalised at the wavelength changes with it."""
        if self._session.comparison.transform.normalise is Normalise.AT_WAVELENGTH:
            self._window.plot.show_curves(self._session.plotted())
        self.show_readings()

    def show_findings(self) -> None:
        session = self._session
        self._window.table.show_findings(session.marks, session.findings)
        if session.comparison.smooth:
            self._window.plot.show_curves(session.plotted())
            self.show_readings()
        self.show_pair()

    def show_pair(self) -> None:
        session = self._session
        chosen = [session.marking.get(number) for number in self._window.table.selected()]
        self._window.pair.show_pair(
            [(m, session.curves.get(m.place), session.findings.get(m.place)) for m in chosen if m is not None]
        )

    def show_hover_curve(self) -> None:
        """The curve under the mouse, as the others are shown."""
        session = self._session
        curve = session.hover_curve
        self._window.hover_curve.show_values(
            (curve.wavelengths.nm, session.plotted().values(curve)) if curve is not None else None
        )

    def _show_signs(self) -> None:
        marking = self._session.marking
        for image in self._window.panes.images:
            image.marks.show_marks(marking.marks, marking.active)

    def show_tool(self) -> None:
        for image in self._window.panes.images:
            image.marks.show_tool(self._session.marking.tool)

    def show_asking(self, asks_pixel: bool) -> None:
        for image in self._window.panes.images:
            image.marks.show_asking(asks_pixel)

    def show_actions(self) -> None:
        """What can be done with marks, and which tool is chosen."""
        session, actions = self._session, self._window.actions_by_name
        enable(actions, ["export_curves", "export_figure"], session.field is not None and bool(session.marks))
        on_marks = ["clear_pins", "remove_mark", "rename_mark", "copy_table", "export_table"]
        enable(actions, [*on_marks, "next_mark", "previous_mark"], bool(session.marks))
        enable(actions, ["import_marks"], session.source_shape is not None)
        actions[f"tool_{session.marking.tool}"].setChecked(True)

    def show_light(self) -> None:
        session = self._session
        active = session.marking.get(session.marking.active)
        self._window.light.show_quantity(
            session.field.quantity if session.field else None,
            session.white.name if session.white else None,
            active is not None and active.place in session.curves,
        )

    def show_readings(self) -> None:
        session = self._session
        readings = {mark.number: reading for mark in session.marks if (reading := session.reading(mark)) is not None}
        self._window.plot.show_readings(session.nm, {number: reading.value for number, reading in readings.items()})
        self._window.table.show_readings(session.nm, readings)
