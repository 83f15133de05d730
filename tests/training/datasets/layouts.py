"""Miniature data sets in the genuine layouts, each written as its makers did: axes, array names, numbers, folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import imageio.v3 as iio
import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from tests.training import worlds

SHAPE = 20, 28
NM = np.arange(400, 701, 10.0)
MATLAB_7_3 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan 01 00:00:00 2018 HDF5 schema 1.00 ."


def truth(seed: int, nm: npt.NDArray[np.float64] = NM) -> npt.NDArray[np.float32]:
    """A scene (L, H, W) of SHAPE in [0, 1] whose every pixel is another spectrum, the right half brighter."""
    spectra = worlds.smooth_spectra(SHAPE[0] * SHAPE[1], nm, seed).T.reshape(len(nm), *SHAPE)
    return spectra * np.where(np.arange(SHAPE[1]) < SHAPE[1] // 2, 0.3, 1.0).astype(np.float32)


def linear_photograph(cube: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """8-bit codes (H, W, 3), linear."""
    return np.round(cie.render_camera_rgb(np.moveaxis(cube, 0, -1)) * 255).astype(np.uint8)


def write_73(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """A MATLAB 7.3 file of arrays as MATLAB indexes them, (H, W, L)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as raw:
        raw.write(MATLAB_7_3.ljust(116) + bytes(8) + b"\x00\x02IM")


