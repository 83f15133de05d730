"""Plug-ins of every kind are used, and those that fail are named and left out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

import nesr_gui
from nesr_gui import io, plugins
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui import view_modes
from nesr_gui.inference import model_library
from nesr_gui.inference.checkpoint import UnreadableModel, load_checkpoint, save_checkpoint
from nesr_gui.inference.model import load_model
from nesr_gui.io.errors import UnreadableFile, UnreadableImage
from nesr_gui.io.photos.cameras import camera_settings
from nesr_gui.io.photos.decode import decode
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.spectra.readers import is_spectrum_file, read_spectra, spectra_filter
from nesr_gui.networks import encoders
from nesr_gui.networks.factorised_nesr import FactorisedConfig
from nesr_gui.networks.registry import build, system_named
from nesr_gui.spectral import Quantity, Wavelengths
from nesr_gui.training import datasets
from tests import tiny
from tests.plugin_packages import install, installed, write_plugin

BANDS = Wavelengths.from_step(400, 700, 50)
EXAMPLES = (
    "plugin-format",
    "plugin-photograph",
    "plugin-spectra",
    "plugin-view-mode",
    "plugin-encoder",
    "plugin-dataset",
    "plugin-model",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all example packages."""
    folder = tmp_path_factory.mktemp("site")
    for example in EXAMPLES:
        install(example, folder)
    return folder


@pytest.fixture
def examples(site: Path) -> Iterator[None]:
    with installed(site):
        yield


def fits(values: np.ndarray, *cards: str) -> bytes:
    """A FITS file with an empty primary header, and the array in an extension."""
    stored = {"float32": -32, "int16": 16}[values.dtype.name]
    bands, height, width = values.shape
    empty = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"]
    axes = [f"NAXIS{axis}  = {size:20d} / length" for axis, size in ((1, width), (2, height), (3, bands))]
    image = ["XTENSION= 'IMAGE   '", f"BITPIX  = {stored:20d}", "NAXIS   =                    3", *axes, *cards]
    headers = b"".join(
        b"".join(f"{card:80}".encode() for card in (*part, "END")).ljust(2880) for part in (empty, image)
    )
    data = values.astype(values.dtype.newbyteorder(">")).tobytes()
    return headers + data + b"\0" * (-len(data) % 2880)


AXIS = ("CRVAL3  =              450.0E-9", "CRPIX3  =                  2.0", "CDELT3  =               50.E-9",
        "CUNIT3  = 'm       '           / metres", "OBJECT  = 'a / b'")  # fmt: skip


