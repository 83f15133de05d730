"""Pages of abundances, band math and components: what they show, and what they announce."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nesr_gui.analysis.components import ComponentKind
from nesr_gui.analysis.definitions import AbundanceDefinition, ComponentDefinition, Definition, ExpressionDefinition
from nesr_gui.fields.protocol import CubeField, SpectralField
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisRequest, AnalysisSpectrum, FittedAnalysis
from nesr_gui.gui.tasks.analyses import FitRequest, fit_analyses
from nesr_gui.gui.views.panels.analysis_page import AnalysisPage
from nesr_gui.gui.views.panels.value_pages import AbundancesPage, ComponentsPage, ExpressionPage
from nesr_gui.spectral import Quantity, Spectrum
from tests.gui.conftest import BANDS, Limited, smooth_cube

VALUES = smooth_cube(20, 24)
MEASURED = CubeField(VALUES, BANDS)
RECONSTRUCTED = Limited(VALUES, BANDS, Quantity.REFLECTANCE, {"model": "m"})
SPECTRA = tuple(
    AnalysisSpectrum(name, name, colour, Spectrum(BANDS, VALUES[:, row, col].copy()))
    for name, colour, row, col in (("leaf", "#c32f0f", 3, 4), ("soil", "#1a95fe", 15, 22), ("sky", "#1e7652", 9, 1))
)


def fitted(
    kind: AnalysisKind, definition: Definition, field: SpectralField = MEASURED, count: int = 3
) -> FittedAnalysis:
    spectra = SPECTRA[:count] if definition.least_spectra else ()
    request = AnalysisRequest(kind, definition, field, spectra, None)
    return fit_analyses(FitRequest((request,), {}), lambda fraction: None)[kind]


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Callable[[AnalysisPage], AnalysisPage]]:
    def show(page: AnalysisPage) -> AnalysisPage:
        for part in (page.head, page):
            qtbot.addWidget(part)
            part.show()
        qtbot.waitExposed(page)
        return page

    yield show


def texts(page: AbundancesPage | ComponentsPage, column: int) -> list[str]:
    table = page.layers.table
    return [table.item(row, column).text() for row in range(table.rowCount())]


def test_endmembers_are_chosen_by_keyboard_and_mixed_as_colours(shown) -> None:
    page, picked = shown(AbundancesPage()), []
    page.layers_picked.connect(picked.append)
    page.show_definition(AbundanceDefinition())
    page.show_layers((0,))
    page.show_fitted(fitted(AnalysisKind.ABUNDANCES, AbundanceDefinition()))
    assert texts(page, 0) == ["leaf", "soil", "sky", "error (RMSE)"] and picked == []
    page.layers.table.setFocus()
    QTest.keyClick(page.layers.table, Qt.Key.Key_Down)
    QTest.keyClick(page.layers.table, Qt.Key.Key_Down)
    assert picked == [(1,), (2,)]
    page.layers.mix.click()
    assert picked[-1] == (0, 1, 2)
    page.show_layers((0, 1, 2))
    assert len(picked) == 3 and not page.layers.table.selectedItems()
    red, green, blue = page.layers.channels
    assert [box.itemText(box.count() - 1) for box in (red, green, blue)] == ["sky", "sky", "none"]  # not the error
    blue.setCurrentIndex(3)
    blue.activated.emit(3)
    assert picked[-1] == (0, 1)
    page.show_layers((2, 0))
    assert (red.currentText(), green.currentText(), blue.currentText()) == ("sky", "leaf", "none")
    page.layers.mix.click()
    assert len(picked[-1]) == 1


def test_means_appear_when_they_are_known(shown) -> None:
    page = shown(AbundancesPage())
    page.show_fitted(fitted(AnalysisKind.ABUNDANCES, AbundanceDefinition()))
    assert texts(page, 1) == [""] * 4 and page.layers.table.isColumnHidden(2)
    page.show_means([0.25, 0.5, 0.25, 0.0123], None)
    assert texts(page, 1) == ["0.250", "0.500", "0.250", "0.012"] and page.layers.table.isColumnHidden(2)
    page.show_means([0.25, 0.5, 0.25, 0.0123], [1.0, 0.0, 0.0, math.nan])
    assert texts(page, 2) == ["1.000", "0.000", "0.000", "-"] and not page.layers.table.isColumnHidden(2)
    page.show_fitted(fitted(AnalysisKind.ABUNDANCES, AbundanceDefinition(), count=2))
    assert texts(page, 1) == [""] * 3  # those of other endmembers are not true any more


def test_constraints_and_the_difference_are_announced(shown) -> None:
    page, picked = shown(AbundancesPage()), []
    page.definition_picked.connect(lambda *parts: picked.append(parts))
    definition = AbundanceDefinition()
    page.show_definition(definition)
    page.show_fitted(found := fitted(AnalysisKind.ABUNDANCES, definition, RECONSTRUCTED))
    assert page.difference.number.value() == pytest.approx(found.differences[0], rel=1e-2) and picked == []
    assert not page.difference.number.isEnabled()
    page.sums_to_one.click()
    assert picked == [(replace(definition, sums_to_one=False), "sum of abundances", False)]
    page.difference.automatic.click()
    assert picked[-1][0].difference == pytest.approx(found.differences[0], rel=1e-2)
    page.show_definition(replace(definition, difference=0.1))
    assert page.difference.number.isEnabled() and page.difference.number.value() == 0.1
    page.difference.number.setValue(0.2)
    assert picked[-1] == (replace(definition, difference=0.2), "difference asked about", True)
    page.show_definition(replace(definition, difference=0.2))
    page.difference.automatic.click()
    assert picked[-1][0].difference is None
    page.show_fitted(fitted(AnalysisKind.ABUNDANCES, definition))
    assert not page.difference.isVisible()  # a measured cube has no intervals


def test_why_there_are_no_abundances_is_said(shown) -> None:
    page = shown(AbundancesPage())
    page.show_fitted(fitted(AnalysisKind.ABUNDANCES, AbundanceDefinition(), count=1))
    assert page.problem.isVisible() and not page.layers.isVisible() and not page.export.isEnabled()
    assert page.problem.text() == (
        "2 to 30 endmembers can be unmixed, and 1 is given; choose spectra of further materials."
    )
    page.show_fitted(fitted(AnalysisKind.ABUNDANCES, AbundanceDefinition()))
    assert not page.problem.isVisible() and page.layers.isVisible() and page.export.isEnabled()


@pytest.fixture
def math_page(shown) -> ExpressionPage:
    page = shown(ExpressionPage())
    page.show_range((400.0, 700.0))
    page.show_definition(ExpressionDefinition())
    return page


def type_in(page: ExpressionPage, text: str) -> None:
    edit = page.text.lineEdit()
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        ("b550 + foo * 2", "foo", "'foo' at position 8"),
        ("b550 +  b900", "b900", "asks for 900 nm at position 8, but this image covers 400-700 nm"),
        ("mean(650, 600)", "mean(650, 600)", "write mean(from, to) in increasing order"),
        ("b550 % 2", "%", "'%' at position 6"),
    ],
)
def test_a_mistake_is_marked_and_keeps_the_picture(math_page, text: str, marked: str, words: str) -> None:
    picked: list[object] = []
    math_page.definition_picked.connect(lambda *parts: picked.append(parts))
    type_in(math_page, text)
    assert picked == [] and math_page.problem.isVisible()
    assert words in math_page.problem.text() and math_page.problem.text().endswith("The previous picture stays.")
    assert math_page.text.lineEdit().selectedText() == marked
    math_page.show_definition(ExpressionDefinition())  # any other change of the document
    math_page.show_fitted(fitted(AnalysisKind.EXPRESSION, ExpressionDefinition()))
    assert math_page.text.currentText() == " ".join(text.split()) and math_page.problem.isVisible()
    type_in(math_page, "b550 + 1")
    assert picked == [(ExpressionDefinition("b550 + 1"), "expression", False)] * len(picked) and picked
    assert not math_page.problem.isVisible()


def test_expressions_are_remembered_and_indices_explained(math_page, shown) -> None:
    assert math_page.source.isVisible() and "Louhaichi et al. 2001" in math_page.source.text()
    assert "(2 * mean(520, 570)" in math_page.source.text()
    for text in ("b550", "b600 / b500", "b550"):
        math_page.show_definition(ExpressionDefinition(text))
        assert math_page.text.currentText() == text and not math_page.source.isVisible()
    listed = [math_page.text.itemData(at) for at in range(math_page.text.count())]
    assert listed[:4] == ["b550", "b600 / b500", None, "GLI"]
    picked: list[ExpressionDefinition] = []
    math_page.definition_picked.connect(lambda definition, *rest: picked.append(definition))
    math_page.text.setCurrentIndex(listed.index("PRI"))
    math_page.text.activated.emit(listed.index("PRI"))
    assert picked == [ExpressionDefinition("PRI")] and math_page.text.currentText() == "PRI"
    again = shown(ExpressionPage())  # as in the next run of the program
    assert [again.text.itemData(at) for at in range(again.text.count())] == listed


def test_only_a_mask_can_become_regions(math_page) -> None:
    math_page.show_fitted(fitted(AnalysisKind.EXPRESSION, ExpressionDefinition("b550"), RECONSTRUCTED))
    assert not math_page.regions.isVisible() and math_page.difference.isVisible()
    math_page.show_fitted(fitted(AnalysisKind.EXPRESSION, ExpressionDefinition("b550 > 0.5"), RECONSTRUCTED))
    assert math_page.regions.isVisible() and not math_page.difference.isVisible()


def test_components_show_what_they_explain_and_their_loadings(shown) -> None:
    page = shown(ComponentsPage())
    definition = ComponentDefinition(count=4)
    page.show_definition(definition)
    page.show_layers((0,))
    page.show_fitted(found := fitted(AnalysisKind.COMPONENTS, definition))
    covariance = np.cov(VALUES.reshape(31, -1).astype(float))
    shares = np.sort(np.linalg.eigvalsh(covariance))[::-1] / np.trace(covariance)
    assert texts(page, 0) == ["PC 1", "PC 2", "PC 3", "PC 4"]
    assert texts(page, 1) == [f"{100 * share:.2f} %" for share in shares[:4]]
    assert texts(page, 2) == [f"{100 * share:.2f} %" for share in np.cumsum(shares[:4])]
    for curve, loading in zip(page.loadings.curves, found.analysis.loadings, strict=True):
        np.testing.assert_allclose(curve.getData()[1], loading, rtol=1e-5)
    pens = [curve.opts["pen"].width() for curve in page.loadings.curves]
    assert pens == [2, 1, 1, 1]
    page.show_layers((1, 2, 3))
    assert [curve.opts["pen"].width() for curve in page.loadings.curves] == [1, 2, 2, 2]
    page.loadings.show_wavelength(612.0)
    assert page.loadings.line.value() == 612.0


def test_what_noise_means_for_a_reconstruction_is_said(shown) -> None:
    page, definition = shown(ComponentsPage()), ComponentDefinition(ComponentKind.MNF, 3)
    page.show_definition(definition)
    page.show_fitted(fitted(AnalysisKind.COMPONENTS, definition))
    assert not page.remark.isVisible() and page.layers.table.isColumnHidden(2)
    page.show_fitted(fitted(AnalysisKind.COMPONENTS, definition, RECONSTRUCTED))
    assert page.remark.isVisible() and "no measured noise" in page.remark.text()
    page.show_definition(ComponentDefinition(count=3))
    page.show_fitted(fitted(AnalysisKind.COMPONENTS, ComponentDefinition(count=3), RECONSTRUCTED))
    assert not page.remark.isVisible() and not page.layers.table.isColumnHidden(2)
