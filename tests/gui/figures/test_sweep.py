import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import imageio.v3 as iio
import imageio_ffmpeg
import numpy as np
import OpenEXR
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.gui.drawing.tone_mapping import ToneMapping
from nesr_gui.gui.figures import sweep as films
from nesr_gui.gui.figures.sweep import Sweep, SweepExport, SweepFormat, export_sweep, frame
from nesr_gui.gui.model.palette import GREY
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.tasks.files import FileRequest, read_library
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.dialogs.simple import SweepChoices, SweepDialog
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.spectral import Spectrum
from tests.gui.conftest import BANDS, smooth_cube

SWEEP = Sweep(450.0, 500.0, 50.0, 10, 64, is_labelled=False)


def ignore(fraction: float) -> None:
    pass


@pytest.fixture
def context(qapp: object) -> RenderContext:
    field, viewing = CubeField(smooth_cube(31, 45), BANDS), ViewingConditions.default()
    return RenderContext(
        field=field,
        photograph=None,
        encoded=None,
        colours=None,
        truth=None,
        reference=None,
        reference_name="",
        viewing=viewing,
        white=None,
        nm=550.0,
        binning=1,
        levels=(0.0, 1.0),
        view_settings=ViewSettings(),
        analyses={},
        is_abstaining=True,
    )


def decoded(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The frames of a film, as ffmpeg itself decodes them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *shape, 3)


def test_frames_are_at_the_speed_asked() -> None:
    assert len(SWEEP.wavelengths()) == 11 and SWEEP.wavelengths()[1] == pytest.approx(455)
    assert len(replace(SWEEP, speed=5.0).wavelengths()) == 101
    for wrong in (replace(SWEEP, stop=450.0), replace(SWEEP, speed=0.001)):
        with pytest.raises(ValueError, match=r"the end must be above|at most 20,000"):
            wrong.wavelengths()


@pytest.mark.parametrize("kind", [SweepFormat.GIF, SweepFormat.MP4])
def test_a_film_holds_the_bands(context: RenderContext, tmp_path: Path, kind: SweepFormat) -> None:
    ending = kind.ending
    path, told = tmp_path / f"film{ending}", list[float]()
    export_sweep(SweepExport(path, "band", context, SWEEP, kind), told.append)
    assert told == sorted(told) and told[-1] == 1.0 and [p.name for p in tmp_path.iterdir()] == [path.name]
    frames = iio.imread(path, plugin="pillow") if ending == ".gif" else decoded(path, (32, 46))
    assert frames.shape[:3] == (11, 32, 46)
    for shown, nm in ((frames[0], 450.0), (frames[-1], 500.0)):
        expected = ToneMapping.of((0.0, 1.0), GREY).shade(context.answering.band(nm))
        assert np.abs(shown[:31, :45, 0].astype(int) - expected).mean() < 6  # both formats lose a little
    if ending == ".gif":
        assert iio.immeta(path, plugin="pillow")["loop"] in (0, 65535)  # for ever, or nearly
        assert iio.immeta(path, plugin="pillow")["duration"] == 100


def test_an_animation_of_few_colours_is_read_frame_by_frame(context: RenderContext, tmp_path: Path) -> None:
    """Flat bands, as of water vapour that was set to zero, have few colours; equal frames may be merged."""
    values = np.repeat(np.linspace(0, 1, 31, dtype=np.float32), 31 * 45).reshape(31, 31, 45)
    values[5:9], values[20, :, 10:] = 0, np.nan
    flat, path = replace(context, field=CubeField(values, BANDS)), tmp_path / "film.gif"
    sweep = replace(SWEEP, start=400.0, stop=700.0, is_labelled=False)
    export_sweep(SweepExport(path, "band", flat, sweep, SweepFormat.GIF), ignore)
    with Image.open(path) as film:
        durations, shown = [], list[float]()
        for number in range(film.n_frames):
            film.seek(number)
            durations.append(film.info["duration"])
            shown.append(np.asarray(film.convert("RGB"))[0, 0, 0])
    assert sum(durations) == 100 * len(sweep.wavelengths())
    shades = ToneMapping.of((0.0, 1.0), GREY).shade(np.array([values[0, 0, 0], values[-1, 0, 0]]))
    assert [shown[0], shown[-1]] == shades.tolist()


@pytest.mark.parametrize(("rate", "seconds"), [(10, 0.1), (25, 0.04), (30, 0.03), (60, 0.02)])
def test_frames_of_animations_last_whole_hundredths_of_a_second(rate: int, seconds: float) -> None:
    assert films.gif_seconds(rate) == pytest.approx(seconds)


@pytest.mark.parametrize("kind", [SweepFormat.GIF, SweepFormat.MP4])
def test_a_cancelled_film_leaves_the_older_one(context: RenderContext, tmp_path: Path, kind: SweepFormat) -> None:
    path = tmp_path / f"film{kind.ending}"
    path.write_bytes(b"older")

    def stop(fraction: float) -> None:
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        export_sweep(SweepExport(path, "band", context, SWEEP, kind), stop)
    assert path.read_bytes() == b"older" and len(list(tmp_path.iterdir())) == 1


