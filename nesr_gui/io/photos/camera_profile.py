"""Camera profile: what a photograph of a colour chart says of a camera and its light, for developing other photographs.

Code values become light by the curve of the file's encoding, then by the tone curve of the profile; vignetting is
undone; a matrix or root-polynomial terms convert the camera's RGB to that of the default camera.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui._version import __version__
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.photos.icc import Converter, Matrix, Pointwise, Tables
from nesr_gui.spectral import FloatArray

FORMAT = 1  # raise it when an older program would read a file wrongly
ENDING = ".json"
MAX_BYTES = 1 << 20
MOST_KNOTS = 4096
LARGEST = 1e6  # of any number in a profile
ADDED = ("white_balance", "light")  # fields that older files of the same format lack
OTHER_BALANCE = 0.03  # relative difference of a factor of the white balance that shows in colours
CHOSEN = ", chosen"  # after the name of an encoding that the file does not state
ROOTS = ((0, 1), (1, 2), (0, 2))  # pairs of channels whose geometric means are terms, after R, G and B

Rows = tuple[tuple[float, ...], ...]


def colour_terms(light: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """Terms (..., 3 or 6) of light (..., 3): R, G, B and, for 6, √RG, √GB, √RB, which scale with the exposure.

    Source: Finlayson, Mackiewicz and Hurlbert, Color correction using root-polynomial regression, 2015.
    """
    if count == 3:
        return light
    positive = np.maximum(light, 0)
    roots = [np.sqrt(positive[..., one] * positive[..., other]) for one, other in ROOTS]
    return np.concatenate([light, np.stack(roots, axis=-1)], axis=-1)


@dataclass(frozen=True)
class CameraProfile:
    """Conversion of a camera's photographs under one light; all fields are plain values.

    Attributes:
        name: display name.
        curve: tone curve as knots (light of the file's encoding, light), both increasing from 0, linear in between.
        matrix: three rows of 3 or 6 factors of `colour_terms` that give linear sRGB of the default camera.
        falloff: light falls as exp(-falloff · r²), r from the centre of the image, 1 in its corners.
        camera: maker and model from EXIF; empty if the file states none.
        encoding: name of the encoding that the photograph of the chart had.
        read_as: a `SourceEncoding`: how photographs are read for this profile, unless the user chooses otherwise.
        chart: name of the chart, and `patches` how many of its patches were used.
        patches: number of patches that were used.
        photograph: name of the photograph of the chart.
        sha256: of that file.
        before: mean ΔE2000 of the patches as the file states its colours, at the best exposure.
        after: mean ΔE2000 with the profile.
        left_out: mean ΔE2000 of each patch with a profile made without it.
        white_balance: factors of R, G and B, relative to G, that a raw file was developed with; empty for other files.
        light: the user's note on the light.

    Raises:
        ValueError: a value is not valid.
    """

    name: str
    curve: Rows
    matrix: Rows
    falloff: float = 0.0
    camera: str = ""
    encoding: str = ""
    read_as: str = "as the file says"
    chart: str = ""
    patches: int = 0
    photograph: str = ""
    sha256: str = ""
    before: float = 0.0
    after: float = 0.0
    left_out: float = 0.0
    white_balance: tuple[float, ...] = ()
    light: str = ""

    def __post_init__(self) -> None:
        for name in ("curve", "matrix"):
            object.__setattr__(self, name, tuple(tuple(float(value) for value in row) for row in getattr(self, name)))
        object.__setattr__(self, "white_balance", tuple(float(value) for value in self.white_balance))
        numbers = [value for row in (*self.curve, *self.matrix, self.white_balance) for value in row]
        numbers += [self.falloff, self.before, self.after, self.left_out]
        if not all(math.isfinite(value) and abs(value) <= LARGEST for value in numbers):
            raise ValueError("a number of the camera profile is not finite, or too large")
        if len(self.matrix) != 3 or {len(row) for row in self.matrix} not in ({3}, {6}):
            raise ValueError("the matrix of the camera profile does not have three rows of 3 or 6 numbers")
        if not 2 <= len(self.curve) <= MOST_KNOTS or {len(row) for row in self.curve} != {2}:
            raise ValueError(f"the tone curve of the camera profile does not have 2 to {MOST_KNOTS} pairs of numbers")
        codes, light = np.array(self.curve).T
        if codes[0] != 0 or light[0] < 0 or (np.diff(codes) <= 0).any() or (np.diff(light) < 0).any():
            raise ValueError("the tone curve of the camera profile does not rise from 0")
        if len(self.white_balance) not in (0, 3) or any(value <= 0 for value in self.white_balance):
            raise ValueError("the white balance of the camera profile is not three positive numbers")
        if not -1 <= self.falloff <= 5:
            raise ValueError(f"the vignetting of the camera profile is {self.falloff:g}; it must be between -1 and 5")

    def linearise(self, light: npt.NDArray[Any]) -> FloatArray:
        """Light (...) of values (...) that the encoding of the file has already made light."""
        codes, values = np.array(self.curve).T
        slope = (values[-1] - values[-2]) / (codes[-1] - codes[-2])
        beyond = np.maximum(light - codes[-1], 0) * slope
        return (np.interp(light, codes, values) + beyond).astype(np.float32)

    def colours(self, light: npt.NDArray[Any]) -> FloatArray:
        """Linear sRGB (..., 3) of light (..., 3) without tone curve and vignetting."""
        matrix = np.array(self.matrix, np.float32)
        colours: FloatArray = colour_terms(light.astype(np.float32), matrix.shape[1]) @ matrix.T
        return colours

    def converter(self, file: Converter) -> Converter:
        """Converter of the photographs, made of the converter that the file states; its primaries are left out.

        Vignetting remains, see `gains`.
        """
        if isinstance(file, Tables) and len(self.matrix[0]) == 3:
            return Tables(self.linearise(file.curves), np.array(self.matrix))
        plain = without_primaries(file)
        return Pointwise(lambda strip: self.colours(self.linearise(plain(strip))), np.eye(3))

    def gains(self, rows: slice, shape: tuple[int, int]) -> FloatArray:
        """Gains (h, W) that undo the vignetting in rows of an image of `shape` (H, W)."""
        height, width = shape
        radius = squared_radius(
            (np.arange(rows.start, rows.stop)[:, None] + 0.5) / height, (np.arange(width)[None] + 0.5) / width, shape
        )
        return np.exp(self.falloff * radius).astype(np.float32)

    def in_words(self) -> str:
        """Sentence for notes and files."""
        terms = "a matrix" if len(self.matrix[0]) == 3 else "root-polynomial terms"
        vignetting = " and vignetting" if self.falloff else ""
        return (
            f"Colours were converted by the camera profile {self.name}: tone curve{vignetting}, white and {terms} from "
            f"{self.patches} patches of a {self.chart or 'chart'}; mean ΔE2000 {self.before:.1f} before, "
            f"{self.after:.1f} after, {self.left_out:.1f} for patches left out."
        )

    def mismatches(self, camera: str, encoding: str, white_balance: tuple[float, ...]) -> list[str]:
        """Notes for the user on a photograph that the profile does not fit, as far as that is known.

        Args:
            camera: maker and model of its camera; empty if unknown.
            encoding: name of its encoding.
            white_balance: factors that a raw file was developed with.
        """
        notes = []
        if camera and self.camera and camera != self.camera:
            notes.append(f"The camera profile is of a {self.camera}, but this photograph was taken with a {camera}.")
        if not self.is_of_encoding(encoding):
            notes.append(
                f"The camera profile was made from a photograph stored as {_plain(self.encoding)}, but this one is "
                f"stored as {_plain(encoding)}; calibrate with a photograph of the same kind."
            )
        if self.white_balance and white_balance and self.balance_difference(white_balance) > OTHER_BALANCE:
            theirs, ours = (f"red × {values[0]:.2f}, blue × {values[2]:.2f}"
                            for values in (self.white_balance, white_balance))  # fmt: skip
            notes.append(
                f"The camera profile was made with the white balance {theirs}, but this photograph was taken with "
                f"{ours}; its colours will be off. Set a fixed white balance in the camera, or calibrate again."
            )
        return notes

    def is_of_encoding(self, encoding: str) -> bool:
        """Whether it was made from a photograph of this encoding, or of one that is not known."""
        return not self.encoding or _plain(encoding) == _plain(self.encoding)

    def balance_difference(self, white_balance: tuple[float, ...]) -> float:
        """Largest relative difference of a factor of another white balance from that of the profile; 0 if unknown."""
        pairs = zip(white_balance, self.white_balance, strict=False)
        return max((abs(ours / theirs - 1) for ours, theirs in pairs), default=0.0)


def _plain(encoding: str) -> str:
    """Name of an encoding, whether the file states it or the user has chosen it."""
    return encoding.removesuffix(CHOSEN)


def without_primaries(file: Converter) -> Converter:
    """The converter without its matrix: light of the file's own primaries.

    An embedded profile that is no matrix profile converts its primaries in one step, which remains.
    """
    if isinstance(file, Tables):
        return Tables(file.curves, np.eye(3))
    return Pointwise(file.light, np.eye(3)) if isinstance(file, Pointwise) else file


def primaries(file: Converter) -> Matrix:
    """Matrix (3, 3) from light of the file's own primaries to linear sRGB."""
    return file.matrix if isinstance(file, Tables | Pointwise) else np.eye(3)


def squared_radius(
    rows: npt.NDArray[np.float64], cols: npt.NDArray[np.float64], shape: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Squared distance from the centre, 1 in the corners, of positions in fractions of an image of `shape` (H, W)."""
    height, width = shape
    down, right = (rows - 0.5) * height, (cols - 0.5) * width
    result: npt.NDArray[np.float64] = (down**2 + right**2) / ((height**2 + width**2) / 4)
    return result


def write_profile(path: str | os.PathLike[str], profile: CameraProfile) -> None:
    """Write a profile as JSON.

    Raises:
        OSError: the file cannot be written.
    """
    content = {"nesr_camera_profile": FORMAT, "program": __version__, **profile_to_json(profile)}
    with atomic_write(Path(path)) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def is_profile(path: Path) -> bool:
    """Whether a file has the name of a camera profile."""
    return path.suffix.lower() == ENDING


def read_profile(path: str | os.PathLike[str]) -> CameraProfile:
    """Read a profile; nothing in it can run code or take much memory.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is no profile, is damaged, or was written by a newer program.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["nesr_camera_profile"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableFile(
            f"{path.name} is not a camera profile; write one with: nesr-gui calibrate-camera PHOTO -o camera.json"
        ) from error
    if version != FORMAT or isinstance(version, bool):
        raise UnreadableFile(
            f"{path.name} is a camera profile of another version of nesr_gui (its format is {str(version)[:20]}, this "
            f"program reads {FORMAT}); calibrate the camera again"
        )
    try:
        return profile_from_json(content)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise UnreadableFile(
            f"the camera profile {path.name} is damaged ({reason}); calibrate the camera again"
        ) from error


def profile_to_json(profile: CameraProfile) -> dict[str, Any]:
    """The profile as plain values."""
    return asdict(profile)


def profile_from_json(content: Mapping[str, Any]) -> CameraProfile:
    """A profile from the values of `profile_to_json`.

    Raises:
        ValueError, TypeError, KeyError, OverflowError: a value is missing or not valid.
    """
    values: dict[str, Any] = {}
    for field in fields(CameraProfile):
        if field.name in ADDED and field.name not in content:
            continue
        value = content[field.name]
        if field.name in ("curve", "matrix"):
            value = tuple(tuple(map(_number, row)) for row in value)
        elif field.name == "white_balance":
            value = tuple(map(_number, value))
        elif field.type == "float":
            value = _number(value)
        elif field.type == "int" and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"{field.name} is no whole number")
        elif field.type == "str" and not isinstance(value, str):
            raise TypeError(f"{field.name} is no text")
        values[field.name] = value
    return CameraProfile(**values)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{str(value)[:30]} where a number is expected")
    return float(value)
