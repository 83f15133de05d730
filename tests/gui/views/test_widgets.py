"""Fields of numbers of any magnitude."""

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QValidator
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nesr_gui.gui.views.widgets import DecimalBox, NumberBox


@pytest.mark.parametrize("locale", ["de_DE", "en_GB", "C"])
@pytest.mark.parametrize("typed", ["552.5", "552,5"])
def test_decimals_are_typed_with_point_or_comma(qtbot: QtBot, locale: str, typed: str) -> None:
    made = DecimalBox()
    qtbot.addWidget(made)
    made.setLocale(QLocale(locale))
    made.setRange(-1e6, 1e6)
    made.setSuffix(" nm")
    made.selectAll()
    QTest.keyClicks(made, typed)
    QTest.keyClick(made, Qt.Key.Key_Return)
    assert made.value() == 552.5


@pytest.fixture
def box(qtbot: QtBot) -> NumberBox:
    made = NumberBox(digits=4)
    qtbot.addWidget(made)
    made.setRange(-1e9, 1e9)
    made.setKeyboardTracking(False)
    return made


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.5e-7, "2.5e-07"), (0.69571, "0.6957"), (1000.25, "1000"), (-0.0, "0"), (20.0, "20"), (-3e-12, "-3e-12")],
)
def test_values_have_significant_digits(box: NumberBox, value: float, text: str) -> None:
    box.setValue(value)
    assert box.text() == text and box.value() == float(text)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == float(text), "Enter alone changes nothing"


def test_numbers_with_exponents_are_typed(box: NumberBox, qtbot: QtBot) -> None:
    box.show()
    box.setSuffix(" nm")
    box.selectAll()
    QTest.keyClicks(box, "1.5e-6")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == 1.5e-6 and box.text() == "1.5e-06 nm"
    box.setSingleStep(1e-7)
    box.stepUp()
    assert box.value() == pytest.approx(1.6e-6)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("1e-7", "Acceptable"), ("1e", "Intermediate"), ("-", "Intermediate"), ("", "Intermediate"),
        ("1e12", "Intermediate"), ("1.5.2", "Invalid"), ("abc", "Invalid"), ("0,5", "Acceptable"),
    ],
)  # fmt: skip
def test_only_numbers_are_accepted(box: NumberBox, text: str, state: str) -> None:
    assert box.validate(text, 0)[0] is QValidator.State[state]
    box.setValue(7)
    assert box.valueFromText("e") == 7