def test_the_format_is_read_like_a_built_in_one(examples: None, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((7, 4, 5)).astype(np.float32)
    path = tmp_path / "galaxy.FITS"
    path.write_bytes(fits(values, *AXIS))
    cube = io.open_cube(path)
    np.testing.assert_allclose(cube.bands.nm, BANDS.nm)
    np.testing.assert_array_equal(cube.cube(cube.bands).values, values[:, ::-1])
    assert cube.provenance["object"] == "a / b"
    assert io.is_cube(path) and io.describe(path)["format"] == "FITS spectral cube"
    assert "*.fits" in io.dialog_filter(io.FileKind.CUBE) and "FITS" not in io.dialog_filter(io.FileKind.PHOTOGRAPH)
    integers = np.arange(7 * 4 * 5, dtype=np.int16).reshape(7, 4, 5)
    path.write_bytes(fits(integers, *AXIS, "BSCALE  = 0.5", "BZERO   = 10", "BLANK   = 3"))
    read = io.open_cube(path).cube(cube.bands).values
    assert np.isnan(read[0, -1, 3]) and read[0, -1, 4] == 12
    path.write_bytes(fits(values))
    with pytest.raises(io.cubes.description.AmbiguousFile, match="does not say at which wavelengths"):  # type: ignore[attr-defined]
        io.open_cube(path)
    path.write_bytes(fits(values, *AXIS)[:6000])
    with pytest.raises(UnreadableFile, match="cannot open galaxy.FITS"):
        io.open_cube(path)


def test_fits_wavelengths_that_are_not_evenly_spaced_are_not_taken_as_such(examples: None, tmp_path: Path) -> None:
    values, path = np.ones((7, 4, 5), np.float32), tmp_path / "galaxy.fits"
    path.write_bytes(fits(values, *AXIS, "CTYPE3  = 'AWAV-LOG'"))
    np.testing.assert_allclose(io.open_cube(path).bands.nm, 450 * np.exp(np.arange(-1, 6) * 50 / 450))
    path.write_bytes(fits(values, *AXIS, "CTYPE3  = 'WAVE-GRI'"))
    assert "its wavelengths are WAVE-GRI, which this reader does not know" in refusal(io.open_cube, path)
    for axes in (2, 4):
        cards = fits(values, *AXIS, "NAXIS4  =  2")
        path.write_bytes(cards.replace(b"NAXIS   =                    3", b"NAXIS   =                    %d" % axes))
        assert f"its array has {axes} axes" in refusal(io.open_cube, path)


def pfm(values: np.ndarray, order: str = "<") -> bytes:
    """A portable float map of values (H, W, 3) or (H, W, 1)."""
    height, width, channels = values.shape
    head = f"{'PF' if channels == 3 else 'Pf'}\n{width} {height}\n{'-' if order == '<' else ''}1.0\n"
    return head.encode() + values[::-1].astype(f"{order}f4").tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_photograph_is_read_like_a_built_in_one(examples: None, order: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(0, 1, (4, 5, 3)).astype(np.float32)
    path = tmp_path / "render.PFM"
    path.write_bytes(pfm(values, order))
    assert io.is_photograph(path) and not io.is_cube(path) and "*.pfm" in io.dialog_filter(io.FileKind.PHOTOGRAPH)
    image = io.read_photograph(path)
    np.testing.assert_allclose(image.values, values, atol=1e-6)
    assert image.source.name == "render.PFM" and len(image.source.sha256) == 64
    brighter = io.read_photograph(path, DevelopSettings(stops=-1.0))
    np.testing.assert_allclose(brighter.values, values / 2, atol=1e-6)
    assert io.decode_photograph(path).shape == (4, 5) and camera_settings(None, path) == DevelopSettings()
    assert nesr_gui.reconstruct(path).shape == (4, 5)
    path.write_bytes(pfm(values[..., :1], order))
    np.testing.assert_allclose(io.read_photograph(path).values, np.repeat(values[..., :1], 3, 2), atol=1e-6)


def test_a_photograph_of_a_plugin_is_checked_like_any_other(examples: None, tmp_path: Path) -> None:
    path, values = tmp_path / "render.pfm", np.ones((4, 5, 3), np.float32)
    path.write_bytes(pfm(values)[:-1])
    assert refusal(io.read_photograph, path) == "cannot read render.pfm: the file is cut short"
    path.write_bytes(b"PF\n5 4\n-1.0")
    assert refusal(io.read_photograph, path).startswith("cannot read render.pfm: it does not begin with PF")
    path.write_bytes(pfm(np.full((4, 5, 3), np.nan)))
    assert "values that are not finite numbers" in refusal(io.read_photograph, path)
    path.write_bytes(pfm(values))
    with pytest.raises(UnreadableImage, match="5 x 4 pixels; at most 1e-05 megapixels"):
        decode(path, max_pixels=10)
    iio.imwrite(tmp_path / "a.png", np.full((2, 3, 3), 255, np.uint8))
    (tmp_path / "a.png").rename(path)  # content decides before the extension
    assert io.read_photograph(path).shape == (2, 3)


JCAMP = """##TITLE= Chlorophyll $$ a comment
##JCAMP-DX= 4.24
##XUNITS= NANOMETERS
##YFACTOR= 0.5
##FIRSTX= 400
##LASTX= 420
##XYDATA= (X++(Y..Y))
400 2 4
410 6 8 10 $$ of 400 2 4

##END=
##TITLE= Falling
##XUNITS= 1/CM
##XYPOINTS= (XY..XY)
20000, 1.5
25000, 2.5
##END=
"""


def test_the_spectra_are_read_like_built_in_ones(examples: None, tmp_path: Path) -> None:
    path = tmp_path / "leaf.jdx"
    path.write_text(JCAMP)
    for spectra in (read_spectra(path), [entry.spectrum for entry in SpectralLibrary.read([tmp_path]).entries]):
        first, second = spectra
        assert (first.name, second.name) == ("Chlorophyll", "Falling")
        assert first.wavelengths.nm.tolist() == [400, 405, 410, 415, 420] and first.values.tolist() == [1, 2, 3, 4, 5]
        assert second.wavelengths.nm.tolist() == [400, 500] and second.values.tolist() == [2.5, 1.5]
    assert "*.jdx" in spectra_filter() and is_spectrum_file(path)
    assert io.describe(path)["names"] == "Chlorophyll, Falling"
    untitled = JCAMP.replace(" Chlorophyll $$ a comment", "").replace("20000, 1.5\n", "20000, 1.5; ")
    path.write_text(untitled.replace("\n400 2 4", "\n400 2 4 $$ two"))
    assert [(each.name, len(each.values)) for each in read_spectra(path)] == [("leaf", 5), ("Falling", 2)]
    for fault, reason in (
        (("\n400 2 4", "\n400%K"), "could not convert"),
        (("##LASTX= 420", "##LASTX= 420\n##NPOINTS= 6"), "5 of 6 values"),
        (("25000", "20000"), "wavelengths must be finite, positive and strictly increasing"),
    ):
        path.write_text(JCAMP.replace(*fault))
        assert refusal(read_spectra, path).startswith(f"cannot read leaf.jdx: {reason}")


def test_the_view_mode_is_rendered(examples: None) -> None:
    modes = view_modes.load_plugins()
    assert [mode.name for mode in modes] == ["mean_wavelength"] == [mode.name for mode in view_modes.load_plugins()]
    assert view_modes.MODES["mean_wavelength"] is modes[0]
    from nesr_centroid import centroid  # type: ignore[import-not-found]

    nm = np.arange(400, 701, 10.0)
    spectra = np.stack([np.ones(31), np.eye(31)[12], np.zeros(31), -np.ones(31) + 2 * (nm >= 650)], 1)[:, None]
    np.testing.assert_allclose(centroid(nm, spectra.astype(np.float32)), [[550, 520, np.nan, 675]])


def test_the_encoder_makes_networks_and_checkpoints(site: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with installed(site):
        config = system_named("dilated").config
        assert config.encoder == "dilated" and config.features == 48
        assert system_named("dilated+nesr").title == "Dilated + NeSR"
        assert "available: hscnn-r" in refusal(system_named, "dilate") and "dilated" in refusal(system_named, "dilate")
        factorised = FactorisedConfig("dilated", 4, 2, spi=False, attention="none", hidden=(6,), rank=3)
        network = build(factorised)
        save_checkpoint(path, network, {})
        model = load_model(path, "cpu")
        assert model.network.halo == 1 + 1 + 2
    with pytest.raises(UnreadableModel, match=r"m.safetensors: unknown encoder 'dilated'; .* install the plug-in"):
        load_checkpoint(path)


def test_an_encoder_without_rows_encodes_large_images(examples: None) -> None:
    import torch

    network = build(system_named("dilated+nesr").config).eval()
    image = torch.rand(1, 3, 40, 30)
    with torch.inference_mode():
        rows = torch.cat(list(network.encode_rows(image)), 2)
        torch.testing.assert_close(rows, network.encode(image))


def refusal(function: Any, *arguments: Any) -> str:
    with pytest.raises((ValueError, KeyError, OSError)) as caught:
        function(*arguments)
    return str(caught.value)


def test_the_data_set_is_opened(examples: None, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        cube = CubeField(rng.random((7, 8, 9)).astype(np.float32), BANDS, Quantity.REFLECTANCE)
        io.write_cube(tmp_path / f"{name}.npy", cube, BANDS)
    Image.fromarray(rng.integers(0, 255, (8, 9, 3), np.uint8)).save(tmp_path / "b.png")
    split = datasets.dataset("pairs").open(tmp_path)
    assert len(split.train) == 2 and len(split.test) == 1
    scenes = {scene.name: scene for scene in (*split.train, *split.test)}
    assert scenes["b"].given == tmp_path / "b.png" and scenes["a"].given is None
    (tmp_path / "more").mkdir()
    io.write_cube(tmp_path / "more" / "a.npz", cube, BANDS)
    assert "a.npz have the same name; rename one of them" in refusal(datasets.dataset("pairs").open, tmp_path)
    assert "there are cave, icvl" in refusal(datasets.dataset, "pears")
    assert datasets.dataset("cave").title == "CAVE"


def test_the_model_is_used_by_its_name(examples: None) -> None:
    path = model_library.models()["mallett-2019"]
    assert path.with_suffix(".md").is_file()
    field = load_model(Path("mallett-2019"), "cpu")
    assert field.name == "mallett-2019" and field.coverage == "any wavelength, 400-700 nm"
    assert "no model of that name; there are nesr-lean" in refusal(model_library.find, Path("mallet"))


def test_the_model_reproduces_colours(examples: None) -> None:
    from nesr_gui.colorimetry.cie import default_camera
    from nesr_gui.inference import engine
    from nesr_gui.spectral import RGBImage

    colours = np.random.default_rng(0).random((5, 6, 3)).astype(np.float32)
    field = engine.encode(RGBImage(colours), load_model(Path("mallett-2019"), "cpu"))
    spectra = field.cube(field.bands).values
    np.testing.assert_allclose(np.tensordot(default_camera(), spectra, axes=1).transpose(1, 2, 0), colours, atol=0.02)


def test_the_command_lists_plugins_and_where_they_are_from(site: Path, tmp_path: Path) -> None:
    write_plugin(tmp_path / "more", "broken", "import no_such_module", "formats")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(tmp_path / "more"), *sys.path])}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nesr_gui", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)

    lines = {line.split()[1]: line for line in run("plugins").stdout.splitlines()}
    assert set(lines) == {"fits", "pfm", "jcamp", "centroid", "dilated", "pairs", "mallett", "broken"}
    assert lines["fits"].split() == ["formats", "fits", "nesr-fits", "1.0", "loaded"]
    assert lines["broken"].endswith("left out: ModuleNotFoundError: No module named 'no_such_module'")
    assert "nesr-gui" not in run("plugins").stderr
    (tmp_path / "galaxy.fits").write_bytes(fits(np.ones((7, 4, 5), np.float32), *AXIS))
    told = run("info", "galaxy.fits")
    assert told.returncode == 0 and "format: FITS spectral cube" in told.stdout
    assert told.stderr.strip() == (
        "nesr-gui: the plug-in broken of dist-broken 2.5 (formats) was left out: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )


FORMAT = "from nesr_gui.io.registry import FileKind, Format\n"


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        ("formats", "ROW = 3", "it declares a int; expected a nesr_gui.io.registry.Format"),
        ("formats", "raise SystemError('no\\nway')", "SystemError: no way"),
        ("formats", FORMAT + "ROW = Format('ENVI', ('.envy',), FileKind.CUBE, print)", "ENVI belongs to the format"),
        ("formats", FORMAT + "ROW = Format('X', ('.nc',), FileKind.CUBE, print)", ".nc belongs to the format NetCDF-4"),
        ("formats", FORMAT + "ROW = Format('X', (), FileKind.CUBE, print)", "must have extensions"),
        ("formats", "raise SystemExit(3)", "SystemExit: 3"),
        ("formats", FORMAT + "ROW = Format('X', ('.x',), FileKind.PHOTOGRAPH)", "must have extensions, and read files"),
        ("formats", FORMAT + "ROW = Format('X', ('.x',), FileKind.CUBE, None, print)", "must have extensions"),
        ("formats", FORMAT + "ROW = Format('X', '.x', FileKind.CUBE, print)", "expected a tuple of endings"),
        ("formats", FORMAT + "ROW = Format('X', ('x',), FileKind.CUBE, print)", "its extensions are ('x',); expected"),
        ("formats", FORMAT + "ROW = Format('X', ('.NC',), FileKind.CUBE, print)", "its extensions are ('.NC',)"),
        ("formats", FORMAT + "ROW = Format('X', ('',), FileKind.CUBE, print)", "its extensions are ('',); expected"),
        (
            "formats",
            FORMAT + "ROW = Format('X', ('.x',), FileKind.CUBE, print, print, writes=('.tar.x',))",
            "its extensions are ('.tar.x',); expected",
        ),
        (
            "formats",
            FORMAT + "ROW = Format('X', ('.x',), FileKind.PHOTOGRAPH, print, print)",
            "photographs can be read by plug-ins, not written",
        ),
        ("formats", FORMAT + "ROW = Format('X', ('.png',), FileKind.PHOTOGRAPH, print)", ".png belongs to the format"),
        ("formats", FORMAT + "ROW = Format('X', ('.txt',), FileKind.CURVES, print)", ".txt belongs to the tables of"),
        ("formats", "", "AttributeError: module 'bad_module' has no attribute 'ROW'"),
        ("view_modes", "ROW = int", "it declares a int; expected a nesr_gui.gui.view_modes.base.ViewMode"),
        (
            "view_modes",
            "from nesr_gui.gui.view_modes.band import Band as ROW",
            "there is another view mode called band",
        ),
        ("datasets", "from nesr_gui.training.datasets.cave import CAVE as ROW", "another data set called cave"),
        (
            "models",
            "from pathlib import Path\nROW = Path('none.safetensors')",
            "there is no model file none.safetensors",
        ),
        ("models", "ROW = 'nesr-lean'", "it declares a str; expected a pathlib"),
        ("models", "from nesr_gui.resources import default_model as ROW", "another model called nesr-lean"),
        ("encoders", "ROW = 3", "it declares a int; expected a nesr_gui.networks.encoders.Encoder"),
    ],
)
def test_a_broken_plugin_is_named_and_left_out(tmp_path: Path, kind: str, code: str, reason: str) -> None:
    write_plugin(tmp_path / "site", "bad", code, kind)
    load = {
        "formats": io.formats,
        "view_modes": view_modes.load_plugins,
        "datasets": datasets.available_datasets,
        "models": model_library.models,
        "encoders": encoders.available_encoders,
    }[kind]
    before = load()
    with installed(tmp_path / "site"):
        assert load() == before == load()
        (told,) = plugins.refused()
    assert str(told).startswith(f"the plug-in bad of dist-bad 2.5 ({kind.replace('_', ' ')}) was left out: ")
    assert reason in str(told) and "\n" not in str(told)


