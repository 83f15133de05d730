"""Definitions of analyses as plain values: what a user asks for, before it is learned from an image."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from nesr_gui.analysis.classification import (
    DEFAULT_ANGLE,
    DEFAULT_FRACTION,
    MOST_CLASSES,
    Classification,
    MatchedFilter,
    Scoring,
    SpectralAngleMapper,
)
from nesr_gui.analysis.clustering import Clusters, Feature
from nesr_gui.analysis.components import ComponentKind, Components
from nesr_gui.analysis.expression import MAX_LENGTH, BandMath, Expression
from nesr_gui.analysis.indices import expression_of
from nesr_gui.analysis.pixelwise import PixelAnalysis, Range, bands_within
from nesr_gui.analysis.unmixing import Unmixing
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.spectral import Spectrum

KEPT = 5  # components that are clustered


class Definition(Protocol):
    """What to compute; `fit` makes a `PixelAnalysis` of it for an image."""

    least_spectra: ClassVar[int]
    """How many spectra it needs; 0 for an analysis without any."""

    def fit(
        self, field: SpectralField, spectra: Sequence[Spectrum], within: Range | None, progress: ProgressCallback
    ) -> PixelAnalysis:
        """The analysis of an image.

        Args:
            field: the image.
            spectra: of classes or endmembers, with names; ignored by an analysis without any.
            within: the range of wavelengths in nm; None for all.
            progress: called with the fraction done; may raise `Cancelled`.

        Raises:
            MissingExtra: an optional package is not installed.
            ValueError: the definition cannot be fitted to this image; the message says why.
        """
        ...


class ClassMethod(enum.StrEnum):
    """How pixels are compared with classes; the value is the name on the command line."""

    ANGLE = "angle"
    FILTER = "filter"


@dataclass(frozen=True)
class ClassDefinition:
    """Classes by spectra.

    Attributes:
        method: spectral angle mapper or matched filter.
        angle: largest angle in degrees of a pixel of a class.
        fraction: smallest score of the matched filter.
        own_angles: angles of the classes that have one of their own, by the name or another key of the class; likewise
            `own_fractions`.
    """

    method: ClassMethod = ClassMethod.ANGLE
    angle: float = DEFAULT_ANGLE
    fraction: float = DEFAULT_FRACTION
    own_angles: Mapping[str, float] = field(default_factory=dict)
    own_fractions: Mapping[str, float] = field(default_factory=dict)
    least_spectra: ClassVar[int] = 1

    def __post_init__(self) -> None:
        angles, fractions = (self.angle, *self.own_angles.values()), (self.fraction, *self.own_fractions.values())
        for angle in angles:
            if not 0 <= angle <= 180:
                raise ValueError(f"a threshold of {angle:g}°; angles are from 0 to 180°")
        for fraction in fractions:
            if not abs(fraction) <= 100:
                raise ValueError(f"a threshold of {fraction:g}; scores are from -100 to 100")

    @property
    def threshold(self) -> float:
        """The threshold of the method."""
        return self.angle if self.method is ClassMethod.ANGLE else self.fraction

    @property
    def own(self) -> Mapping[str, float]:
        """The thresholds of the method of classes that have one of their own, by key."""
        return self.own_angles if self.method is ClassMethod.ANGLE else self.own_fractions

    def thresholds(self, keys: Sequence[str]) -> list[float]:
        """The threshold of each class, by its key."""
        return [self.own.get(key, self.threshold) for key in keys]

    def with_threshold(self, threshold: float) -> ClassDefinition:
        """The definition with another threshold of the method, for the classes that have none of their own."""
        is_angle = self.method is ClassMethod.ANGLE
        return replace(self, angle=threshold) if is_angle else replace(self, fraction=threshold)

    def with_own(self, key: str, threshold: float | None) -> ClassDefinition:
        """The definition with another threshold of one class; None for that of all."""
        rest = {other: value for other, value in self.own.items() if other != key}
        own = rest if threshold is None else {**rest, key: threshold}
        is_angle = self.method is ClassMethod.ANGLE
        return replace(self, own_angles=own) if is_angle else replace(self, own_fractions=own)

    def score(
        self, field: SpectralField, spectra: Sequence[Spectrum], within: Range | None, progress: ProgressCallback
    ) -> Scoring:
        """The scores of each class, which do not depend on the threshold; arguments and errors are those of `fit`."""
        bands = bands_within(field, within)
        if self.method is ClassMethod.ANGLE:
            return SpectralAngleMapper(spectra, bands)
        return MatchedFilter.fit(field, spectra, bands, progress=progress)

    def fit(
        self, field: SpectralField, spectra: Sequence[Spectrum], within: Range | None, progress: ProgressCallback
    ) -> Classification:
        """See `Definition.fit`."""
        scoring = self.score(field, spectra, within, progress)
        return Classification(scoring, self.thresholds(scoring.names))


@dataclass(frozen=True)
class ClusterDefinition:
    """Clusters of similar spectra (k-means).

    Attributes:
        count: number of clusters.
        feature: what is clustered.
        seed: of the random numbers.
    """

    count: int = 6
    feature: Feature = Feature.SPECTRA
    seed: int = 0
    least_spectra: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if not (2 <= self.count <= MOST_CLASSES and 0 <= self.seed < 1 << 31):
            raise ValueError(f"{self.count} clusters with the seed {self.seed}; 2 to {MOST_CLASSES} are possible")

    def fit(
        self, field: SpectralField, spectra: Sequence[Spectrum], within: Range | None, progress: ProgressCallback
    ) -> Clusters:
        """See `Definition.fit`."""
        bands, components = bands_within(field, within), None
        if self.feature is Feature.COMPONENTS:
            components = Components.fit(
                field, bands, min(KEPT, len(bands)), progress=lambda fraction: progress(0.5 * fraction)
            )
        start = 0.5 if components is not None else 0.0
        return Clusters.fit(
            field, bands, self.count, self.feature, components=components, seed=self.seed,
            progress=lambda fraction: progress(start + (1 - start) * fraction),
        )  # fmt: skip


@dataclass(frozen=True)
class AbundanceDefinition:
    """Abundances of endmembers by linear unmixing.

    Attributes:
        sums_to_one: whether the abundances of a pixel sum to 1.
        difference: the difference asked about; None for the contrast of each map.
    """

    sums_to_one: bool = True
    difference: float | None = None
    least_spectra: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_difference(self.difference)

    def fit(
        self, field: SpectralField, spectra: Sequence[Spectrum], within: Range | None, progress: ProgressCallback
    ) -> Unmixing:
        """See `Definition.fit`."""
        bands = bands_within(field, within)
        return Unmixing(spectra, bands, sums_to_one=self.sums_to_one, difference=self.difference)


@dataclass(frozen=True)
class ExpressionDefinition:
    """Band math.

    Attributes:
        text: an expression, or the name of an index.
        difference: the difference asked about; None for the contrast of the map.
    """

    text: str = "GLI"
    difference: float | None = None
    least_spectra: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if len(self.text) > MAX_LENGTH:
            raise ValueError(f"an expression of {len(self.text):,} characters; at most {MAX_LENGTH:,} are allowed")
        check_difference(self.difference)

    def fit(
        self, field: SpectralField, spectra: Sequence[Spectrum], within: Range | None, progress: ProgressCallback
    ) -> BandMath:
        """See `Definition.fit`; the range does not matter, as the expression states its wavelengths."""
        text, name = expression_of(self.text)
        return Expression.parse(text).for_field(field, self.difference, name)


@dataclass(frozen=True)
class ComponentDefinition:
    """Principal components or minimum noise fractions.

    Attributes:
        kind: how they are chosen.
        count: how many, or all if there are fewer wavelengths.
    """

    kind: ComponentKind = ComponentKind.PCA
    count: int = 6
    least_spectra: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 100:
            raise ValueError(f"{self.count} components; 1 to 100 are possible")

    def fit(
        self, field: SpectralField, spectra: Sequence[Spectrum], within: Range | None, progress: ProgressCallback
    ) -> Components:
        """See `Definition.fit`."""
        bands = bands_within(field, within)
        return Components.fit(field, bands, min(self.count, len(bands)), self.kind, progress=progress)


def check_difference(difference: float | None) -> None:
    """Raise ValueError if a difference asked about is not a number of 0 or more; None is the contrast of each map."""
    if difference is not None and not (0 <= difference < math.inf):
        raise ValueError(f"a difference of {difference:g} asked about; it is 0 or more")
