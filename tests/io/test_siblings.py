"""Nothing that a file says opens another path than its documented siblings; names decide nothing that content can."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io import StorageEncoding, atomic
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.siblings import check_inside, find_sibling, find_siblings, is_name
from nesr_gui.spectral import Quantity, Wavelengths
from tests.io.test_real_world import CASES, TRUTH

BANDS = Wavelengths.evenly_spaced(3)
VALUES = (0.1 + np.arange(60).reshape(3, 4, 5) / 100).astype(np.float32)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "..\\x", "a\0b", "C:\\x"])
def test_paths_are_no_names(name: str) -> None:
    assert not is_name(name) and is_name("c.img")


def test_siblings_are_found_in_any_case(tmp_path: Path) -> None:
    for name in ("A.HDR", "a.IMG", "b.txt"):
        (tmp_path / name).touch()
    assert find_sibling(tmp_path / "A.HDR", ["a.img", "b.txt"]) == tmp_path / "a.IMG"
    assert find_siblings(tmp_path / "A.HDR", ["b.txt", "a.img", "A.hdr", "../x"]) == [
        tmp_path / "b.txt",
        tmp_path / "a.IMG",
    ]
    assert find_sibling(tmp_path / "A.HDR", ["none"]) is None


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret").write_bytes(VALUES.tobytes())
    made = CubeField(VALUES, BANDS, Quantity.REFLECTANCE)
    io.write_cube(tmp_path / "data" / "c.hdr", made, BANDS)
    (tmp_path / "data" / "c.img").unlink()
    (tmp_path / "data" / "c.img").symlink_to(tmp_path / "secret")
    with pytest.raises(UnreadableFile, match=r"c.img is a link that leaves its folder and is not followed"):
        io.open_cube(tmp_path / "data" / "c.hdr")
    (tmp_path / "data" / "real.bin").write_bytes(VALUES.tobytes())
    (tmp_path / "data" / "c.img").unlink()
    (tmp_path / "data" / "c.img").symlink_to("real.bin")
    np.testing.assert_array_equal(io.open_cube(tmp_path / "data" / "c.hdr").cube(BANDS).values, VALUES)
    assert check_inside(tmp_path / "data" / "c.img")


def test_a_file_that_the_user_chose_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    io.write_cube(tmp_path / "data" / "c.nc", CubeField(VALUES, BANDS), BANDS)
    (tmp_path / "link.nc").symlink_to(tmp_path / "data" / "c.nc")
    np.testing.assert_array_equal(io.open_cube(tmp_path / "link.nc").cube(BANDS).values, VALUES)


def zarr_folder(folder: Path) -> Path:
    pytest.importorskip("zarr")
    io.write_cube(folder / "c.zarr", CubeField(VALUES, BANDS), BANDS)
    return folder / "c.zarr"


@pytest.mark.parametrize("name", ["cube/c/0/0/0", "cube/zarr.json", "cube"])
def test_zarr_does_not_follow_links_that_leave_it(tmp_path: Path, name: str) -> None:
    store = zarr_folder(tmp_path)
    os.rename(store / name, tmp_path / "elsewhere")
    (store / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnreadableFile, match="link that leaves the folder"):
        io.open_cube(store).cube(BANDS)


@pytest.mark.parametrize("path", ["../../c", "/etc", "0/../../x"])
def test_ome_zarr_does_not_name_paths_outside(tmp_path: Path, path: str) -> None:
    store = zarr_folder(tmp_path)
    metadata = json.loads((store / "zarr.json").read_text())
    metadata["attributes"] = {"multiscales": [{"datasets": [{"path": path}]}]}
    (store / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(UnreadableFile, match="only one inside the folder is opened"):
        io.open_cube(store)


def test_headers_do_not_name_paths_outside(tmp_path: Path) -> None:
    header = (CASES / "envi/noext.hdr").read_text()
    for name in ("../noext", "/etc/passwd", "..", "sub/noext", "..\\noext"):
        (tmp_path / "c.hdr").write_text(f"{header}data file = {name}\n")
        with pytest.raises(UnreadableFile, match="only one beside the header is opened"):
            io.open_cube(tmp_path / "c.hdr")


def test_a_header_for_another_file_is_not_applied(tmp_path: Path) -> None:
    (tmp_path / "c.hdr").write_text((CASES / "envi/noext.hdr").read_text() + "data file = other.img\n")
    (tmp_path / "c.img").write_bytes((CASES / "envi/noext").read_bytes())
    with pytest.raises(UnreadableFile, match=r"c.hdr describes 'other.img', not c.img; open the header instead"):
        io.open_cube(tmp_path / "c.img")


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("offsets", [(64, 16, 0, 0), (0, 0, 4, 8), (8, 4, 12, 16)])
def test_frame_offsets_of_envi(tmp_path: Path, interleave: str, offsets: tuple[int, int, int, int]) -> None:
    order = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}[interleave]
    major_before, major_after, minor_before, minor_after = offsets
    raw = b"\7" * 3
    for major in TRUTH.transpose(order).astype("<f4"):
        minors = b"".join(b"\xff" * minor_before + minor.tobytes() + b"\xff" * minor_after for minor in major)
        raw += b"\xff" * major_before + minors + b"\xff" * major_after
    (tmp_path / "c.img").write_bytes(raw)
    header = (CASES / "envi/noext.hdr").read_text().replace("bsq", interleave).replace("offset = 0", "offset = 3")
    header += f"major frame offsets = {{{major_before}, {major_after}}}\n"
    header += f"minor frame offsets = {{{minor_before}, {minor_after}}}\n"
    (tmp_path / "c.hdr").write_text(header)
    field = io.open_cube(tmp_path / "c.hdr")
    np.testing.assert_allclose(field.cube(field.wavelengths).values, TRUTH, rtol=1e-6)
    (tmp_path / "c.hdr").write_text(header.replace("major frame offsets = {", "major frame offsets = {x"))
    with pytest.raises(UnreadableFile, match="major frame offsets"):
        io.open_cube(tmp_path / "c.hdr")


def test_bytes_that_a_header_does_not_describe_are_noted(tmp_path: Path) -> None:
    (tmp_path / "c.hdr").write_text((CASES / "envi/noext.hdr").read_text())
    (tmp_path / "c.img").write_bytes((CASES / "envi/noext").read_bytes() + bytes(20))
    assert "20 bytes more" in io.open_cube(tmp_path / "c.hdr").provenance["trailing_bytes"]


def test_what_is_no_file_of_ours_names_what_is(tmp_path: Path) -> None:
    (tmp_path / "notes.xyz").write_text("nothing that is read here")
    with pytest.raises(
        UnreadableFile, match=r"notes.xyz has the extension '.xyz'; spectral cubes are .* photographs are"
    ):
        io.open_cube(tmp_path / "notes.xyz")
    with pytest.raises(UnreadableFile, match=r"plain.png is a photograph \(PNG\); spectral cubes are"):
        io.open_cube(CASES / "photo/plain.png")
    with pytest.raises(UnreadableFile, match=r"neon.h5 is a spectral cube \(NetCDF-4 / HDF5\); photographs are PNG"):
        io.read_photograph(CASES / "h5/neon.h5")
    with pytest.raises(UnreadableFile, match=r"lib.sli is a spectral library; load it as reference spectra"):
        io.open_cube(CASES / "misc/lib.sli")


def test_a_library_is_recognised_by_its_content() -> None:
    assert io.describe(CASES / "misc/lib.hdr")["format"] == "ENVI library spectra"


@pytest.mark.parametrize("name", ["scene.cubedata", "scene.0001", "scene"])
def test_a_data_file_may_have_any_extension(tmp_path: Path, name: str) -> None:
    (tmp_path / "scene.hdr").write_text((CASES / "envi/noext.hdr").read_text())
    (tmp_path / name).write_bytes((CASES / "envi/noext").read_bytes())
    (tmp_path / "scene.txt").write_text("notes")
    for path in (tmp_path / "scene.hdr", tmp_path / name):
        field = io.open_cube(path)
        np.testing.assert_allclose(field.cube(field.wavelengths).values, TRUTH, rtol=1e-6)


def write_with_added_header(folder: Path) -> None:
    """Let GDAL write scene.img and scene.img.hdr."""
    rasterio = pytest.importorskip("rasterio")
    layout = {"driver": "ENVI", "SUFFIX": "ADD", "count": 3, "height": 4, "width": 5, "dtype": "float32"}
    with rasterio.open(folder / "scene.img", "w", **layout) as image:
        image.write(VALUES)
    assert (folder / "scene.img.hdr").is_file() and not (folder / "scene.hdr").exists()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_data_with_a_header_of_its_own_belong_to_no_other(tmp_path: Path) -> None:
    write_with_added_header(tmp_path)
    (tmp_path / "scene.dat").write_bytes(VALUES[::-1].tobytes())
    (tmp_path / "scene.hdr").write_text((tmp_path / "scene.img.hdr").read_text() + "wavelength = {400, 500, 600}\n")
    np.testing.assert_array_equal(io.open_cube(tmp_path / "scene.hdr").cube([400, 500, 600]).values, VALUES[::-1])
    made = CubeField(VALUES + 1, BANDS)
    io.write_cube(tmp_path / "scene.hdr", made, BANDS)
    np.testing.assert_array_equal(io.open_cube(tmp_path / "scene.hdr").cube(BANDS).values, VALUES + 1)
    assert (tmp_path / "scene.img").read_bytes() == VALUES.tobytes()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_an_export_spares_the_data_of_another_header(tmp_path: Path) -> None:
    write_with_added_header(tmp_path)
    refused = r"^cannot write scene.hdr: scene.img belongs to another file; choose another name$"
    with pytest.raises(FileExistsError, match=refused):
        io.write_cube(tmp_path / "scene.hdr", CubeField(VALUES, BANDS), BANDS, rows=slice(0, 2))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["scene.img", "scene.img.hdr"]
    assert (tmp_path / "scene.img").read_bytes() == VALUES.tobytes()


@pytest.mark.parametrize("name", ["scene", "scene.img", "scene.IMG"])
def test_an_export_spares_data_without_a_header(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"measured")
    with pytest.raises(FileExistsError, match=f"{name} belongs to another file"):
        io.write_cube(tmp_path / "scene.hdr", CubeField(VALUES, BANDS), BANDS)
    (tmp_path / "scene.hdr").write_text((CASES / "envi/noext.hdr").read_text() + "data file = other\n")
    (tmp_path / "other").write_bytes(b"measured, too")
    with pytest.raises(FileExistsError, match=f"{name} belongs to another file"):
        io.write_cube(tmp_path / "scene.hdr", CubeField(VALUES, BANDS), BANDS)
    (tmp_path / name).unlink()
    io.write_cube(tmp_path / "scene.hdr", CubeField(VALUES, BANDS), BANDS)
    np.testing.assert_array_equal(io.open_cube(tmp_path / "scene.hdr").cube(BANDS).values, VALUES)
    assert (tmp_path / "other").read_bytes() == b"measured, too"


def test_an_export_replaces_the_set_of_its_header_and_no_library(tmp_path: Path) -> None:
    for name in ("scene.dat", "scene.img"):
        (tmp_path / "scene.hdr").write_text((CASES / "envi/noext.hdr").read_text())
        (tmp_path / name).write_bytes((CASES / "envi/noext").read_bytes())
        io.write_cube(tmp_path / "scene.hdr", CubeField(VALUES, BANDS), BANDS)
        assert (tmp_path / name).read_bytes() == VALUES.tobytes()
        (tmp_path / name).unlink()
    library = {ending: (CASES / f"misc/lib{ending}").read_bytes() for ending in (".sli", ".hdr")}
    for ending, data in library.items():
        (tmp_path / f"scene{ending}").write_bytes(data)
    with pytest.raises(
        FileExistsError, match=r"^cannot write scene.hdr: it is the header of a spectral library; choose"
    ):
        io.write_cube(tmp_path / "scene.hdr", CubeField(VALUES, BANDS), BANDS)
    assert {ending: (tmp_path / f"scene{ending}").read_bytes() for ending in library} == library


def test_an_export_that_was_killed_between_its_files_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill_before_the_header(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "c.hdr":
            raise KeyboardInterrupt
        replace(source, target)

    replace = os.replace
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(atomic.os, "replace", kill_before_the_header)
        io.write_cube(tmp_path / "c.hdr", CubeField(VALUES, BANDS), BANDS)
    assert (tmp_path / "c.img").exists() and not (tmp_path / "c.hdr").exists()
    monkeypatch.setattr(atomic, "_is_abandoned", lambda path, host, pid: path.name.endswith(".ready"))
    io.write_cube(tmp_path / "c.hdr", CubeField(VALUES + 1, BANDS), BANDS)
    np.testing.assert_array_equal(io.open_cube(tmp_path / "c.hdr").cube(BANDS).values, VALUES + 1)


@pytest.mark.parametrize("name", ["c.hdr", "c.npy", "c.tif", "c"])
def test_what_is_written_through_a_link_is_read_through_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").mkdir()
    link, encoding = tmp_path / f"link{Path(name).suffix}", StorageEncoding("uint16", 1e-3)
    link.symlink_to(tmp_path / "data" / name)
    for values in (VALUES, VALUES + 1):
        io.write_cube(link, CubeField(values, BANDS), BANDS, encoding=encoding)
        assert link.is_symlink() and (tmp_path / "data" / name).exists()
        np.testing.assert_allclose(io.open_cube(link).cube(BANDS).values, values, atol=6e-4)
