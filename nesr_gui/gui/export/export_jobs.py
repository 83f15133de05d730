"""Cubes to write and to estimate, and tables of sensors: frozen requests and their functions, on any thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nesr_gui import export
from nesr_gui.export import Estimate, ExportPlan, Written
from nesr_gui.fields.protocol import Progress, SpectralField
from nesr_gui.fields.sensor import Sensor
from nesr_gui.io.spectra.readers import read_spectra


@dataclass(frozen=True, eq=False)
class CubeExport:
    """A cube to write as planned; each pixel of the field is `reduction`² of the source, which `origin` may name."""

    path: Path
    field: SpectralField
    plan: ExportPlan
    reduction: int = 1
    origin: str = ""


def export_cube(request: CubeExport, progress: Progress) -> Written:
    """Stream a cube to a file and check it."""
    return export.write(
        request.path,
        request.field,
        request.plan,
        reduction=request.reduction,
        origin=request.origin,
        progress=progress,
    )


@dataclass(frozen=True, eq=False)
class EstimateRequest:
    """A plan whose size and time are asked."""

    field: SpectralField
    plan: ExportPlan
    reduction: int


def estimate(request: EstimateRequest, progress: Progress) -> Estimate:
    """Measure on a part of the cube how long all of it will take."""
    return export.estimated(request.plan.prepared(request.field, reduction=request.reduction))


@dataclass(frozen=True)
class SensorRequest:
    """A table of responses."""

    path: Path


def read_sensor(request: SensorRequest, progress: Progress) -> Sensor:
    """The sensor that a table describes."""
    return Sensor.measured(request.path.name, read_spectra(request.path))
