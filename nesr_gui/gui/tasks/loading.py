"""Tasks that open files, load models and reconstruct.

Formats and engine are imported inside the functions, so that the window appears before torch is loaded.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.fields.registration import RegistrationError, register
from nesr_gui.fields.resampled import Registration
from nesr_gui.gui.drawing.tone_mapping import SHADES, display_range
from nesr_gui.gui.model.document import OpenedCube, UInt8Array
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.inference.model_input import BandInput, InputKind, ModelInput
from nesr_gui.io.errors import error_message
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import RGBImage, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel
    from nesr_gui.io.cubes.description import CubeHints
    from nesr_gui.io.photos.camera_profile import CameraProfile
    from nesr_gui.io.photos.photo import DecodedPhoto


READING_SHARE = 0.1  # the share of reading in the progress of a cube's reconstruction
SHOWN_PIXELS = 12_000_000  # larger photographs are displayed with integer binning


def declared(path: Path, photograph: RGBImage) -> MeasuredCube:
    """Open the measured cube declared for a photograph and register it.

    If registration fails (too little texture) but the shapes are equal, the stored orientation is assumed.

    Raises:
        RegistrationError: the cube does not match the photograph.
        OSError, ValueError: the file cannot be read.
    """
    from nesr_gui import io

    cube = io.open_cube(path)
    try:
        registration = register(photograph, cube)
    except RegistrationError:
        if cube.shape != photograph.source_shape:
            raise
        registration = Registration()
    return MeasuredCube(cube, path.name, path, registration)


@dataclass(frozen=True)
class KindRequest:
    """A file whose kind is to be detected."""

    path: Path


def is_cube(request: KindRequest, progress: ProgressCallback) -> bool:
    """Return whether a file is a cube, which may be a measured cube of the open photograph."""
    from nesr_gui import io

    return io.is_cube(request.path)


@dataclass(frozen=True, eq=False)
class ReadRequest:
    """A photograph or cube to open.

    Attributes:
        path: the file.
        truth: the measured cube of the photograph, if known.
        interpretation: the development settings of the photograph.
        beside: whether to open it in a new tab.
        is_pasted: whether it is a temporary file of a pasted image.
        library: the file of the stored camera profiles, of which one may apply to the photograph; None for none.
    """

    path: Path
    truth: Path | None = None
    interpretation: DevelopSettings = field(default_factory=DevelopSettings)
    beside: bool = False
    is_pasted: bool = False
    library: Path | None = None


@dataclass(frozen=True, eq=False)
class OpenedPhotograph:
    """A decoded file, the photograph developed from it, and its display colours (H, W, 3) uint8.

    `decoded` is None for a simulated photograph.
    `is_draft` marks a preview that is replaced by the full development; `notes` are sentences for the user; `automatic`
    is the stored profile of its camera that was applied; `georeference` is what the file states of its place.
    """

    decoded: DecodedPhoto | None
    image: RGBImage
    colours: UInt8Array
    truth: MeasuredCube | None = None
    is_draft: bool = False
    notes: tuple[str, ...] = ()
    automatic: CameraProfile | None = None
    georeference: Georeference | None = None


def read_file(request: ReadRequest, progress: ProgressCallback) -> OpenedPhotograph | OpenedCube:
    """Open a photograph or a cube; large photographs as a preview first, without a measured cube that is gone.

    Raises:
        OSError, ValueError: the file cannot be read; the text is one sentence.
    """
    from nesr_gui import io

    if not io.is_photograph(request.path):
        return _opened(request.path, io.open_cube(request.path))
    decoded = io.decode_photograph(request.path)
    progress(0.7)
    automatic, notes = _stored_profile(request, decoded)
    settings = request.interpretation if automatic is None else replace(request.interpretation, profile=automatic)
    development = InterpretRequest(decoded, settings)
    opened = draft(development, progress) or interpret(development, lambda done: progress(0.7 + 0.3 * done))
    opened = replace(opened, automatic=automatic, notes=notes, georeference=Georeference.of_file(request.path))
    if request.truth is None:
        return opened
    if not request.truth.exists():
        missing = f"The measured cube was left out: there is no file {request.truth}."
        return replace(opened, notes=(*notes, missing))
    return replace(opened, truth=declared(request.truth, opened.image))


def _stored_profile(request: ReadRequest, decoded: DecodedPhoto) -> tuple[CameraProfile | None, tuple[str, ...]]:
    """The stored profile of the camera of a photograph, unless its camera is stated, and notes for the user."""
    from nesr_gui.io.photos.profile_library import automatic_profile, read_library

    settings = request.interpretation
    if request.library is None or settings.profile is not None or settings.camera is not None:
        return None, ()
    try:
        return automatic_profile(read_library(request.library), decoded, settings.encoding), ()
    except (OSError, ValueError) as error:
        return None, (f"Stored camera profiles were left aside: {error_message(error)}.",)


@dataclass(frozen=True, eq=False)
class InterpretRequest:
    """A decoded file to develop, with the settings."""

    decoded: DecodedPhoto
    interpretation: DevelopSettings


def interpret(request: InterpretRequest, progress: ProgressCallback) -> OpenedPhotograph:
    """Develop the photograph, at `SHOWN_PIXELS` or less."""
    from nesr_gui.io.photos.develop import develop

    image = develop(request.decoded, request.interpretation, max_pixels=SHOWN_PIXELS, progress=progress)
    return OpenedPhotograph(request.decoded, image, displayed(image))


def draft(request: InterpretRequest, progress: ProgressCallback) -> OpenedPhotograph | None:
    """Develop a fast preview of a large photograph; None if the photograph is small enough to develop fully."""
    from nesr_gui.io.photos.develop import develop_preview

    image = develop_preview(request.decoded, request.interpretation)
    return None if image is None else OpenedPhotograph(request.decoded, image, displayed(image), is_draft=True)


CAMERAS = "Camera sensitivities (*.csv *.txt);;All files (*)"


@dataclass(frozen=True, eq=False)
class CameraRequest:
    """A table of camera sensitivities to read."""

    path: Path


def read_camera(request: CameraRequest, progress: ProgressCallback) -> Observer:
    """Read camera sensitivities, and check that a matrix to the default camera exists.

    Raises:
        OSError, ValueError: the file cannot be read, or there is no such matrix.
    """
    from nesr_gui.io.photos.develop import camera_matrix
    from nesr_gui.io.spectra.readers import read_sensitivities

    camera = Observer.camera(request.path.name, read_sensitivities(request.path))
    camera_matrix(camera)
    return camera


DEVELOPMENT_CAMERAS = "Camera profiles and sensitivities (*.json *.csv *.txt);;All files (*)"


def read_camera_or_profile(request: CameraRequest, progress: ProgressCallback) -> Observer | CameraProfile:
    """Read a camera profile, or camera sensitivities.

    Raises:
        OSError, ValueError: the file cannot be read; see also `read_camera`.
    """
    from nesr_gui.io.photos.camera_profile import is_profile, read_profile

    return read_profile(request.path) if is_profile(request.path) else read_camera(request, progress)


@dataclass(frozen=True, eq=False)
class CubeRequest:
    """A cube to open with the user's hints; `beside` opens it in a new tab."""

    path: Path
    reading: CubeHints
    beside: bool = False


