"""Export of a model to ONNX: encoder and decoder with the arithmetic of the field, for runtimes without torch.

The encoder maps a photograph to coefficients per pixel, the decoder coefficients and wavelengths to values, as in
`FactorisedField`. Sizes of images and numbers of wavelengths are free.
"""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui._version import __version__
from nesr_gui.io.atomic import atomic_write_set
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.registry import config_to_json

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel

OPSET = 18
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-4  # of values in [0, 1], between the written model and the field
_INPUTS = {
    "rgb": "photograph (1, 3, height, width), linear sRGB in [0, 1]",
    "white_level": "scalar: max(99th percentile of the largest channel of each pixel, an eighth of its maximum, 0.001)",
    "coefficients": "result of the encoder (1, K, height, width)",
    "wavelengths": "wavelengths (L,) in nm",
}


class MissingPackage(ImportError, ValueError):
    """The packages for ONNX are not installed; the text is a sentence."""


class Encoder(nn.Module):
    """Photograph (1, 3, H, W) and its white level () to coefficients (1, K, H, W), of which the level is part."""

    def __init__(self, network: FactorisedNeSR) -> None:
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor, white_level: Tensor) -> Tensor:
        """See the class."""
        network, (height, width) = self.network, rgb.shape[2:]
        rgb, context = rgb / white_level, None
        if network.has_surroundings:
            scale = network.scale
            rows, cols = (  # the last pixels are repeated to whole cells
                torch.arange((size + scale - 1) // scale * scale, device=rgb.device).clamp_max(size - 1)
                for size in (height, width)
            )
            cells = rgb.index_select(2, rows).index_select(3, cols)
            context = network.surroundings(cells)[:, :, :height, :width].permute(0, 2, 3, 1)
        coefficients = network.coefficients(context, rgb.permute(0, 2, 3, 1))
        return coefficients.permute(0, 3, 1, 2) * white_level


class Decoder(nn.Module):
    """Coefficients (1, K, H, W) and wavelengths (L,) in nm to values (1, L, H, W), not below 0."""

    def __init__(self, network: FactorisedNeSR) -> None:
        super().__init__()
        self.network = network

    def forward(self, coefficients: Tensor, wavelengths: Tensor) -> Tensor:
        """See the class."""
        functions = self.network.functions(wavelengths)  # (L, K)
        return torch.einsum("lk,bkhw->blhw", functions, coefficients).clamp_min(0)


def paths(path: Path) -> tuple[Path, Path]:
    """The files of an export to `path`: NAME.encoder.onnx and NAME.decoder.onnx."""
    stem = path.name.removesuffix(".onnx")
    return path.with_name(f"{stem}.encoder.onnx"), path.with_name(f"{stem}.decoder.onnx")


def export_onnx(model: LoadedModel, path: Path) -> float:
    """Write encoder and decoder beside each other, see `paths`, and compare them with the field on three images.

    Returns:
        The largest difference of a value from the field.

    Raises:
        MissingPackage: onnx, onnxscript or onnxruntime is not installed.
        ValueError: the network has no coefficients, or the written model differs from the field.
        OSError: the folder is not writable.
    """
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise MissingPackage(f"the export needs {' and '.join(missing)}; install nesr-gui[onnx]")
    network = model.network
    if not isinstance(network, FactorisedNeSR):
        raise ValueError(
            f"{model.name} has no coefficients per pixel that a decoder could read; choose a factorised model such as "
            "nesr-lean"
        )
    targets = paths(path)
    rgb, level = torch.rand(1, 3, 24, 32), torch.tensor(0.8)
    size = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    coefficients = torch.rand(1, network.config.rank + 3, 24, 32)
    with atomic_write_set(*targets) as folder:
        _write(Encoder(network), (rgb, level), "coefficients", ({**size}, None), model, folder / targets[0].name)
        decoded = (coefficients, torch.tensor([450.0, 550.0, 650.0]))
        dynamic = ({**size}, {0: torch.export.Dim.DYNAMIC})
        _write(Decoder(network), decoded, "values", dynamic, model, folder / targets[1].name)
        difference = compare(model, folder / targets[0].name, folder / targets[1].name)
        if not difference <= TOLERANCE:
            raise ValueError(
                f"the ONNX model of {model.name} differs from the field by {difference:.1g}, more than {TOLERANCE:g}; "
                "nothing was written; another version of torch or onnxruntime may help"
            )
    return difference


def _write(
    module: nn.Module, arguments: tuple[Tensor, ...], output: str, dynamic: tuple[Any, ...], model: LoadedModel,
    path: Path,
) -> None:  # fmt: skip
    import onnx

    names = [name for name in _INPUTS if name in module.forward.__code__.co_varnames]
    with warnings.catch_warnings(action="ignore"), torch.enable_grad():  # with gradients, no network splits its image
        program = torch.onnx.export(
            module.eval(), arguments, input_names=names, output_names=[output], opset_version=OPSET, dynamo=True,
            dynamic_shapes=dynamic, verbose=False,
        )  # fmt: skip
    assert program is not None
    proto = program.model_proto
    proto.producer_name, proto.producer_version = "nesr_gui", __version__
    proto.doc_string = _card(model)
    for key, text in _metadata(model, names, output).items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, text
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString())


