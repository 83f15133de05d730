"""Writes the first inputs of the targets that have no case: `python -m tests.fuzz.seeds`."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save

from nesr_gui.colorimetry.viewing_conditions import Illuminant, ViewingConditions
from nesr_gui.fields.registration import Registration
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.model.marks import new_mark
from nesr_gui.gui.model.plot_settings import PlotSettings
from nesr_gui.gui.model.session_file import Layout, PanelPlace, SavedRegistration, SessionData, write_session
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.io import CubeHints
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.factorised_nesr import FactorisedConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import build
from nesr_gui.regions import Region
from nesr_gui.spectral import Spectrum, Wavelengths
from tests.fuzz.targets import CORPUS

BAND, ROW, COL = np.mgrid[:3, :4, :5]
CUBE = (0.1 + 0.2 * BAND + 0.01 * ROW + 0.001 * COL).astype(np.float32)
PIXELS = np.uint8(255 * CUBE.transpose(1, 2, 0))


def _numpy(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays) if len(arrays) > 1 else np.save(stream, arrays["cube"])
    return stream.getvalue()


def _portable() -> bytes:
    arrays = {
        "coefficients": CUBE[:2].transpose(1, 2, 0).copy(),
        "basis": np.array([[1, 0], [0, 1], [1, 1]], np.float32),
        "wavelengths": np.array([400.0, 550, 700]),
        "bands": np.array([500.0]),
    }
    return save(arrays, {"format": "nesr_gui field 1", "minimum": "0.0", "quantity": "radiance", "provenance": "{}"})


def _picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    return stream.getvalue()


def _model(config: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder) / "m.safetensors", build(config), {"seed": "0"})
        return (Path(folder) / "m.safetensors").read_bytes()


def _session() -> bytes:
    """One with a value in most places."""
    spectrum = Spectrum(Wavelengths(np.array([400.0, 700.0])), np.array([0.5, 1.0], np.float32), "leaf")
    region = Region.rectangle(1, 1, 3, 4)
    data = SessionData(
        source=DocumentSource(Path("a.png"), Path("truth.h5"), CubeHints(variable="cube")),
        interpretation=DevelopSettings(), marks=(new_mark((1, 2), []), new_mark(region, [1])), active=1,
        view_settings=ViewSettings(levels={"band": (0.0, 0.5)}), viewport=Viewport(0.0, 3.0, 0.0, 4.0, 0.5), nm=612.3,
        plot_settings=PlotSettings(), viewing=ViewingConditions(Illuminant.measured("lamp", spectrum)), white=spectrum,
        layout=Layout((1280, 800), (PanelPlace("spectra", "right", 0, True, True, (500, 400), None),)),
        file=Path("a.nesr"), registration=SavedRegistration(Registration("turned left", 1.02, 0.99, None), True),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write_session(Path(folder) / "a.nesr", data)
        return (Path(folder) / "a.nesr").read_bytes()


DESCRIBED = {"wavelengths_nm": [400, 550, 700], "quantity": "radiance", "scale": 0.0001, "provenance": {"a": "b"}}
SEEDS = {
    "npy/cube": _numpy(cube=CUBE),
    "npz/cube": _numpy(cube=CUBE, wavelengths=np.array([400.0, 550, 700])),
    "field/two": _portable(),
    "npy_description/plain": json.dumps(DESCRIBED).encode(),
    "bmp/plain": _picture("BMP"),
    "webp/plain": _picture("WEBP"),
    "curves/two": b"# a: b\nwavelength_nm,a,b\n400,1,2\n500,3,4\n",
    "spectra/decimal_comma": b"Wavelength (um);a;b\n0,4;1,5;2\n0,5;1,25;3\n",
    "spectra/tabs": b"nm\ta\n700\t1\n400\t2e-7\n",
    "checkpoint/factorised": _model(FactorisedConfig("none", 2, 1, False, "none", 2, 2, (3,), 2)),
    "checkpoint/nesr": _model(NeSRConfig(features=2, blocks=1, channels=2, hidden=(2,))),
    "checkpoint/discrete": _model(DiscreteConfig("hscnn_r", 2, 1)),
    "session/plain": _session(),
    "spectra/rows": b"name,400nm,410nm,420nm,430nm,440nm\nleaf,.1,.2,.3,.4,.5\n",
    "spectra/ocean": b"Date: 1\n>>>>>Begin Spectral Data<<<<<\n400.1\t.1\n500.2\t.2\n>>>>>End Spectral Data<<<<<\n",
    "spectra/cgats": b'CGATS.17\nSPECTRAL_NORM "100"\nBEGIN_DATA_FORMAT\nSAMPLE_ID SPEC_400 SPEC_500\nEND_DATA_FORMAT\n'
    b"BEGIN_DATA\n1 20 30\nEND_DATA\n",
    "spectra/cxf": b'<CxF xmlns="http://colorexchangeformat.com/CxF3-core"><Object Name="a">'
    b'<ReflectanceSpectrum StartWL="400">.1 .2</ReflectanceSpectrum></Object></CxF>',
    "sensitivities/plain": b"wavelength_nm,R,G,B\n400,1,0,1\n550,0,1,0\n700,1,0,1\n",
}

if __name__ == "__main__":
    for name, data in SEEDS.items():
        (CORPUS / name).parent.mkdir(exist_ok=True)
        (CORPUS / name).write_bytes(data)
