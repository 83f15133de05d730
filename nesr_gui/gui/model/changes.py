"""Kinds of changes of the model; each makes part of the display stale."""

from __future__ import annotations

import enum


class Change(enum.StrEnum):
    """A fact that documents, the workspace and background tasks announce."""

    CURRENT = enum.auto()  # another document became current
    DOCUMENTS = enum.auto()  # the list of documents, their files or saved states
    IMAGE = enum.auto()  # another photograph or cube was opened
    PHOTOGRAPH = enum.auto()  # the open photograph was developed anew
    DEVELOPMENT = enum.auto()  # the development settings
    PICKING = enum.auto()  # whether a click picks the grey point
    FIELD = enum.auto()  # the field, its resolution, or its measured cube
    WAVELENGTH = enum.auto()
    MARKS = enum.auto()
    ANCHORS = enum.auto()  # how measured spectra agree with the reconstruction
    SUGGESTIONS = enum.auto()  # the spots to measure next
    ACTIVE_MARK = enum.auto()
    TOOL = enum.auto()
    UNDO = enum.auto()  # the position in the undo stack
    CURVES = enum.auto()
    READOUTS = enum.auto()
    COLOUR_RESULTS = enum.auto()
    ABSORPTIONS = enum.auto()  # the absorption bands of marks
    HOVER = enum.auto()
    HOVER_CURVE = enum.auto()
    VIEW_SETTINGS = enum.auto()
    PLOT_SETTINGS = enum.auto()
    STATISTICS = enum.auto()  # pixels and wavelengths of the Statistics panel
    VIEWING = enum.auto()
    WHITE = enum.auto()
    MODELS = enum.auto()
    WORK = enum.auto()  # a task started or ended
    PICTURE = enum.auto()  # a rendered image arrived or was cleared
    SELECTION = enum.auto()  # the selected rows of the table
