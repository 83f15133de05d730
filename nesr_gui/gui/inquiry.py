"""Asks the field for whatever the window shows: curves, readings and bands."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from nesr_gui.gui.requests import (
    BandImage,
    BandRequest,
    PointsRequest,
    View,
    ask_curves,
    ask_readings,
    coarse_band,
    exact_band,
    resolve_band,
)
from nesr_gui.gui.session import Curve, Mode, Pixel, Reading, Session
from nesr_gui.gui.worker import Worker

REST_MS = 120  # the hand rests
COARSE_SECONDS = 0.035  # a frame while scrubbing may take this long
MOST_SAMPLES, FEWEST_SAMPLES = 512 * 512, 96 * 96


class Inquiry(QObject):
    """Turns facts of the session into requests, and answers into facts.

    A band is asked coarsely at once, and as fine as the screen can show when nothing has changed for `REST_MS`. How
    coarse follows from how long the last frame took.
    """

    band_answered = Signal(object)  # BandImage

    def __init__(self, session: Session, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker = session, worker
        self._view: View | None = None
        self._shown: BandRequest | None = None
        self._samples = 192 * 192  # until it is known how fast this field answers
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask_exact)

    def stop(self) -> None:
        self._rest.stop()

    def forget(self) -> None:
        """Another field: nothing that is under way or shown belongs to it."""
        for purpose in ("curves", "readings", "coarse", "exact"):
            self._worker.cancel(purpose)
        self._shown = None
        self._samples = 192 * 192
        self.ask_curves()
        self.ask_readings()
        self.ask_band()

    def set_view(self, view: View) -> None:
        """The image pane shows something else: at once if part of it is not there yet, exactly when it rests."""
        self._view = view
        shape = self._session.source_shape
        if self._shown is None or shape is None or not self._shown.covers(view, shape):
            self.ask_band()
        elif self._session.mode is Mode.BAND:
            self._rest.start()

    def ask_band(self) -> None:
        request = self._resolve(self._samples)
        if request is not None:
            self._worker.cancel("exact")
            self._worker.submit("coarse", request, coarse_band, self._take_coarse)
            self._rest.start()

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

    def _ask_exact(self) -> None:
        request = self._resolve(None)
        if request is not None:
            self._worker.submit("exact", request, exact_band, self._take_exact)

    def _resolve(self, samples: int | None) -> BandRequest | None:
        session = self._session
        if session.field is None or self._view is None or session.mode is not Mode.BAND:
            return None
        return resolve_band(session.field, session.reduction, session.nm, session.levels, self._view, samples)

    def _points(self, pixels: tuple[Pixel, ...], nm: float | None = None) -> PointsRequest:
        session = self._session
        assert session.field is not None
        return PointsRequest(session.field, session.truth, session.reduction, pixels, nm)

    def _take_coarse(self, request: BandRequest, band: BandImage) -> None:
        self._learn(band)
        self._show(band)

    def _take_exact(self, request: BandRequest, band: BandImage) -> None:
        self._worker.cancel("coarse")
        self._show(band)

    def _show(self, band: BandImage) -> None:
        if band.request.field is self._session.field and self._session.mode is Mode.BAND:
            self._shown = band.request
            self.band_answered.emit(band)

    def _learn(self, band: BandImage) -> None:
        """Ask for as many samples as fit in a frame; small differences are left, so that the grain stays."""
        fitting = band.values.size * COARSE_SECONDS / max(band.seconds, 1e-4)
        fitting = min(max(fitting, FEWEST_SAMPLES), MOST_SAMPLES)
        if not 0.6 < fitting / self._samples < 1.7:
            self._samples = round(fitting)

    def _take_curves(self, request: PointsRequest, curves: dict[Pixel, Curve]) -> None:
        if request.field is self._session.field:
            self._session.set_curves(curves)

    def _take_readings(self, request: PointsRequest, readings: dict[Pixel, Reading]) -> None:
        if request.field is self._session.field:
            self._session.set_readings(readings)
