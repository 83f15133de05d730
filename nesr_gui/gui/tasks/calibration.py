"""Tasks that calibrate a camera by a colour chart, and keep camera profiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.charts import CHARTS, ColourChart
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.gui.tasks.loading import EncodeRequest, encode
from nesr_gui.gui.tasks.spectra import FEW, RegionQuery, query_regions
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding
from nesr_gui.regions import Region
from nesr_gui.spectral import Spectrum

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel
    from nesr_gui.io.photos.chart_calibration import Calibration
    from nesr_gui.io.photos.chart_patches import ChartReading
    from nesr_gui.io.photos.photo import DecodedPhoto
    from nesr_gui.io.photos.profile_library import Library

T = TypeVar("T")
MODEL_SHARE = 0.8  # of the reconstruction in the progress of the spectra of patches


@dataclass(frozen=True)
class Refusal:
    """Why a chart cannot be used, in one sentence for the user."""

    reason: str


@dataclass(frozen=True)
class ChartRequest:
    """A chart: the name of a built-in one, or a table of reflectances."""

    source: str | Path


def load_chart(request: ChartRequest, progress: ProgressCallback) -> ColourChart:
    """Load a chart.

    Raises:
        OSError, ValueError: the table cannot be read.
    """
    from nesr_gui.io.spectra.chart_table import read_chart

    return read_chart(request.source) if isinstance(request.source, Path) else _built_in(request.source)


@lru_cache(maxsize=len(CHARTS))
def _built_in(name: str) -> ColourChart:
    return CHARTS[name]()


@dataclass(frozen=True, eq=False)
class PlacedChart:
    """A chart in a photograph.

    Attributes:
        decoded: the photograph.
        chart: the chart.
        corners: (row, col) of its outer corners in source pixels, in any order.
        encoding: how the photograph is read.
    """

    decoded: DecodedPhoto
    chart: ColourChart
    corners: npt.NDArray[np.float64]
    encoding: SourceEncoding


def find_chart(request: PlacedChart, progress: ProgressCallback) -> npt.NDArray[np.float64] | Refusal:
    """Find the corners of a chart, wherever it is placed now."""
    from nesr_gui.io.photos import chart_finder

    return _or_refusal(lambda: chart_finder.find_chart(request.decoded, request.chart, request.encoding, progress))


def read_patches(request: PlacedChart, progress: ProgressCallback) -> ChartReading | Refusal:
    """Read the patches, which tells which way the chart lies."""
    from nesr_gui.io.photos import chart_patches

    return _or_refusal(
        lambda: chart_patches.read_patches(request.decoded, request.chart, request.corners, request.encoding)
    )


@dataclass(frozen=True, eq=False)
class ChartResult:
    """A calibration, and the reading of the patches that it was made from."""

    calibration: Calibration
    reading: ChartReading


def calibrate(request: PlacedChart, progress: ProgressCallback) -> ChartResult | Refusal:
    """Estimate the camera profile."""
    from nesr_gui.io.photos import chart_calibration

    reading = read_patches(request, progress)
    if isinstance(reading, Refusal):
        return reading
    return _or_refusal(lambda: ChartResult(chart_calibration.calibrate(reading, request.decoded, progress), reading))


def _or_refusal(run: Callable[[], T]) -> T | Refusal:
    from nesr_gui.io.photos.chart_patches import ChartError

    try:
        return run()
    except ChartError as error:
        return Refusal(str(error))


@dataclass(frozen=True, eq=False)
class PatchSpectraRequest:
    """Regions of a photograph whose spectra are estimated with a camera profile.

    Attributes:
        decoded: the photograph.
        interpretation: settings with the profile.
        model: the model.
        regions: in source pixels.
        shown: the field that is shown now, each of whose pixels covers `binning` × `binning` source pixels; None if
            there is none.
        binning: of the field that is shown now.
    """

    decoded: DecodedPhoto
    interpretation: DevelopSettings
    model: LoadedModel
    regions: tuple[Region, ...]
    shown: SpectralField | None = None
    binning: int = 1


@dataclass(frozen=True, eq=False)
class PatchSpectra:
    """Spectra by region, with the profile and as shown now."""

    estimated: dict[Region, Spectrum]
    shown: dict[Region, Spectrum]


def estimate_spectra(request: PatchSpectraRequest, progress: ProgressCallback) -> PatchSpectra:
    """Estimate the spectrum of each region: mean over its pixels, of the photograph developed with the settings."""
    from nesr_gui.io.photos.develop import develop

    pixels = request.interpretation.working_pixels or request.model.working_pixels
    image = develop(request.decoded, request.interpretation, max_pixels=pixels)
    made = encode(EncodeRequest(image, request.model, full=True), lambda done: progress(MODEL_SHARE * done))
    estimated, shown = dict[Region, Spectrum](), dict[Region, Spectrum]()
    for place, region in enumerate(request.regions):
        progress(MODEL_SHARE + (1 - MODEL_SHARE) * place / len(request.regions))
        estimated[region] = _mean_spectrum(made.field, image.binning, region)
        if request.shown is not None:
            shown[region] = _mean_spectrum(request.shown, request.binning, region)
    return PatchSpectra(estimated, shown)


def _mean_spectrum(field: SpectralField, binning: int, region: Region) -> Spectrum:
    query = RegionQuery(field, None, binning, (region,), FEW)
    return query_regions(query, lambda done: None)[region].spectrum


@dataclass(frozen=True, eq=False)
class ProfileExport:
    """A camera profile to write."""

    path: Path
    profile: CameraProfile


def write_profile(request: ProfileExport, progress: ProgressCallback) -> None:
    """Write a camera profile; raises as `camera_profile.write_profile`."""
    from nesr_gui.io.photos import camera_profile

    camera_profile.write_profile(request.path, request.profile)


@dataclass(frozen=True, eq=False)
class LibraryRequest:
    """A change of the stored camera profiles; none to read them."""

    path: Path
    change: Callable[[Library], Library] = lambda library: library


def change_library(request: LibraryRequest, progress: ProgressCallback) -> Library:
    """Change the stored profiles, as they are now.

    Raises:
        OSError, ValueError: the file cannot be read or written, or the change is refused.
    """
    from nesr_gui.io.photos.profile_library import read_library, write_library

    before = read_library(request.path)
    after = request.change(before)
    if after != before:
        write_library(request.path, after)
    return after
