"""View settings: actions, menus and draggable items that change them, and their display."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu

from nesr_gui.fields.protocol import QualityFlag
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Pixel
from nesr_gui.gui.model.view_settings import Limits, PaneLayout, ViewSettings
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.files import FileRequest, read_library
from nesr_gui.gui.tasks.plugins import LoadedPlugins, load_plugins
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import MODES, TABLE
from nesr_gui.gui.view_modes.base import Channel, RenderContext
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.simple import FalseColourDialog
from nesr_gui.gui.views.image.layers import value_text
from nesr_gui.gui.views.image.mode_menu import fill_mode_menu
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.spectral import Spectrum

ABSTAINS = "uncertain: the 90 % interval is wider than the difference asked about"
DIVIDER_STEP = 0.02  # fraction of the width
_LAYOUT_ACTIONS = {
    PaneLayout.SINGLE: "single", PaneLayout.DIVIDED: "divide", PaneLayout.SIDE_BY_SIDE: "side_by_side",
}  # fmt: skip
_OF_A_FIELD = ("export_sweep", "auto_levels", "compare_with", "choose_false_colour")
_OF_TWO = ("other_side", "divider_left", "divider_right")
_OF_AN_IMAGE = ("exchange", "actual_size", "scale_bar")


class ViewSettingsController(QObject):
    """Changes and shows the view settings, with dialogs where needed.

    `rendered` returns the picture shown on a side.
    """

    def __init__(
        self,
        window: MainWindow,
        workspace: Workspace,
        worker: Worker,
        rendered: Callable[[int], RenderedImage | None],
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker, self._rendered = window, workspace, worker, rendered
        self._basis: tuple[object, ...] = ()  # inputs of the last update of the actions

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # Changes

    def set_settings(self, settings: ViewSettings) -> None:
        """Set the view settings of the current document."""
        self._document.set_view_settings(settings)

    def show_mode(self, name: str) -> None:
        """Show a mode on the active side."""
        self.set_settings(self._document.view_settings.showing(name))

    def show_single(self) -> None:
        """Show a single pane."""
        self._arrange(PaneLayout.SINGLE)

    def divide(self) -> None:
        """Divide the pane, or return to a single one."""
        self._arrange(PaneLayout.DIVIDED)

    def show_side_by_side(self) -> None:
        """Show two panes, or return to a single one."""
        self._arrange(PaneLayout.SIDE_BY_SIDE)

    def _arrange(self, layout: PaneLayout) -> None:
        """Switch to a layout; choosing the current one returns to a single pane."""
        settings = self._document.view_settings
        is_current = settings.arrangement is layout
        self.set_settings(settings.arranged(PaneLayout.SINGLE if is_current else layout))

    def activate_other_side(self) -> None:
        """Make the other side active."""
        self.activate(1 - self._document.view_settings.active)

    def activate(self, side: int) -> None:
        """Apply keys and menus to a side."""
        settings = self._document.view_settings
        if side != settings.active:
            self.set_settings(replace(settings, active=side))

    def swap_panes(self) -> None:
        """Swap the modes of both sides; in a single pane, return to the previous mode."""
        self.set_settings(self._document.view_settings.swapped())

    def toggle_scale_bar(self) -> None:
        """Show or hide the scale bar."""
        settings = self._document.view_settings
        self.set_settings(replace(settings, scale_bar=not settings.scale_bar))

    def move_divider_left(self) -> None:
        """Move the divider left."""
        self.move_divider(self._document.view_settings.divider - DIVIDER_STEP)

    def move_divider_right(self) -> None:
        """Move the divider right."""
        self.move_divider(self._document.view_settings.divider + DIVIDER_STEP)

    def move_divider(self, share: float) -> None:
        """Move the divider to a fraction of the width."""
        self.set_settings(self._document.view_settings.divided_at(share))

    def set_levels(self, key: str, limits: Limits) -> None:
        """Set the limits of a scale."""
        self.set_settings(self._document.view_settings.with_levels(key, limits))

    def set_automatic_levels(self) -> None:
        """Set the limits of the active picture to the central 99 % of its values."""
        shown = self._rendered(self._document.view_settings.active)
        if shown is not None and shown.request.scale is not None and shown.histogram is not None:
            self.set_levels(shown.request.scale.key, shown.histogram.percentiles)

    def set_false_colour(self, wavelengths: tuple[float, float, float]) -> None:
        """Set the wavelengths of red, green and blue."""
        _set_false_colour(self._document, wavelengths)

    def choose_false_colour(self) -> None:
        """Ask for the wavelengths with a live preview; cancelling restores the previous settings."""
        document, before = self._document, self._document.view_settings
        if document.field is None:
            return
        if "false_colour" not in [before.modes[side] for side in before.sides]:
            document.set_view_settings(before.showing("false_colour"))
        dialog = FalseColourDialog(document.wavelength_range, before.false_colour, self._window)
        dialog.wavelengths_picked.connect(partial(_set_false_colour, document))
        dialog.rejected.connect(lambda: document.set_view_settings(before))
        dialog.open()

    def set_speed(self, nm_per_second: float) -> None:
        """Set the speed of the sweep."""
        self.set_settings(replace(self._document.view_settings, speed=nm_per_second))

    def set_box(self, side: int) -> None:
        """Set the side of the averaging box in source pixels; 1 is a single pixel."""
        self._document.set_box(side)

    def choose_next_box(self) -> None:
        """Choose the next larger averaging box, or a single pixel after the largest."""
        self._document.set_box(self._document.view_settings.next_box)

    def fill_active_menu(self) -> None:
        """Fill the menu of the active pane."""
        self.fill_menu(self._document.view_settings.active, self._window.submenus["picture"])

    def fill_menu(self, side: int, menu: QMenu) -> None:
        """Fill the menu of a side with modes and options."""
        context = RenderContext.of(self._document)
        fill_mode_menu(menu, context, side, self.set_settings)
        options = {"similarity": ("Compare with spectrum…", self.compare_with),
                   "false_colour": ("Choose wavelengths…", self.choose_false_colour)}  # fmt: skip
        if context.view_settings.modes[side] in options:
            text, do = options[context.view_settings.modes[side]]
            menu.addSeparator()
            menu.addAction(text).triggered.connect(lambda checked=False: do())

    def compare_with(self) -> None:
        """Load a spectrum as the reference of the similarity mode."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Compare with spectrum", "", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_REFERENCE, FileRequest(Path(path)), read_library, self._take_references)

    def _take_references(self, request: FileRequest, curves: list[Spectrum]) -> None:
        document = self._document
        if len(curves) == 1:
            _compare(document, curves[0])
            return
        dialog = QInputDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Compare with spectrum")
        dialog.setLabelText(f"{request.path.name} contains {len(curves)} spectra. Compare with:")
        dialog.setComboBoxItems([curve.name for curve in curves])
        by_name = {curve.name: curve for curve in curves}
        dialog.textValueSelected.connect(lambda name: _compare(document, by_name[name]))
        dialog.open()

    # Display

    def show_settings(self) -> None:
        """Apply the settings to panes, wavelength bar and plot."""
        document, window, settings = self._document, self._window, self._document.view_settings
        window.panes.show_view_settings(settings)
        where = document.georeference
        window.panes.show_scale_bar(settings.scale_bar, where.pixel_metres if where is not None else None)
        window.bar.show_speed(settings.speed)
        window.status.show_box(settings.box)
        is_false = document.field is not None and any(settings.modes[side] == "false_colour" for side in settings.sides)
        window.channels.show_wavelengths(settings.false_colour if is_false else None)

    def show_captions(self) -> None:
        """Show what each side displays, at the wavelength of its picture, or why it is unavailable."""
        document = self._document
        context = RenderContext.of(document)
        for side in context.view_settings.sides:
            self._window.panes.show_caption(side, self._caption(document, context.of_side(side), side))

    def _caption(self, document: Document, context: RenderContext, side: int) -> str:
        if document.source_shape is None:
            return "Open a photograph, or drop one here"
        if document.development.is_picking:
            return "Click a grey pixel"
        shown, mode = self._rendered(side), MODES[context.view_settings.modes[side]]
        if shown is None:
            missing = mode.unavailable_reason(context)
            return f"{mode.title} {missing}" if missing else f"{mode.title} …"
        request = shown.request
        bands = request.scrub_bands
        note = f" (preview, values ±{bands.error:.1g})" if bands is not None else ""
        return request.mode.caption(request.context) + note

    def show_actions(self) -> None:
        """Update the actions of modes and layouts."""
        actions, document = self._window.actions_by_name, self._document
        context = RenderContext.of(document)
        settings, obtainable = context.view_settings, context.obtainable_requirements
        basis = settings, obtainable, context.field, context.truth, document.source_shape
        if basis == self._basis:
            return
        self._basis = basis
        for mode in TABLE:
            action = actions[f"show_{mode.name}"]
            action.setEnabled(obtainable.issuperset(mode.needs))
            action.setWhatsThis("" if action.isEnabled() else mode.unavailable_reason(context))
        enable(actions, _OF_A_FIELD, context.field is not None)
        enable(actions, _OF_TWO, settings.arrangement is not PaneLayout.SINGLE)
        enable(actions, (*_LAYOUT_ACTIONS.values(), *_OF_AN_IMAGE), document.source_shape is not None)
        actions["scale_bar"].setChecked(settings.scale_bar)
        actions[f"box_{settings.box}"].setChecked(True)
        self._check_mode(settings.mode)
        actions[_LAYOUT_ACTIONS[settings.arrangement]].setChecked(True)

    def _check_mode(self, name: str) -> None:
        """Check the action of the mode; those of plug-ins have none, so that no other one may stay checked."""
        actions = self._window.actions_by_name
        if (action := actions.get(f"show_{name}")) is not None:
            action.setChecked(True)
        elif (group := actions[f"show_{TABLE[0].name}"].actionGroup()) and (checked := group.checkedAction()):
            group.setExclusive(False)
            checked.setChecked(False)
            group.setExclusive(True)

    def load_plugins(self) -> None:
        """Load all plug-ins in the background, list their view modes, and name those that were left out."""
        self._worker.submit(Task.LOAD_PLUGINS, None, load_plugins, self._take_plugins)

    def _take_plugins(self, request: None, loaded: LoadedPlugins) -> None:
        entries = [(mode.title, partial(self.show_mode, mode.name)) for mode in loaded.modes]
        self._window.fill_menu("plugin_modes", entries)
        self._window.submenus["plugin_modes"].menuAction().setVisible(bool(entries))
        if loaded.refused:
            self._window.messages.show_failure(ValueError(". ".join(loaded.refused)))
        self.show_actions()

    def show_status(self) -> None:
        """Show the pixel or box under the mouse, resolution and model in the status bar."""
        document, status = self._document, self._window.status
        place = document.hover_place
        readout = document.readouts.get(place) if place is not None else None
        value = readout.value if readout else None
        status.show_pixel(document.hover, document.nm, value, self._pixel_texts() if place is not None else ())
        status.show_resolution(document.resolution())
        status.show_model(*self._workspace.made_by)

    def _pixel_texts(self) -> list[str]:
        """Colour of the pixel under the mouse, its quality flags, and the values of the visible pictures."""
        document, texts = self._document, list[str]()
        assert document.hover is not None
        if document.colours is not None and document.photograph is not None:
            row, col = (part // document.photograph.binning for part in document.hover)
            texts.append("RGB {} {} {}".format(*document.colours[row, col]))
        readout = document.readouts.get(document.hover)
        if readout is not None and readout.doubt:
            texts += [doubt.text for doubt in QualityFlag if doubt in readout.doubt]
        for side in document.view_settings.sides:
            shown = self._rendered(side)
            scale = shown.request.scale if shown else None
            if shown is None or scale is None or scale.key == "band":
                continue
            value = shown.value_at(*document.hover)
            if value is not None and scale.categories:
                texts.append(category_text(shown, float(value), document.hover))
            elif value is not None:
                near = "≈ " if shown.request.sampling.stride > 1 else ""  # sampled value
                label = shown.request.mode.title if scale.is_colour else scale.quantity
                texts.append(
                    f"{label} {near}{' '.join(value_text(value).split())}{scale.unit}" if not scale.channels
                    else channel_text(scale.channels, value.tolist(), near)
                )  # fmt: skip
                if shown.abstains_at(*document.hover):
                    texts[-1] += f" ({ABSTAINS})"
        return texts


def channel_text(channels: Sequence[Channel], values: Sequence[float], near: str) -> str:
    """The value of each quantity of a picture of several; `near` is put before values of the next sample."""
    texts = zip(channels, (value_text(np.array(value)) for value in values), strict=True)
    return ", ".join(f"{channel.name} {near}{text}{channel.unit}" for channel, text in texts)


def category_text(shown: RenderedImage, value: float, pixel: Pixel) -> str:
    """The class of a pixel, if it has a value, and whether its prediction interval allows another one."""
    scale = shown.request.scale
    assert scale is not None
    if not np.isfinite(value):
        return "no value"
    number = int(value)
    name = scale.categories[number - 1].name if number else scale.none
    return f"{name} or another one" if shown.abstains_at(*pixel) else name


def _set_false_colour(document: Document, wavelengths: tuple[float, float, float]) -> None:
    document.set_view_settings(replace(document.view_settings, false_colour=wavelengths))


def _compare(document: Document, curve: Spectrum) -> None:
    document.set_view_settings(replace(document.view_settings, reference=curve).showing("similarity"))
