"""Asks the field for curves and readings: of the pins, and of the pixel under the mouse."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.gui.model.marks import Curve, Pixel, Place, Reading
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks.spectra import PointsRequest, ask_curves, ask_readings, ask_spectra
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.spectral import Spectrum


class Inquiry(QObject):
    """Turns facts of the session into requests, and answers into facts."""

    def __init__(self, session: Session, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker = session, worker

    def forget(self) -> None:
        """Another field: nothing that is under way belongs to it."""
        for purpose in ("curves", "readings", "hover"):
            self._worker.cancel(purpose)
        self._session.set_hover_curve(None)
        self.ask_curves()
        self.ask_readings()

    def ask_curves(self) -> None:
        """The curves of the pins that have none yet."""
        missing = tuple(dict.fromkeys(p.pixel for p in self._session.pins if p.pixel not in self._session.curves))
        if self._session.field is not None and missing:
            self._worker.submit("curves", self._points(missing), ask_curves, self._take_curves)

    def ask_readings(self) -> None:
        """The values at the wavelength, of the pins and of the pixel under the mouse."""
        session = self._session
        pixels = [pin.pixel for pin in session.pins] + ([session.hover] if session.hover else [])
        if session.field is not None and pixels:
            request = self._points(tuple(dict.fromkeys(pixels)), session.nm)
            self._worker.submit("readings", request, ask_readings, self._take_readings)

    def ask_hover(self) -> None:
        """The curve of the pixel under the mouse."""
        session = self._session
        if session.field is not None and session.hover is not None:
            request = PointsRequest(session.field, None, session.reduction, (session.hover,))
            self._worker.submit("hover", request, ask_spectra, self._take_hover)

    def _points(self, pixels: tuple[Pixel, ...], nm: float | None = None) -> PointsRequest:
        session = self._session
        assert session.field is not None
        return PointsRequest(session.field, session.truth, session.reduction, pixels, nm, session.encoded)

    def _take_curves(self, request: PointsRequest, curves: dict[Place, Curve]) -> None:
        if request.field is self._session.field:
            self._session.set_curves(curves)

    def _take_readings(self, request: PointsRequest, readings: dict[Place, Reading]) -> None:
        if request.field is self._session.field and request.nm is not None:
            self._session.set_readings(request.nm, readings)

    def _take_hover(self, request: PointsRequest, spectra: dict[Pixel, Spectrum]) -> None:
        if request.field is self._session.field and self._session.hover is not None:
            self._session.set_hover_curve(spectra[request.pixels[0]])
