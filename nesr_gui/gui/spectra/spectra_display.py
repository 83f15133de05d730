"""What the window shows of the marks: their signs, curves, readings and colours."""

from __future__ import annotations

from nesr_gui.gui.model.plot_settings import Normalise
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow


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
