import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.resampled import Orientation, Registration
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import MarkSpectrum, Readout
from nesr_gui.gui.model.palette import MARK_COLOURS
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.spectral import RGBImage, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, smooth_cube


@pytest.fixture
def document(qapp: object) -> Document:
    made = Document()
    image = RGBImage(np.full((60, 80, 3), 0.5, np.float32))
    made.open_photograph(image, np.zeros((60, 80, 3), np.uint8))
    made.set_field(CubeField(smooth_cube(30, 40), BANDS), 2, (0, 1))
    return made


def test_wavelength_is_a_tenth_within_the_range(document: Document, qtbot: QtBot) -> None:
    with qtbot.waitSignal(document.changed, check_params_cb=lambda change: change is Change.WAVELENGTH) as fact:
        document.set_wavelength(512.3499)
    assert fact.args == [Change.WAVELENGTH] and document.nm == 512.3
    document.set_wavelength(900)
    assert document.nm == 700
    with qtbot.assertNotEmitted(document.changed):
        document.set_wavelength(700.04)


def test_a_field_of_other_range_keeps_the_wavelength_inside(document: Document) -> None:
    document.set_wavelength(690)
    document.open_cube("a", CubeField(smooth_cube(4, 5)[:3], Wavelengths.from_step(500, 520, 10)), (0, 1))
    assert document.nm == 520 and document.view_settings.mode == "band" and document.marks == ()


def test_a_truth_lies_over_the_photograph_and_can_be_taken_away(document: Document) -> None:
    turned = np.ascontiguousarray(smooth_cube(60, 80)[:, ::-1])
    document.set_truth(MeasuredCube(CubeField(turned, BANDS), "turned", match=Registration(Orientation.FLIPPED, 2.0)))
    np.testing.assert_array_equal(document.truth.band(500.0), 2 * smooth_cube(60, 80)[10])
    document.set_truth(None)
    assert document.truth is None and document.measurement is None


def test_curves_and_values_are_asked_again_beside_another_truth(document: Document) -> None:
    """Each holds the truth that was there when it was asked."""
    document.add_pin(3, 4)
    spectrum = Spectrum(BANDS, document.field.spectra(np.array([(1, 2)]), BANDS)[0])
    document.set_curves({(3, 4): MarkSpectrum(spectrum)})
    document.set_readouts(document.nm, {(3, 4): Readout(0.5)})
    assert document.curves and document.readouts
    document.set_truth(MeasuredCube(CubeField(smooth_cube(60, 80), BANDS), "cube"))
    assert not document.curves and not document.readouts


def test_nothing_that_was_found_is_nothing_to_undo(document: Document) -> None:
    assert document.add_found([]) == 0 and not document.undo_stack.canUndo()


def test_resolution_is_named(document: Document) -> None:
    assert document.resolution() == "40×30 of 80×60, 1:2"


def luminance(colour: str) -> float:
    encoded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", [c for kind in MARK_COLOURS.values() for c in (*kind.colours.values(), *kind.more)])
@pytest.mark.parametrize("ground", ["#ffffff", "#191b1f"])
def test_pin_colours_stand_out_from_both_grounds(colour: str, ground: str) -> None:
    dark, light = sorted([luminance(colour), luminance(ground)])
    assert (light + 0.05) / (dark + 0.05) >= 3
