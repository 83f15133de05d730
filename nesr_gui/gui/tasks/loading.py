"""Opening and reconstructing: frozen requests and the plain functions that do them, on any thread.

The formats and the engine are imported where they are used, so that the window stands before torch is loaded.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nesr_gui import resources
from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.registration import RegistrationError, register
from nesr_gui.fields.resampled import Registration
from nesr_gui.gui.drawing.tone_mapping import SHADES, display_range
from nesr_gui.gui.model.document import OpenedCube, UInt8Array
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.inference.model_input import BandInput, InputKind, ModelInput
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import RGBImage, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel
    from nesr_gui.io.cubes.description import CubeHints
    from nesr_gui.io.photos.photo import DecodedPhoto


READING_SHARE = 0.1  # of the time that a cube's reconstruction takes
SHOWN_PIXELS = 12_000_000  # a photograph of more is shown reduced, by a whole number; its numbers are kept


def declared(path: Path, photograph: RGBImage) -> MeasuredCube:
    """The cube that is known to be of a photograph; where they are too dull to tell, it lies as it is stored."""
    from nesr_gui import io

    cube = io.open_cube(path)
    try:
        found = register(photograph, cube)
    except RegistrationError:
        if cube.shape != photograph.source_shape:
            raise
        found = Registration()
    return MeasuredCube(cube, path.name, path, found)


@dataclass(frozen=True)
class KindRequest:
    """A file of which must be known what it is."""

    path: Path


def is_cube(request: KindRequest, progress: ProgressCallback) -> bool:
    """Whether it is a cube, and may be a truth."""
    from nesr_gui import io

    return io.is_cube(request.path)


@dataclass(frozen=True, eq=False)
class ReadRequest:
    """A file to open: a photograph, with its measured cube where that is known and how to understand it, or a cube.

    `beside` asks for a document of its own; a pasted image has no file that its user knows.
    """

    path: Path
    truth: Path | None = None
    interpretation: DevelopSettings = field(default_factory=DevelopSettings)
    beside: bool = False
    is_pasted: bool = False


@dataclass(frozen=True, eq=False)
class OpenedPhotograph:
    """A file's numbers, the photograph they are understood as, and its colours as displayed: (H, W, 3) uint8.

    A draft is for the eye alone, until the whole is there.
    """

    decoded: DecodedPhoto
    image: RGBImage
    colours: UInt8Array
    truth: MeasuredCube | None = None
    is_draft: bool = False


def read_file(request: ReadRequest, progress: ProgressCallback) -> OpenedPhotograph | OpenedCube:
    """Open what a path names; ValueError or OSError says in a sentence why it cannot be."""
    from nesr_gui import io

    if not io.is_photograph(request.path):
        cube = io.open_cube(request.path)
        return OpenedCube(cube, display_range(cube))
    decoded = io.decode_photograph(request.path)
    progress(0.7)
    asked = InterpretRequest(decoded, request.interpretation)
    made = draft(asked, progress) or interpret(asked, lambda done: progress(0.7 + 0.3 * done))
    truth = declared(request.truth, made.image) if request.truth else None
    return replace(made, truth=truth)


@dataclass(frozen=True, eq=False)
class InterpretRequest:
    """A decoded file, and how to understand it."""

    decoded: DecodedPhoto
    interpretation: DevelopSettings


def interpret(request: InterpretRequest, progress: ProgressCallback) -> OpenedPhotograph:
    """Make the photograph that is shown, of at most `SHOWN_PIXELS`."""
    from nesr_gui.io.photos.develop import develop as understood

    image = understood(request.decoded, request.interpretation, max_pixels=SHOWN_PIXELS, progress=progress)
    return OpenedPhotograph(request.decoded, image, displayed(image))


def draft(request: InterpretRequest, progress: ProgressCallback) -> OpenedPhotograph | None:
    """A first look at a large photograph, at once; None where all of it is as quick."""
    from nesr_gui.io.photos.develop import develop_preview as drafted

    image = drafted(request.decoded, request.interpretation)
    return None if image is None else OpenedPhotograph(request.decoded, image, displayed(image), is_draft=True)


CAMERAS = "Camera sensitivities (*.csv *.txt);;All files (*)"


@dataclass(frozen=True, eq=False)
class CameraRequest:
    """A table of a camera's sensitivities."""

    path: Path


def read_camera(request: CameraRequest, progress: ProgressCallback) -> Observer:
    """Read a camera, and see that its colours can be turned into the default camera's."""
    from nesr_gui.io.photos.develop import camera_matrix
    from nesr_gui.io.spectra.readers import read_sensitivities

    camera = Observer.camera(request.path.name, read_sensitivities(request.path))
    camera_matrix(camera)
    return camera


@dataclass(frozen=True, eq=False)
class CubeRequest:
    """A cube to open, with what the user said of it; `beside` asks for a document of its own."""

    path: Path
    reading: CubeHints
    beside: bool = False


def read_cube(request: CubeRequest, progress: ProgressCallback) -> OpenedCube:
    """Open a cube; `AmbiguousFile` asks for what its file leaves open."""
    from nesr_gui import io

    field = io.open_cube(request.path, request.reading)
    return OpenedCube(field, display_range(field))


@dataclass(frozen=True)
class SweepRequest:
    """Folders where a program that was killed may have left something unfinished."""

    folders: tuple[Path, ...]


