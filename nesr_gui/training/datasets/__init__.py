"""The supported data sets, in the layouts in which they are published."""

from __future__ import annotations

from nesr_gui import plugins
from nesr_gui.training.datasets import cave, harvard, icvl, kaist, ntire
from nesr_gui.training.datasets.base import DataSet, Measured, Split

__all__ = ["DATASETS", "DataSet", "Measured", "Split", "available_datasets", "dataset"]

ROWS = (
    cave.CAVE,
    icvl.ICVL,
    ntire.NTIRE2018_CLEAN,
    ntire.NTIRE2018_REAL,
    ntire.NTIRE2020_CLEAN,
    ntire.NTIRE2020_REAL,
    ntire.ARAD_1K,
    harvard.HARVARD,
    kaist.KAIST,
)

DATASETS: dict[str, DataSet] = {row.name: row for row in ROWS}
"""By their names on the command line."""


def dataset(name: str) -> DataSet:
    """The data set called `name`, of the table or of a plug-in.

    Raises:
        ValueError: there is no such data set; the message lists the names.
    """
    found = DATASETS if name in DATASETS else available_datasets()
    if name not in found:
        raise ValueError(f"no data set {name!r}; there are {', '.join(found)}")
    return found[name]


def available_datasets() -> dict[str, DataSet]:
    """All data sets by name, with those of plug-ins, which are all imported."""
    theirs = plugins.load(plugins.Kind.DATASETS, _accept).values()
    return {**DATASETS, **{row.name: row for row in theirs}}


def _accept(plugin: plugins.Plugin, value: object) -> DataSet:
    """The row of a plug-in.

    Raises:
        TypeError: it is no data set.
        ValueError: its name is taken.
    """
    row = plugins.require(plugin, value, DataSet)
    if row.name in DATASETS or row.name in [each.name for each in plugins.accepted(plugins.Kind.DATASETS).values()]:
        raise ValueError(f"there is another data set called {row.name}")
    return row
