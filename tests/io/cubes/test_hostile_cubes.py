"""Truncated, mislabelled and malicious cubes: one sentence, at once, without taking the memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import h5py
import imagecodecs
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io import CubeHints, StorageEncoding
from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = Wavelengths.evenly_spaced(3)
HDR = "ENVI\nsamples = 4\nlines = 5\nbands = 3\ndata type = 4\ninterleave = bsq\nwavelength = {400, 550, 700}\n"


def write(folder: Path, name: str) -> Path:
    made = CubeField(np.random.default_rng(1).random((3, 40, 50), np.float32), BANDS, Quantity.REFLECTANCE)
    io.write_cube(folder / name, made, BANDS, encoding=StorageEncoding("float32" if "." in name else "uint16"))
    return folder / name


def refused(path: Path) -> str:
    """The sentence, whether it is said at opening or at the first reading."""
    with pytest.raises(UnreadableFile) as error:
        field = io.open_cube(path)
        field.cube(field.wavelengths)
    assert "\n" not in str(error.value) and len(str(error.value)) < 700
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("samples = 4", "samples = 1000000000000"), "states 1000000000000 samples"),
        (("samples = 4", "samples = -4"), "states -4 samples"),
        (("samples = 4", "samples = 0"), "each must be 1 to"),
        (("samples = 4", "samples = many"), "samples = 'many'; expected a whole number"),
        (("samples = 4\n", ""), "samples = ''; expected a whole number"),
        (("lines = 5", "lines = 16000000"), "so one of the two is damaged"),
        (("data type = 4", "data type = 7"), "has data type 7; ENVI knows 1, 2, 3"),
        (("interleave = bsq", "interleave = bsp"), "interleave 'bsp'"),
        (("bands = 3", "bands = 3\nheader offset = -8"), "one of the two is damaged"),
        (("bands = 3", "bands = 3\nheader offset = 80"), "one of the two is damaged"),
        (("bands = 3", "bands = 3\nfile compression = 1"), "compressed data"),
        (("bands = 3", "bands = 3\ndata file = ../../etc/passwd"), "only one beside the header is opened"),
        (("bands = 3", "bands = 3\ndata file = /etc/passwd"), "only one beside the header is opened"),
        (("bands = 3", "bands = 3\ndata file = ..\\x"), "only one beside the header is opened"),
        (("bands = 3", "bands = 3\ndata file = none.img"), "has no data file beside it"),
        (
            ("bands = 3", "bands = 3\nfile type = ENVI Spectral Library"),
            "is a spectral library; load it as reference spectra",
        ),
        (("{400, 550, 700}", "{400, nan, 700}"), "not a list of numbers"),
        (("{400, 550, 700}", "{400, -550, 700}"), "finite, positive numbers"),
        (("{400, 550, 700}", "{400, 550}"), "2 wavelengths for 3 bands"),
        (("{400, 550, 700}", "{a, b, c}"), "not a list of numbers"),
        (("{400, 550, 700}", "{400, 550, 700"), "the list of 'wavelength' has no end"),
        (("bands = 3", "bands = 3\nwavelength units = furlongs"), "they are in 'furlongs'"),
        (("bands = 3", "bands = 3\nreflectance scale factor = 0"), "not one number above 0"),
        (("bands = 3", "bands = 3\ndata gain values = {1, 0, 1}"), "zero or not finite"),
        (("ENVI", "IVNE"), "its first line is not ENVI"),
    ],
)
def test_envi_headers(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    (tmp_path / "c.hdr").write_text(HDR.replace(*change, 1))
    np.zeros((3, 5, 4), "<f4").tofile(tmp_path / "c.img")
    assert said in refused(tmp_path / "c.hdr")


@pytest.mark.parametrize("name", ["c.nc", "c.img", "c.mat", "c.tif", "c.exr", "c.npy", "c.npz"])
def test_cut_files(tmp_path: Path, name: str) -> None:
    for library in {"c.exr": ["OpenEXR"]}.get(name, []):
        pytest.importorskip(library)
    path = write(tmp_path, "c.hdr" if name == "c.img" else name).with_name(name)
    data = path.read_bytes()
    for length in (0, 3, 100, len(data) // 2, len(data) - 3000):
        path.write_bytes(data[:length])
        assert path.name.partition(".")[0] in refused(path)


@pytest.mark.parametrize("name", ["c.nc", "c.mat", "c.tif", "c.exr", "c.npy", "c.npz", "c.hdr"])
def test_mislabelled_files(tmp_path: Path, name: str) -> None:
    if name == "c.exr":
        pytest.importorskip("OpenEXR")
    for content in (b"", b"\0" * 5000, b"<html>" * 999, b"\x89PNG\r\n\x1a\n" + b"x" * 500, bytes(range(256)) * 9):
        (tmp_path / name).write_bytes(content)
        assert "c." in refused(tmp_path / name)


def _npy(path: Path, shape: str, descr: str = "<f4") -> None:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(4000))


@pytest.mark.parametrize("shape", ["(1000000000000, 3, 3)", "(-3, 3, 3)", "(3, 3, 10**4)", "(99999, 99999, 99999)"])
def test_numpy_headers(tmp_path: Path, shape: str) -> None:
    _npy(tmp_path / "c.npy", shape)
    assert "c.npy" in refused(tmp_path / "c.npy")
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "c.npz", "w", method) as archive:
            archive.write(tmp_path / "c.npy", "cube.npy")
        assert "c.npz" in refused(tmp_path / "c.npz")


def test_sidecars_that_lie(tmp_path: Path) -> None:
    path = write(tmp_path, "c.npy")
    for said in ("[", "3", '{"wavelengths_nm": "x"}', '{"wavelengths_nm": [1, 2]}', '{"quantity": "love"}', "[" * 9999):
        (tmp_path / "c.npy.json").write_text(said)
        assert "c.npy" in refused(path)


def _huge(file: h5py.File) -> None:
    cube = file.create_dataset("cube", (3, 10**9, 10**9), np.float32, chunks=(1, 64, 64))
    cube[0, 0, 0] = 1


def _chunky(file: h5py.File) -> None:
    file.create_dataset("cube", (3, 30_000, 30_000), np.float32, chunks=(1, 30_000, 30_000), compression="gzip")


def _cycle(file: h5py.File) -> None:
    group = file.create_group("a")
    group["a"] = group
    group["b"] = file["/"]


@pytest.mark.parametrize(
    ("make", "said"), [(_huge, "expected numbers with"), (_chunky, "written"), (_cycle, "no `cube`")]
)
@pytest.mark.parametrize("name", ["c.h5", "c.mat"])
def test_hdf5_that_is_too_large_or_has_no_end(
    tmp_path: Path, make: Callable[[h5py.File], None], said: str, name: str
) -> None:
    with h5py.File(tmp_path / name, "w") as file:
        make(file)
        file["bands"] = BANDS.nm
    assert said in refused(tmp_path / name)


def test_zarr_metadata(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    path = write(tmp_path, "c.zarr")
    metadata = path / "cube" / "zarr.json"
    said = json.loads(metadata.read_text())
    for key, value in (("shape", [3, 10**12, 10**12]), ("shape", [-3, 4, 5]), ("data_type", "object"), ("codecs", [])):
        metadata.write_text(json.dumps({**said, key: value}))
        refused(path)
    metadata.write_text("{")
    refused(path)
    (path / "zarr.json").write_text("{")
    refused(path)


def test_tiff_metadata_cannot_define_entities(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><GDALMetadata><Item name="wavelength" '
    bomb += 'sample="0">&b;</Item></GDALMetadata>'
    values = np.zeros((6, 5, 4), np.float32)
    tifffile.imwrite(tmp_path / "c.tif", values, planarconfig="separate", photometric="minisblack", metadata=None,
                     extratags=[(42112, "s", 0, bomb, True)])  # fmt: skip
    with pytest.raises(AmbiguousFile, match="wavelengths"):
        io.open_cube(tmp_path / "c.tif")
    assert io.open_cube(tmp_path / "c.tif", CubeHints(wavelengths=Wavelengths.evenly_spaced(6))).shape == (5, 4)


def _tiff(path: Path) -> None:
    """Bands of 10¹² pixels, says the header, in a file with one tile each."""
    write(path.parent, path.name)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name in ("ImageWidth", "ImageLength"):
            tiff.pages[0].tags[name].overwrite(1_000_000)


def _png_folder(path: Path) -> None:
    path.mkdir()
    for nm in (400, 500, 600):
        data = bytearray(imagecodecs.png_encode(np.zeros((4, 4), np.uint16)))
        data[16:24] = struct.pack(">II", 2**31 - 1, 2**31 - 1)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        (path / f"c_{nm}nm.png").write_bytes(data)


def _exr(path: Path, right: int = 10**9, bottom: int = 10**9) -> None:
    """The header of a picture whose corner lies 10⁹ pixels away."""
    write(path.parent, path.name)
    data = path.read_bytes()
    for window in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        at = data.index(window) + len(window) + 4
        data = data[:at] + struct.pack("<4i", 0, 0, right, bottom) + data[at + 16 :]
    path.write_bytes(data)


def _hdf5(path: Path, change: Callable[[h5py.File], object]) -> None:
    with h5py.File(path, "w") as file:
        file["wavelength"] = BANDS.nm
        change(file)


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3, 10**6, 10**6), np.float32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "cube", (3, 10**6, 10**6))
    file.create_virtual_dataset("cube", layout)


def _zarr(path: Path, **change: object) -> None:
    metadata = write(path.parent, path.name) / "cube" / "zarr.json"
    metadata.write_text(json.dumps({**json.loads(metadata.read_text()), **change}))


def _stored(file: h5py.File) -> None:
    """A chunk of 864 MB, in a few bytes."""
    shape = (3, 8000, 9000)
    cube = file.create_dataset("cube", shape, np.float32, chunks=shape, compression="gzip")
    cube.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(1000)))


def _list_in_a_chunk(file: h5py.File) -> None:
    """Three wavelengths in a chunk of 512 MB, which shrinks to half a megabyte."""
    del file["wavelength"]
    file["cube"] = np.ones((3, 4, 5), np.float32)
    chunk = (1 << 26,)
    file.create_dataset("wavelength", (3,), np.float64, chunks=chunk, maxshape=(None,), compression="gzip")
    packer = zlib.compressobj(1)
    packed = b"".join([*(packer.compress(bytes(1 << 24)) for _ in range(32)), packer.flush()])
    file["wavelength"].id.write_direct_chunk((0,), packed)


def _zarr_list(path: Path) -> None:
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("cube", data=np.ones((3, 4, 5), np.float32))
    group.create_array("wavelength", shape=(3,), chunks=(1 << 27,), dtype="f8")
    (path / "wavelength" / "0").write_bytes(zlib.compress(bytes(1000)))


def _envi(path: Path, *change: str) -> None:
    path.write_text(HDR.replace(*change, 1))
    np.zeros((3, 5, 4), "<f4").tofile(path.with_suffix(".img"))


HOSTILE: dict[str, Callable[[Path], object]] = {
    "size.hdr": lambda path: _envi(path, "samples = 4", "samples = 1000000000000"),
    "negative.hdr": lambda path: _envi(path, "lines = 5", "lines = -1000000000000"),
    "nan.hdr": lambda path: _envi(path, "{400, 550, 700}", "{nan, 550, inf}"),
    "path.hdr": lambda path: _envi(path, "bands = 3", "bands = 3\ndata file = ../../../../etc/passwd"),
    "long.hdr": lambda path: _envi(path, "{400, 550, 700}", "{" + "400, " * 3_000_000),
    "size.npy": lambda path: _npy(path, "(1000000000000, 3, 3)"),
    "negative.npy": lambda path: _npy(path, "(3, -1000000000000, 3)"),
    "size.h5": lambda path: _hdf5(path, _huge),
    "chunk.h5": lambda path: _hdf5(path, _chunky),
    "stored.h5": lambda path: _hdf5(path, _stored),
    "list.h5": lambda path: _hdf5(path, _list_in_a_chunk),
    "cycle.h5": lambda path: _hdf5(path, _cycle),
    "virtual.h5": lambda path: _hdf5(path, _virtual),
    "link.h5": lambda path: _hdf5(path, lambda file: file.__setitem__("cube", h5py.ExternalLink("/etc/passwd", "x"))),
    "outside.h5": lambda path: _hdf5(
        path, lambda file: file.create_dataset("cube", (3, 5, 4), "f4", external=[("/etc/passwd", 0, 240)])
    ),
    "nan.h5": lambda path: _hdf5(
        path,
        lambda file: (
            file.create_dataset("cube", data=np.ones((3, 5, 4))),
            file["wavelength"].write_direct(np.array([400, np.nan, 700])),
        ),
    ),
    "link.mat": lambda path: _hdf5(path, lambda file: file.__setitem__("cube", h5py.ExternalLink("/etc/passwd", "x"))),
    "size.tif": _tiff,
    "size.exr": _exr,
    "lines.exr": lambda path: _exr(path, (1 << 24) - 1, 39),
    "list.zarr": _zarr_list,
    "size.zarr": lambda path: _zarr(path, shape=[3, 10**12, 10**12]),
    "negative.zarr": lambda path: _zarr(path, shape=[3, -(10**12), 5]),
    "pngs": _png_folder,
}
LIBRARY = {".zarr": "zarr", ".exr": "OpenEXR"}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_refusing_takes_a_second_and_little_memory(tmp_path: Path) -> None:
    made = [name for name in HOSTILE if find_spec(LIBRARY.get(Path(name).suffix, "numpy"))]
    for name in made:
        HOSTILE[name](tmp_path / name)
    code = """