def sweep_folders(request: SweepRequest, progress: ProgressCallback) -> None:
    """Tidy up after programs that were killed while they wrote."""
    from nesr_gui.io.atomic import remove_stale

    for folder in request.folders:
        remove_stale(folder)


def displayed(image: RGBImage) -> UInt8Array:
    """Colours for the screen, some rows at a time: a photograph of 48 megapixels stays within its memory."""
    colours = np.empty(image.values.shape, np.uint8)
    for row in range(0, image.shape[0], 256):
        part = slice(row, row + 256)
        index = image.values[part] * 65535 + 0.5
        colours[part] = SHADES[index.astype(np.uint16)]
    return colours


@dataclass(frozen=True, eq=False)
class ModelRequest:
    """A model file (None for the one that travels with the program) and where to run it."""

    path: Path | None
    device: str


def load_model(request: ModelRequest, progress: ProgressCallback) -> LoadedModel:
    """Load a model; the first time this also loads torch, which takes seconds."""
    from nesr_gui.inference.model import load_model as load

    return load(request.path, request.device)


def prepare_colours(request: None, progress: ProgressCallback) -> None:
    """Import what the first click needs to tell a colour, which takes a second, before there is one."""
    from nesr_gui.colorimetry import cie

    cie.default_camera()


@dataclass(frozen=True, eq=False)
class EncodeRequest:
    """A photograph to reconstruct: in full, or at the resolution that is chosen or this machine does in some seconds.

    `decoded` and `interpretation` are what it was made of; where it is shown reduced, more can be made of them.
    """

    photograph: RGBImage
    model: LoadedModel
    full: bool = False
    decoded: DecodedPhoto | None = None
    interpretation: DevelopSettings = field(default_factory=DevelopSettings)


@dataclass(frozen=True, eq=False)
class CubeEncodeRequest:
    """The cube called `name` to reconstruct, in full or at a resolution as of `EncodeRequest`, by a model in a file."""

    cube: SpectralField
    name: str
    model: LoadedModel
    model_file: Path | None
    full: bool = False
    working_pixels: int | None = None


ImageRequest = EncodeRequest | CubeEncodeRequest


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A field that answers, the image that was encoded, of the same shape, and the field's display levels."""

    field: SpectralField
    image: ModelInput
    levels: tuple[float, float]


def encode(request: ImageRequest, progress: ProgressCallback) -> Reconstruction:
    """Reconstruct a photograph, or a cube that has the bands that its model sees."""
    from nesr_gui.inference.engine import encode as encode_image

    image: ModelInput
    if isinstance(request, CubeEncodeRequest):
        image, read = _bands(request, lambda done: progress(READING_SHARE * done)), READING_SHARE
    else:
        image, read = _photograph(request), 0.0
    made = encode_image(image, request.model, progress=lambda done: progress(read + (1 - read) * done))
    return Reconstruction(made, image, display_range(made))


def _bands(request: CubeEncodeRequest, progress: ProgressCallback) -> BandInput:
    """What the model sees of the cube, at the resolution asked for."""
    most = None if request.full else request.working_pixels or request.model.working_pixels
    return request.model.read_input(request.cube, request.name, max_pixels=most, progress=progress)


def _photograph(request: EncodeRequest) -> RGBImage:
    """The photograph at the resolution asked for: of what is shown where that suffices, else of the file's numbers."""
    most = None if request.full else request.interpretation.working_pixels or request.model.working_pixels
    shown = request.photograph.shape[0] * request.photograph.shape[1]
    suffices = most is not None and most <= shown
    if request.photograph.binning > 1 and request.decoded is not None and not suffices:
        from nesr_gui.io.photos.develop import develop as understood

        return understood(request.decoded, request.interpretation, max_pixels=most)
    return request.photograph if most is None else request.photograph.reduced(most)


@dataclass(frozen=True)
class ModelsRequest:
    """Model files to look into, beside the embedded ones."""

    added: tuple[Path, ...]


@dataclass(frozen=True)
class Listed:
    """A model file: what it makes spectra of, and at what wavelengths it answers, in words."""

    path: Path
    bands: Wavelengths | None  # that it sees of a cube; None where it takes photographs
    covers: str

    @property
    def input(self) -> InputKind:
        return InputKind.PHOTOGRAPH if self.bands is None else InputKind.CUBE

    @property
    def text(self) -> str:
        """Its name, and beside it what it takes and gives."""
        name = self.path.stem.replace("&", "&&")
        return f"{name}\t{self.bands or 'photograph'} → {self.covers}"


def list_models(request: ModelsRequest, progress: ProgressCallback) -> list[Listed]:
    """The embedded models and those of the files that are models; a file that is gone is passed over."""
    from nesr_gui.inference.checkpoint import read_coverage, read_input_bands

    found = []
    for path in (*resources.models(), *request.added):
        with suppress(OSError, ValueError):
            found.append(Listed(path, read_input_bands(path), read_coverage(path)))
    return found


@dataclass(frozen=True)
class CardRequest:
    """A model file to read about."""

    path: Path


def read_card(request: CardRequest, progress: ProgressCallback) -> str:
    """The card that stands beside a model file, as Markdown; without one, what the file says of itself."""
    from nesr_gui.inference.checkpoint import describe

    card = request.path.with_suffix(".md")
    if card.is_file():
        return card.read_text(encoding="utf-8")
    said = "\n".join(f"* **{key}**: {value}" for key, value in describe(request.path).items())
    return f"# {request.path.stem}\n\nNo card stands beside this model. What the file says of itself:\n\n{said}\n"
