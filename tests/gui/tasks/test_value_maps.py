"""Files and regions of values are those of the picture, also where it abstains and at a reduced resolution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from nesr_gui.analysis.definitions import AbundanceDefinition, ExpressionDefinition
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.viewport import whole
from nesr_gui.gui.tasks.value_maps import MapExport, MapRequest, export_map, outline_mask
from nesr_gui.gui.view_modes import ANALYSES
from nesr_gui.gui.view_modes.base import Answers, RenderContext
from nesr_gui.io.georeference import Georeference
from nesr_gui.regions import inside
from nesr_gui.spectral import Quantity
from tests.gui.conftest import BANDS
from tests.gui.tasks.test_class_maps import SHAPE, VALUES, NarrowlyLimited, fitted_to, ignore

BINNING = 3
WHERE = Georeference.upright((500_000, 5_400_000), (2.0, 2.0), 32632)
FIELD = NarrowlyLimited(
    VALUES, BANDS, Quantity.REFLECTANCE, {"model": "m"}, binning=BINNING,
    source_shape=(BINNING * SHAPE[0], BINNING * SHAPE[1]),
)  # fmt: skip
ABUNDANCES, EXPRESSION = AnalysisKind.ABUNDANCES, AnalysisKind.EXPRESSION


def picture(fitted: FittedAnalysis, layer: int, abstains: bool) -> Answers:
    """What the window shows of a layer."""
    document, mode = Document(), ANALYSES[fitted.request.kind]
    document.field, document.source_shape, document.binning = FIELD, FIELD.source_shape, BINNING
    document.analyses = {fitted.request.kind: fitted}
    document.view_settings = document.view_settings.with_layers(mode.name, layer)
    document.analysis_settings = type(document.analysis_settings)(abstains=abstains)
    answers = mode.render(RenderContext.of(document), whole(SHAPE, 1), ignore)
    assert isinstance(answers, Answers)
    return answers


@pytest.mark.parametrize("abstains", [True, False])
def test_a_file_of_values_is_the_picture(tmp_path: Path, abstains: bool) -> None:
    fitted = fitted_to(FIELD, ABUNDANCES, AbundanceDefinition(difference=0.05))
    export_map(MapExport(tmp_path / "map.tif", MapRequest(fitted, abstains, georeference=WHERE)), ignore)
    shares = []
    with rasterio.open(tmp_path / "map.tif") as image:
        assert image.crs.to_epsg() == 32632 and tuple(image.transform)[:6] == (6, 0, 500_000, 0, -6, 5_400_000)
        for layer in range(3):
            answers = picture(fitted, layer, abstains)
            expected = np.where(answers.abstained, np.nan, answers.values)
            np.testing.assert_allclose(image.read(layer + 1), expected, atol=1e-6)
            shares.append(answers.abstained.mean())
    assert (max(shares) > 0) == abstains


def test_a_file_asks_about_the_difference_of_the_picture(tmp_path: Path) -> None:
    """Which is the contrast of a sample, if the image is large."""
    fitted = fitted_to(FIELD, EXPRESSION, ExpressionDefinition("b550 - b450"))
    other = type(fitted)(fitted.request, fitted.analysis, (0.01,), limits=fitted.limits)
    export_map(MapExport(tmp_path / "map.tif", MapRequest(other, True, georeference=WHERE)), ignore)
    with rasterio.open(tmp_path / "map.tif") as image:
        is_silent = np.isnan(image.read(1))
    np.testing.assert_array_equal(is_silent, picture(other, 0, True).abstained)
    assert is_silent.any() and not picture(fitted, 0, True).abstained.any()


@pytest.mark.parametrize("abstains", [True, False])
def test_regions_of_a_mask_are_where_the_picture_is_certain(abstains: bool) -> None:
    fitted = fitted_to(FIELD, EXPRESSION, ExpressionDefinition("b550 > 0.5"))
    answers, found = picture(fitted, 0, abstains), outline_mask(MapRequest(fitted, abstains), ignore)
    assert answers.abstained.any() == abstains
    covered = np.zeros(SHAPE, bool)
    centres = [BINNING * (np.arange(size) + 0.5) for size in SHAPE]
    for each in found.regions:
        covered |= inside(each.place, *centres)
    np.testing.assert_array_equal(covered, (answers.values == 1) & ~answers.abstained)


def test_a_measured_image_has_the_same_values() -> None:
    """Nothing of a picture depends on its intervals but where it abstains."""
    definition = AbundanceDefinition(sums_to_one=False)
    estimated, measured = (fitted_to(f, ABUNDANCES, definition) for f in (FIELD, CubeField(VALUES, BANDS)))
    values = [each.analysis.values(VALUES) for each in (estimated, measured) if each.analysis is not None]
    np.testing.assert_array_equal(picture(estimated, 0, True).values, values[1][0])
    np.testing.assert_array_equal(*values)
