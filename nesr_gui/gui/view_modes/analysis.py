"""View modes of the analyses: classes, clusters, abundances, band math and components."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from nesr_gui.analysis.abstention import abstains, patterns, value_range
from nesr_gui.analysis.classification import Classification
from nesr_gui.analysis.clustering import Clusters
from nesr_gui.analysis.expression import BandMath
from nesr_gui.analysis.pixelwise import PixelAnalysis
from nesr_gui.analysis.unmixing import Unmixing
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback
from nesr_gui.gui.drawing.tone_mapping import is_diverging
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis
from nesr_gui.gui.model.palette import MARK_COLOURS, cluster_colour
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import (
    Answers,
    Category,
    Channel,
    ModeOption,
    RenderContext,
    ValueScale,
    ViewMode,
    iter_pieces,
)
from nesr_gui.spectral import FloatArray

PENDING = "is being computed"
COLOURS = "red", "green", "blue"
DIVERGING = "CET-D1A"
MATCH = Category("match", MARK_COLOURS["vivid"][1])
"""The pixels in which an expression is true."""


class AnalysisMode(ViewMode):
    """A layer of an analysis of every pixel; where the prediction interval allows another answer, it abstains."""

    kind: ClassVar[AnalysisKind]

    def fitted(self, context: RenderContext) -> FittedAnalysis | None:
        """The analysis as learned from the field of the context; None if it is not ready."""
        fitted = context.analyses.get(self.kind)
        return fitted if fitted is not None and fitted.request.field is context.field else None

    def layers(self, context: RenderContext) -> tuple[int, ...]:
        """The numbers of the shown layers: one, or two or three as red, green and blue."""
        settings, count = context.view_settings, len(self.analysis(context).layers)
        chosen = settings.layers[settings.active].get(self.name, (0,))
        return tuple(layer for layer in chosen if layer < count) or (count - 1,)

    def unavailable_reason(self, context: RenderContext) -> str:
        """Also refuses an analysis that is not ready, or impossible."""
        if reason := super().unavailable_reason(context):
            return reason
        fitted = self.fitted(context)
        if fitted is None:
            return PENDING
        return f"is not possible: {fitted.refusal}" if fitted.analysis is None else ""

    def caption(self, context: RenderContext) -> str:
        """Return the title and the layers; classes, clusters and an analysis that is not ready need no other name."""
        if self.unavailable_reason(context) or (self.kind.is_of_classes and self.layers(context) == (0,)):
            return self.title
        return f"{self.title}: {self._names(context)}"

    def _names(self, context: RenderContext) -> str:
        names, shown = [layer.name for layer in self.analysis(context).layers], self.layers(context)
        if len(shown) == 1:
            return names[shown[0]]
        return ", ".join(f"{names[layer]} {colour}" for layer, colour in zip(shown, COLOURS, strict=False))

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """The fitted analysis, the layers, and whether it may abstain."""
        return self.fitted(context), self.layers(context), context.is_abstaining

    def bands(self, context: RenderContext) -> int:
        """The wavelengths of the analysis, times the number of its evaluations."""
        evaluations = 1 + len(patterns(self.analysis(context).wavelengths)) if self._intervals(context) else 1
        return len(self.analysis(context).wavelengths) * evaluations

    def scale(self, context: RenderContext) -> ValueScale:
        """The shown layer, or the colours that three of them are mixed to."""
        shown = self.layers(context)
        if len(shown) == 1:
            return self.scale_of(context, shown[0])
        return ValueScale(
            f"{self.name} colours", "share of limits", "", (0.0, 1.0), is_colour=True, is_light=False,
            channels=tuple(self._channel(context, layer) for layer in shown),
        )  # fmt: skip

    def _channel(self, context: RenderContext, number: int) -> Channel:
        """A layer as a colour, between the limits that the user has set for it, or its own."""
        scale = self.scale_of(context, number)
        return Channel(scale.quantity, scale.unit, context.view_settings.levels.get(scale.key, scale.limits))

    def scale_of(self, context: RenderContext, number: int) -> ValueScale:
        """The scale of a layer."""
        layer, fitted = self.analysis(context).layers[number], self.fitted(context)
        limits = fitted.limits[number] if fitted is not None and fitted.limits else (0.0, 1.0)
        colormap = DIVERGING if is_diverging(limits) else "viridis"
        return ValueScale(f"{self.name} {layer.name}", layer.name, layer.unit, limits, colormap)

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """A choice for each layer, and for the first three as colours."""
        if self.unavailable_reason(context):
            return ()
        settings, shown, layers = context.view_settings, self.layers(context), self.analysis(context).layers
        choices = [
            ModeOption(layer.label, settings.with_layers(self.name, number), shown == (number,))
            for number, layer in enumerate(layers)
        ]
        if (mixed := self.first_mixture(context)) is not None:
            words = ", ".join(layers[number].name for number in mixed)
            choices.append(ModeOption(f"{words} as colours", settings.with_layers(self.name, *mixed), len(shown) > 1))
        return choices

    def first_mixture(self, context: RenderContext) -> tuple[int, ...] | None:
        """The first layers that can be shown as red, green and blue; None for an analysis without such layers."""
        return None

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> Answers:
        """Compute the shown layer (h, w), or the two or three (h, w, 2 or 3) of the colours, and where it abstains."""
        shown, fitted = list(self.layers(context)), self.fitted(context)
        assert fitted is not None
        values, widths = self._evaluate(context, sampling, progress)
        is_known = np.isfinite(values[shown]).all(axis=0)
        abstained = np.zeros(sampling.size, bool)
        if widths is not None:
            limited = [
                width if difference < math.inf else None
                for width, difference in zip(widths, fitted.differences, strict=True)
            ]
            for layer in shown:
                abstained |= abstains(limited, fitted.differences, layer)
        picture = values[shown[0]] if len(shown) == 1 else np.stack([values[layer] for layer in shown], axis=-1)
        return Answers(picture, abstained & is_known)

    def _evaluate(
        self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback
    ) -> tuple[FloatArray, FloatArray | None]:
        """All layers (C, h, w), and the widths (C, h, w) of their intervals; None where nothing may abstain."""
        fitted, analysis, intervals = self.fitted(context), self.analysis(context), self._intervals(context)
        assert fitted is not None
        count = len(analysis.layers)
        needed = count if intervals is None else 2 * count
        rows, cols = sampling.rows, sampling.cols
        key = rows.start, rows.stop, cols.start, cols.stop, sampling.stride
        known = fitted.rendered.get(key)
        if known is None or len(known) < needed or known.shape[1:] != sampling.size:
            known = np.empty((needed, *sampling.size), np.float32)
            for piece in iter_pieces(context.answering, analysis.wavelengths, sampling, progress, intervals):
                at = (slice(None), piece.rows, piece.cols)
                found = analysis.values(piece.spectra)
                missing = ~np.isfinite(piece.spectra).all(axis=0)
                known[:count][at] = np.where(missing, np.float32(np.nan), found)
                if piece.limits is not None:
                    low, high = value_range(analysis, found, piece.spectra, *piece.limits)
                    known[count:][at] = high - low
            fitted.rendered.add(key, known)
        return known[:count], known[count:] if intervals is not None else None

    def analysis(self, context: RenderContext) -> PixelAnalysis:
        """The analysis of an available context."""
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

    def scale_of(self, context: RenderContext, number: int) -> ValueScale:
        """The classes, or the score of the best one."""
        fitted, analysis = self.fitted(context), self.analysis(context)
        assert fitted is not None and isinstance(analysis, Classification)
        if number == 0:
            categories = categories_of(fitted)
            return ValueScale(
                self.name, "class", "", (0.0, max(len(categories), 1)), categories=categories, none="no class"
            )
        scoring = analysis.scoring
        if scoring.is_distance:
            return ValueScale("classes angle", scoring.quantity, scoring.unit, (0.0, 20.0), "viridis reversed")
        return ValueScale("classes filter", scoring.quantity, scoring.unit, (0.0, 1.0), "viridis")


class ClusterNumbers(AnalysisMode):
    """The cluster of every pixel (k-means)."""

    name, title, kind = AnalysisKind.CLUSTERS.value, "Clusters", AnalysisKind.CLUSTERS
    tip = "Divide the image into clusters of similar spectra (k-means)"

    def scale_of(self, context: RenderContext, number: int) -> ValueScale:
        """The clusters."""
        fitted = self.fitted(context)
        assert fitted is not None
        categories = categories_of(fitted)
        return ValueScale(self.name, "cluster", "", (0.0, len(categories)), categories=categories, none="no cluster")


class Abundances(AnalysisMode):
    """The abundance of an endmember in every pixel (linear unmixing), of three as colours, or the error."""

    name, title, kind = AnalysisKind.ABUNDANCES.value, "Abundances", AnalysisKind.ABUNDANCES
    tip = "Show how much of each spectrum of the marks and the reference spectra is in every pixel (linear unmixing)"

    def scale_of(self, context: RenderContext, number: int) -> ValueScale:
        """Abundances have common limits, the error its own."""
        fitted, analysis = self.fitted(context), self.analysis(context)
        assert fitted is not None and isinstance(analysis, Unmixing)
        scale, count = super().scale_of(context, number), len(analysis.names)
        if number == count:
            return replace(scale, limits=(0.0, max(fitted.limits[count][1], 1e-6)), colormap="magma")
        top = 1.0 if analysis.sums_to_one else max(high for _, high in fitted.limits[:count])
        return replace(scale, limits=(0.0, max(top, 1e-6)), colormap="viridis")

    def first_mixture(self, context: RenderContext) -> tuple[int, ...]:
        """The first three endmembers, or both."""
        return tuple(range(len(self.analysis(context).layers) - 1))[:3]


class BandMathValues(AnalysisMode):
    """The value of an expression of bands, or of an index; a comparison is a mask."""

    name, title, kind = AnalysisKind.EXPRESSION.value, "Band math", AnalysisKind.EXPRESSION
    tip = "Show an expression of bands, or a published index"

    def scale_of(self, context: RenderContext, number: int) -> ValueScale:
        """The values, or yes and no."""
        analysis = self.analysis(context)
        assert isinstance(analysis, BandMath)
        if not analysis.expression.is_truth_value:
            return super().scale_of(context, number)
        return ValueScale(self.name, "mask", "", (0.0, 1.0), categories=(MATCH,), none="no match")


class ComponentScores(AnalysisMode):
    """The scores of principal components or minimum noise fractions, of one or of three as colours."""

    name, title, kind = AnalysisKind.COMPONENTS.value, "Components", AnalysisKind.COMPONENTS
    tip = "Show principal components or minimum noise fractions"

    def first_mixture(self, context: RenderContext) -> tuple[int, ...] | None:
        """The first three components, or two."""
        count = len(self.analysis(context).layers)
        return tuple(range(count))[:3] if count > 1 else None


def categories_of(fitted: FittedAnalysis) -> tuple[Category, ...]:
    """The classes, in the colours of their spectra, or the clusters."""
    if fitted.request.kind is AnalysisKind.CLASSES:
        return tuple(Category(each.name, each.colour) for each in fitted.request.spectra)
    assert isinstance(fitted.analysis, Clusters)
    return tuple(Category(name, cluster_colour(number)) for number, name in enumerate(fitted.analysis.names, 1))
