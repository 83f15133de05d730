"""What can change in the model: each fact makes some of what the window shows stale."""

from __future__ import annotations

import enum


class Change(enum.StrEnum):
    """A fact that documents, the workspace and slow work announce."""

    CURRENT = enum.auto()  # another document is shown
    DOCUMENTS = enum.auto()  # which documents there are, and what is saved of them
    IMAGE = enum.auto()  # another photograph or cube is open
    PHOTOGRAPH = enum.auto()  # the open one is developed in another way
    DEVELOPMENT = enum.auto()  # the settings it is to be developed with
    PICKING = enum.auto()  # whether a click picks the grey point
    FIELD = enum.auto()  # there is one now, or one at another resolution, or beside another truth
    WAVELENGTH = enum.auto()
    MARKS = enum.auto()
    ACTIVE_MARK = enum.auto()
    TOOL = enum.auto()
    UNDO = enum.auto()  # what can be undone and redone
    CURVES = enum.auto()
    READOUTS = enum.auto()
    COLOUR_RESULTS = enum.auto()
    HOVER = enum.auto()
    HOVER_CURVE = enum.auto()
    VIEW_SETTINGS = enum.auto()
    PLOT_SETTINGS = enum.auto()
    VIEWING = enum.auto()
    WHITE = enum.auto()
    MODELS = enum.auto()
    WORK = enum.auto()  # slow work began or ended
    PICTURE = enum.auto()  # a rendered image arrived, or there is none any more
    SELECTION = enum.auto()  # which rows of the table are selected
