"""Every experiment from beginning to end, on miniature data sets and with tiny networks."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from nesr_gui.cli import cli
from nesr_gui.inference.model import load_model
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.training import closed_form, synthesis
from nesr_gui.training.datasets import DATASETS
from nesr_gui.training.experiments import plots, runner
from nesr_gui.training.spectral_library import Library
from nesr_gui.training.trainer import Trainer
from tests.training import worlds
from tests.training.datasets import layouts


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> None:
    """Every system in miniature, and painted scenes of one patch."""
    for name, system in SYSTEMS.items():
        sizes = {"features": 16, "blocks": 1, "channels": 4, "hidden": (6,), "atoms": 8, "anchors": 8, "neighbours": 16}
        known = {field.name for field in dataclasses.fields(system.config)}
        config = dataclasses.replace(system.config, **{key: sizes[key] for key in sizes if key in known})
        monkeypatch.setitem(SYSTEMS, name, dataclasses.replace(system, config=config))
    monkeypatch.setattr(synthesis, "PATCHES", 1)
    monkeypatch.setattr(plots, "DPI", 60)
    monkeypatch.setattr(closed_form, "CROP_BATCHES", 2)
    monkeypatch.setattr(closed_form, "PIXELS", 300)


@pytest.fixture(scope="module")
def four_scenes(tmp_path_factory) -> Path:
    """CAVE in miniature."""
    folder = tmp_path_factory.mktemp("cave")
    layouts.cave(folder)
    return folder


def run(name: str, dataset: str, root: Path, out: Path, *more: str) -> Result:
    common = ["--budget", "steps=2", "--batch", "2", "--patch", "8", "--device", "cpu"]
    asked = ["experiment", name, "--dataset", dataset, "--root", str(root), "--out", str(out), *common, *more]
    return CliRunner().invoke(cli, asked, catch_exceptions=False)


def rows(out: Path, name: str) -> list[dict[str, str]]:
    with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def finished(out: Path, name: str) -> dict[str, object]:
    """The manifest, after a look at all that should be there."""
    for file in out.glob("*.png"):
        picture = np.asarray(Image.open(file))
        assert picture.shape[0] > 100 and picture.std() > 0
    assert all(np.isfinite(float(row["mrae"])) and float(row["rmse"]) > 0 for row in rows(out, name))
    return json.loads((out / f"{name}.manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_table_of_every_data_set(tmp_path, dataset):
    layouts.WRITERS[dataset](tmp_path / "data")
    result = run("table1", dataset, tmp_path / "data", tmp_path / "run", "--models", "bi,hscnn-r+nesr")
    assert result.exit_code == 0
    said = finished(tmp_path / "run", "table1")
    assert said["dataset"] == DATASETS[dataset].title and said["photographs"] == str(DATASETS[dataset].camera)
    assert said["training_bands_nm"].startswith("31, 420-720" if dataset in ("harvard", "kaist") else "31, 400-700")
    assert [row["row"] for row in rows(tmp_path / "run", "table1")] == ["BI", "HSCNN-R + NeSR"]
    model = load_model(tmp_path / "run" / "models" / "hscnn-r+nesr.31-bands.seed0" / "model.safetensors", "cpu")
    assert model.wavelength_range == tuple(DATASETS[dataset].bands.nm[[0, -1]])


def test_table_1_with_all_rows(tmp_path, four_scenes):
    every = "bi,hscnn-r,hscnn-r+nesr,hrnet,hrnet+nesr,awan,awan+nesr,hscnn-r+factorised,hscnn-r+factorised+mlp,mst++,"
    every += "sparse-coding,a+"
    assert run("table1", "cave", four_scenes, tmp_path / "run", "--models", every).exit_code == 0
    said, found = finished(tmp_path / "run", "table1"), rows(tmp_path / "run", "table1")
    factorised = ["HSCNN-R + NeSR, factorised", "HSCNN-R + MLP, factorised"]
    assert [row["row"] for row in found][-5:] == [*factorised, "MST++", "Sparse coding", "A+"] and len(found) == 12
    assert float(found[7]["parameters_M"]) > float(found[8]["parameters_M"])  # without SPI and NAM
    assert len(said["models"]) == 12 and len(said["training_scenes"]) == 3 and len(said["test_scenes"]) == 1
    assert all(len(model["sha256"]) == 64 for model in said["models"].values())
    text = (tmp_path / "run" / "table1.md").read_text(encoding="utf-8")
    assert "5.74425" in text and "The paper had 28 and 4 scenes" in text and "under D65" in text


def test_the_factorised_network_is_refused_where_the_bands_are_others(tmp_path):
    layouts.WRITERS["harvard"](tmp_path / "data")
    told = "factorised was requested on 31 bands of 420-720 nm; it is trained on 31 of 400-700 nm: leave its row out"
    with pytest.raises(ValueError, match=told):
        run("table1", "harvard", tmp_path / "data", tmp_path / "run", "--models", "bi,hscnn-r+factorised")


def test_table_2_of_raw_scenes(tmp_path):
    layouts.icvl_raw(tmp_path / "data")
    assert run("table2", "icvl", tmp_path / "data", tmp_path / "run", "--encoder", "hscnn-r").exit_code == 0
    said, found = finished(tmp_path / "run", "table2"), rows(tmp_path / "run", "table2")
    assert {row["column"] for row in found} == {"31", "16", "11", "7"} and len(found) == 5 * 4
    assert set(said["models"]) == {
        "bi.31-bands.seed0", "sparse-coding.61-bands.seed0", "hscnn-r.61-bands.seed0", "hscnn-r+nesr.7-31-bands.seed0",
        *(f"hscnn-r.{bands}-bands.seed0" for bands in (31, 16, 11, 7)),
    }  # fmt: skip
    assert found[0]["paper_mrae"] == "0.15573" and not any(row["paper_mrae"] for row in found[8:])


def test_table_3_both_halves(tmp_path):
    layouts.icvl_raw(tmp_path / "data")
    result = run("table3", "icvl", tmp_path / "data", tmp_path / "run", "--encoder", "hscnn-r")
    assert result.exit_code == 0 and "not evaluated" not in result.output
    finished(tmp_path / "run", "table3")
    cells = [(row["row"], row["column"]) for row in rows(tmp_path / "run", "table3")]
    extreme = [(row, bands) for row in ("BI", "HSCNN-R + BI", "HSCNN-R + NeSR") for bands in ("61", "51", "41")]
    assert cells == extreme + [(row, n) for row in ("BI", "HSCNN-R", "HSCNN-R + NeSR") for n in ("16-31", "16-61")]
    assert (tmp_path / "run" / "table3-more-errors.png").exists()


def test_table_4_both_halves(tmp_path):
    layouts.ntire2020(tmp_path / "data")
    given = ("ntire2020-clean", tmp_path / "data", tmp_path / "run")
    small = ("--features", "16", "--blocks", "1")
    assert run("table4", *given, "--encoder", "hscnn-r", "--window", "0", *small).exit_code == 0
    finished(tmp_path / "run", "table4")
    assert [row["row"] for row in rows(tmp_path / "run", "table4")] == [
        "HSCNN-R", "HSCNN-R + MLP", "HSCNN-R + MLP + SPI", "HSCNN-R + MLP + SPI + NAM",
        "Spectral-wise", "Spatial-wise", "Spatial-spectral-wise",
    ]  # fmt: skip
    assert not any(row["paper_mrae"] for row in rows(tmp_path / "run", "table4"))
    text = (tmp_path / "run" / "table4.md").read_text(encoding="utf-8")
    assert "HSCNN-R takes the place of AWAN" in text and "have 16 features and 1 block" in text
    assert not any(figure in text for figure in ("0.03214", "0.03222", "0.02996"))


def test_figure_3_shares_the_models_of_table_1_and_shows_what_is_asked(tmp_path):
    layouts.ntire2020(tmp_path / "data")
    given = ("ntire2020-clean", tmp_path / "data", tmp_path / "run", "--models", "bi,hscnn-r")
    assert run("table1", *given, "--seeds", "2").exit_code == 0
    bi, network = rows(tmp_path / "run", "table1")
    assert (bi["seeds"], network["seeds"], bi["mrae_spread"]) == ("1", "2", "") and float(network["mrae_spread"]) > 0
    model = tmp_path / "run" / "models" / "hscnn-r.31-bands.seed0" / "model.safetensors"
    before = model.stat().st_mtime_ns
    shown = run("fig3", *given, "--scene", "ARAD_HS_0451", "--at", "3,4", "--at", "10,20")
    assert shown.exit_code == 0 and "fig3-errors.png" in shown.output and "fig3-curves.png" in shown.output
    assert model.stat().st_mtime_ns == before
    finished(tmp_path / "run", "fig3")


def test_painted_scenes_tell_what_is_between_the_bands(tmp_path, four_scenes):
    """CAVE has nothing between its bands: that half of the table is of painted scenes alone, and that is said."""
    fine, extra = worlds.library("fine", 1, 200), worlds.smooth_spectra(150, np.arange(400, 701, 1.0), seed=7)
    noise = np.random.default_rng(1).normal(0, 4e-4, extra.shape).astype(np.float32)
    both = Library("both", fine.wavelengths, np.concatenate([fine.values, np.clip(extra + noise, 0, 1)]))
    worlds.write_library(tmp_path / "fine.npz", both)
    result = run(
        "table3", "cave", four_scenes, tmp_path / "run", "--encoder", "hscnn-r", "--spectra",
        str(tmp_path / "fine.npz"), "--models", "bi,hscnn-r+bi,hscnn-r+nesr", "--columns", "61,51", "--every", "3",
    )  # fmt: skip
    assert result.exit_code == 0
    assert "not evaluated: 61 bands, CAVE, " in result.output and "its 31 bands are too coarse" in result.output
    said = finished(tmp_path / "run", "table3")
    assert said["kept_out"]["both"] > 0 and said["settings"]["painted"] == 0.4 and said["judged_every"] == 3
    groups = {row["group"] for row in rows(tmp_path / "run", "table3") if row["column"] == "61"}
    assert "painted" in groups and "CAVE" not in groups
    assert {row["column"] for row in rows(tmp_path / "run", "table3")} == {"61", "51"}
    assert (tmp_path / "run" / "table3-errors.png").exists()
    text = (tmp_path / "run" / "table3.md").read_text(encoding="utf-8")
    assert (
        "1 of the 2 patches of every step are painted with" in text
        and "NeSR decodes 8 × 8 pixels at 8 wavelengths of every patch per step, drawn at random; the paper’s" in text
        and "The paper’s figures are of ICVL" in text
        and "in one of 3 rows and columns" in text
        and "### Every nm of painted scenes" in text
        and "roughness / truth’s" in text
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--dataset", "cava"), "no data set 'cava'; there are cave, icvl"),
        (("--columns", "41"), "table2 has no column 41; there are 31, 16, 11, 7"),
        (("--models", "nesr"), "table2 has no row nesr; there are bi, sparse-coding, hscnn-r-d"),
        (("--encoder", "bi"), "'bi' cannot take AWAN's place; choose one of hscnn-r, hrnet, awan"),
        (("--budget", "1h"), "write paper, hours=1.5 or steps=2000"),
        (("--patch", "64"), "a crop of 64 is too large"),
        (("--painted", ".5"), "name a library by --spectra"),
        (("--painted", ".2"), "a share of 0.2 of 2 patches was requested, which is none"),
        (("--spectra", "none.npz"), "there is no spectrum library none.npz"),
        (("--at", "here"), "write ROW,COL"),
        (("--band-width", "0"), "choose gaussian or box, and a width"),
        (("--rate", "nan"), "a learning rate of nan was requested; it must be above 0"),
        (("--rate", "inf"), "a learning rate of inf was requested"),
        (("--scene", "dark"), "no test scene dark; there are "),
        (("--at", "3,400"), "row, column (3, 400) is not in it"),
    ],
)
def test_mistakes_are_one_sentence_before_anything_is_trained(tmp_path, four_scenes, more, told):
    with pytest.raises((ValueError, OSError)) as refused:
        run("table2", "cave", four_scenes, tmp_path / "run", "--encoder", "hscnn-r", *more)
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert not (tmp_path / "run" / "models").exists()


def test_a_test_scene_of_which_nothing_counts_is_refused(tmp_path):
    """Its errors would be means of nothing."""
    layouts.cave(tmp_path / "cave")
    (scene,) = DATASETS["cave"].open(tmp_path / "cave").test
    boxes = {scene.name: [0, layouts.SHAPE[0], 0, layouts.SHAPE[1]]}
    (tmp_path / "cave" / "chart_boxes.json").write_text(json.dumps(boxes), encoding="utf-8")
    with pytest.raises(ValueError, match=f"no pixel of the test scene {scene.name} counts: its chart and its edges"):
        run("table1", "cave", tmp_path / "cave", tmp_path / "run", "--models", "bi")


@pytest.mark.parametrize(
    ("faster", "precision", "told"),
    [(False, "bf16-mixed", True), (True, "bf16-mixed", False), (False, "32-true", False)],
)
def test_a_precision_that_the_device_only_emulates_is_told(tmp_path, four_scenes, monkeypatch, faster, precision, told):
    monkeypatch.setattr(runner, "is_faster_in_bfloat16", lambda device: faster)
    done = run("table1", "cave", four_scenes, tmp_path / "run", "--models", "bi", "--precision", precision)
    assert done.exit_code == 0 and ("not faster than 32-true on this device" in done.output) == told


def test_other_settings_are_told_before_anything_is_trained(tmp_path, four_scenes):
    """Of the last network too, for which one would have waited, and of baselines, which are fitted in seconds."""
    given = ("table1", "cave", four_scenes, tmp_path / "run")
    for model in ("a+", "hscnn-r"):
        assert run(*given, "--models", model).exit_code == 0
        with pytest.raises(ValueError, match=r"other settings \(batch 2, not 3\); name another folder by --out"):
            run(*given, "--models", f"bi,mst++,{model}", "--batch", "3")
        assert not (tmp_path / "run" / "models" / "mst++.31-bands.seed0").exists()
    with pytest.raises(ValueError, match=r"other settings \(steps 2, not 3; rate 0.0001, not 0.0002\)"):
        run(*given, "--models", "hscnn-r", "--budget", "steps=3", "--rate", "2e-4")


def test_a_run_is_not_continued_with_other_bands_or_chart_boxes(tmp_path):
    """Or tables would show networks that were trained on one truth and tested on another."""
    layouts.cave(tmp_path / "cave")
    given = ("table1", "cave", tmp_path / "cave", tmp_path / "run", "--models", "hscnn-r,a+")
    assert run(*given).exit_code == 0
    with pytest.raises(ValueError, match=r"other settings \(kind gaussian, not box; width 10, not 20\)"):
        run(*given, "--band-shape", "box", "--band-width", "20")
    (scene, *_) = DATASETS["cave"].open(tmp_path / "cave").train
    (tmp_path / "cave" / "chart_boxes.json").write_text(json.dumps({scene.name: [4, 9, 4, 9]}), encoding="utf-8")
    for model in ("hscnn-r", "a+"):
        with pytest.raises(ValueError, match=r"other settings \(other charts, or other pixels that do not count\)"):
            run(*given[:-1], model)
    for path in (tmp_path / "run" / "models").glob("*/run.json"):  # as older versions wrote it
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({key: record[key] for key in record if key not in ("band_shape", "counted")}))
    assert run(*given).exit_code == 0


def test_a_finished_model_without_its_state_is_not_trained_again(tmp_path, four_scenes):
    """Adam's state is twice as large as the weights, and of no use after the end."""
    given = ("table1", "cave", four_scenes, tmp_path / "run", "--models", "hscnn-r")
    assert run(*given).exit_code == 0
    folder = tmp_path / "run" / "models" / "hscnn-r.31-bands.seed0"
    before = (folder / "model.safetensors").stat().st_mtime_ns
    (folder / "state.pt").unlink()
    for more in ((), ("--unfinished",)):
        again = run(*given, *more)
        assert again.exit_code == 0 and "trained " not in again.output
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_what_is_trained_is_told_a_line_for_each_network(tmp_path, four_scenes):
    given = ("table1", "cave", four_scenes, tmp_path / "run", "--models", "bi,hscnn-r,mst++")
    told = run(*given).output
    assert "training hscnn-r.31-bands.seed0 (2 of 3)" in told and "training mst++.31-bands.seed0 (3 of 3)" in told
    assert "trained hscnn-r.31-bands.seed0, MRAE " in told and " after 2 steps\n" in told
    assert "bi.31-bands.seed0" not in told
    assert "training" not in run(*given).output.replace("table1-training.png", "")


