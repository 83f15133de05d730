"""Analyses of a document: their definitions, the spectra they compare with, and what was learned from the image."""

from __future__ import annotations

import enum
import math
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nesr_gui.analysis.definitions import (
    AbundanceDefinition,
    ClassDefinition,
    ClusterDefinition,
    ComponentDefinition,
    Definition,
    ExpressionDefinition,
)
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.fields.window_cache import WindowCache
from nesr_gui.spectral import FloatArray, Spectrum

if TYPE_CHECKING:
    from nesr_gui.analysis.class_counts import ClassTally
    from nesr_gui.analysis.pixelwise import PixelAnalysis

Range = tuple[float, float]
_CACHED = 96 << 20  # bytes of rendered layers


class AnalysisKind(enum.StrEnum):
    """The analyses; the value is the name of the view mode, and of the definition in `AnalysisSettings`."""

    CLASSES = "classes"
    CLUSTERS = "clusters"
    ABUNDANCES = "abundances"
    EXPRESSION = "expression"
    COMPONENTS = "components"

    @property
    def is_of_classes(self) -> bool:
        """Whether its picture shows numbers of classes or clusters."""
        return self in (AnalysisKind.CLASSES, AnalysisKind.CLUSTERS)


@dataclass(frozen=True)
class AnalysisSettings:
    """What the analyses of a document compute; stored in its session.

    Attributes:
        classes: the definition of each analysis; likewise the next ones.
        left_out: keys of the spectra that are neither classes nor endmembers.
        within: the range of wavelengths in nm; None for all.
        abstains: whether pixels are marked in which the prediction interval allows another answer.
    """

    classes: ClassDefinition = field(default_factory=ClassDefinition)
    clusters: ClusterDefinition = field(default_factory=ClusterDefinition)
    abundances: AbundanceDefinition = field(default_factory=AbundanceDefinition)
    expression: ExpressionDefinition = field(default_factory=ExpressionDefinition)
    components: ComponentDefinition = field(default_factory=ComponentDefinition)
    left_out: tuple[str, ...] = ()
    within: Range | None = None
    abstains: bool = True

    def __post_init__(self) -> None:
        if self.within is not None and not (0 < self.within[0] < self.within[1] < math.inf):
            raise ValueError(f"a range of {self.within[0]:g}-{self.within[1]:g} nm")

    def definition(self, kind: AnalysisKind) -> Definition:
        """The definition of an analysis."""
        definition: Definition = getattr(self, kind)
        return definition

    def with_definition(self, kind: AnalysisKind, definition: Definition) -> AnalysisSettings:
        """The settings with another definition of an analysis."""
        return replace(self, **{kind: definition})  # type: ignore[arg-type]  # the type follows from the kind

    def for_new_image(self) -> AnalysisSettings:
        """The settings without what belongs to the marks of another image."""
        return replace(self, left_out=(), classes=replace(self.classes, own_angles={}, own_fractions={}))

    def without(self, keys: Collection[str]) -> AnalysisSettings:
        """The settings without what belongs to the spectra with these keys."""
        own_angles, own_fractions = (
            {key: value for key, value in own.items() if key not in keys}
            for own in (self.classes.own_angles, self.classes.own_fractions)
        )
        left_out = tuple(key for key in self.left_out if key not in keys)
        classes = replace(self.classes, own_angles=own_angles, own_fractions=own_fractions)
        return replace(self, left_out=left_out, classes=classes)

    def using(self, key: str, is_used: bool) -> AnalysisSettings:
        """The settings with a spectrum used as class or endmember, or left out."""
        others = tuple(other for other in self.left_out if other != key)
        return replace(self, left_out=others if is_used else (*others, key))


@dataclass(frozen=True)
class AnalysisSpectrum:
    """The spectrum of a mark or a reference spectrum that can be a class or an endmember.

    Attributes:
        key: identifies it in `AnalysisSettings.left_out` and among the thresholds of classes.
        name: the name of its class.
        colour: of its class, #rrggbb.
        spectrum: its values.
    """

    key: str
    name: str
    colour: str
    spectrum: Spectrum


@dataclass(frozen=True)
class AnalysisRequest:
    """An analysis to be learned from an image; equal requests have equal results.

    Attributes:
        kind: which analysis.
        definition: what it computes.
        field: the image.
        spectra: its classes or endmembers; empty for an analysis without any.
        within: the range of wavelengths in nm; None for all.
    """

    kind: AnalysisKind
    definition: Definition
    field: SpectralField
    spectra: tuple[AnalysisSpectrum, ...]
    within: Range | None


@dataclass(frozen=True, eq=False)
class FittedAnalysis:
    """An analysis learned from an image, or why that is impossible.

    Attributes:
        request: what was asked for.
        analysis: the analysis; None if it is impossible.
        differences: the difference asked about, for each of its layers.
        refusal: why it is impossible, to be read after "is not possible: "; empty if it is possible.
        centres: the spectra of the centres of clusters.
        limits: for each layer the limits between which its values mostly are; empty for classes and clusters.
        rendered: values of all layers as they were rendered, so that another layer is shown at once: (C, h, w), or
            with the widths of their intervals (2 C, h, w).
    """

    request: AnalysisRequest
    analysis: PixelAnalysis | None
    differences: tuple[float, ...] = ()
    refusal: str = ""
    centres: tuple[Spectrum, ...] = ()
    limits: tuple[Range, ...] = ()
    rendered: WindowCache[FloatArray] = field(default_factory=lambda: WindowCache(_CACHED))


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """How many pixels have each class or cluster.

    Attributes:
        fitted: the classes or clusters.
        abstains: whether pixels abstain in which the prediction interval allows another class.
        tally: the counts.
    """

    fitted: FittedAnalysis
    abstains: bool
    tally: ClassTally

    def are_of(self, fitted: FittedAnalysis | None, abstains: bool) -> bool:
        """Whether these are the counts of classes as they are now."""
        return self.fitted is fitted and self.abstains == abstains
