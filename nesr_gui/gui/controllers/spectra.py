"""Queries for spectra, values and colours of marks and of the pixel under the mouse, and their display."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject

from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Absorption, ColourResult, MarkGeometry, MarkSpectrum, Pixel, Readout
from nesr_gui.gui.model.plot_settings import PlotAxes, Spreads, Transform
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.spectra import (
    FEW,
    MANY,
    SAMPLE,
    AbsorptionQuery,
    ColourQuery,
    PixelQuery,
    RegionQuery,
    RegionReadoutQuery,
    query_absorptions,
    query_colours,
    query_curves,
    query_readouts,
    query_region_readouts,
    query_regions,
    query_spectra,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.simple import AxisLimitsDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Spectrum

_OF_A_FIELD = (
    Task.CURVES, Task.READOUTS, Task.HOVER_CURVE, Task.BOX_READOUT, Task.REGIONS, Task.REGION_REFINED,
    Task.REGION_READOUTS, Task.COLOURS, Task.ABSORPTIONS,
)  # fmt: skip
_OF_SPECTRA = ("export_curves", "export_figure", "marks_as_library", "save_marks")
_ON_MARKS = (
    "clear_pins", "remove_mark", "rename_mark", "copy_table", "export_table", "next_mark", "previous_mark",
)  # fmt: skip


class SpectraController(QObject):
    """Queries what a document lacks, and shows spectra in plot, table and panel.

    A region is first evaluated at a few of its pixels, then at all of them, or a large sample, when the worker is idle.
    """

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._refining: Region | None = None
        self._declined: set[Region] = set()  # refinement was cancelled or failed
        self._tabled: tuple[object, ...] | None = None  # field and marks of the values in the table

    # Queries

    def forget(self) -> None:
        """Cancel all queries of the previous field."""
        self._refining = None
        self._declined.clear()
        for task in _OF_A_FIELD:
            self._worker.cancel(task)
        self._workspace.current.set_hover_curve(None)

    def query_marks(self) -> None:
        """Query the missing spectra of marks."""
        document = self._workspace.current
        if document.field is None:
            return
        missing = {mark.place: None for mark in document.marks if mark.place not in document.curves}
        if pixels := tuple(place for place in missing if not isinstance(place, Region)):
            self._worker.submit(Task.CURVES, self._pixels(document, pixels), query_curves, self._take_curves)
        self._query_regions(document, tuple(place for place in missing if isinstance(place, Region)))

    def _query_regions(self, document: Document, missing: tuple[Region, ...]) -> None:
        """Query missing regions, and cancel the refinement of a removed one."""
        if self._refining is not None and all(mark.place != self._refining for mark in document.marks):
            self._refining = None
            self._worker.cancel(Task.REGION_REFINED)
        if missing:
            self._worker.submit(Task.REGIONS, self._regions(document, missing, FEW), query_regions, self._take_regions)
        else:
            self._refine()

    def query_readouts(self) -> None:
        """Query the values of pins and of the pixel or box under the mouse at the current wavelength."""
        document = self._workspace.current
        hover, pixels = document.hover_place, dict[Pixel, None]()
        for place in [mark.place for mark in document.marks] + ([hover] if hover is not None else []):
            if not isinstance(place, Region):
                pixels[place] = None
        missing = tuple([pixel for pixel in pixels if pixel not in document.readouts])
        if document.field is None:
            return
        if missing:
            request = self._pixels(document, missing, document.nm)
            self._worker.submit(Task.READOUTS, request, query_readouts, self._take_readouts)
        if isinstance(hover, Region) and hover not in document.readouts:
            box = RegionReadoutQuery(document.field, document.truth, document.binning, {hover: MANY}, document.nm)
            self._worker.submit(Task.BOX_READOUT, box, query_region_readouts, self._take_box_readout)

    def query_region_readouts(self) -> None:
        """Query the values of regions at the current wavelength, over the same pixels as their spectra."""
        document = self._workspace.current
        regions = {
            mark.place: curve.pixels
            for mark in document.marks
            if isinstance(mark.place, Region)
            and (curve := document.curves.get(mark.place)) is not None
            and mark.place not in document.readouts
        }
        if document.field is not None and regions:
            request = RegionReadoutQuery(document.field, document.truth, document.binning, regions, document.nm)
            self._worker.submit(Task.REGION_READOUTS, request, query_region_readouts, self._take_region_readouts)

    def query_hover(self) -> None:
        """Query the spectrum of the pixel under the mouse, or the mean of the box around it."""
        document, place = self._workspace.current, self._workspace.current.hover_place
        if document.field is None or place is None:
            return
        if isinstance(place, Region):
            box = RegionQuery(document.field, None, document.binning, (place,), MANY)
            self._worker.submit(Task.HOVER_CURVE, box, query_regions, self._take_hover_box)
        else:
            request = PixelQuery(document.field, None, document.binning, (place,))
            self._worker.submit(Task.HOVER_CURVE, request, query_spectra, self._take_hover)

    def query_colours(self) -> None:
        """Query the colours of all spectra under the current viewing conditions."""
        document = self._workspace.current
        if document.field is None or not (document.curves or document.colour_results):
            return
        request = ColourQuery(
            curves=document.curves, viewing=document.viewing, has_colours=document.has_colours, white=document.white,
            smooth=document.plot_settings.smooth, photograph=document.photograph, binning=document.binning,
        )  # fmt: skip
        self._worker.submit(Task.COLOURS, request, query_colours, self._take_colours)

    def query_absorptions(self) -> None:
        """Query the absorption bands of all spectra while they are shown without their continuum."""
        document = self._workspace.current
        if document.plot_settings.transform.continuum and (document.curves or document.absorptions):
            request = AbsorptionQuery(document.curves)
            self._worker.submit(Task.ABSORPTIONS, request, query_absorptions, self._take_absorptions)

    def _pixels(self, document: Document, pixels: tuple[Pixel, ...], nm: float | None = None) -> PixelQuery:
        assert document.field is not None
        return PixelQuery(
            document.field, document.truth, document.binning, pixels, nm=nm, encoded=document.encoded
        )  # fmt: skip

    def _regions(self, document: Document, regions: tuple[Region, ...], most: int) -> RegionQuery:
        assert document.field is not None
        return RegionQuery(
            document.field, document.truth, document.binning, regions, most=most, encoded=document.encoded
        )  # fmt: skip

    def _refine(self) -> None:
        document = self._workspace.current
        if self._refining is not None or self._worker.is_busy(Task.REGIONS):
            return
        for mark in document.marks:
            curve = document.curves.get(mark.place)
            if isinstance(mark.place, Region) and curve is not None and mark.place not in self._declined:
                most = curve.of if curve.of <= MANY else SAMPLE
                if curve.pixels < most:
                    self._refining = mark.place
                    request = self._regions(document, (mark.place,), most)
                    self._worker.submit(Task.REGION_REFINED, request, query_regions, self._take_refined)
                    return

    def take_end(self) -> None:
        """After a cancelled or failed refinement, continue with the next region."""
        if self._refining is not None:
            self._declined.add(self._refining)
            self._refining = None
            self._refine()

    def _take_curves(self, request: PixelQuery, curves: dict[MarkGeometry, MarkSpectrum]) -> None:
        if request.field is self._workspace.current.field:
            self._workspace.current.set_curves(curves)

    def _take_readouts(self, request: PixelQuery, readouts: dict[MarkGeometry, Readout]) -> None:
        if request.field is self._workspace.current.field and request.nm is not None:
            self._workspace.current.set_readouts(request.nm, readouts)

    def _take_hover(self, request: PixelQuery, spectra: dict[Pixel, Spectrum]) -> None:
        document = self._workspace.current
        if request.field is document.field and document.hover is not None:
            document.set_hover_curve(spectra[request.pixels[0]])

    def _take_hover_box(self, request: RegionQuery, curves: dict[MarkGeometry, MarkSpectrum]) -> None:
        document = self._workspace.current
        if request.field is document.field and document.hover is not None:
            document.set_hover_curve(curves[request.regions[0]].spectrum)

    def _take_box_readout(self, request: RegionReadoutQuery, readouts: dict[MarkGeometry, Readout]) -> None:
        if request.field is self._workspace.current.field:
            self._workspace.current.set_readouts(request.nm, readouts)

    def _take_regions(self, request: RegionQuery, curves: dict[MarkGeometry, MarkSpectrum]) -> None:
        if request.field is self._workspace.current.field:
            self._workspace.current.set_curves(curves)
            self.query_marks()

    def _take_refined(self, request: RegionQuery, curves: dict[MarkGeometry, MarkSpectrum]) -> None:
        self._refining = None
        self._take_regions(request, curves)

    def _take_region_readouts(self, request: RegionReadoutQuery, readouts: dict[MarkGeometry, Readout]) -> None:
        """Values of a region whose curve has been refined to more pixels since then are queried again."""
        document = self._workspace.current
        if request.field is document.field:
            counts = {place: curve.pixels for place, curve in document.curves.items()}
            current = [region for region, count in request.regions.items() if counts.get(region) == count]
            document.set_readouts(request.nm, {region: readouts[region] for region in current})

    def _take_colours(self, request: ColourQuery, results: dict[MarkGeometry, ColourResult]) -> None:
        document = self._workspace.current
        if request.curves is document.curves:
            document.set_colour_results(results)

    def _take_absorptions(self, request: AbsorptionQuery, absorptions: dict[MarkGeometry, Absorption]) -> None:
        document = self._workspace.current
        if request.curves is document.curves:
            document.set_absorptions(absorptions)

    # Plot settings

    def toggle_continuum(self) -> None:
        """Show spectra divided by their continuum, or as they are."""
        transform = self._workspace.current.plot_settings.transform
        self.set_transform(replace(transform, continuum=not transform.continuum))

    def show_hull(self, shown: bool) -> None:
        """Show or hide the continuum of each spectrum."""
        document = self._workspace.current
        document.set_plot_settings(replace(document.plot_settings, hull=shown))

    def set_transform(self, transform: Transform) -> None:
        """Set the transform of the plot."""
        self._workspace.current.set_transform(transform)

    def show_truth(self, shown: bool) -> None:
        """Show or hide measured spectra."""
        document = self._workspace.current
        document.set_plot_settings(replace(document.plot_settings, truth=shown))

    def show_smooth(self, shown: bool) -> None:
        """Show or hide smooth metamers."""
        document = self._workspace.current
        document.set_plot_settings(replace(document.plot_settings, smooth=shown))

    def set_reference_visible(self, place: int, visible: bool) -> None:
        """Show or hide a reference spectrum."""
        document = self._workspace.current
        document.set_plot_settings(document.plot_settings.with_visible(place, visible))

    def set_spreads(self, spreads: Spreads) -> None:
        """Set the marks whose interval or standard deviation is shown."""
        document = self._workspace.current
        document.set_plot_settings(replace(document.plot_settings, spreads=spreads))

    def set_axes(self, axes: PlotAxes) -> None:
        """Set scale and limits of the plot's axes."""
        document = self._workspace.current
        document.set_plot_settings(replace(document.plot_settings, axes=axes))

    def choose_limits(self) -> None:
        """Choose the limits of the plot's axes in a dialog."""
        document = self._workspace.current
        plotted = document.plot_content()
        shown = plotted.axes.nm_range(document.wavelength_range), plotted.value_range()
        dialog = AxisLimitsDialog(document.plot_settings.axes, shown, self._window)

        def go() -> None:
            document.set_plot_settings(replace(document.plot_settings, axes=dialog.axes_chosen()))

        dialog.accepted.connect(go)
        dialog.open()

    def clear_library(self) -> None:
        """Remove all reference spectra."""
        self._workspace.current.set_references(())

    # Display

    def show_field(self) -> None:
        """Show wavelength range and quantity of the field."""
        document, window = self._workspace.current, self._window
        quantity = (document.field.quantity if document.field else Quantity.REFLECTANCE).label
        window.plot.show_range(document.wavelength_range, quantity)
        window.bar.show_range(*document.wavelength_range, document.bands)
        window.channels.show_range(*document.wavelength_range)

    def show_wavelength(self) -> None:
        """Show the current wavelength."""
        nm = self._workspace.current.nm
        self._window.bar.show_wavelength(nm)
        self._window.plot.show_wavelength(nm)

    def show_marks(self) -> None:
        """Show the marks in image and table."""
        mark_set = self._workspace.current.mark_set
        for image in self._window.panes.images:
            image.marks.show_marks(mark_set.marks, mark_set.active)
        self._window.table.show_marks(mark_set.marks, mark_set.active)

    def show_curves(self) -> None:
        """Show the spectra in the plot."""
        document = self._workspace.current
        self._window.plot.show_curves(document.plot_content())

    def show_notes(self) -> None:
        """Show spread and quality flags in the table."""
        document = self._workspace.current
        self._window.table.show_curves(document.marks, document.curves)

    def show_plot_settings(self) -> None:
        """Show the settings in the plot toolbar."""
        settings = self._workspace.current.plot_settings
        self._window.plot_toolbar.show_transform(settings.transform)
        self._window.plot_toolbar.show_references(settings.truth, settings.smooth, settings.library)
        self._window.plot_toolbar.show_display(settings.spreads, settings.axes, settings.hull)
        self._window.actions_by_name["remove_continuum"].setChecked(settings.transform.continuum)

    def show_colour_results(self) -> None:
        """Show the colours in the table."""
        document = self._workspace.current
        self._window.table.show_colour_results(document.marks, document.colour_results)

    def show_absorptions(self) -> None:
        """Show the absorption bands in the table while spectra are shown without their continuum."""
        document, table = self._workspace.current, self._window.table
        is_shown = document.plot_settings.transform.continuum
        if is_shown or table.has_absorptions:
            table.show_absorptions(document.marks, document.absorptions if is_shown else None)

    def show_pair(self) -> None:
        """Show the difference between two selected marks."""
        document, pair = self._workspace.current, []
        for number in self._window.table.selected():
            if (mark := document.mark_set.get(number)) is not None:
                pair.append((mark, document.curves.get(mark.place), document.colour_results.get(mark.place)))
        self._window.pair.show_pair(pair)

    def show_hover_curve(self) -> None:
        """Show the spectrum under the mouse with the transform of the plot."""
        document = self._workspace.current
        curve = document.hover_curve
        self._window.hover_curve.show_values(
            (curve.wavelengths.nm, document.plot_content().values(curve)) if curve is not None else None
        )

    def show_readouts(self) -> None:
        """Show the current values in plot and table.

        Until there are values at a new wavelength, the table keeps those at the previous one, which its heading names.
        """
        document, marks = self._workspace.current, self._workspace.current.marks
        readouts = {mark.number: document.readouts[mark.place] for mark in marks
                    if mark.place in document.readouts}  # fmt: skip
        self._window.plot.show_readouts(document.nm, {number: each.value for number, each in readouts.items()})
        basis = document.field, document.truth, marks
        if readouts or basis != self._tabled:
            self._tabled = basis
            self._window.table.show_readouts(document.nm, readouts)

    def show_viewing(self) -> None:
        """Show the viewing conditions in the panel."""
        self._window.light.show_viewing(self._workspace.current.viewing)

    def show_white(self) -> None:
        """Show the white reference, and whether the active mark can be one."""
        document = self._workspace.current
        active = document.mark_set.active_mark
        self._window.light.show_quantity(
            document.field.quantity if document.field else None,
            document.white.name if document.white else None,
            active is not None and active.place in document.curves,
        )

    def show_tool(self) -> None:
        """Show the current tool."""
        tool, is_picking = self._workspace.tool, self._workspace.current.development.is_picking
        for image in self._window.panes.images:
            image.marks.show_tool(tool)
            image.transect.show_tool(None if is_picking else tool)
            image.marks.show_picking(is_picking)
        self._window.plot.show_tool(tool)
        self._window.actions_by_name[f"tool_{tool}"].setChecked(True)

    def show_actions(self) -> None:
        """Enable the actions on marks."""
        document, actions = self._workspace.current, self._window.actions_by_name
        enable(actions, _OF_SPECTRA, document.field is not None and bool(document.marks))
        enable(actions, _ON_MARKS, bool(document.marks))
        enable(actions, ("import_marks",), document.source_shape is not None)
