"""Every setting of an analysis takes effect when it is learned from an image."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from nesr_gui.analysis.clustering import Clusters, Feature
from nesr_gui.analysis.components import ComponentKind, Components
from nesr_gui.analysis.definitions import (
    KEPT,
    AbundanceDefinition,
    ClassDefinition,
    ClassMethod,
    ClusterDefinition,
    ComponentDefinition,
    Definition,
    ExpressionDefinition,
)
from nesr_gui.fields.protocol import CubeField
from nesr_gui.spectral import Quantity, Wavelengths
from tests.analysis.scenes import BANDS, chart_spectra, field_of, mixed_cube

VALUES = mixed_cube(20, 25)
SPECTRA = chart_spectra(3)
FILTER = ClassDefinition(ClassMethod.FILTER)
CASES: list[tuple[Definition, str, object]] = [
    (ClassDefinition(), "method", ClassMethod.FILTER),
    (ClassDefinition(), "angle", 4.0),
    (ClassDefinition(), "own_angles", {"patch 1": 4.0}),
    (FILTER, "fraction", 0.1),
    (FILTER, "own_fractions", {"patch 2": 0.1}),
    (ClusterDefinition(4), "count", 3),
    (ClusterDefinition(4), "feature", Feature.SHAPES),
    (ClusterDefinition(4), "seed", 5),
    (AbundanceDefinition(), "sums_to_one", False),
    (AbundanceDefinition(), "difference", 0.1),
    (ExpressionDefinition(), "text", "b550"),
    (ExpressionDefinition(), "difference", 0.1),
    (ComponentDefinition(), "kind", ComponentKind.MNF),
    (ComponentDefinition(), "count", 2),
]


def result(definition: Definition, within: tuple[float, float] | None = None) -> tuple[np.ndarray, tuple[object, ...]]:
    """Values (C, H, W) of an image, and the layers with the differences that are asked about."""
    analysis = definition.fit(field_of(VALUES), SPECTRA, within, lambda fraction: None)
    at = np.searchsorted(BANDS.nm, analysis.wavelengths.nm)
    return analysis.values(VALUES[at]), analysis.layers


def is_same(one: tuple[np.ndarray, tuple[object, ...]], other: tuple[np.ndarray, tuple[object, ...]]) -> bool:
    return one[1] == other[1] and np.array_equal(one[0], other[0])


@pytest.mark.parametrize(("definition", "name", "value"), CASES)
def test_a_setting_changes_the_map_or_what_is_asked(definition: Definition, name: str, value: object) -> None:
    before, again = result(definition), result(replace(definition, **{name: value}))  # type: ignore[type-var]
    assert is_same(before, result(definition)) and not is_same(before, again)


def test_no_setting_is_left_out() -> None:
    definitions = ClassDefinition, ClusterDefinition, AbundanceDefinition, ExpressionDefinition, ComponentDefinition
    settings = {(kind, each.name) for kind in definitions for each in fields(kind)}
    assert settings == {(type(definition), name) for definition, name, _ in CASES}


def test_components_are_clustered_as_those_of_the_image() -> None:
    """Clusters of all the components that matter are mostly those of the spectra: only their centres tell."""
    field, bands = field_of(VALUES), field_of(VALUES).bands
    found = ClusterDefinition(4, Feature.COMPONENTS, 2).fit(field, (), None, lambda fraction: None)
    components = Components.fit(field, bands, KEPT)
    expected = Clusters.fit(field, bands, 4, Feature.COMPONENTS, components=components, seed=2)
    np.testing.assert_array_equal(found.centres, expected.centres)


@pytest.mark.parametrize(
    "definition", [ClassDefinition(), FILTER, ClusterDefinition(4), AbundanceDefinition(), ComponentDefinition(count=2)]
)
def test_a_range_gives_what_an_image_of_these_bands_alone_would_give(definition: Definition) -> None:
    """Both ends belong to the range."""
    found, _ = result(definition, (450.0, 600.0))
    part = VALUES[5:21]
    cut = CubeField(part, Wavelengths.from_step(450, 600, 10), Quantity.REFLECTANCE)
    expected = definition.fit(cut, SPECTRA, None, lambda fraction: None).values(part)
    np.testing.assert_allclose(found, expected, atol=1e-5)
