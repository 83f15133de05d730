"""Tasks that learn analyses from an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nesr_gui.analysis.classification import Classification, Scoring
from nesr_gui.analysis.clustering import Clusters
from nesr_gui.analysis.definitions import AbundanceDefinition, ClassDefinition, ExpressionDefinition
from nesr_gui.analysis.maps import differences_of, sample_values
from nesr_gui.analysis.pixelwise import PixelAnalysis
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.drawing.tone_mapping import automatic_limits
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest, FittedAnalysis


@dataclass(frozen=True, eq=False)
class FitRequest:
    """Analyses to learn.

    Attributes:
        requests: what to learn.
        fitted: what is already known; results of equal requests are kept.
    """

    requests: tuple[AnalysisRequest, ...]
    fitted: Mapping[AnalysisKind, FittedAnalysis]


def fit_analyses(request: FitRequest, progress: ProgressCallback) -> dict[AnalysisKind, FittedAnalysis]:
    """Learn analyses; those that are impossible say why."""
    fitted = dict(request.fitted)
    for number, wanted in enumerate(request.requests):
        known = fitted.get(wanted.kind)
        if known is None or known.request != wanted:
            part = partial(_report_part, progress, number, len(request.requests))
            fitted[wanted.kind] = _fit(wanted, known, part)
    return fitted


def _report_part(progress: ProgressCallback, number: int, of: int, fraction: float) -> None:
    progress((number + fraction) / of)


def _fit(wanted: AnalysisRequest, known: FittedAnalysis | None, progress: ProgressCallback) -> FittedAnalysis:
    try:
        analysis = _analysis(wanted, known, lambda fraction: progress(0.8 * fraction))
        values = np.empty((len(analysis.layers), 0), np.float32)
        has_limits = not isinstance(analysis, Classification | Clusters)
        if has_limits:
            values = sample_values(wanted.field, analysis, lambda fraction: progress(0.8 + 0.2 * fraction))
    except (ValueError, ImportError) as error:
        return FittedAnalysis(wanted, None, refusal=str(error))
    centres = tuple(analysis.curves()) if isinstance(analysis, Clusters) else ()
    limits = tuple(map(automatic_limits, values)) if has_limits else ()
    fitted = FittedAnalysis(wanted, analysis, differences_of(analysis.layers, values), limits=limits, centres=centres)
    return replace(fitted, rendered=known.rendered) if known and _differ_in_question(known, wanted) else fitted


def _differ_in_question(known: FittedAnalysis, wanted: AnalysisRequest) -> bool:
    """Whether only another difference is asked about, so that values and intervals stay the same."""
    before, definition = known.request.definition, wanted.definition
    if not isinstance(definition, ExpressionDefinition | AbundanceDefinition) or type(before) is not type(definition):
        return False
    return replace(known.request, definition=replace(before, difference=definition.difference)) == wanted


def _analysis(wanted: AnalysisRequest, known: FittedAnalysis | None, progress: ProgressCallback) -> PixelAnalysis:
    definition = wanted.definition
    spectra = [replace(each.spectrum, name=each.name) for each in wanted.spectra]
    if not isinstance(definition, ClassDefinition):
        return definition.fit(wanted.field, spectra, wanted.within, progress)
    scoring = _known_scoring(wanted, definition, known)
    if scoring is None:
        scoring = definition.score(wanted.field, spectra, wanted.within, progress)
    return Classification(scoring, definition.thresholds([each.key for each in wanted.spectra]))


def _known_scoring(
    wanted: AnalysisRequest, definition: ClassDefinition, known: FittedAnalysis | None
) -> Scoring | None:
    """The scores of classes of which only thresholds or colours have changed."""
    if known is None or not isinstance(known.analysis, Classification):
        return None
    before = known.request
    assert isinstance(before.definition, ClassDefinition)
    is_same = (before.field, before.within, before.definition.method) == (
        wanted.field,
        wanted.within,
        definition.method,
    )
    compared = [[(each.name, each.spectrum) for each in request.spectra] for request in (before, wanted)]
    return known.analysis.scoring if is_same and compared[0] == compared[1] else None
