"""What is open and what is chosen: the one mutable thing of the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.gui.model.development import Understanding
from nesr_gui.gui.model.document import Cube, Steps, UsedModel
from nesr_gui.gui.model.mark_set import Marking
from nesr_gui.gui.model.marks import Curve, Finding, Mark, Pixel, Place, Reading
from nesr_gui.gui.model.plot_content import Plotted
from nesr_gui.gui.model.plot_settings import Comparison
from nesr_gui.gui.model.truth import Measurement
from nesr_gui.gui.model.view_settings import Look
from nesr_gui.inference.model_input import InputKind, ModelInput
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import RGBImage, Spectrum

if TYPE_CHECKING:
    from nesr_gui.io.photos.photo import DecodedPhoto

Bytes = npt.NDArray[np.uint8]


class Session(QObject):
    """Decides what a pick means and says what became of it; widgets show the facts it emits."""

    image_changed = Signal()  # another photograph or cube is open
    photograph_changed = Signal()  # the one that is open is understood otherwise
    field_changed = Signal()  # it can be asked now, or at another resolution, or beside another truth
    wavelength_changed = Signal(float)
    curves_changed = Signal()
    readings_changed = Signal()
    look_changed = Signal()
    hover_changed = Signal(object)  # Pixel | None
    hover_curve_changed = Signal(object)  # Spectrum | None
    model_changed = Signal()
    viewing_changed = Signal(object)  # Viewing
    white_changed = Signal()
    findings_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self.cube: Cube | None = None  # that is open, as it was measured; its field may be a model's
        self.photograph: RGBImage | None = None
        self.colours: Bytes | None = None  # the photograph as displayed
        self.field: SpectralField | None = None
        self.measurement: Measurement | None = None
        self.truth: SpectralField | None = None  # the measured cube as it lies over the photograph
        self.encoded: ModelInput | None = None  # what the field was made of, pixel by pixel; a measured cube was not
        self.source_shape: tuple[int, int] | None = None
        self.binning = 1  # source pixels along one side of a pixel of the field
        self.levels = (0.0, 1.0)  # what a band shows as black and as white
        self.nm = 550.0
        self.look = Look()
        self.hover: Pixel | None = None
        self.hover_curve: Spectrum | None = None
        self.curves: Mapping[Place, Curve] = {}
        self.readings: Mapping[Place, Reading] = {}
        self.models: dict[InputKind, UsedModel] = {}
        self.viewing = ViewingConditions.default()
        self.white: Spectrum | None = None  # what stands for a perfect white where the quantity is no reflectance
        self.findings: Mapping[Place, Finding] = {}
        self.comparison = Comparison(self)
        self.steps = Steps(self)
        self.document = self.steps.new_document()
        self.steps.setActiveStack(self.document.steps)
        self.marking = Marking(self.steps, self)
        self.understanding = Understanding(self.steps, self)

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """nm that can be picked; before there is a field, what the models cover."""
        return self.field.wavelength_range if self.field else (400.0, 700.0)

    @property
    def input(self) -> InputKind:
        """What is open, as far as models are concerned."""
        return InputKind.PHOTOGRAPH if self.cube is None else InputKind.CUBE

    @property
    def model(self) -> UsedModel:
        """The model in use for what is open, or else for what is not."""
        return self.models.get(self.input) or next(iter(self.models.values()), UsedModel())

    @property
    def made_by(self) -> tuple[str, str]:
        """The model that made the field and where it runs; before there is one, the model in use."""
        if self.cube is not None and self.encoded is None:
            return "as measured", ""
        made = self.field.provenance.get("model") if self.field is not None else None
        return made or self.model.name, self.model.device

    @property
    def marks(self) -> tuple[Mark, ...]:
        return self.marking.marks

    @property
    def pins(self) -> tuple[Mark, ...]:
        """The marks that are pixels."""
        return tuple(mark for mark in self.marks if mark.shape is Shape.POINT)

    def plotted(self) -> Plotted:
        """What the plot shows now."""
        comparison = self.comparison
        return Plotted(
            self.marking.shown, self.curves, self.findings, comparison.shown, comparison.truth, comparison.smooth,
            comparison.transform, self.nm, self.marking.active,
        )  # fmt: skip

    @property
    def bands(self) -> list[float]:
        """nm that the open field was measured at or its model trained on."""
        return self.field.bands.nm.tolist() if self.field else []

    def resolution(self) -> str:
        """What the field is worked at, in words: 2048×1365 of 6000×4000, 1:3."""
        if self.field is None or self.source_shape is None:
            return ""
        if self.binning == 1:
            return "full resolution"
        (height, width), (full_height, full_width) = self.field.shape, self.source_shape
        return f"{width}×{height} of {full_width}×{full_height}, 1:{self.binning}"

    def open_photograph(
        self,
        photograph: RGBImage,
        colours: Bytes,
        truth: Measurement | None = None,
        decoded: DecodedPhoto | None = None,
        interpretation: DevelopSettings | None = None,
    ) -> None:
        """Show a photograph at once, in `colours` (H, W, 3); its field comes later.

        `decoded` is its file, where there is one, and `interpretation` how the photograph was made of it.
        """
        self.photograph, self.colours, self.cube = photograph, colours, None
        self._lay(truth, photograph.source_shape)
        self.understanding.start(decoded, interpretation or DevelopSettings())
        self._start(photograph.source.name, photograph.source_shape, ("photograph", "band"))

    def open_cube(self, name: str, cube: SpectralField, levels: tuple[float, float]) -> None:
        """Show a cube, which can be asked at once; what a model makes of it may come later."""
        self.photograph, self.colours, self.cube = None, None, Cube(cube, levels)
        self._lay(None, cube.shape)
        self.understanding.start(None, DevelopSettings())
        self._start(name, cube.shape, ("band", "false_colour"))
        self.show_measured()

    def show_measured(self) -> None:
        """Let the open cube answer for itself."""
        assert self.cube is not None
        self.set_field(self.cube.field, 1, self.cube.levels)

    def reread_photograph(self, photograph: RGBImage, colours: Bytes) -> None:
        """Show the open photograph as it is understood now; its old field answers until the new one is there."""
        self.photograph, self.colours = photograph, colours
        self.photograph_changed.emit()

    def _start(self, name: str, source_shape: tuple[int, int], modes: tuple[str, str]) -> None:
        self.name, self.source_shape, self.field, self.encoded, self.binning = name, source_shape, None, None, 1
        self.curves, self.readings, self.findings = {}, {}, {}
        self.white = None
        self.marking.start(source_shape)
        self.set_hover(None)
        self.look = replace(self.look, modes=modes, active=0, levels={}, reference=None)
        self.image_changed.emit()
        self.field_changed.emit()
        self.look_changed.emit()

    def set_field(
        self, field: SpectralField, binning: int, levels: tuple[float, float], encoded: ModelInput | None = None
    ) -> None:
        """The reconstruction of an image is ready, or ready at another resolution; marks stay where they are."""
        self.field, self.encoded, self.binning, self.levels = field, encoded, binning, levels
        if self.cube is not None:
            self._lay(self.cube.as_truth(self.name, encoded), self.cube.field.shape)
        self.curves, self.readings, self.findings = {}, {}, {}
        self.field_changed.emit()
        self.set_wavelength(self.nm)

    def set_truth(self, measurement: Measurement | None) -> None:
        """Compare the photograph with a measured cube, or with the same one laid otherwise, or with none."""
        self._lay(measurement, self.source_shape)
        self.curves, self.readings = {}, {}
        self.field_changed.emit()

    def _lay(self, measurement: Measurement | None, over: tuple[int, int] | None) -> None:
        self.measurement = measurement
        self.truth = measurement.over(over) if measurement is not None and over is not None else None

    def set_model(self, takes: InputKind, model: UsedModel) -> None:
        """Another model is used for photographs, or for cubes."""
        self.models = {**self.models, takes: model}
        self.model_changed.emit()

    def drop_model(self, takes: InputKind) -> None:
        """None is used for them any more."""
        self.models = {kind: model for kind, model in self.models.items() if kind is not takes}
        self.model_changed.emit()

    def set_white(self, number: int | None) -> None:
        """Take the curve of a mark for that of a perfect white."""
        mark = self.marking.get(number)
        curve = self.curves.get(mark.place) if mark is not None else None
        self.white = replace(curve.spectrum, name=mark.title) if curve is not None and mark is not None else None
        self.white_changed.emit()

    def set_findings(self, findings: Mapping[Place, Finding]) -> None:
        self.findings = findings
        self.findings_changed.emit()

    def reading(self, mark: Mark) -> Reading | None:
        """The value of a mark at the wavelength, once it is known; of a region, the mean of its pixels' values."""
        return self.readings.get(mark.place)

    def set_viewing(self, viewing: ViewingConditions) -> None:
        """See reflectances under another light, or by another observer."""
        if viewing != self.viewing:
            self.viewing = viewing
            self.viewing_changed.emit(viewing)

    def set_wavelength(self, nm: float) -> None:
        """Go to `nm`, to a tenth, within the range; the tenth is what slider, line and number agree on."""
        low, high = self.wavelength_range
        nm = min(max(round(nm, 1), low), high)
        if nm != self.nm:
            self.nm, self.readings = nm, {}
            self.wavelength_changed.emit(nm)

    def step_wavelength(self, by: float) -> None:
        self.set_wavelength(self.nm + by)

    def set_look(self, look: Look) -> None:
        """Show what is open in another way."""
        if look != self.look:
            self.look = look
            self.look_changed.emit()

    def reference(self) -> tuple[Spectrum | None, str]:
        """What similarity is measured to, and its name: the spectrum chosen, or else the active mark's."""
        if self.look.reference is not None:
            return self.look.reference, self.look.reference.name
        mark = self.marking.get(self.marking.active)
        curve = self.curves.get(mark.place) if mark else None
        return (curve.spectrum, mark.title) if mark and curve else (None, "")

    def set_hover(self, pixel: Pixel | None) -> None:
        if pixel != self.hover:
            self.hover = pixel
            self.hover_changed.emit(pixel)
            if pixel is None:
                self.set_hover_curve(None)

    def set_hover_curve(self, curve: Spectrum | None) -> None:
        """The spectrum under the mouse."""
        self.hover_curve = curve
        self.hover_curve_changed.emit(curve)

    def set_curves(self, curves: Mapping[Place, Curve]) -> None:
        """Take curves for the present field; those of places without a mark are let go.

        What was read of a region is let go too: its curve may be the mean of more pixels now.
        """
        known = {**self.curves, **curves}
        outdated = {place for place in curves if isinstance(place, Region)}
        self.readings = {place: reading for place, reading in self.readings.items() if place not in outdated}
        self.curves = {mark.place: known[mark.place] for mark in self.marks if mark.place in known}
        self.curves_changed.emit()

    def set_readings(self, nm: float, readings: Mapping[Place, Reading]) -> None:
        """Take values at `nm`, if that still is the wavelength; those of places that nobody looks at are let go."""
        if nm == self.nm:
            wanted = {self.hover, *(mark.place for mark in self.marks)}
            known = {**self.readings, **readings}
            self.readings = {place: reading for place, reading in known.items() if place in wanted}
            self.readings_changed.emit()

    def pick_pixel(self, row: int, col: int) -> None:
        """A click in the image: a pin, unless a grey point is being picked."""
        height, width = self.source_shape or (0, 0)
        if self.understanding.is_picking and 0 <= row < height and 0 <= col < width:
            self.understanding.pick_grey(row, col)
        else:
            self.add_pin(row, col)

    def add_pin(self, row: int, col: int) -> None:
        """Mark a pixel of the open image."""
        self.marking.add((row, col))
