"""View modes of the analyses: classes, clusters, abundances, band math and components."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nesr_gui.analysis.abstention import abstains, patterns, value_range
from nesr_gui.analysis.classification import Classification
from nesr_gui.analysis.clustering import Clusters
from nesr_gui.analysis.pixelwise import PixelAnalysis
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis
from nesr_gui.gui.model.palette import cluster_colour
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import (
    Answers,
    Category,
    ModeOption,
    RenderContext,
    ValueScale,
    ViewMode,
    iter_pieces,
)

PENDING = "is being computed"


class AnalysisMode(ViewMode):
    """A layer of an analysis of every pixel; where the prediction interval allows another answer, it abstains."""

    kind: ClassVar[AnalysisKind]

    def fitted(self, context: RenderContext) -> FittedAnalysis | None:
        """The analysis as learned from the field of the context; None if it is not ready."""
        fitted = context.analyses.get(self.kind)
        return fitted if fitted is not None and fitted.request.field is context.field else None

    def layer(self, context: RenderContext) -> int:
        """The number of the shown layer."""
        count = len(self._analysis(context).layers)
        return min(max(context.view_settings.layers.get(self.name, 0), 0), count - 1)

    def unavailable_reason(self, context: RenderContext) -> str:
        """Also refuses an analysis that is not ready, or impossible."""
        if reason := super().unavailable_reason(context):
            return reason
        fitted = self.fitted(context)
        if fitted is None:
            return PENDING
        return f"is not possible: {fitted.refusal}" if fitted.analysis is None else ""

    def caption(self, context: RenderContext) -> str:
        """Return the title and the layer."""
        return f"{self.title}: {self._analysis(context).layers[self.layer(context)].name}"

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """The fitted analysis, the layer, and whether intervals are considered."""
        return self.fitted(context), context.view_settings.layers.get(self.name), context.is_abstaining

    def bands(self, context: RenderContext) -> int:
        """The wavelengths of the analysis, times the number of its evaluations."""
        evaluations = 1 + len(patterns(self._analysis(context).wavelengths)) if self._intervals(context) else 1
        return len(self._analysis(context).wavelengths) * evaluations

    def scale(self, context: RenderContext) -> ValueScale:
        """The shown layer; its limits are those of a share."""
        layer = self._analysis(context).layers[self.layer(context)]
        return ValueScale(f"{self.name} {layer.name}", layer.name, layer.unit, (0.0, 1.0), "viridis")

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """A choice for each layer."""
        if self.unavailable_reason(context):
            return ()
        settings, shown = context.view_settings, self.layer(context)
        return [
            ModeOption(layer.label, settings.with_layer(self.name, number), number == shown)
            for number, layer in enumerate(self._analysis(context).layers)
        ]

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> Answers:
        """Compute the shown layer (h, w), and where it abstains."""
        return self._answers(context, (self.layer(context),), sampling, progress)

    def _answers(
        self, context: RenderContext, layers: Sequence[int], sampling: SamplingGrid, progress: ProgressCallback
    ) -> Answers:
        """Values of layers, (h, w) of one or (h, w, C) of several; they abstain where one of them does."""
        fitted, analysis, intervals = self.fitted(context), self._analysis(context), self._intervals(context)
        assert fitted is not None
        values = np.empty((len(layers), *sampling.size), np.float32)
        abstained = np.zeros(sampling.size, bool)
        chosen = list(layers)
        for piece in iter_pieces(context.answering, analysis.wavelengths, sampling, progress, intervals):
            at = piece.rows, piece.cols
            found = analysis.values(piece.spectra)
            missing = ~np.isfinite(piece.spectra).all(axis=0)
            values[(slice(None), *at)] = np.where(missing, np.float32(np.nan), found[chosen])
            if piece.limits is not None:
                low, high = value_range(analysis, found, piece.spectra, *piece.limits)
                for layer in chosen:
                    abstained[at] |= abstains(list(high - low), fitted.differences, layer)
        picture = values[0] if len(chosen) == 1 else np.moveaxis(values, 0, -1)
        return Answers(picture, abstained & np.isfinite(values).all(axis=0))

    def _analysis(self, context: RenderContext) -> PixelAnalysis:
        fitted = self.fitted(context)
        assert fitted is not None and fitted.analysis is not None  # otherwise `unavailable_reason` says so
        return fitted.analysis

    def _intervals(self, context: RenderContext) -> CalibratedField | None:
        """The field if its intervals can make the analysis abstain."""
        fitted = self.fitted(context)
        is_limited = fitted is not None and any(difference < math.inf for difference in fitted.differences)
        field = context.field
        return field if context.is_abstaining and is_limited and isinstance(field, CalibratedField) else None


class Classes(AnalysisMode):
    """The class of every pixel: that of the most similar spectrum, if it is similar enough."""

    name, title, kind = AnalysisKind.CLASSES.value, "Classes", AnalysisKind.CLASSES
    tip = "Show where the spectra of the marks and the reference spectra are (spectral angle mapper, matched filter)"

    def scale(self, context: RenderContext) -> ValueScale:
        """The classes, or the score of the best one."""
        fitted, analysis = self.fitted(context), self._analysis(context)
        assert fitted is not None and isinstance(analysis, Classification)
        if self.layer(context) == 0:
            categories = categories_of(fitted)
            return ValueScale(self.name, "class", "", (0.0, max(len(categories), 1)), categories=categories)
        scoring = analysis.scoring
        if scoring.is_distance:
            return ValueScale("classes angle", scoring.quantity, scoring.unit, (0.0, 20.0), "viridis reversed")
        return ValueScale("classes filter", scoring.quantity, scoring.unit, (0.0, 1.0), "viridis")


class ClusterNumbers(AnalysisMode):
    """The cluster of every pixel (k-means)."""

    name, title, kind = AnalysisKind.CLUSTERS.value, "Clusters", AnalysisKind.CLUSTERS
    tip = "Divide the image into clusters of similar spectra (k-means)"

    def scale(self, context: RenderContext) -> ValueScale:
        """The clusters."""
        fitted = self.fitted(context)
        assert fitted is not None
        categories = categories_of(fitted)
        return ValueScale(self.name, "cluster", "", (0.0, len(categories)), categories=categories)


class Abundances(AnalysisMode):
    """The abundance of an endmember in every pixel (linear unmixing)."""

    name, title, kind = AnalysisKind.ABUNDANCES.value, "Abundances", AnalysisKind.ABUNDANCES
    tip = "Show how much of each spectrum of the marks and the reference spectra is in every pixel (linear unmixing)"


class BandMathValues(AnalysisMode):
    """The value of an expression of bands, or of an index."""

    name, title, kind = AnalysisKind.EXPRESSION.value, "Band math", AnalysisKind.EXPRESSION
    tip = "Show an expression of bands, or a published index"


class ComponentScores(AnalysisMode):
    """The scores of principal components or minimum noise fractions."""

    name, title, kind = AnalysisKind.COMPONENTS.value, "Components", AnalysisKind.COMPONENTS
    tip = "Show principal components or minimum noise fractions"


def categories_of(fitted: FittedAnalysis) -> tuple[Category, ...]:
    """The classes, in the colours of their spectra, or the clusters."""
    if fitted.request.kind is AnalysisKind.CLASSES:
        return tuple(Category(each.name, each.colour) for each in fitted.request.spectra)
    assert isinstance(fitted.analysis, Clusters)
    return tuple(Category(name, cluster_colour(number)) for number, name in enumerate(fitted.analysis.names, 1))