def read_cube(request: CubeRequest, progress: ProgressCallback) -> OpenedCube:
    """Open a cube.

    Raises:
        AmbiguousFile: the hints leave the reading of the file ambiguous.
        OSError, ValueError: the file cannot be read.
    """
    from nesr_gui import io

    return _opened(request.path, io.open_cube(request.path, request.reading))


def _opened(path: Path, cube: SpectralField) -> OpenedCube:
    return OpenedCube(cube, display_range(cube), Georeference.of_image(path, cube.provenance))


@dataclass(frozen=True)
class SweepRequest:
    """Folders to search for unfinished temporary files."""

    folders: tuple[Path, ...]


def sweep_folders(request: SweepRequest, progress: ProgressCallback) -> None:
    """Remove temporary files of processes that were killed while writing."""
    from nesr_gui.io.atomic import remove_stale

    for folder in request.folders:
        remove_stale(folder)


def displayed(image: RGBImage) -> UInt8Array:
    """Return display colours (H, W, 3) uint8 in sRGB, computed in strips to bound memory."""
    colours = np.empty(image.values.shape, np.uint8)
    for row in range(0, image.shape[0], 256):
        part = slice(row, row + 256)
        index = image.values[part] * 65535 + 0.5
        colours[part] = SHADES[index.astype(np.uint16)]
    return colours