def test_two_plugins_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_plugin(tmp_path / "site", name, FORMAT + "ROW = Format('X', ('.x',), FileKind.CUBE, print)", "formats")
    with installed(tmp_path / "site"):
        assert [row.name for row in io.formats()][-2:] != ["X", "X"] and io.formats()[-1].name == "X"
        assert "second" in str(plugins.refused()[0])


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("encoders", "from nesr_gui.networks.encoders import Encoder\nROW = Encoder(__name__, print, 1, 1)"),
        ("models", "from pathlib import Path\nROW = Path(__file__).parent / __name__ / 'same.safetensors'"),
    ],
)
def test_the_second_of_two_plugins_that_are_called_alike_is_named(tmp_path: Path, kind: str, code: str) -> None:
    load = {"models": model_library.models, "encoders": encoders.available_encoders}[kind]
    for name in ("first", "second"):
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / "same.safetensors").touch()
        write_plugin(tmp_path / "site", "same", code, kind, module=name)
    with installed(tmp_path / "site"):
        assert "first" in str(load()["same"])
        (told,) = plugins.refused()
        assert told.plugin.distribution == "dist-second 2.5" and "called same" in told.reason
        if kind == "encoders":
            assert encoders.encoder("same").title == "first"


def test_a_reader_that_fails_is_named(tmp_path: Path) -> None:
    code = FORMAT + "def read(path, hints): return {'a': 1}[path.stem]\nROW = Format('X', ('.x',), FileKind.CUBE, read)"
    write_plugin(tmp_path / "site", "bad", code, "formats")
    for name in ("a.x", "b.x"):
        (tmp_path / name).write_bytes(b"what")
    with installed(tmp_path / "site"):
        assert refusal(io.open_cube, tmp_path / "b.x") == (
            "the plug-in bad of dist-bad 2.5 failed with b.x (KeyError: 'b'); report this to its author, "
            "or uninstall it"
        )
        assert "returned a int for a.x; expected a CubeField" in refusal(io.open_cube, tmp_path / "a.x")


