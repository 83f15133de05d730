"""Dialogs of classes and clusters: regions to make, map to export, and statistics."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSpinBox, QWidget

from nesr_gui.analysis.statistics import RegionStatistics
from nesr_gui.gui.tasks.class_maps import ClassStatistics
from nesr_gui.gui.views.dialogs.table import TableDialog
from nesr_gui.gui.views.widgets import ChoiceDialog, combo, form

MOST_REGIONS, MOST_PIXELS = 200, 1_000_000


class MapFormat(enum.StrEnum):
    """Formats of exported maps of classes."""

    PNG = "PNG image"
    GEOTIFF = "GeoTIFF image"
    GEOJSON = "GeoJSON areas"
    IMAGEJ = "ImageJ areas"

    @property
    def ending(self) -> str:
        """The file name extension."""
        return {"PNG": ".png", "GEOTIFF": ".tif", "GEOJSON": ".geojson", "IMAGEJ": ".zip"}[self.name]

    @property
    def is_of_areas(self) -> bool:
        """Whether the file holds areas instead of pixels."""
        return self in (MapFormat.GEOJSON, MapFormat.IMAGEJ)


@dataclass(frozen=True)
class MapChoices:
    """How a map of classes is exported."""

    format: MapFormat = MapFormat.PNG
    least_pixels: int = 1


class ClassMapDialog(ChoiceDialog):
    """Settings of the export of a map of classes.

    Args:
        what: what is exported, `classes` or `clusters`.
        names: of these.
        size: height and width of the map in pixels.
        choices: the settings to begin with.
    """

    def __init__(
        self, what: str, names: Sequence[str], size: tuple[int, int], choices: MapChoices,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"Export map of {what}", "Export…", parent, lines=3)
        self._what, self._names, self._size = what, names, size
        self.format, self.least = combo("Format"), _spin("Smallest area in pixels", MOST_PIXELS, choices.least_pixels)
        self.format.addItems([str(each) for each in MapFormat])
        self.format.setCurrentIndex(list(MapFormat).index(choices.format))
        self.format.currentIndexChanged.connect(self._validate)
        self.stack(form(("&Format", self.format), ("&Smallest area", self.least)))
        self._validate()

    def choices(self) -> MapChoices:
        """The chosen settings."""
        return MapChoices(list(MapFormat)[self.format.currentIndex()], self.least.value())

    def _validate(self) -> None:
        self.least.setEnabled(self.choices().format.is_of_areas)
        self.validate(self._describe)

    def _describe(self) -> str:
        height, width = self._size
        chosen = self.choices().format
        if chosen is MapFormat.GEOJSON:
            return (
                f"The areas of {len(self._names)} {self._what} with their holes, in map coordinates if the image has "
                "them."
            )
        if chosen is MapFormat.IMAGEJ:
            return f"The areas of {len(self._names)} {self._what} with their holes, in pixels."
        where = ", georeferenced if the source is" if chosen is MapFormat.GEOTIFF else ""
        last = f" to {len(self._names)}" if len(self._names) > 1 else ""
        return (
            f"{width}×{height} pixels, all of the image{where}: 1{last} for the {self._what} in the order of the "
            "table, 0 for none of them, 255 for uncertain pixels."
        )


class RegionsDialog(ChoiceDialog):
    """How many areas of classes become marks.

    Args:
        names: of the classes.
    """

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__("Make regions of classes", "Make regions", parent, lines=3)
        self._names = names
        self.most, self.least = _spin("Regions of each class", MOST_REGIONS, 5), _spin("Smallest area", MOST_PIXELS, 20)
        self.most.valueChanged.connect(self._validate)
        self.stack(form(("&Regions of each class", self.most), ("&Smallest area", self.least)))
        self.least.setSuffix(" pixels")
        self._validate()

    def _validate(self) -> None:
        self.validate(self._describe)

    def _describe(self) -> str:
        many = "the largest area" if self.most.value() == 1 else f"the {self.most.value()} largest areas"
        return f"Marks {many} of {_listed(self._names)}. Select rows of the table for other classes."


class StatisticsDialog(TableDialog):
    """Lists mean, standard deviation, lowest and highest value of a class at each band."""

    export_requested = Signal(object)  # ClassStatistics

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Statistics of classes", parent)
        self._shown: ClassStatistics | None = None
        self._quantity = ""
        self.classes = combo("Class")
        self.classes.currentIndexChanged.connect(self._show_class)
        self.content.insertWidget(0, self.classes)
        self.export = self.add_button("Export…", "Export the statistics of all listed classes as CSV")
        self.export.clicked.connect(lambda: self.export_requested.emit(self._shown))

    def show_statistics(self, statistics: ClassStatistics | None, quantity: str) -> None:
        """Show statistics of a quantity; None while they are being computed."""
        self._shown, self._quantity = statistics, quantity
        self.classes.clear()
        for name, _ in statistics.by_name if statistics is not None else ():
            self.classes.addItem(name)
        for widget in (self.classes, self.export):
            widget.setEnabled(statistics is not None)
        self._show_class()

    def show_end(self) -> None:
        """Say that there are no statistics, if they were waited for."""
        if self._shown is None:
            self.heading.setText("There are no statistics: they could not be computed, or this was cancelled.")

    def _class(self) -> RegionStatistics | None:
        if self._shown is None or self.classes.currentIndex() < 0:
            return None
        return self._shown.by_name[self.classes.currentIndex()][1]

    def _show_class(self) -> None:
        found = self._class()
        self.heading.setText(
            "Computing statistics…" if found is None
            else f"{self._quantity} of {found.pixels:,} pixels, without uncertain ones; mean over all bands "
            f"{found.overall.mean:.4g}"
        )  # fmt: skip
        self.show_rows(_rows(found) if found is not None else [])


def _rows(found: RegionStatistics) -> list[dict[str, str]]:
    """One row per band as text."""
    columns = found.wavelengths.nm, found.mean, found.deviation, found.lowest, found.highest
    titles = "nm", "mean", "standard deviation", "lowest", "highest"
    return [
        {title: f"{value:.6g}" for title, value in zip(titles, row, strict=True)}
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _spin(name: str, most: int, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, most)
    box.setValue(value)
    box.setAccessibleName(name)
    return box


def _listed(names: Sequence[str]) -> str:
    if len(names) > 4:
        return f"each of {len(names)} classes"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
