"""Asks for the curves and values of regions and for what follows from curves: colours and smooth metamers."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nesr_gui.gui.model.marks import Curve, Finding, Place, Reading
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks.spectra import (
    FEW,
    MANY,
    SAMPLE,
    FindingsRequest,
    MeansRequest,
    RegionsRequest,
    ask_means,
    ask_regions,
    find,
)
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity


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
        for purpose in ("regions", "regions_finer", "means", "findings"):
            self._worker.cancel(purpose)
        self._declined.clear()
        self.ask_regions()

    def ask_regions(self) -> None:
        """The curves of the regions that have none yet; what is asked of a region that is gone is stopped."""
        session = self._session
        regions = [mark.place for mark in session.marks if isinstance(mark.place, Region)]
        if self._finer is not None and self._finer not in regions:
            self._finer = None
            self._worker.cancel("regions_finer")
        missing = tuple(dict.fromkeys(region for region in regions if region not in session.curves))
        if session.field is not None and missing:
            self._worker.submit("regions", self._request(missing, FEW), ask_regions, self._take_regions)
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
            request = MeansRequest(session.field, session.truth, session.reduction, regions, session.nm)
            self._worker.submit("means", request, ask_means, self._take_means)

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
            session.photograph, session.reduction,
        )  # fmt: skip
        self._worker.submit("findings", request, find, self._take_findings)

    def _request(self, regions: tuple[Region, ...], most: int) -> RegionsRequest:
        session = self._session
        assert session.field is not None
        return RegionsRequest(session.field, session.truth, session.reduction, regions, most, session.encoded)

    def _ask_finer(self) -> None:
        if self._finer is not None or self._worker.is_busy("regions"):
            return
        for mark in self._session.marks:
            curve = self._session.curves.get(mark.place)
            if isinstance(mark.place, Region) and curve is not None and mark.place not in self._declined:
                most = curve.of if curve.of <= MANY else SAMPLE
                if curve.pixels < most:
                    self._finer = mark.place
                    request = self._request((mark.place,), most)
                    self._worker.submit("regions_finer", request, ask_regions, self._take_finer)
                    return

    def _end(self, purpose: str) -> None:
        """A region asked finely that has not answered is left as it is, and the next one asked."""
        if purpose == "regions_finer" and self._finer is not None:
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