@pytest.mark.parametrize(
    ("kind", "read"), [("CUBE", io.open_cube), ("PHOTOGRAPH", io.read_photograph), ("CURVES", read_spectra)]
)
def test_a_reader_that_refuses_in_words_of_a_library_or_exits_is_named(tmp_path: Path, kind: str, read: Any) -> None:
    told = {
        "int('12;')": "invalid literal for int() with base 10: '12;'",
        "exit('no licence')": "SystemExit: no licence",
    }
    for fails, reason in told.items():
        code = f"def read(path, *hints): {fails}\nROW = Format('X', ('.x',), FileKind.{kind}, read)"
        write_plugin(tmp_path / reason[:3], "bad", FORMAT + code, "formats")
        (tmp_path / "a.x").write_bytes(b"what")
        with installed(tmp_path / reason[:3]):
            said = refusal(read, tmp_path / "a.x")
            assert said.startswith(f"the plug-in bad of dist-bad 2.5 failed with a.x ({reason})")


def test_pixels_above_the_full_scale_are_not_cut(tmp_path: Path) -> None:
    code = """import numpy as np
from nesr_gui.io.photos.photo import DecodedPixels
def read(path): return DecodedPixels(np.full((2, 3, 3), 4000, np.uint16))
ROW = Format('X', ('.x',), FileKind.PHOTOGRAPH, read)"""
    write_plugin(tmp_path / "site", "bad", FORMAT + code, "formats")
    (tmp_path / "a.x").write_bytes(b"what")
    with installed(tmp_path / "site"):
        assert "expected DecodedPixels whose `white` is at least 4000" in refusal(io.read_photograph, tmp_path / "a.x")


