"""The application: composes model, views and controllers, connects them, and maps changes to updates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal

from nesr_gui import resources
from nesr_gui.gui.controllers.analyses import AnalysisController
from nesr_gui.gui.controllers.anchors import AnchorController
from nesr_gui.gui.controllers.application import (
    ApplicationController,
    FirstSteps,
    PreferenceBinder,
    StartController,
)
from nesr_gui.gui.controllers.autosave import AutosaveController
from nesr_gui.gui.controllers.band_values import BandValuesController
from nesr_gui.gui.controllers.calibration import CalibrationController
from nesr_gui.gui.controllers.classes import ClassController
from nesr_gui.gui.controllers.comparison import AccuracyController, ComparisonController
from nesr_gui.gui.controllers.documents import DocumentController
from nesr_gui.gui.controllers.files import FileController, OpenQueue, PasteController
from nesr_gui.gui.controllers.image import ImageRenderer
from nesr_gui.gui.controllers.library import LibraryController
from nesr_gui.gui.controllers.marks import MarkController
from nesr_gui.gui.controllers.models import ModelController
from nesr_gui.gui.controllers.output import ExportController
from nesr_gui.gui.controllers.reconstruction import FailureRecovery, ReconstructionController
from nesr_gui.gui.controllers.scatter import ScatterController
from nesr_gui.gui.controllers.spectra import SpectraController
from nesr_gui.gui.controllers.statistics import StatisticsController
from nesr_gui.gui.controllers.transect import TransectController
from nesr_gui.gui.controllers.value_maps import ValueMapController
from nesr_gui.gui.controllers.view_settings import ViewSettingsController
from nesr_gui.gui.drawing.theme import ColourScheme
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.palette import Theme
from nesr_gui.gui.model.plot_settings import Normalise
from nesr_gui.gui.model.preferences import Preferences
from nesr_gui.gui.model.view_settings import BOXES
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.tasks.sessions import LoadedSession, SessionRequest
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import ANALYSES
from nesr_gui.gui.view_modes import TABLE as MODES
from nesr_gui.gui.views.actions import connect_actions
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.message_bar import Topic
from nesr_gui.gui.views.panels.scatter import ScatterPanel
from nesr_gui.gui.views.panels.statistics import StatisticsPanel
from nesr_gui.gui.views.panels.transect import TransectPanel
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Spectrum

Step = Callable[[], None]
_OF_DOCUMENTS = (Task.OPEN, Task.DEVELOP, Task.LOAD_MODEL, Task.RECONSTRUCT)  # they enable or disable actions


class Refresh(QObject):
    """Runs, once per turn of the event loop and in a fixed order, the update steps that depend on recent changes.

    A step that depends on several changes of one click (marks, active mark, undo stack) runs only once. `delivery` is
    the connection type that defers the update.
    """

    delivery = Qt.ConnectionType.QueuedConnection
    _stale_noted = Signal()

    def __init__(self, steps: Iterable[tuple[Step, frozenset[Change]]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = tuple(steps)
        self._stale: set[Change] = set()
        self._stale_noted.connect(self.run, self.delivery)

    def mark(self, change: Change) -> None:
        """Mark everything that depends on this change as stale."""
        is_first = not self._stale
        self._stale.add(change)
        if is_first:
            self._stale_noted.emit()

    def run(self) -> None:
        """Run the steps of all recorded changes; changes announced meanwhile are processed in the next turn."""
        stale, self._stale = self._stale, set()
        if stale:
            for step, changes in self._steps:
                if not changes.isdisjoint(stale):
                    step()

    def stop(self) -> None:
        """Drop all steps."""
        self._steps = ()


class App(QObject):
    """A workspace, its window, and the controllers between them.

    Signals of the window are connected to methods only: a lambda or partial that holds this object would destroy it,
    and with it the window, during the destruction of the window.
    """

    def __init__(self) -> None:
        super().__init__()
        self.preferences, scheme = Preferences(self), ColourScheme(self)
        scheme.choose(Theme(self.preferences["theme"]))  # first: later, it would style every widget anew
        self.workspace, self.worker, self.window = Workspace(), Worker(), MainWindow()
        window, workspace, worker = self.window, self.workspace, self.worker
        self.renderers = renderers = tuple(ImageRenderer(workspace, worker, side, window) for side in (0, 1))
        self.reconstruction = ReconstructionController(window, workspace, worker)
        self.files = FileController(window, workspace, worker, self.reconstruction)
        self.spectra = SpectraController(window, workspace, worker)

        def rendered(side: int) -> RenderedImage | None:
            return renderers[side].shown

        self.view = ViewSettingsController(window, workspace, worker, rendered)
        self.marks = MarkController(window, workspace, worker)
        self.anchors = AnchorController(window, workspace, worker)
        self.analyses = AnalysisController(window, workspace, worker)
        self.classes = ClassController(window, workspace, worker, self.analyses.panel)
        self.values = ValueMapController(window, workspace, worker, self.analyses.panel)
        self.scatter = ScatterController(window, workspace, worker)
        self.transect = TransectController(window, workspace, worker)
        self.band_values = BandValuesController(window, workspace, worker)
        self.comparison = ComparisonController(window, workspace, worker)
        self.accuracy = accuracy = AccuracyController(window, workspace, worker, self.comparison.panel)
        self.statistics = StatisticsController(window, workspace, worker)
        self.calibration = CalibrationController(window, workspace, worker, self.reconstruction.photograph_model)
        self.library = library = LibraryController(window, workspace, worker)
        self.exporter = ExportController(
            window, workspace, worker, metrics=lambda: accuracy.figures, rendered=rendered,
            matches=lambda: (library.rows(), library.provenance()),
        )  # fmt: skip
        self.queue = OpenQueue(window, worker, self.files, self.comparison.drop)
        self.pasting = PasteController(window, worker, self.files, self.queue)
        self.documents = DocumentController(window, workspace, worker)
        self.autosave = AutosaveController(window, workspace, worker)
        self.models = ModelController(window, workspace, worker)
        self.recovery = FailureRecovery(window, workspace, worker, self.reconstruction)
        self.start = StartController(window, workspace, worker)
        self.preference_binder = PreferenceBinder(
            self.preferences,
            workspace,
            self,
            scheme=scheme,
            use_device=self.reconstruction.use_device,
            prefer_working_pixels=self.reconstruction.prefer_working_pixels,
            set_autosave_interval=self.autosave.set_interval,
        )
        self.first_steps = FirstSteps(window.hints, workspace)
        self.application = ApplicationController(window, workspace, self.preferences, self.first_steps)
        self._centres: tuple[Spectrum, ...] = ()  # of clusters, in the plot
        self.refresh = Refresh([*self._consequences(), *self._displays()], self)
        self._connect_actions()
        self._connect_image()
        self._connect_panels()
        self._connect_window()
        self._connect_work()
        self._connect_files()
        self._connect_model()
        self.files.show_recent()
        self.refresh.mark(Change.CURRENT)
        self.refresh.run()

    @property
    def document(self) -> Document:
        """The current document."""
        return self.workspace.current

    def open_sample(self, sample: resources.Sample) -> None:
        """Open a sample photograph with its measured cube."""
        self.files.open(sample.photograph, sample.truth)

    def watch(self, check: Callable[[], None], fail: Callable[[Exception], None]) -> None:
        """Call `check` when the current document changes or a task ends, and `fail` when a task fails."""
        self.document.changed.connect(lambda change: check())
        self.worker.ended.connect(lambda task: check())
        self.worker.failed.connect(lambda task, error: fail(error))

    def close(self) -> None:
        """Stop all tasks; called when the window closes."""
        self.autosave.remove_copies()  # first, as running tasks may take seconds to stop
        self.refresh.stop()
        for renderer in self.renderers:
            renderer.stop()
        self.anchors.stop()
        self.classes.stop()
        self.window.bar.stop()
        self.worker.close()
        self.autosave.close()
        self.pasting.clear()
        self.preference_binder.close()
        self.workspace.clear_undo()

    # Updates by change

    def _consequences(self) -> list[tuple[Step, frozenset[Change]]]:
        """Return the steps that submit tasks, in order."""
        left, right = self.renderers
        C = Change
        return [
            (left.clear, frozenset({C.CURRENT, C.IMAGE})),
            (right.clear, frozenset({C.CURRENT, C.IMAGE})),
            (self.spectra.forget, frozenset({C.CURRENT, C.FIELD})),
            (left.forget, frozenset({C.CURRENT, C.FIELD})),
            (right.forget, frozenset({C.CURRENT, C.FIELD})),
            (self.library.forget, frozenset({C.CURRENT, C.FIELD})),
            (self.anchors.forget, frozenset({C.CURRENT, C.IMAGE})),
            (self.analyses.forget, frozenset({C.CURRENT, C.IMAGE, C.FIELD})),
            (self.classes.forget, frozenset({C.CURRENT, C.IMAGE, C.FIELD})),
            (self.values.forget, frozenset({C.CURRENT, C.FIELD})),
            (self.scatter.forget, frozenset({C.CURRENT, C.FIELD})),
            (self.transect.forget, frozenset({C.CURRENT, C.FIELD})),
            (self.files.develop, frozenset({C.DEVELOPMENT})),
            (self.comparison.register_again, frozenset({C.PHOTOGRAPH})),
            (self.recovery.take_field, frozenset({C.CURRENT, C.FIELD})),
            (self.reconstruction.show_notes, frozenset({C.FIELD})),
            (self.documents.compare_models, frozenset({C.CURRENT, C.FIELD})),
            (self.models.take_models, frozenset({C.MODELS})),
            (self.anchors.apply, frozenset({C.CURRENT, C.FIELD, C.MARKS})),
            (self.spectra.query_marks, frozenset({C.CURRENT, C.FIELD, C.MARKS})),
            (
                self.analyses.fit,
                frozenset(
                    {C.CURRENT, C.FIELD, C.MARKS, C.CURVES, C.PLOT_SETTINGS, C.VIEW_SETTINGS, C.ANALYSIS_SETTINGS}
                ),
            ),
            (self.classes.count, frozenset({C.CURRENT, C.ANALYSES, C.ANALYSIS_SETTINGS, C.VIEW_SETTINGS})),
            (
                self.spectra.query_readouts,
                frozenset({C.CURRENT, C.FIELD, C.MARKS, C.WAVELENGTH, C.HOVER, C.VIEW_SETTINGS}),
            ),
            (self.spectra.query_region_readouts, frozenset({C.CURRENT, C.FIELD, C.WAVELENGTH, C.CURVES})),
            (self.spectra.query_hover, frozenset({C.CURRENT, C.FIELD, C.HOVER, C.VIEW_SETTINGS})),
            (self.spectra.query_colours, frozenset({C.CURRENT, C.CURVES, C.VIEWING, C.WHITE, C.PLOT_SETTINGS})),
            (self.spectra.query_absorptions, frozenset({C.CURRENT, C.CURVES, C.PLOT_SETTINGS})),
            (self.band_values.query, frozenset({C.CURRENT, C.FIELD, C.MARKS, C.ACTIVE_MARK, C.CURVES})),
            (
                self.statistics.query,
                frozenset({C.CURRENT, C.FIELD, C.MARKS, C.ACTIVE_MARK, C.CURVES, C.WAVELENGTH, C.STATISTICS}),
            ),
            (self.scatter.query, frozenset({C.CURRENT, C.FIELD, C.SCATTER, C.SCATTER_VALUES, C.ANALYSIS_SETTINGS})),
            (self.library.query, frozenset({C.CURRENT, C.FIELD, C.MARKS, C.ACTIVE_MARK, C.CURVES, C.VIEWING, C.WHITE,
                                            C.LIBRARIES, C.MATCH_SETTINGS})),
            (self.transect.query, frozenset({C.CURRENT, C.FIELD, C.TRANSECT, C.WAVELENGTH})),
            (self.accuracy.take_field, frozenset({C.CURRENT, C.FIELD})),
            (self.accuracy.query, frozenset({C.MARKS})),
            (self.first_steps.finish_pixel, frozenset({C.MARKS})),
            (self.first_steps.finish_wavelength, frozenset({C.WAVELENGTH})),
        ]  # fmt: skip

    def _displays(self) -> list[tuple[Step, frozenset[Change]]]:
        """Return the steps that update views; all of them run when another document becomes current."""
        left, right = self.renderers
        C = Change
        captioned = (
            C.IMAGE, C.PHOTOGRAPH, C.FIELD, C.VIEW_SETTINGS, C.CURVES, C.ACTIVE_MARK, C.VIEWING, C.WHITE, C.ANALYSES,
            C.ANALYSIS_SETTINGS,
        )  # fmt: skip
        rendered = (*captioned, C.WAVELENGTH)
        steps: list[tuple[Step, tuple[Change, ...]]] = [
            (self._show_image, (C.IMAGE,)),
            (self._show_development, (C.IMAGE, C.PHOTOGRAPH, C.DEVELOPMENT, C.PICKING)),
            (self.spectra.show_field, (C.IMAGE, C.FIELD)),
            (self.view.show_settings, (C.VIEW_SETTINGS, C.FIELD, C.DOCUMENTS)),
            (left.ask, rendered),
            (right.ask, rendered),
            (self.spectra.show_wavelength, (C.FIELD, C.WAVELENGTH)),
            (self.spectra.show_marks, (C.MARKS, C.ACTIVE_MARK)),
            (self.spectra.show_plot_settings, (C.PLOT_SETTINGS,)),
            (self.anchors.show_anchors, (C.FIELD, C.MARKS, C.ACTIVE_MARK, C.ANCHORS)),
            (self.anchors.show_suggestions, (C.MARKS, C.SUGGESTIONS)),
            (self.analyses.show_panel, (C.FIELD, C.MARKS, C.CURVES, C.PLOT_SETTINGS, C.VIEW_SETTINGS,
                                        C.ANALYSIS_SETTINGS, C.ANALYSES)),
            (self.classes.show_counts, (C.FIELD, C.VIEW_SETTINGS, C.ANALYSIS_SETTINGS, C.ANALYSES, C.CLASS_COUNTS)),
            (self.classes.show_actions, (C.FIELD, C.VIEW_SETTINGS, C.ANALYSES)),
            (self.values.query_means, (C.MARKS, C.ACTIVE_MARK, C.VIEW_SETTINGS, C.ANALYSES)),
            (self.values.show_wavelength, (C.WAVELENGTH, C.VIEW_SETTINGS, C.ANALYSES)),
            (self.values.show_actions, (C.FIELD, C.VIEW_SETTINGS, C.ANALYSES)),
            (self.spectra.show_curves, (C.FIELD, C.MARKS, C.ACTIVE_MARK, C.CURVES, C.PLOT_SETTINGS, C.ANCHORS,
                                        C.LIBRARY_CURVES, C.ABSORPTIONS)),
            (self._show_centres, (C.ANALYSES, C.VIEW_SETTINGS)),
            (self._show_moving_curves, (C.WAVELENGTH,)),
            (self._show_smooth_curves, (C.COLOUR_RESULTS,)),
            (self.spectra.show_notes, (C.FIELD, C.MARKS, C.CURVES)),
            (self.spectra.show_readouts, (C.FIELD, C.MARKS, C.CURVES, C.WAVELENGTH, C.READOUTS, C.PLOT_SETTINGS)),
            (self.spectra.show_colour_results, (C.FIELD, C.MARKS, C.COLOUR_RESULTS)),
            (self.spectra.show_absorptions, (C.MARKS, C.ABSORPTIONS, C.PLOT_SETTINGS)),
            (self.spectra.show_pair, (C.FIELD, C.MARKS, C.ACTIVE_MARK, C.CURVES, C.COLOUR_RESULTS, C.SELECTION)),
            (self.spectra.show_viewing, (C.VIEWING,)),
            (self.spectra.show_white, (C.FIELD, C.ACTIVE_MARK, C.CURVES, C.WHITE)),
            (self.spectra.show_hover_curve, (C.HOVER_CURVE, C.PLOT_SETTINGS, C.MARKS, C.ACTIVE_MARK, C.CURVES)),
            (self.spectra.show_tool, (C.TOOL, C.PICKING)),
            (self._show_hover, (C.HOVER, C.VIEW_SETTINGS)),
            (self.scatter.show, (C.IMAGE, C.FIELD, C.SCATTER, C.SCATTER_VALUES, C.VIEW_SETTINGS, C.ANALYSIS_SETTINGS)),
            (self.scatter.follow_pixels, (C.MARKS, C.ACTIVE_MARK, C.HOVER, C.SCATTER_VALUES)),
            (self.transect.show, (C.IMAGE, C.FIELD, C.TRANSECT, C.TRANSECT_VALUES)),
            (self.transect.show_wavelength, (C.FIELD, C.WAVELENGTH)),
            (self.transect.show_hover, (C.HOVER, C.TRANSECT)),
            (self.view.show_captions, (*captioned, C.MARKS, C.PICKING)),
            (self.view.show_status, (C.IMAGE, C.PHOTOGRAPH, C.FIELD, C.WAVELENGTH, C.READOUTS, C.HOVER, C.PICTURE,
                                     C.MODELS)),
            (self.comparison.show_measurement, (C.IMAGE, C.FIELD)),
            (self.documents.show_documents, (C.DOCUMENTS, C.IMAGE, C.MARKS, C.DEVELOPMENT, C.PLOT_SETTINGS, C.WHITE,
                                             C.VIEW_SETTINGS)),
            (self.application.show_undo, (C.UNDO,)),
            (self.application.show_image_actions, (C.IMAGE,)),
            (self.spectra.show_actions, (C.IMAGE, C.FIELD, C.MARKS)),
            (self.band_values.show_actions, (C.FIELD, C.MARKS)),
            (self.view.show_actions, (C.IMAGE, C.PHOTOGRAPH, C.FIELD, C.VIEW_SETTINGS, C.ACTIVE_MARK, C.CURVES,
                                      C.WHITE)),
            (self.exporter.show_actions, (C.IMAGE, C.FIELD)),
            (self.library.show_libraries, (C.LIBRARIES,)),
            (self.library.show_settings, (C.FIELD, C.MATCH_SETTINGS)),
            (self.calibration.show_actions, (C.IMAGE,)),
            (self.reconstruction.show_actions, (C.IMAGE, C.PHOTOGRAPH, C.FIELD, C.MODELS, C.WORK)),
            (self.start.show_page, (C.IMAGE, C.WORK)),
            (self.first_steps.show, (C.FIELD,)),
        ]  # fmt: skip
        return [(step, frozenset((C.CURRENT, *changes))) for step, changes in steps]

    def _show_image(self) -> None:
        viewport = self.document.viewport  # before show_image, which makes views report a new viewport
        self.window.panes.show_image(self.document.source_shape)
        self.window.panes.go(viewport)

    def _show_development(self) -> None:
        document, panel = self.document, self.window.input
        panel.show_photograph(document.photograph, document.development.decoded is not None)
        panel.show_interpretation(document.development.interpretation)
        panel.show_picking(document.development.is_picking)
        self.window.pick_leaving.setEnabled(document.development.is_picking)

    def _show_moving_curves(self) -> None:
        """Update curves that are normalised at the wavelength."""
        if self.document.plot_settings.transform.normalise is Normalise.AT_WAVELENGTH:
            self.spectra.show_curves()
            self.spectra.show_hover_curve()

    def _show_analysis_panel(self) -> None:
        self.analyses.show_panel()
        self.classes.count()
        self.classes.show_counts()

    def _show_centres(self) -> None:
        """Show the centres of clusters in the plot, or no more."""
        centres = self.document.cluster_centres
        if centres != self._centres:
            self._centres = centres
            self.spectra.show_curves()

    def _show_smooth_curves(self) -> None:
        if self.document.plot_settings.smooth:
            self.spectra.show_curves()
            self.spectra.show_readouts()

    def _show_hover(self) -> None:
        place = self.document.hover_place
        self.window.panes.show_hover(self.document.hover, place if isinstance(place, Region) else None)

    # Connections

    def _connect_actions(self) -> None:
        application, files, marks, view, export = self.application, self.files, self.marks, self.view, self.exporter
        documents, comparison, panes, anchors = self.documents, self.comparison, self.window.panes, self.anchors
        library = self.library
        tools = {f"tool_{shape}": partial(self.workspace.set_tool, shape) for shape in Shape}
        modes = {f"show_{mode.name}": partial(view.show_mode, mode.name) for mode in MODES}
        modes |= {f"show_{mode.name}": partial(self.analyses.show, kind) for kind, mode in ANALYSES.items()}
        boxes = {f"box_{side}": partial(view.set_box, side) for side in BOXES}
        connect_actions(
            self.window.actions_by_name,
            {
                "open_file": files.ask_file, "open_folder": files.ask_folder, "open_in_tab": files.ask_file_beside,
                "compare_cube": comparison.compare_cube, "compare_folder": comparison.compare_folder,
                "photograph_cube": comparison.simulate_photograph, "save_session": documents.save_session,
                "save_session_as": documents.save_session_as, "export_cube": export.export_cube,
                "export_curves": export.export_curves, "export_table": export.export_table,
                "calibrate_camera": self.calibration.open, "camera_profiles": self.calibration.open_profiles,
                "export_accuracy": export.export_accuracy, "export_comparison": export.export_comparison,
                "export_picture": export.export_picture, "copy_picture": export.copy_picture,
                "export_sweep": export.export_sweep, "import_marks": marks.import_marks,
                "load_spectra": marks.load_spectra, "export_figure": export.export_figure,
                "reconstruct": self.reconstruction.reconstruct_default,
                "reconstruct_fully": self.reconstruction.reconstruct_fully, "close_tab": documents.close_tab,
                "quit": application.quit, "undo": application.undo, "redo": application.redo,
                "paste": self.pasting.paste, "copy_table": marks.copy_table, "rename_mark": marks.rename,
                "remove_mark": marks.remove, "clear_pins": marks.clear, "preferences": application.show_preferences,
                **tools, "add_pin": marks.add_pin, "next_mark": marks.activate_next,
                "previous_mark": marks.activate_previous,
                "attach_reading": anchors.attach, "attach_reference": anchors.attach_reference,
                "use_reading": anchors.toggle, "detach_reading": anchors.detach, "suggest_spots": anchors.suggest,
                "mark_suggestions": anchors.mark_suggestions, "dismiss_suggestions": anchors.dismiss,
                "next_layer": self.values.show_next_layer, "previous_layer": self.values.show_previous_layer,
                "mix_layers": self.values.mix_layers, "mask_regions": self.values.make_regions,
                "export_map": export.export_map, "export_loadings": export.export_loadings,
                "scatter_plot": self.scatter.open, "select_in_view": self.scatter.select_view,
                "clear_selection": self.scatter.clear_selection, "selection_regions": self.scatter.make_regions,
                "export_selection": export.export_selection, "tool_transect": self.transect.choose_tool,
                "add_transect": self.transect.add_across, "remove_transect": self.transect.remove,
                "export_transect": export.export_transect, "export_transect_figure": export.export_transect_figure,
                "band_values": self.band_values.open, **modes, "compare_with": view.compare_with,
                "choose_false_colour": view.choose_false_colour, "auto_levels": view.set_automatic_levels,
                "single": view.show_single, "divide": view.divide, "side_by_side": view.show_side_by_side,
                "other_side": view.activate_other_side, "exchange": view.swap_panes,
                "divider_left": view.move_divider_left, "divider_right": view.move_divider_right, "fit": panes.fit,
                "zoom_in": application.zoom_in, "zoom_out": application.zoom_out, "next_tab": documents.show_next,
                "actual_size": panes.show_actual_size, "scale_bar": view.toggle_scale_bar,
                "full_screen": self.window.toggle_full_screen,
                "previous_tab": documents.show_previous, "reset_layout": self.window.reset_layout,
                "play": self.window.bar.toggle_playing, "longer": application.step_up,
                "shorter": application.step_down, "much_longer": application.leap_up,
                "much_shorter": application.leap_down, "next_box": view.choose_next_box, **boxes,
                "statistics": self.statistics.open,
                "export_statistics": self.statistics.export,
                "library": library.show_panel, "open_libraries": library.ask_files,
                "open_library_folder": library.ask_folder, "marks_as_library": library.use_marks,
                "save_marks": export.save_marks, "metamers": library.toggle_metamers, "keep_matches": library.keep,
                "copy_matches": library.copy, "export_matches": export.export_matches,
                "remove_continuum": self.spectra.toggle_continuum,
                "open_model": self.models.open_model,
                "class_regions": self.classes.make_regions, "class_statistics": self.classes.show_statistics,
                "export_class_map": export.export_class_map, "centres_as_references": self.classes.use_centres,
                "install_model": self.models.install_model, "about_model": self.models.about_model,
                "guide": application.show_guide, "find_action": application.find_action,
                "shortcuts": application.show_shortcuts,
                "about": application.show_about,
            },
        )  # fmt: skip

    def _connect_image(self) -> None:
        panes, marks, view = self.window.panes, self.marks, self.view
        for image in panes.images:
            image.pixel_hovered.connect(self.workspace.on_current(Document.set_hover))
            image.marks.pixel_picked.connect(self.workspace.on_current(Document.pick_pixel))
            image.marks.drawn.connect(marks.add)
            image.marks.picked.connect(marks.activate)
            image.marks.place_picked.connect(marks.move)
            image.marks.menu_picked.connect(marks.show_menu)
            image.marks.shift_picked.connect(marks.shift_active)
            image.marks.tool_left.connect(self.anchors.leave)  # before the tool changes
            image.marks.tool_left.connect(marks.leave_tool)
            image.transect.ends_picked.connect(self.transect.draw)
            image.transect.shift_picked.connect(self.transect.shift)
            image.transect.removal_requested.connect(self.transect.remove)
            image.suggestions.picked.connect(self.workspace.on_current(Document.add_pin))
        panes.view_changed.connect(self._take_view)
        panes.menu_requested.connect(view.fill_menu)
        panes.side_picked.connect(view.activate)
        panes.divider_picked.connect(view.move_divider)
        panes.limits_picked.connect(view.set_levels)
        for side, renderer in enumerate(self.renderers):
            renderer.answered.connect(partial(panes.show_picture, side))
            renderer.emptied.connect(partial(panes.show_picture, side, None))
            renderer.answered.connect(self._note_picture)
            renderer.emptied.connect(self._note_picture)

    def _take_view(self, side: int, view: Viewport) -> None:
        self.document.viewport = self.window.panes.view()
        self.renderers[side].set_view(view)

    def _note_picture(self, picture: RenderedImage | None = None) -> None:
        self.view.show_captions()  # before the picture is painted, so that its caption never names another one
        self.refresh.mark(Change.PICTURE)

    def _note_selection(self, numbers: list[int]) -> None:
        self.refresh.mark(Change.SELECTION)

    def _connect_panels(self) -> None:
        window, spectra, marks = self.window, self.spectra, self.marks
        table, toolbar, light, panel = window.table, window.plot_toolbar, window.light, self.comparison.panel
        table.mark_picked.connect(marks.activate)
        table.name_picked.connect(marks.set_name)
        table.visible_picked.connect(marks.set_visible)
        table.menu_picked.connect(marks.show_menu)
        table.selection_picked.connect(self._note_selection)
        toolbar.transform_picked.connect(spectra.set_transform)
        toolbar.truth_picked.connect(spectra.show_truth)
        toolbar.hull_picked.connect(spectra.show_hull)
        toolbar.smooth_picked.connect(spectra.show_smooth)
        toolbar.reference_picked.connect(spectra.set_reference_visible)
        toolbar.clear_requested.connect(spectra.clear_library)
        toolbar.spreads_picked.connect(spectra.set_spreads)
        toolbar.axes_picked.connect(spectra.set_axes)
        toolbar.values_requested.connect(self.band_values.open)
        toolbar.limits_requested.connect(spectra.choose_limits)
        toolbar.library_requested.connect(marks.load_spectra)
        toolbar.chart_picked.connect(marks.load_chart)
        light.viewing_picked.connect(self.workspace.on_current(Document.set_viewing))
        light.light_file_requested.connect(marks.load_light)
        light.camera_file_requested.connect(marks.load_camera)
        light.white_requested.connect(marks.use_white)
        window.input.interpretation_picked.connect(self.files.choose_development)
        window.input.grey_picking_requested.connect(self.files.set_picking)
        window.input.reset_requested.connect(self.files.reset_development)
        window.input.camera_file_requested.connect(self.files.ask_camera)
        window.input.calibration_requested.connect(self.calibration.open)
        window.input.profiles_requested.connect(self.calibration.open_profiles)
        window.input.simulation_requested.connect(self.comparison.simulate_photograph)
        window.pick_leaving.activated.connect(self.files.stop_picking)
        panel.measure_requested.connect(self.accuracy.query_image)
        panel.copy_requested.connect(self.accuracy.copy)
        panel.open_requested.connect(self.comparison.compare_cube)
        panel.simulation_requested.connect(self.comparison.simulate_photograph)
        panel.orientation_picked.connect(self.comparison.register)
        panel.registration_requested.connect(self.comparison.register)
        panel.gain_picked.connect(self.comparison.set_gain)
        panel.removal_requested.connect(self.comparison.remove)
        analyses = self.analyses.panel
        analyses.kind_picked.connect(self.analyses.show)
        analyses.definition_picked.connect(self.analyses.set_definition)
        analyses.use_picked.connect(self.analyses.use)
        analyses.threshold_picked.connect(self.analyses.set_threshold)
        analyses.regions_requested.connect(self.classes.make_regions)
        analyses.statistics_requested.connect(self.classes.show_statistics)
        analyses.export_requested.connect(self.exporter.export_class_map)
        analyses.references_requested.connect(self.classes.use_centres)
        analyses.range_picked.connect(self.analyses.set_range)
        analyses.abstaining_picked.connect(self.analyses.set_abstaining)
        analyses.layers_picked.connect(self.analyses.set_layers)
        self.analyses.dock.visibilityChanged.connect(self._show_analysis_panel)
        self.analyses.dock.visibilityChanged.connect(self.values.query_means)
        for page in (self.values.abundances, self.values.expression, self.values.components):
            page.export_requested.connect(self.exporter.export_map)
        self.values.expression.regions_requested.connect(self.values.make_regions)
        self.values.components.loadings_requested.connect(self.exporter.export_loadings)
        self.values.components.wavelength_picked.connect(self.values.pick_wavelength)
        anchors = self.anchors.panel
        anchors.mark_picked.connect(marks.activate)
        anchors.use_picked.connect(self.anchors.use)
        anchors.all_picked.connect(self.anchors.use_all)
        anchors.removal_requested.connect(self.anchors.remove)
        anchors.attach_requested.connect(self.anchors.attach)
        anchors.apply_requested.connect(self.anchors.apply_again)
        anchors.suggestion_requested.connect(self.anchors.suggest)
        anchors.marking_requested.connect(self.anchors.mark_suggestions)
        anchors.dismissal_requested.connect(self.anchors.dismiss)
        self.comparison.dock.visibilityChanged.connect(self.accuracy.set_wanted)
        self.statistics.panel_made.connect(self._connect_statistics)
        self.statistics.marker.interval_picked.connect(self.statistics.set_interval)
        self.statistics.dock.visibilityChanged.connect(self.statistics.set_wanted)
        self.scatter.panel_made.connect(self._connect_scatter)
        self.scatter.dock.visibilityChanged.connect(self.scatter.set_visible)
        self.transect.panel_made.connect(self._connect_transect)
        self.transect.dock.visibilityChanged.connect(self.transect.set_visible)
        self._connect_library()

    def _connect_statistics(self, panel: StatisticsPanel) -> None:
        panel.settings_picked.connect(self.statistics.set_settings)
        panel.copy_requested.connect(self.statistics.copy)
        panel.export_requested.connect(self.statistics.export)

    def _connect_scatter(self, panel: ScatterPanel) -> None:
        panel.axes_picked.connect(self.scatter.set_axes)
        panel.log_picked.connect(self.scatter.set_log_counts)
        panel.colormap_picked.connect(self.scatter.set_colormap)
        panel.regions_requested.connect(self.scatter.make_regions)
        panel.export_requested.connect(self.exporter.export_selection)
        panel.view.selection_picked.connect(self.scatter.select)
        panel.view.clear_requested.connect(self.scatter.clear_selection)
        panel.view.limits_changed.connect(self.scatter.set_limits)

    def _connect_transect(self, panel: TransectPanel) -> None:
        panel.width_picked.connect(self.transect.set_width)
        panel.removal_requested.connect(self.transect.remove)
        panel.export_requested.connect(self.exporter.export_transect)
        panel.figure_requested.connect(self.exporter.export_transect_figure)
        panel.view.wavelength_picked.connect(self.workspace.on_current(Document.set_wavelength))
        panel.view.distance_hovered.connect(self.transect.hover)

    def _connect_library(self) -> None:
        library, panel = self.library, self.library.panel
        panel.files_requested.connect(library.ask_files)
        panel.folder_requested.connect(library.ask_folder)
        panel.marks_requested.connect(library.use_marks)
        panel.files_dropped.connect(library.open)
        panel.removal_requested.connect(library.remove)
        panel.settings_picked.connect(library.set_settings)
        panel.selection_picked.connect(library.draw_selection)
        panel.keep_requested.connect(library.keep)
        panel.copy_requested.connect(library.copy)
        panel.export_requested.connect(self.exporter.export_matches)
        library.dock.visibilityChanged.connect(library.set_wanted)

    def _connect_window(self) -> None:
        window = self.window
        for picked in (window.plot.wavelength_picked, window.bar.wavelength_picked):
            picked.connect(self.workspace.on_current(Document.set_wavelength))
        window.bar.speed_picked.connect(self.view.set_speed)
        window.channels.wavelengths_picked.connect(self.view.set_false_colour)
        window.submenus["picture"].aboutToShow.connect(self.view.fill_active_menu)
        window.files_picked.connect(self.queue.open)
        window.reading_dropped.connect(self.anchors.attach_file)
        window.closing.connect(self.close)
        window.hints.close_requested.connect(self.first_steps.close)
        window.start.sample_picked.connect(self.open_sample)
        window.start.file_picked.connect(self.files.open_recent)
        window.tabs.place_picked.connect(self.documents.show_at)
        window.tabs.close_requested.connect(self.documents.close_at)
        window.status.cancel_requested.connect(self.worker.cancel)
        window.status.pause_requested.connect(self.worker.pause)

    def _connect_work(self) -> None:
        """Connect progress, completion and failure of tasks."""
        worker, status = self.worker, self.window.status
        self._after: dict[Task, Step] = {
            Task.REGION_REFINED: self.spectra.take_end, Task.RECONSTRUCT: self.reconstruction.take_end,
            Task.ACCURACY_IMAGE: self.accuracy.take_end, Task.OPEN: self.queue.open_next,
            Task.EXPORT: self.documents.take_end, Task.WRITE: self.documents.take_end,
            Task.ANCHOR: self.anchors.take_end, Task.STATISTICS: self.statistics.take_end,
            Task.FIT_ANALYSIS: self.analyses.take_end,
            Task.COUNT_CLASSES: self.classes.take_end, Task.COUNT_CLUSTERS: self.classes.take_end,
            Task.CLASS_STATISTICS: self.classes.take_end,
            Task.IMAGE_MEANS: self.values.take_end, Task.REGION_MEANS: self.values.take_end,
            Task.SCATTER: self.scatter.take_end, Task.MATCH: self.library.take_end,
            Task.CALIBRATE: self.calibration.take_end, Task.FIND_CHART: self.calibration.take_end,
        }  # fmt: skip
        worker.progressed.connect(status.show_progress)
        worker.progressed.connect(self._note_begin)
        worker.progressed.connect(self.calibration.show_progress)
        worker.ended.connect(self._take_end)
        worker.failed.connect(self._show_failure)
        worker.failed.connect(self.documents.take_failure)
        worker.failed.connect(self.queue.take_failure)
        worker.failed.connect(self.recovery.offer)
        worker.failed.connect(self.calibration.take_failure)

    def _take_end(self, task: Task) -> None:
        self.window.status.show_end(task)
        if task in self._after:
            self._after[task]()
        if task in _OF_DOCUMENTS:
            self.refresh.mark(Change.WORK)

    def _note_begin(self, task: Task, fraction: float) -> None:
        if fraction == 0 and task in _OF_DOCUMENTS:
            self.refresh.mark(Change.WORK)

    def _show_failure(self, task: Task, error: Exception) -> None:
        self.window.messages.show_failure(error, Topic.RECONSTRUCTION if task is Task.RECONSTRUCT else None)
        self.files.ask_reading(error, self.comparison.open if task is Task.REGISTER else self.files.open_cube)
        self.documents.ask_image(error)
        self.models.show_checked()

    def _connect_files(self) -> None:
        """Connect controllers with one another."""
        files, documents = self.files, self.documents
        files.recent_changed.connect(files.show_recent)
        files.recent_changed.connect(self.start.show_recent)
        files.restored.connect(self._take_restored)
        files.regions_opened.connect(self.marks.import_file)
        documents.session_requested.connect(files.open_session)
        documents.saved.connect(files.remember)
        self.autosave.restore_requested.connect(self._restore_copies)
        self.start.sample_picked.connect(self.open_sample)
        self.comparison.open_requested.connect(files.open)
        self.anchors.open_requested.connect(self.comparison.drop)
        self.comparison.simulated.connect(files.open_simulated)
        self.models.model_picked.connect(self.reconstruction.use_model)
        self.models.measured_requested.connect(self.reconstruction.leave_cubes)
        self.reconstruction.message_raised.connect(self.window.messages.show_success)
        self.exporter.exported.connect(self.first_steps.finish_export)
        self.statistics.export_requested.connect(self.exporter.export_statistics)
        self.classes.statistics_export_requested.connect(self.exporter.export_class_statistics)

    def _take_restored(self, restored: LoadedSession) -> None:
        self.documents.show_restored(restored)
        self.library.restore(restored.data.libraries)
        self.autosave.adopt()

    def _restore_copies(self, requests: list[SessionRequest]) -> None:
        self.queue.take(partial(self.files.open_session, request) for request in requests)

    def _connect_model(self) -> None:
        self.workspace.changed.connect(self.refresh.mark)
        self.workspace.changed.connect(self._tidy)
        self.workspace.current_changed.connect(self._rebind)
        self._bind(self.document)
        self.preferences.changed.connect(self.preference_binder.apply)

    def _tidy(self, change: Change) -> None:
        """Remove what belongs to documents that were closed."""
        if change is Change.DOCUMENTS:
            self.autosave.tidy()
            self.reconstruction.stop_closed()

    def _bind(self, document: Document) -> None:
        document.changed.connect(self.refresh.mark)
        document.undo_stack.indexChanged.connect(self._note_undo)

    def _note_undo(self, index: int) -> None:
        self.refresh.mark(Change.UNDO)

    def _rebind(self, before: Document, current: Document) -> None:
        """Follow the signals of the current document, which is another one or was restored."""
        before.changed.disconnect(self.refresh.mark)
        before.undo_stack.indexChanged.disconnect(self._note_undo)
        self._bind(current)
        self.window.messages.hide()  # messages refer to the previous document
        self.refresh.mark(Change.CURRENT)
        self.files.resume()