@dataclass(frozen=True, eq=False)
class ModelRequest:
    """A model file (None for the embedded model) and the device to run it on."""

    path: Path | None
    device: str


def load_model(request: ModelRequest, progress: ProgressCallback) -> LoadedModel:
    """Load a model; the first call imports torch, which takes seconds. Raises as `inference.model.load_model`."""
    _preload_torch()
    from nesr_gui.inference.model import load_model as load

    return load(request.path, request.device)


def _preload_torch() -> None:
    """Load the largest library of torch while the window's thread goes on.

    An import holds the interpreter's lock while the system loads a library, here for 0.1 to 0.3 s on Linux; a function
    that ctypes calls does not. Nothing is lost if this fails: the import of torch loads the library itself.
    """
    torch = importlib.util.find_spec("torch")
    if sys.platform != "linux" or "torch" in sys.modules or torch is None or torch.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    libraries = Path(torch.origin).parent / "lib"
    dlopen(os.fsencode(libraries / "libtorch_global_deps.so"), os.RTLD_NOW | os.RTLD_GLOBAL)  # first, as torch does
    dlopen(os.fsencode(libraries / "libtorch_cpu.so"), os.RTLD_NOW)


def prepare_colours(request: None, progress: ProgressCallback) -> None:
    """Load the colorimetric tables that the first click and the first modes need, which takes about a second."""
    from nesr_gui.colorimetry import cie
    from nesr_gui.colorimetry.viewing_conditions import ViewingConditions

    cie.default_camera()
    ViewingConditions.default().rgb_weights(cie.CAMERA_BANDS.nm)
    cie.colour_differences((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def prepare_readers(request: None, progress: ProgressCallback) -> None:
    """Start the process that reads files first, with its libraries, for which the first file would wait."""
    from nesr_gui.io.sandbox import SANDBOX

    SANDBOX.prepare()


@dataclass(frozen=True, eq=False)
class EncodeRequest:
    """A photograph to reconstruct.

    Attributes:
        photograph: the photograph as displayed.
        model: the model.
        full: whether to use full resolution; otherwise that of the settings, or one this device processes in seconds.
        decoded: the decoded file, if the photograph can be developed at a higher resolution than displayed.
        interpretation: the development settings.
    """

    photograph: RGBImage
    model: LoadedModel
    full: bool = False
    decoded: DecodedPhoto | None = None
    interpretation: DevelopSettings = field(default_factory=DevelopSettings)


@dataclass(frozen=True, eq=False)
class CubeEncodeRequest:
    """A cube to reconstruct from some of its bands.

    Attributes:
        cube: the cube.
        name: its display name.
        model: the model, and `model_file` its file (None if embedded).
        full: as for `EncodeRequest`.
        working_pixels: the maximum number of pixels otherwise; None is chosen for the device.
    """

    cube: SpectralField
    name: str
    model: LoadedModel
    model_file: Path | None
    full: bool = False
    working_pixels: int | None = None


ImageRequest = EncodeRequest | CubeEncodeRequest


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A reconstructed field, the encoded model input of the same shape, and the field's display range."""

    field: SpectralField
    image: ModelInput
    levels: tuple[float, float]


def encode(request: ImageRequest, progress: ProgressCallback) -> Reconstruction:
    """Reconstruct a photograph, or a cube from the bands that its model uses.

    Raises:
        ValueError: the model cannot use this input.
    """
    from nesr_gui.inference.engine import encode as encode_image

    image: ModelInput
    if isinstance(request, CubeEncodeRequest):
        image, read = _bands(request, lambda done: progress(READING_SHARE * done)), READING_SHARE
    else:
        image, read = _photograph(request), 0.0
    encoded = encode_image(image, request.model, progress=lambda done: progress(read + (1 - read) * done))
    return Reconstruction(encoded, image, display_range(encoded))


def _bands(request: CubeEncodeRequest, progress: ProgressCallback) -> BandInput:
    """Return the model's input bands at the requested resolution."""
    most = None if request.full else request.working_pixels or request.model.working_pixels
    return request.model.read_input(request.cube, request.name, max_pixels=most, progress=progress)


def _photograph(request: EncodeRequest) -> RGBImage:
    """Return the photograph at the requested resolution; developed anew if that exceeds the displayed one."""
    most = None if request.full else request.interpretation.working_pixels or request.model.working_pixels
    shown = request.photograph.shape[0] * request.photograph.shape[1]
    suffices = most is not None and most <= shown
    if request.photograph.binning > 1 and request.decoded is not None and not suffices:
        from nesr_gui.io.photos.develop import develop

        return develop(request.decoded, request.interpretation, max_pixels=most)
    return request.photograph if most is None else request.photograph.reduced(most)


@dataclass(frozen=True)
class ModelsRequest:
    """Model files to list in addition to the embedded models."""

    added: tuple[Path, ...]


@dataclass(frozen=True)
class Listed:
    """A model file with its input bands (None if it takes photographs) and its wavelength range as text."""

    path: Path
    bands: Wavelengths | None
    covers: str

    @property
    def input(self) -> InputKind:
        """The kind of input the model takes."""
        return InputKind.PHOTOGRAPH if self.bands is None else InputKind.CUBE

    @property
    def text(self) -> str:
        """Its menu text: name, input and wavelength range."""
        name = self.path.stem.replace("&", "&&")
        return f"{name}\t{self.bands or 'photograph'} → {self.covers}"


def list_models(request: ModelsRequest, progress: ProgressCallback) -> list[Listed]:
    """List the embedded, plug-in and installed models and the given files; unreadable files are skipped."""
    from nesr_gui.inference import model_library
    from nesr_gui.inference.checkpoint import read_coverage, read_input_bands

    listed = []
    for path in dict.fromkeys((*model_library.models().values(), *request.added)):
        with suppress(OSError, ValueError):
            listed.append(Listed(path, read_input_bands(path), read_coverage(path)))
    return listed


@dataclass(frozen=True)
class InstallRequest:
    """A model package to install: a zip file, or the `config.json` of a folder."""

    path: Path


def install_model(request: InstallRequest, progress: ProgressCallback) -> Path:
    """Verify and install a model package; returns the model file.

    Raises:
        OSError, ValueError: it is no valid package, or there is another model of its name.
    """
    from nesr_gui.inference import model_library

    return model_library.install(request.path)


@dataclass(frozen=True)
class CardRequest:
    """A model file whose card is to be read."""

    path: Path


def read_card(request: CardRequest, progress: ProgressCallback) -> str:
    """Return the model card next to a model file as Markdown, or else the metadata of the file.

    Raises:
        OSError, ValueError: the file cannot be read.
    """
    from nesr_gui.inference.checkpoint import describe

    card = request.path.with_suffix(".md")
    if card.is_file():
        return card.read_text(encoding="utf-8")
    metadata = "\n".join(f"* **{key}**: {value}" for key, value in describe(request.path).items())
    return f"# {request.path.stem}\n\nThis model has no model card. Metadata of the file:\n\n{metadata}\n"
