"""The middle of the window: one view of the image or two linked ones, and the colour bars beside them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from nesr_gui.gui.drawing.tone_mapping import lookup
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.marks import Pixel
from nesr_gui.gui.model.view_settings import PaneLayout, ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.views.image.colour_bar import ColourBar
from nesr_gui.gui.views.image.image_view import ImageView


class SplitView(QWidget):
    """Shows the pictures of both sides where the look wants them; two views show the same part of the image."""

    view_changed = Signal(int, object)  # side, View
    menu_requested = Signal(int, object)  # side, QMenu
    side_picked = Signal(int)
    divider_picked = Signal(float)
    limits_picked = Signal(str, object)  # key of a scale, (low, high)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ImageView(), ImageView()
        self.bars = ColourBar("left"), ColourBar("right")
        self.images[1].setAccessibleName("Second image")
        self._look = ViewSettings()
        self._pictures: list[RenderedImage | None] = [None, None]
        self._pointed: ImageView | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in (self.bars[0], *self.images, self.bars[1]):
            layout.addWidget(widget, 1 if isinstance(widget, ImageView) else 0)
        for bar in self.bars:
            bar.limits_picked.connect(self.limits_picked)
        for image, other in zip(self.images, reversed(self.images), strict=True):
            self._connect(image, other)
        self.show_view_settings(self._look)

    def _connect(self, image: ImageView, other: ImageView) -> None:
        image.view_changed.connect(lambda view: self._announce_view(image, view))
        image.navigated.connect(other.show_view)
        image.fit_requested.connect(self.fit)
        image.side_picked.connect(self.side_picked)
        image.pixel_hovered.connect(lambda pixel: self._point(image))
        image.canvas.divided.connect(self.divider_picked)
        for caption in image.captions:
            caption.menu_requested.connect(lambda menu, side=caption.side: self.menu_requested.emit(side, menu))

    def show_image(self, shape: tuple[int, int] | None) -> None:
        """Make room for a newly opened image of `shape` source pixels."""
        self._pictures = [None, None]
        for image in self.images:
            image.show_image(shape)
        self._show_bars()

    def show_view_settings(self, view_settings: ViewSettings) -> None:
        """One view or two, divided or not."""
        was, self._look = self._look.arrangement, view_settings
        first, second = self.images
        beside = view_settings.arrangement is PaneLayout.SIDE_BY_SIDE
        first.show_sides((0,) if beside else view_settings.sides, view_settings.divider)
        second.show_sides((1,), view_settings.divider)
        second.setVisible(beside)
        if beside and was is not view_settings.arrangement:
            if first.is_fitted:
                second.fit()
            else:
                second.show_view(first.view())
        for image in self.images[: 1 + beside]:
            self._announce_view(image, image.view())
        self._show_bars()

    def show_picture(self, side: int, picture: RenderedImage | None) -> None:
        """What a side shows now."""
        self._pictures[side] = picture
        colours = self._lookup(picture)
        for image in self.images:
            image.canvas.layers[side].show_picture(picture, colours)
        self._show_bars()

    def show_caption(self, side: int, text: str) -> None:
        for image in self.images:
            image.show_caption(side, text, side == self._look.active and self._look.arrangement != PaneLayout.SINGLE)

    def show_hover(self, pixel: Pixel | None) -> None:
        """Mark the pixel under the mouse in the view that the mouse is not in."""
        for image in self.images:
            image.canvas.show_cursor(None if image is self._pointed else pixel)

    def view(self) -> Viewport | None:
        """What is looked at, which does not depend on the size of the panes; None is the whole image."""
        first = self.images[0]
        return None if first.is_fitted or not first.has_image else first.aim()

    def go(self, view: Viewport | None) -> None:
        """Look at what `view` found."""
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
        """Make things `factor` times as large, around a pixel or the middle of what is in sight."""
        self.images[0].zoom(factor, pixel)

    def _show_bars(self) -> None:
        sides = self._look.sides
        for place, bar in enumerate(self.bars):
            side = sides[0] if len(sides) == 1 and place == 1 else place
            picture = self._pictures[side] if side in sides and (len(sides) == 2 or place == 1) else None
            scale = picture.request.scale if picture is not None else None
            limits = self._look.levels.get(scale.key, scale.limits) if scale else (0.0, 1.0)
            bar.show_picture(picture, limits, self._lookup(picture))

    def _lookup(self, picture: RenderedImage | None) -> UInt8Array | None:
        if picture is None or picture.shown.ndim == 3:
            return None
        return lookup(picture.request.colormap, picture.request.context.nm)

    def _announce_view(self, image: ImageView, view: Viewport) -> None:
        beside = self._look.arrangement is PaneLayout.SIDE_BY_SIDE
        for side in (0, 1):
            if self.images[side if beside else 0] is image and image.has_image:
                self.view_changed.emit(side, view)

    def _point(self, image: ImageView) -> None:
        self._pointed = image
