"""Light and dark palettes of the window, and icons in their colours."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QByteArray, QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QLinearGradient, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QDockWidget, QProxyStyle, QStyle, QStyleOption, QWidget

from nesr_gui import resources
from nesr_gui.colorimetry.cie import wavelength_colours
from nesr_gui.gui.model.palette import Theme

_ROLES = QPalette.ColorRole
_LIGHT = {
    _ROLES.Window: "#f3f4f6", _ROLES.WindowText: "#1c2127", _ROLES.Base: "#ffffff", _ROLES.AlternateBase: "#f3f4f6",
    _ROLES.Text: "#1c2127", _ROLES.Button: "#fbfbfc", _ROLES.ButtonText: "#1c2127", _ROLES.BrightText: "#b3261e",
    _ROLES.Highlight: "#2563c9", _ROLES.HighlightedText: "#ffffff", _ROLES.ToolTipBase: "#ffffff",
    _ROLES.ToolTipText: "#1c2127", _ROLES.PlaceholderText: "#626a75", _ROLES.Link: "#1d57b5", _ROLES.Mid: "#c9cdd4",
    _ROLES.Dark: "#a4aab3", _ROLES.Midlight: "#e4e6ea", _ROLES.Light: "#ffffff", _ROLES.Shadow: "#8a9099",
    _ROLES.Accent: "#2563c9",
}  # fmt: skip
_DARK = {
    _ROLES.Window: "#23262b", _ROLES.WindowText: "#e3e6ea", _ROLES.Base: "#191b1f", _ROLES.AlternateBase: "#23262b",
    _ROLES.Text: "#e3e6ea", _ROLES.Button: "#2a2d33", _ROLES.ButtonText: "#e3e6ea", _ROLES.BrightText: "#ff8f85",
    _ROLES.Highlight: "#3874d4", _ROLES.HighlightedText: "#ffffff", _ROLES.ToolTipBase: "#2f333a",
    _ROLES.ToolTipText: "#e3e6ea", _ROLES.PlaceholderText: "#9aa1ac", _ROLES.Link: "#8ab4ff", _ROLES.Mid: "#43484f",
    _ROLES.Dark: "#121417", _ROLES.Midlight: "#343940", _ROLES.Light: "#3d434b", _ROLES.Shadow: "#0c0d0f",
    _ROLES.Accent: "#3874d4",
}  # fmt: skip
_DISABLED = {False: "#9aa0a9", True: "#6d747e"}
_OUTLINES = {False: "#68707b", True: "#8f97a3"}
"""Outlines of check boxes."""
_WITH_BOXES = "QCheckBox", "QRadioButton", "QAbstractItemView"
SURROUND = QColor("#777777")
"""Ground around pictures in both themes: neutral, with an L* of 50, so that it does not shift how colours appear."""
_ON_SURROUND = {
    _ROLES.Window: SURROUND, _ROLES.WindowText: QColor("black"), _ROLES.PlaceholderText: QColor("black"),
    _ROLES.Mid: QColor("#444444"), _ROLES.Highlight: QColor("#0b2a63"),
}  # fmt: skip


def palette(dark: bool) -> QPalette:
    """Return the light or the dark palette of the window."""
    colours = QPalette()
    for role, colour in (_DARK if dark else _LIGHT).items():
        colours.setColor(role, QColor(colour))
    for role in (_ROLES.WindowText, _ROLES.Text, _ROLES.ButtonText):
        colours.setColor(QPalette.ColorGroup.Disabled, role, QColor(_DISABLED[dark]))
    return colours


def on_surround() -> QPalette:
    """Return a palette for widgets on `SURROUND`; they inherit the other colours from the window."""
    colours = QPalette()
    for role, colour in _ON_SURROUND.items():
        colours.setColor(role, colour)
    return colours


def is_dark(colours: QPalette) -> bool:
    """Return whether a palette has a dark background."""
    return colours.window().color().lightness() < 128


def apply(app: QApplication, scheme: Qt.ColorScheme) -> None:
    """Apply a colour scheme to the whole application; widgets update in their PaletteChange event."""
    dark = scheme == Qt.ColorScheme.Dark
    app.setPalette(palette(dark))
    boxes = palette(dark)  # Fusion draws outlines of boxes in 1/1.4 of the window's colour: invisible on a dark ground
    boxes.setColor(_ROLES.Window, QColor(_OUTLINES[dark]).lighter(140))
    for kind, colours in (*((each, boxes) for each in _WITH_BOXES), ("QHeaderView", palette(dark))):
        app.setPalette(colours, kind)  # type: ignore[arg-type]  # the stub has bytes, which PySide refuses
    for widget in app.allWidgets():
        if sheet := widget.styleSheet():  # a style sheet fixes the palette at the time it is set
            widget.setStyleSheet("")
            widget.setStyleSheet(sheet)
        if isinstance(widget, QDockWidget):
            QApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))  # which takes its icons anew


class WindowStyle(QProxyStyle):
    """Fusion, with icons of panels in the colours of the text."""

    _ICONS = {  # noqa: RUF012
        QStyle.StandardPixmap.SP_TitleBarNormalButton: "float",
        QStyle.StandardPixmap.SP_TitleBarCloseButton: "close",
    }

    def __init__(self) -> None:
        super().__init__("Fusion")
        self._drawn: dict[tuple[QStyle.StandardPixmap, int], QIcon] = {}  # by palette; asked for at every painting

    def standardIcon(
        self, standard: QStyle.StandardPixmap, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> QIcon:
        """Return an icon."""
        if isinstance(widget, QDockWidget) and standard in self._ICONS:
            colours = QApplication.palette()  # which a panel adopts later
            if (key := (standard, colours.cacheKey())) not in self._drawn:
                self._drawn[key] = icon(self._ICONS[standard], colours)
            return self._drawn[key]
        return super().standardIcon(standard, option, widget)


class NarrowTabs(QProxyStyle):
    """Fusion with less room beside the titles of tabs: seven panels fit into a window of the default size.

    A style of the tab bars alone, as it is asked often; a style sheet would replace the shape of the tabs.
    """

    _SPACE = 14  # px, both sides together

    def __init__(self) -> None:
        super().__init__("Fusion")

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        """Return a measure."""
        return (
            self._SPACE
            if metric is QStyle.PixelMetric.PM_TabBarTabHSpace
            else super().pixelMetric(metric, option, widget)
        )


class ColourScheme(QObject):
    """Applies the preferred theme to the application, and follows the colour scheme of the system."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = Theme.SYSTEM
        self._shown: Qt.ColorScheme | None = None
        QApplication.setStyle(WindowStyle())  # also resets palettes of single widget classes
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._show)

    def stop(self) -> None:
        """Stop following the system; its signal outlives this object."""
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._show)

    def choose(self, theme: Theme) -> None:
        """Set the theme."""
        self._theme = theme
        self._show()

    def _show(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        system = QGuiApplication.styleHints().colorScheme()
        fixed = {Theme.LIGHT: Qt.ColorScheme.Light, Theme.DARK: Qt.ColorScheme.Dark}
        if (scheme := fixed.get(self._theme, system)) is not self._shown:
            self._shown = scheme
            apply(app, scheme)


def icon(name: str, colours: QPalette) -> QIcon:
    """Return an icon of the program in the text colours of a palette."""
    normal = colours.color(QPalette.ColorGroup.Normal, _ROLES.ButtonText).name()
    disabled = colours.color(QPalette.ColorGroup.Disabled, _ROLES.ButtonText).name()
    return _drawn_icon(name, normal, disabled)


@lru_cache(maxsize=256)
def _drawn_icon(name: str, normal: str, disabled: str) -> QIcon:
    """An icon in two colours; styles ask for the same one at every painting."""
    svg = resources.icon(name).read_text(encoding="utf-8")
    drawn = QIcon()
    for ink, mode in ((normal, QIcon.Mode.Normal), (disabled, QIcon.Mode.Disabled)):
        renderer = QSvgRenderer(QByteArray(svg.replace("currentColor", ink).encode()))
        for size in (18, 24, 36, 48, 256) if name == "nesr" else (18, 36, 54):
            pixmap = QPixmap(size, size)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter, QRectF(0, 0, size, size))
            painter.end()
            drawn.addPixmap(pixmap, mode)
    return drawn


def spectrum_gradient(low: float, high: float, start: QPointF, stop: QPointF) -> QLinearGradient:
    """Return a gradient with the colours of `low` to `high` nm from `start` to `stop`."""
    gradient = QLinearGradient(start, stop)
    gradient.setStops(_stops(low, high))
    return gradient


@lru_cache(maxsize=16)  # sliders are painted for every frame of a sweep
def _stops(low: float, high: float) -> list[tuple[float, QColor]]:
    at = np.linspace(0, 1, 64)
    colours = wavelength_colours(low + at * (high - low))
    return [(float(position), QColor(*map(int, rgb))) for position, rgb in zip(at, colours, strict=True)]