def matlab_axes(cube: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return np.moveaxis(cube, 0, -1).astype(np.float64)


def cave(root: Path, names: tuple[str, ...] = ("a", "b", "c", "d")) -> None:
    for seed, name in enumerate(names):
        folder = root / f"{name}_ms" / f"{name}_ms"
        folder.mkdir(parents=True)
        for index, band in enumerate(truth(seed), start=1):
            iio.imwrite(folder / f"{name}_ms_{index:02d}.png", np.round(band * 65535).astype(np.uint16))
        iio.imwrite(folder / f"{name}_RGB.bmp", linear_photograph(truth(seed)))


def icvl(root: Path, names: tuple[str, ...] = ("bgu_0403-1444", "eve_0331-1549", "Labtest_0910-1502")) -> None:
    for seed, name in enumerate(names):
        cube = matlab_axes(truth(seed))
        arrays = {"bands": NM[None], "rad": np.round(cube * 4095), "rgb": cube[:, :, [25, 15, 5]]}
        write_73(root / f"{name}.mat", arrays)


def icvl_raw(root: Path, names: tuple[str, ...] = ("bgu_0403-1444", "eve_0331-1549")) -> npt.NDArray[np.float64]:
    """As the line scanner wrote it: 519 bands, interleaved by line, 12 bits in 16; returns its wavelengths."""
    nm = np.linspace(390.2, 1043.0, 519)
    root.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        codes = np.round(truth(seed, nm) * 4095).astype("<u2")  # (L, H, W)
        (root / f"{name}.raw").write_bytes(codes.transpose(1, 0, 2).tobytes())
        said = {"interleave": "bil", "samples": SHAPE[1], "lines": SHAPE[0], "bands": 519, "header offset": 0}
        said |= {"data type": 12, "byte order": 0, "sensor type": "SPECIM", "default bands": "{\n100, 200, 300\n}"}
        said["Wavelength"] = "{\n" + ",\n".join(f"{at:.4f}" for at in nm) + "\n}"
        (root / f"{name}.hdr").write_text("ENVI\n" + "".join(f"{key} = {value}\n" for key, value in said.items()))
    return nm


def ntire2018(root: Path) -> None:
    for number, folder in enumerate(("Train1", "Train2", "Validate"), start=1):
        name, cube = f"BGU_HS_{number:05d}", truth(number)
        arrays = {"bands": NM[None], "rad": np.round(matlab_axes(cube) * 4095), "rgb": np.zeros((*SHAPE, 3))}
        write_73(root / f"NTIRE2018_{folder}_Spectral" / f"{name}.mat", arrays)
        _photographs(root / f"NTIRE2018_{folder}", name, cube, "_clean.png", "_realworld.jpg")


def ntire2020(root: Path) -> None:
    for number, folder in ((1, "Train"), (2, "Train"), (451, "Validation")):
        name, cube = f"ARAD_HS_{number:04d}", truth(number)
        arrays = {"bands": NM[None], "cube": matlab_axes(cube), "norm_factor": np.full((1, 1), 0.2)}
        write_73(root / f"NTIRE2020_{folder}_Spectral" / f"{name}.mat", arrays)
        _photographs(root / f"NTIRE2020_{folder}", name, cube, "_clean.png", "_RealWorld.jpg")


def _photographs(folder: Path, name: str, cube: npt.NDArray[np.float32], clean: str, real: str) -> None:
    for side, ending in (("Clean", clean), ("RealWorld", real)):
        path = folder.with_name(f"{folder.name}_{side}") / f"{name}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_photograph(path, cube)


def _write_photograph(path: Path, cube: npt.NDArray[np.float32]) -> None:
    fine = {"quality": 98, "subsampling": "4:4:4"} if path.suffix == ".jpg" else {}
    iio.imwrite(path, linear_photograph(cube), **fine)


def arad_1k(root: Path) -> None:
    for number in (1, 2, 3, 901):
        name, cube = f"ARAD_1K_{number:04d}", truth(number)
        arrays = {"cube": matlab_axes(cube), "bands": NM[None], "norm_factor": np.full((1, 1), 0.2)}
        write_73(root / "Train_Spec" / f"{name}.mat", arrays)
        (root / "Train_RGB").mkdir(exist_ok=True)
        _write_photograph(root / "Train_RGB" / f"{name}.jpg", cube)
    (root / "split_txt").mkdir()
    (root / "split_txt" / "train_list.txt").write_text("ARAD_1K_0001\nARAD_1K_0003\n")
    (root / "split_txt" / "valid_list.txt").write_text("ARAD_1K_0901\n")
    (root / "split_txt" / "test_list.txt").write_text("ARAD_1K_0951\n")


def harvard(root: Path) -> None:
    from scipy.io import savemat

    for seed, name in enumerate(("CZ_hsdb/imga1", "CZ_hsdb/imgb2", "CZ_hsdbi/imgd7")):
        path = root / f"{name}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        moved = np.ones(SHAPE)
        moved[:4, :6] = 0
        cube = matlab_axes(truth(seed, NM + 20)) * 0.07  # no scale in common
        savemat(path, {"ref": cube, "lbl": moved}, do_compression=True)
    np.savetxt(root / "CZ_hsdb" / "calib.txt", np.linspace(1, 2, 31))


def kaist(root: Path) -> None:
    import Imath
    import OpenEXR

    root.mkdir(exist_ok=True)
    for number in (1, 2, 3):
        names = [f"w{nm:.0f}nm" for nm in NM + 20]
        header = OpenEXR.Header(SHAPE[1], SHAPE[0])
        header["channels"] = dict.fromkeys(names, Imath.Channel(Imath.PixelType(Imath.PixelType.FLOAT)))
        file = OpenEXR.OutputFile(str(root / f"scene{number:02d}_reflectance.exr"), header)
        bands = truth(number, NM + 20)
        file.writePixels({name: band.tobytes() for name, band in zip(names, bands, strict=True)})
        file.close()


def kaist_mat(root: Path) -> None:
    from scipy.io import savemat

    for number in (1, 2):
        savemat(root / f"scene{number:02d}.mat", {"HSI": matlab_axes(truth(number, NM + 20))})


WRITERS: dict[str, Callable[[Path], Any]] = {
    "cave": cave,
    "icvl": icvl,
    "ntire2018-clean": ntire2018,
    "ntire2018-real": ntire2018,
    "ntire2020-clean": ntire2020,
    "ntire2020-real": ntire2020,
    "arad1k": arad_1k,
    "harvard": harvard,
    "kaist": kaist,
}
"""By the name of the data set."""
