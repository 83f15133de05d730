"""One image pane or two linked ones, with their colour bars."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QWidget

from nesr_gui.analysis.pixelwise import Bools
from nesr_gui.gui.drawing.tone_mapping import bar_colours, lookup
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.marks import Pixel
from nesr_gui.gui.model.transect import TransectLine
from nesr_gui.gui.model.view_settings import PaneLayout, ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.views.image.colour_bar import WIDTH, ColourBarColumn
from nesr_gui.gui.views.image.image_view import ImageView
from nesr_gui.regions import Region

_GAP = 2  # px between two panes


class SplitView(QWidget):
    """Shows the pictures of both sides in the current layout; two panes share one viewport."""

    view_changed = Signal(int, object)  # side, Viewport
    menu_requested = Signal(int, object)  # side, QMenu
    side_picked = Signal(int)  # 0 or 1
    divider_picked = Signal(float)  # position as a fraction of the width
    limits_picked = Signal(str, object)  # key of a scale, (low, high)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ImageView(), ImageView()
        self.column = ColourBarColumn()
        self.bars = self.column.bars
        self.images[1].setAccessibleName("Second image")
        self._settings = ViewSettings()
        self._pictures: list[RenderedImage | None] = [None, None]
        self._shares: Mapping[str, Mapping[int, float]] = {}
        self._pointed: ImageView | None = None
        self._shape: tuple[int, int] | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._panes = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._panes.setSpacing(_GAP)
        for image in self.images:
            self._panes.addWidget(image, 1)
        layout.addLayout(self._panes, 1)
        layout.addWidget(self.column)
        for bar in self.bars:
            bar.limits_picked.connect(self.limits_picked)
        for image, other in zip(self.images, reversed(self.images), strict=True):
            self._connect(image, other)
        self.show_view_settings(self._settings)

    def _connect(self, image: ImageView, other: ImageView) -> None:
        image.view_changed.connect(lambda view: self._announce_view(image, view))
        image.navigated.connect(other.show_view)
        image.fit_requested.connect(self.fit)
        image.side_picked.connect(self.side_picked)
        image.pixel_hovered.connect(lambda pixel: self._point(image if pixel is not None else None))
        image.canvas.divided.connect(self.divider_picked)
        for caption in image.captions:
            caption.menu_requested.connect(lambda menu, side=caption.side: self.menu_requested.emit(side, menu))

    def show_image(self, shape: tuple[int, int] | None) -> None:
        """Reset the panes for a newly opened image of `shape` source pixels."""
        self._pictures = [None, None]
        self._shape = shape
        self._stack()
        for image in self.images:
            image.show_image(shape)
        self._show_bars()

    def show_view_settings(self, view_settings: ViewSettings) -> None:
        """Apply the layout: single, divided or side by side."""
        previous, self._settings = self._settings.arrangement, view_settings
        first, second = self.images
        beside = view_settings.arrangement is PaneLayout.SIDE_BY_SIDE
        first.show_sides((0,) if beside else view_settings.sides, view_settings.divider)
        second.show_sides((1,), view_settings.divider)
        second.setVisible(beside)
        if beside and previous is not view_settings.arrangement:
            if first.is_fitted:
                second.fit()
            else:
                second.show_view(first.view())
        for image in self.images[: 1 + beside]:
            self._announce_view(image, image.view())
        self._show_bars()

    def show_picture(self, side: int, picture: RenderedImage | None) -> None:
        """Show the picture of a side."""
        self._pictures[side] = picture
        colours = _lookup(picture) if picture is not None and picture.shown.ndim == 2 else None
        for image in self.images:
            image.canvas.layers[side].show_picture(picture, colours)
        self._show_bars()

    def show_shares(self, shares: Mapping[str, Mapping[int, float]]) -> None:
        """Show the shares of classes, by number, in the legends of view modes, by name."""
        if shares != self._shares:
            self._shares = shares
            self._show_bars()

    def show_caption(self, side: int, text: str) -> None:
        """Set the caption of a side."""
        for image in self.images:
            image.show_caption(
                side, text, side == self._settings.active and self._settings.arrangement != PaneLayout.SINGLE
            )

    def show_hover(self, pixel: Pixel | None, box: Region | None) -> None:
        """Mark the pixel under the mouse in the other pane, and outline the averaging box around it in all.

        If the mouse is elsewhere, as on the transect, the pixel is marked in both panes.
        """
        for image in self.images:
            image.canvas.show_cursor(None if image is self._pointed else pixel)
            image.canvas.show_box(box)

    def show_selection(self, mask: Bools | None, binning: int, source_shape: tuple[int, int]) -> None:
        """Colour the selected pixels (H, W) of a field with this binning; None for no selection."""
        for image in self.images:
            image.selection.show_mask(mask, binning, source_shape)

    def show_transect(self, line: TransectLine | None, binning: int) -> None:
        """Show the transect of a field with this binning."""
        for image in self.images:
            image.transect.show_line(line, binning)

    def view(self) -> Viewport | None:
        """The requested viewport, independent of the size of the panes; None for the whole image."""
        first = self.images[0]
        return None if first.is_fitted or not first.has_image else first.aim()

    def go(self, view: Viewport | None) -> None:
        """Show the viewport that `view` returned."""
        if view is None:
            self.fit()
            return
        for image in self.images:
            image.show_view(view)

    def fit(self) -> None:
        """Show the whole image."""
        for image in self.images:
            image.fit()

    def zoom(self, factor: float, pixel: Pixel | None) -> None:
        """Zoom in by `factor`, centred on a pixel or on the current centre."""
        self.images[0].zoom(factor, pixel)

    def show_actual_size(self) -> None:
        """Show one source pixel per pixel of the screen around the current centre."""
        self.images[0].show_actual_size()

    def show_scale_bar(self, is_shown: bool, metres: float | None) -> None:
        """Show or hide the scale bar, with the length of a source pixel, if known."""
        for image in self.images:
            image.show_scale_bar(is_shown, metres)

    def show_covered(self, height: int) -> None:
        """Keep scale bars clear of what covers `height` pixels at the lower edge."""
        for image in self.images:
            image.show_covered(height)

    def _show_bars(self) -> None:
        shown = []
        for side, picture in enumerate(self._pictures):
            picture = picture if side in self._settings.sides else None
            scale = picture.request.scale if picture is not None else None
            limits = self._settings.levels.get(scale.key, scale.limits) if scale else (0.0, 1.0)
            shown.append((picture, limits, _bar_colours(picture)))
        self.column.show_pictures(shown, self._shares)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stack two panes in the direction that suits the new size."""
        super().resizeEvent(event)
        self._stack()

    def _stack(self) -> None:
        """Put the second pane right of the first, or below it if that shows the image larger."""
        height, width = self._shape or (1, 1)
        across, down = max(self.width() - WIDTH, 1), max(self.height(), 1)
        beside = min((across - _GAP) / 2 / width, down / height)
        below = min(across / width, (down - _GAP) / 2 / height)
        direction = QBoxLayout.Direction.LeftToRight if beside >= below else QBoxLayout.Direction.TopToBottom
        if direction != self._panes.direction():
            self._panes.setDirection(direction)
        length = across if direction is QBoxLayout.Direction.LeftToRight else down
        self._panes.setSpacing(_GAP + (length - _GAP) % 2)  # so that both panes have the same size

    def _announce_view(self, image: ImageView, view: Viewport) -> None:
        beside = self._settings.arrangement is PaneLayout.SIDE_BY_SIDE
        for side in (0, 1):
            if self.images[side if beside else 0] is image and image.has_image:
                self.view_changed.emit(side, view)

    def _point(self, image: ImageView | None) -> None:
        self._pointed = image


def _lookup(picture: RenderedImage | None) -> UInt8Array | None:
    """The lookup table of the values of a picture; None for colours, classes and grey."""
    if picture is None or picture.shading is None or picture.painted.ndim == 3:
        return None
    return lookup(picture.request.colormap, picture.request.context.nm)


def _bar_colours(picture: RenderedImage | None) -> UInt8Array | None:
    """The colours of the colour bar of a picture; None for colours, classes and grey."""
    if picture is None or _lookup(picture) is None:
        return None
    return bar_colours(picture.request.colormap, picture.request.context.nm)