import sys, time
from pathlib import Path
from nesr_gui import io
for name in sys.argv[2:]:
    start = time.process_time()
    try:
        field = io.open_cube(Path(sys.argv[1]) / name)
        field.band(field.wavelength_range[0], rows=slice(0, 1), cols=slice(0, 1))
    except (ValueError, OSError) as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 700, (name, error)
    else:
        raise SystemExit(name + " opened")
    assert time.process_time() - start < 1, (name, time.process_time() - start)
    status = Path("/proc/self/status").read_text()  # resource counts what the parent took before this began
    most = int(status.partition("VmHWM:")[2].split()[0]) // 1000
    assert most < 200, (name, most)
print("refused")
"""
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path), *made], capture_output=True, text=True,
                         env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin"})  # fmt: skip
    assert ran.stdout == "refused\n", ran.stderr + ran.stdout


@pytest.mark.skipif(find_spec("OpenEXR") is None, reason="OpenEXR is not installed")
def test_a_text_of_an_exr_may_be_in_any_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, "c.exr")
    data = path.read_bytes()
    at = data.index(b"spectralLayoutVersion\0string\0") + len(b"spectralLayoutVersion\0string\0") + 4
    path.write_bytes(data[:at] + b"\xe9.0" + data[at + 3 :])
    assert io.open_cube(path).shape == (40, 50)


def test_pages_in_a_circle(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((6, 5, 4), np.float32), photometric="minisblack", metadata=None)
    with tifffile.TiffFile(tmp_path / "c.tif") as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[5].offset
        count = len(tiff.pages[5].tags)
    data = bytearray((tmp_path / "c.tif").read_bytes())
    at = last + 2 + 12 * count
    assert data[at : at + 4] == bytes(4)
    data[at : at + 4] = struct.pack("<I", first)
    (tmp_path / "c.tif").write_bytes(data)
    with pytest.raises(UnreadableFile, match="its pages run in a circle"):
        io.open_cube(tmp_path / "c.tif")


@pytest.mark.parametrize("said", ["[", '{"wavelengths_nm": [1, "x", 3], "quantity": "love", "provenance": 7}'])
def test_a_damaged_description_costs_a_note(tmp_path: Path, said: str) -> None:
    path = write(tmp_path, "c.npy")
    (tmp_path / "c.npy.json").write_text(said)
    field = io.open_cube(path, CubeHints(wavelengths=BANDS, band_axis=0))
    assert field.shape == (40, 50) and "left aside" in field.provenance["description"]


def test_a_damaged_scale_of_integers_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", np.ones((3, 4, 5), np.uint16))
    (tmp_path / "c.npy.json").write_text('{"scale": "x"}')
    with pytest.raises(UnreadableFile, match="does not describe a cube"):
        io.open_cube(tmp_path / "c.npy", CubeHints(wavelengths=BANDS, band_axis=0))


@pytest.mark.parametrize("written", [np.float32, np.int16])
def test_a_description_of_other_numbers_is_refused(tmp_path: Path, written: type[np.generic]) -> None:
    """As one that was left behind when another program wrote the array anew."""
    field = CubeField(np.random.default_rng(0).random((3, 4, 5), np.float32), BANDS)
    io.write_cube(tmp_path / "c.npy", field, BANDS, encoding=StorageEncoding("uint16"))
    stored = np.load(tmp_path / "c.npy")
    np.save(tmp_path / "c.npy", stored.astype(written))
    name = np.dtype(written).name
    with pytest.raises(
        UnreadableFile,
        match=rf"c\.npy\.json describes uint16 values and c\.npy holds {name}; remove it or export the cube again",
    ):
        io.open_cube(tmp_path / "c.npy")
    np.save(tmp_path / "c.npy", stored.astype(">u2"))
    np.testing.assert_allclose(io.open_cube(tmp_path / "c.npy").band(500), field.band(500), atol=1e-4)


def test_a_description_of_other_images_is_refused(tmp_path: Path) -> None:
    field = CubeField(np.random.default_rng(0).random((3, 4, 5), np.float32), BANDS)
    io.write_cube(tmp_path / "bands", field, BANDS, encoding=StorageEncoding("uint16"))
    for file in (tmp_path / "bands").glob("*.png"):
        iio.imwrite(file, (iio.imread(file) >> 8).astype(np.uint8))
    with pytest.raises(UnreadableFile, match=r"cube\.json describes uint16 values and bands holds uint8"):
        io.open_cube(tmp_path / "bands")
