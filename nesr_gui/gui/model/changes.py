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
    ANALYSIS_SETTINGS = enum.auto()  # what the analyses compute
    ANALYSES = enum.auto()  # an analysis was learned from the image
    CLASS_COUNTS = enum.auto()  # the pixels of classes or clusters were counted
    VIEWING = enum.auto()
    WHITE = enum.auto()
    SCATTER = enum.auto()  # axes and selection of the scatter plot
    SCATTER_VALUES = enum.auto()  # what was computed for the scatter plot
    TRANSECT = enum.auto()  # the line of the transect
    TRANSECT_VALUES = enum.auto()  # the spectra along it
    MODELS = enum.auto()
    WORK = enum.auto()  # a task started or ended
    PICTURE = enum.auto()  # a rendered image arrived or was cleared
    SELECTION = enum.auto()  # the selected rows of the table
    LIBRARIES = enum.auto()  # the opened spectral libraries
    MATCH_SETTINGS = enum.auto()  # how the active mark is compared with them
    LIBRARY_CURVES = enum.auto()  # the library spectra beside the active mark in the plot