@pytest.mark.parametrize(
    ("kind", "read", "expected"),
    [
        ("PHOTOGRAPH", io.read_photograph, "returned a list for a.x; expected DecodedPixels"),
        ("CURVES", read_spectra, "returned a list for a.x; expected a list of at least one Spectrum"),
    ],
)
def test_a_reader_that_returns_something_else_is_named(tmp_path: Path, kind: str, read: Any, expected: str) -> None:
    code = (
        f"def read(path): return [][0] if path.stem == 'b' else []\nROW = Format('X', ('.x',), FileKind.{kind}, read)"
    )
    write_plugin(tmp_path / "site", "bad", FORMAT + code, "formats")
    for name in ("a.x", "b.x"):
        (tmp_path / name).write_bytes(b"what")
    with installed(tmp_path / "site"):
        assert expected in refusal(read, tmp_path / "a.x")
        assert "the plug-in bad of dist-bad 2.5 failed with b.x (IndexError" in refusal(read, tmp_path / "b.x")


def test_a_checkpoint_imports_only_the_encoder_that_it_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_plugin(tmp_path / "site", name, "raise SystemError(__name__)", "encoders")
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {})
    with installed(tmp_path / "site"):
        load_checkpoint(tmp_path / "m.safetensors")
        assert plugins.refused() == []
        assert "two" in refusal(encoders.encoder, "two")
        assert [refused.plugin.name for refused in plugins.refused()] == ["two"]
        assert "unknown encoder 'os'" in refusal(encoders.encoder, "os")
        assert "one_module" not in sys.modules


def test_help_imports_no_plugin_and_stays_fast(tmp_path: Path) -> None:
    write_plugin(tmp_path / "site", "slow", "import time; time.sleep(20)", "formats")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), *sys.path])}
    began = time.perf_counter()
    told = subprocess.run([sys.executable, "-m", "nesr_gui", "--help"], env=environment, capture_output=True, text=True)
    assert told.returncode == 0 and "plugins" in told.stdout and time.perf_counter() - began < 15