def _metadata(model: LoadedModel, inputs: list[str], output: str) -> dict[str, str]:
    meanings = {f"input {name}": _INPUTS[name] for name in inputs}
    low, high = model.wavelength_range
    result = _INPUTS["coefficients"].replace("result of the encoder", "coefficients of each pixel")
    values = "relative reflectance (1, L, height, width), of which white has about 1"
    return {
        "model": model.name,
        "model_sha256": model.checkpoint.sha256,
        "config": config_to_json(model.network.config),
        "wavelength_range_nm": f"{low:g} {high:g}",
        **meanings,
        f"output {output}": result if output == "coefficients" else values,
        **{f"provenance {key}": text for key, text in model.checkpoint.provenance.items()},
    }


def _card(model: LoadedModel) -> str:
    from nesr_gui.inference.model_library import models

    path = models().get(model.name)
    card = path.with_suffix(".md") if path is not None else Path()
    return card.read_text(encoding="utf-8") if card.is_file() else f"{model.name}, a model of nesr_gui"


def compare(model: LoadedModel, encoder: Path, decoder: Path) -> float:
    """The largest difference between ONNX files and the field, on three images of different sizes and exposures."""
    import onnxruntime

    from nesr_gui.inference import engine
    from nesr_gui.spectral import RGBImage

    sessions = [onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
                for path in (encoder, decoder)]  # fmt: skip
    rng, largest = np.random.default_rng(0), 0.0
    low, high = model.wavelength_range
    for (height, width), exposure, count in (((37, 50), 1.0, 31), ((64, 64), 0.3, 7), ((19, 130), 0.8, 1)):
        coarse = torch.from_numpy(rng.random((1, 3, height // 6, width // 6), np.float32))
        smooth = F.interpolate(coarse, (height, width), mode="bicubic")[0].clamp(0, 1).permute(1, 2, 0).numpy()
        image = RGBImage(np.clip(exposure * (smooth + rng.normal(0, 0.02, smooth.shape)), 0, 1))
        prepared, field = engine.prepare(image, model), engine.encode(image, model)
        nm = np.sort(rng.uniform(low, high, count)).astype(np.float32)
        photograph = np.ascontiguousarray(image.values.transpose(2, 0, 1)[None])
        (coefficients,) = sessions[0].run(
            None, {"rgb": photograph, "white_level": np.array(prepared.level, np.float32)}
        )
        (values,) = sessions[1].run(None, {"coefficients": coefficients, "wavelengths": nm})
        largest = max(largest, float(np.abs(values[0] - field.cube(nm).values).max()))
    return largest