def test_a_film_without_its_package_or_of_another_kind_is_refused(
    context: RenderContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(films.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"nesr-gui\[video\]"):
        export_sweep(SweepExport(tmp_path / "film.mp4", "band", context, SWEEP, SweepFormat.MP4), ignore)
    with pytest.raises(ValueError, match=r"nesr-gui\[formats\]"):
        export_sweep(SweepExport(tmp_path / "film", "band", context, SWEEP, SweepFormat.EXR_FRAMES), ignore)
    with pytest.raises(ValueError, match=r"ends in \.gif"):
        export_sweep(SweepExport(tmp_path / "film.avi", "band", context, SWEEP, SweepFormat.GIF), ignore)
    assert list(tmp_path.iterdir()) == []
    dialog = SweepDialog((400.0, 700.0), 40.0, (31, 45), SweepChoices())
    qtbot.addWidget(dialog)
    assert "nesr-gui[video]" in dialog.summary.text() and not dialog.accept_button.isEnabled()
    dialog.format.setCurrentIndex(1)
    assert dialog.summary.text() == "188 frames of 45×31 pixels, 7.5 s." and dialog.accept_button.isEnabled()


def test_colours_labels_and_modes_that_stand_still(context: RenderContext) -> None:
    tinted = replace(context, view_settings=ViewSettings().with_colormap("band", "wavelength"))
    red = frame(SweepExport(Path("x.gif"), "band", tinted, SWEEP, SweepFormat.GIF), 650.0)
    assert red[..., 0].max() > 150 > 60 > red[..., 2].max()
    plain = SweepExport(Path("x.gif"), "rerendered", context, SWEEP, SweepFormat.GIF)
    band = frame(replace(plain, mode="band"), 480.0)
    np.testing.assert_array_equal(frame(plain, 480.0), band)
    labelled = frame(replace(plain, sweep=replace(SWEEP, is_labelled=True)), 480.0)
    assert labelled.shape == band.shape and (labelled != band).any() and (labelled[-4:] == band[-4:]).all()


def test_back_and_forth_shows_both_ends_once() -> None:
    there = SWEEP.wavelengths()
    assert replace(SWEEP, returns=True).wavelengths() == there + there[-2:0:-1]
    with pytest.raises(ValueError, match="would have 22,222 frames"):
        Sweep(400.0, 500.0, 0.09, 10, returns=True).wavelengths()


def test_frames_are_numbered_pictures(context: RenderContext, tmp_path: Path) -> None:
    folder, told = tmp_path / "sweep", list[float]()
    request = SweepExport(folder, "band", context, replace(SWEEP, returns=True), SweepFormat.PNG_FRAMES)
    export_sweep(request, told.append)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"sweep_{n:04}.png" for n in range(1, 21)] and list(tmp_path.iterdir()) == [folder]
    assert told == sorted(told) and told[-1] == 1.0
    for name, nm in (("sweep_0001.png", 450.0), ("sweep_0011.png", 500.0), ("sweep_0020.png", 455.0)):
        expected = ToneMapping.of((0.0, 1.0), GREY).shade(context.answering.band(nm))
        np.testing.assert_array_equal(iio.imread(folder / name), expected[:, :, None].repeat(3, 2))
    labelled = replace(request, path=tmp_path / "labelled", sweep=replace(SWEEP, is_labelled=True))
    export_sweep(labelled, ignore)
    first = [iio.imread(path) for path in (folder / "sweep_0001.png", tmp_path / "labelled" / "labelled_0001.png")]
    assert first[0].shape == first[1].shape and (first[0] != first[1]).any()


def test_exr_frames_hold_the_values(context: RenderContext, tmp_path: Path) -> None:
    labelled = replace(SWEEP, is_labelled=True)
    export_sweep(SweepExport(tmp_path / "s", "band", context, labelled, SweepFormat.EXR_FRAMES), ignore)
    assert len(list((tmp_path / "s").iterdir())) == 11
    with OpenEXR.File(str(tmp_path / "s" / "s_0011.exr")) as file:
        np.testing.assert_array_equal(file.channels()["Y"].pixels, context.answering.band(500.0))
        assert json.loads(file.header()["comments"])["wavelength_nm"] == 500


def test_frames_spare_the_files_of_a_folder(context: RenderContext, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    request = SweepExport(tmp_path / "mine", "band", context, SWEEP, SweepFormat.PNG_FRAMES)
    with pytest.raises(ValueError, match="the folder is not empty; choose a new folder"):
        export_sweep(request, ignore)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]

    def stop(fraction: float) -> None:
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        export_sweep(replace(request, path=tmp_path / "new"), stop)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_references_are_read_from_curves(tmp_path: Path) -> None:
    curve = Spectrum(BANDS, np.linspace(0, 1, 31, dtype=np.float32), "leaf")
    write_curves(tmp_path / "curves.csv", [curve])
    assert [read.name for read in read_library(FileRequest(tmp_path / "curves.csv"), ignore)] == ["leaf"]


def test_a_build_without_its_own_ffmpeg_uses_that_of_the_system(tmp_path, monkeypatch):
    package = tmp_path / "imageio_ffmpeg"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: SimpleNamespace(origin=str(package / "__init__.py")))
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "install it" in SweepFormat.MP4.missing()
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/ffmpeg")
    assert SweepFormat.MP4.missing() == ""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install" in SweepFormat.MP4.missing()
