"""The program with its window: what is made, and what is connected to what."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from nesr_gui import resources
from nesr_gui.gui.controllers.application import Commands, Hinting, Preferring, Shell, Starting, bind
from nesr_gui.gui.controllers.autosave import Autosaving
from nesr_gui.gui.controllers.comparison import Comparing
from nesr_gui.gui.controllers.documents import DocumentCommands, DocumentDisplay
from nesr_gui.gui.controllers.files import Incoming, Opening, Pasting
from nesr_gui.gui.controllers.image import Picturing
from nesr_gui.gui.controllers.marks import MarkCommands
from nesr_gui.gui.controllers.models import ModelMenu
from nesr_gui.gui.controllers.output import Exporting, Writing
from nesr_gui.gui.controllers.reconstruction import ReconstructCommands, Reconstructing, Retrying
from nesr_gui.gui.controllers.spectra import CurveInquiry, Inquiry, SpectraDisplay
from nesr_gui.gui.controllers.view_settings import LookCommands, LookDisplay
from nesr_gui.gui.model.preferences import Preferences
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.workspace import Documents
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow


class App(QObject):
    """One session, its window, and everything between them."""

    def __init__(self) -> None:
        super().__init__()
        self.session, self.worker, self.window = Session(), Worker(), MainWindow()
        self.documents = Documents(self.session, self.window.panes, self)
        self.reconstructing = Reconstructing(self.session, self.worker, self.documents)
        self.opening = Opening(self.session, self.worker, self.documents, self.reconstructing)
        self.inquiry = Inquiry(self.session, self.worker)
        self.curve_inquiry = CurveInquiry(self.session, self.worker)
        self.pictures = tuple(Picturing(self.session, self.worker, side) for side in (0, 1))
        self.writing = writing = Writing(self.window, self.session, self.worker)
        self.commands = Commands(self.window, self.session, writing, self.opening)
        self.mark_commands = MarkCommands(self.window, self.session, self.worker, writing)
        self.look_commands = LookCommands(self.window, self.session, self.worker, writing, self.pictures)
        self.comparing = Comparing(self.window, self.session, self.worker, writing, self.opening)
        self.exporting = Exporting(self.window, self.session, self.worker, writing)
        self.incoming = Incoming(self.window, self.worker, self.opening, self.comparing.drop)
        self.pasting = Pasting(self.window, self.worker, self.opening, self.incoming)
        self.autosaving = Autosaving(self.window, self.worker, self.documents, self.opening, self.incoming)
        self.preferences = Preferences(self)
        self.preferring = Preferring(
            self.preferences,
            self.session,
            self,
            use_device=self.reconstructing.use_device,
            prefer_working_pixels=self.reconstructing.prefer_working_pixels,
            set_autosave_interval=self.autosaving.set_interval,
        )
        self.hinting = Hinting(self.window.hints, self.session, self.exporting.exported)
        self.shell = Shell(self.window, self.session, self.preferences, self.hinting)
        self.model_menu = ModelMenu(self.window, self.session, self.worker, self.reconstructing)
        self.reconstruct_commands = ReconstructCommands(self.window, self.session, self.worker, self.reconstructing)
        self.document_commands = DocumentCommands(
            self.window, self.session, self.worker, self.documents, self.opening, self.commands.open_beside
        )
        self.display = SpectraDisplay(self.session, self.window)
        self.look_display = LookDisplay(self.session, self.window, self.pictures)
        self._told = ""  # in the notice, of how the file is understood
        self._connect_picks()
        self._connect_mark_picks()
        self._connect_facts()
        self._connect_mark_facts()
        self._connect_look()
        self._connect_work()
        self._show_field()
        self.look_display.show_look()
        self._show_recent()
        self.retrying = Retrying(self.window, self.session, self.worker, self.reconstructing)
        self.document_display = DocumentDisplay(self.session, self.window, self.documents)
        self.starting = Starting(self.window, self.session, self.worker, self.opening, self.open_sample)

    def open_sample(self, sample: resources.Sample) -> None:
        self.opening.open(sample.photograph, sample.truth)

    def close(self) -> None:
        """Stop all work; nothing runs on when the window is closed."""
        for picturing in self.pictures:
            picturing.stop()
        self.window.bar.stop()
        self.worker.close()
        self.documents.clear_steps()

    def _connect_picks(self) -> None:
        """What the user does."""
        session, window = self.session, self.window
        bind(
            window, self.commands, self.mark_commands, self.look_commands, self.shell, self.document_commands,
            self.pasting, *self.comparing.commands, self.exporting, self.model_menu, self.reconstruct_commands,
        )  # fmt: skip
        window.closing.connect(self.close)
        window.status.cancel_picked.connect(self.worker.cancel)
        window.input.interpretation_picked.connect(session.understanding.choose)
        window.input.grey_pick_picked.connect(session.understanding.set_picking)
        window.pick_leaving.activated.connect(lambda: session.understanding.set_picking(False))
        window.input.reset_picked.connect(session.understanding.reset)
        window.plot.wavelength_picked.connect(session.set_wavelength)
        window.bar.wavelength_picked.connect(session.set_wavelength)

    def _connect_mark_picks(self) -> None:
        """What the user does in the image, with marks, curves and light."""
        session, window, commands = self.session, self.window, self.mark_commands
        marking, table, bar, light = session.marking, window.table, window.spectra_bar, window.light
        for image in window.panes.images:
            image.pixel_hovered.connect(session.set_hover)
            marks = image.marks
            marks.pixel_picked.connect(session.pick_pixel)
            marks.drawn.connect(marking.add)
            marks.picked.connect(marking.set_active)
            marks.place_picked.connect(marking.move)
            marks.menu_picked.connect(commands.show_menu)
            marks.shift_picked.connect(lambda *step: marking.shift(marking.active, *step))
            marks.tool_left.connect(commands.tool_point)
        table.mark_picked.connect(marking.set_active)
        table.name_picked.connect(commands.name_mark)
        table.visible_picked.connect(lambda number, visible: marking.edit(number, visible=visible))
        table.menu_picked.connect(commands.show_menu)
        table.selection_picked.connect(self.display.show_pair)
        bar.transform_picked.connect(session.comparison.set_transform)
        bar.truth_picked.connect(session.comparison.show_truth)
        bar.smooth_picked.connect(session.comparison.show_smooth)
        bar.reference_picked.connect(session.comparison.set_visible)
        bar.clear_picked.connect(session.comparison.clear)
        bar.library_asked.connect(commands.load_spectra)
        bar.chart_picked.connect(commands.load_chart)
        light.viewing_picked.connect(session.set_viewing)
        light.light_file_asked.connect(commands.load_light)
        light.camera_file_asked.connect(commands.load_camera)
        light.white_asked.connect(commands.use_white)

    def _connect_facts(self) -> None:
        """What became of it: first what is asked for, then what is shown."""
        session, window, inquiry = self.session, self.window, self.inquiry
        session.image_changed.connect(self._show_image)
        session.photograph_changed.connect(self._show_photograph)
        session.understanding.changed.connect(window.input.show_interpretation)
        session.understanding.changed.connect(self.opening.interpret)
        session.understanding.picking_changed.connect(window.input.show_picking)
        session.understanding.picking_changed.connect(window.pick_leaving.setEnabled)
        session.understanding.picking_changed.connect(self.display.show_asking)
        session.understanding.picking_changed.connect(self.look_display.show_captions)
        session.field_changed.connect(inquiry.forget)
        session.field_changed.connect(self.curve_inquiry.forget)
        session.field_changed.connect(self._show_field)
        session.wavelength_changed.connect(inquiry.ask_readings)
        session.wavelength_changed.connect(window.bar.show_wavelength)
        session.wavelength_changed.connect(window.plot.show_wavelength)
        session.readings_changed.connect(self.display.show_readings)
        session.hover_changed.connect(inquiry.ask_readings)
        session.hover_changed.connect(inquiry.ask_hover)
        session.hover_changed.connect(window.panes.show_hover)
        session.hover_curve_changed.connect(self.display.show_hover_curve)
        told = session.wavelength_changed, session.readings_changed, session.hover_changed, session.model_changed
        for fact in told:
            fact.connect(self._show_status)
        session.steps.indexChanged.connect(self._show_actions)
        session.steps.activeStackChanged.connect(self._show_actions)

    def _connect_mark_facts(self) -> None:
        """What became of marks, curves and light."""
        session, window, inquiry, curves = self.session, self.window, self.inquiry, self.curve_inquiry
        marking = session.marking
        marking.changed.connect(inquiry.ask_curves)
        marking.changed.connect(inquiry.ask_readings)
        marking.changed.connect(curves.ask_regions)
        marking.changed.connect(self.display.show_marks)
        marking.active_changed.connect(self.display.show_active)
        marking.tool_changed.connect(self.display.show_tool)
        marking.tool_changed.connect(self._show_actions)
        session.curves_changed.connect(curves.ask_findings)
        session.curves_changed.connect(self.display.show_curves)
        session.viewing_changed.connect(window.light.show_viewing)
        session.viewing_changed.connect(curves.ask_findings)
        session.white_changed.connect(curves.ask_findings)
        session.white_changed.connect(self.display.show_light)
        session.findings_changed.connect(self.display.show_findings)
        session.comparison.changed.connect(curves.ask_findings)
        session.comparison.changed.connect(self.display.show_comparison)
        session.wavelength_changed.connect(self.display.show_wavelength)

    def _connect_look(self) -> None:
        """How the image is looked at: first what is asked for, then what is shown."""
        session, window, look = self.session, self.window, self.look_commands
        for side, picturing in enumerate(self.pictures):
            session.image_changed.connect(picturing.clear)
            session.field_changed.connect(picturing.forget)
            picturing.answered.connect(partial(window.panes.show_picture, side))
            picturing.emptied.connect(partial(window.panes.show_picture, side, None))
            picturing.answered.connect(self._show_status)
            picturing.answered.connect(self.look_display.show_captions)
        window.panes.view_changed.connect(lambda side, view: self.pictures[side].set_view(view))
        for fact in (
            session.wavelength_changed, session.look_changed, session.curves_changed, session.marking.changed,
            session.marking.active_changed, session.viewing_changed, session.white_changed, session.image_changed,
            session.photograph_changed,
        ):  # fmt: skip
            fact.connect(self._ask_pictures)
        session.look_changed.connect(self.look_display.show_look)
        session.look_changed.connect(self._show_actions)
        for fact in (
            session.wavelength_changed, session.viewing_changed, session.white_changed, session.curves_changed,
            session.marking.active_changed,
        ):  # fmt: skip
            fact.connect(self.look_display.show_captions)
        window.panes.menu_wanted.connect(look.fill_menu)
        window.submenus["picture"].aboutToShow.connect(look.fill_active_menu)
        window.panes.side_picked.connect(look.activate)
        window.panes.divider_picked.connect(look.move_divider)
        window.panes.limits_picked.connect(look.set_levels)
        window.channels.wavelengths_picked.connect(look.set_false_colour)
        window.bar.speed_picked.connect(look.set_speed)

    def _connect_work(self) -> None:
        """How the work goes."""
        worker, window = self.worker, self.window
        self.opening.recent_changed.connect(self._show_recent)
        worker.progressed.connect(window.status.show_progress)
        worker.ended.connect(window.status.show_end)
        worker.ended.connect(self._show_actions)
        worker.failed.connect(lambda task, error: window.notice.show_failure(error))
        worker.failed.connect(self._ask_reading)
        worker.failed.connect(lambda task, error: self.document_commands.ask_image(error))

    def _ask_reading(self, task: Task, error: Exception) -> None:
        self.commands.ask_reading(error, self.comparing.open if task is Task.REGISTER else self.opening.open_cube)

    def _show_image(self) -> None:
        session, window = self.session, self.window
        window.notice.hide()
        self._told = " ".join(session.photograph.source.notes) if session.photograph else ""
        if self._told:
            window.notice.show_success(self._told)
        window.input.show_photograph(session.photograph, session.understanding.decoded is not None)
        window.input.show_interpretation(session.understanding.interpretation)
        window.panes.show_image(session.source_shape)

    def _show_photograph(self) -> None:
        session, window = self.session, self.window
        if window.notice.text.text() == self._told:  # of the file as it was understood before
            window.notice.hide()
        window.input.show_photograph(session.photograph, session.understanding.decoded is not None)
        self._show_status()

    def _show_field(self) -> None:
        session, window = self.session, self.window
        quantity = str(session.field.quantity) if session.field else "relative reflectance"
        window.plot.show_range(session.wavelength_range, quantity)
        window.bar.show_range(*session.wavelength_range, session.bands)
        window.channels.show_range(*session.wavelength_range)
        window.bar.show_wavelength(session.nm)
        self.display.show_curves()
        self.look_display.show_captions()
        self._show_status()
        self._show_actions()

    def _show_status(self) -> None:
        session, status = self.session, self.window.status
        reading = session.readings.get(session.hover) if session.hover else None
        status.show_pixel(
            session.hover, session.nm, reading.value if reading else None, self.look_display.known_of_pixel()
        )
        status.show_resolution(session.resolution())
        status.show_model(*session.made_by)

    def _ask_pictures(self) -> None:
        for picturing in self.pictures:
            picturing.ask()

    def _show_actions(self) -> None:
        session, actions, steps = self.session, self.window.actions_by_name, self.session.steps
        enable(actions, ["export_cube"], session.field is not None)
        enable(actions, ["fit", "zoom_in", "zoom_out", "add_pin"], session.source_shape is not None)
        enable(actions, ["undo"], steps.canUndo())
        enable(actions, ["redo"], steps.canRedo())
        actions["undo"].setText(f"Undo {steps.undoText()}".strip())
        actions["redo"].setText(f"Redo {steps.redoText()}".strip())
        self.look_display.show_actions()
        self.display.show_actions()

    def _show_recent(self) -> None:
        entries = [(path.name, partial(self.opening.open, path)) for path in self.opening.recent()]
        self.window.fill_menu(
            "open_recent", [*entries, ("", None), ("Clear recent", self.opening.forget_recent)] if entries else []
        )