def weights(out: Path, job: str, file: str = "model.safetensors") -> dict[str, np.ndarray]:
    network = load_model(out / "models" / job / file, "cpu").network
    return {name: value.numpy() for name, value in network.state_dict().items()}


def test_networks_are_trained_by_turns(tmp_path, four_scenes):
    """Every one a step at a time, to the same weights as one after the other."""
    jobs = ["hscnn-r.31-bands.seed0", "hscnn-r+skip.31-bands.seed0", "hscnn-r+skip+nesr.31-bands.seed0"]
    given = ("table1", "cave", four_scenes)
    models = ("--models", "bi,hscnn-r,hscnn-r+skip,hscnn-r+skip+nesr")
    turns = run(*given, tmp_path / "turns", *models, "--turns", "1e-9")
    assert turns.exit_code == run(*given, tmp_path / "whole", *models).exit_code == 0
    lines = [line.split()[1].rstrip(",") for line in turns.output.splitlines() if line.startswith("trained ")]
    assert lines == [*jobs, *jobs] and turns.output.count(" so far\n") == 3
    for job in jobs:
        first, second = (weights(tmp_path / name, job) for name in ("turns", "whole"))
        assert all(np.array_equal(first[name], second[name]) for name in first)


def test_unfinished_networks_are_evaluated_as_they_are(tmp_path, four_scenes, monkeypatch):
    """Nothing is trained for it, and the tables say how far each network was."""
    given = ("table1", "cave", four_scenes, tmp_path / "run", "--models", "bi,hscnn-r,hscnn-r+skip,mst++")
    with pytest.raises(ValueError, match="no network in .* is trained yet; train some before --unfinished"):
        run(*given[:-1], "hscnn-r", "--unfinished")
    fitted = run(*given[:3], tmp_path / "fitted", "--models", "bi,hscnn-r", "--unfinished")
    assert fitted.exit_code == 0 and set(finished(tmp_path / "fitted", "table1")["models"]) == {"bi.31-bands.seed0"}
    advance = Trainer._advance

    def interrupted(trainer: Trainer) -> float:
        if trainer.step == 1 and "skip" in trainer.folder.name:
            raise KeyboardInterrupt
        return advance(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", interrupted)
        assert run(*given).exit_code == 130
    result = run(*given, "--unfinished")
    assert result.exit_code == 0 and "trained " not in result.output
    skip = "hscnn-r+skip.31-bands.seed0"
    assert f"unfinished run: {skip}: 1 steps, 0.00 hours, 50% of the budget" in result.output
    manifest = finished(tmp_path / "run", "table1")
    assert set(manifest["models"]) == {"bi.31-bands.seed0", "hscnn-r.31-bands.seed0", skip}
    assert f"**{skip} is unfinished: 1 steps" in (tmp_path / "run" / "table1.md").read_text(encoding="utf-8")
    assert [row["row"] for row in rows(tmp_path / "run", "table1")] == ["BI", "HSCNN-R", "HSCNN-R, skip"]
    before = weights(tmp_path / "run", skip, "unfinished.safetensors")
    assert run(*given[:-1], "hscnn-r+skip").exit_code == 0
    after = weights(tmp_path / "run", skip)
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert "unfinished" not in finished(tmp_path / "run", "table1")["models"][skip]


def test_what_no_network_decodes_is_no_part_of_its_run(tmp_path, four_scenes):
    """A discrete network is the same whatever window others decode."""
    given = ("table1", "cave", four_scenes, tmp_path / "run", "--models")
    assert run(*given, "hscnn-r,hscnn-r+nesr").exit_code == 0
    assert run(*given, "hscnn-r", "--window", "4", "--decoded", "3").exit_code == 0
    with pytest.raises(ValueError, match=r"other settings \(window 8, not 4; decoded 8, not 3\)"):
        run(*given, "hscnn-r+nesr", "--window", "4", "--decoded", "3")


def test_failed_runs_are_reported(tmp_path, four_scenes, monkeypatch):
    """In the tables, in the manifest and on the command line, also when the model exists already."""
    monkeypatch.setattr("nesr_gui.training.vital_signs.LEAST_SHARE", 1e9)
    given = ("table1", "cave", four_scenes, tmp_path / "run", "--models", "bi,hscnn-r")
    for _ in range(2):
        result = run(*given)
        assert result.exit_code == 0
        assert "failed run: hscnn-r.31-bands.seed0: the network answers a constant" in result.output
    manifest = finished(tmp_path / "run", "table1")
    assert (
        "failed" in manifest["models"]["hscnn-r.31-bands.seed0"]
        and "failed" not in manifest["models"]["bi.31-bands.seed0"]
    )
    text = (tmp_path / "run" / "table1.md").read_text(encoding="utf-8")
    assert "**hscnn-r.31-bands.seed0 failed: the network answers a constant" in text


def test_error_maps_show_what_is_usual():
    """A dark border of a scene, relative to which every error is huge, does not rule the scale."""
    errors = np.random.default_rng(0).uniform(0, 0.4, (50, 50)).astype(np.float32)
    assert plots.scale_end([errors]) > 0.35
    border = errors.copy()
    border[:, :2] = 14
    assert plots.scale_end([errors, border]) < 0.5
    assert plots.scale_end([np.zeros((5, 5), np.float32)]) > 0


def test_stopped_by_ctrl_c_is_no_success(tmp_path, four_scenes, monkeypatch):
    """Or a script would go on with the next experiment."""
    given = ("table1", "cave", four_scenes, tmp_path / "run", "--models", "hscnn-r")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", interrupted)
        stopped = run(*given)
    assert stopped.exit_code == 130 and "stopped; the same command resumes it" in stopped.output
    assert run(*given).exit_code == 0
