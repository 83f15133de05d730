"""What a batch makes of each photograph, and when that is there already."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.batch.job import ItemState, JobItem, JobSettings, is_complete, process_item, sha256_of, tasks
from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.fields.sensor import SENSORS, BandShape
from nesr_gui.io import StorageEncoding
from nesr_gui.io.cubes.export import REQUEST
from nesr_gui.regions import Region
from nesr_gui.spectral import Wavelengths


def quiet(_: float) -> None:
    """Progress nobody watches."""


def test_cubes_are_named_after_their_photographs(tmp_path: Path) -> None:
    sources = [tmp_path / name for name in ("a.png", "b.jpg", "B.tif", "a.png")]
    names = [task.out.name for task in tasks(sources, tmp_path / "out", ".h5")]
    assert names == ["a.h5", "b.jpg.h5", "B.tif.h5"]
    assert [task.out.name for task in tasks(sources[:1], tmp_path / "out", "")] == ["a"]


@pytest.mark.parametrize(
    ("names", "folder", "said"),
    [(["x/a.png", "y/a.png"], "out", r"x.a\.png and .*y.a\.png would both become a\.png\.tif"),
     (["a.tif"], ".", r"the cube of a\.tif would replace the photograph"),
     (["a.png", "a.png.tif", "a.jpg"], ".", r"the cube of a\.png would replace the photograph .*a\.png\.tif")],
)  # fmt: skip
def test_names_that_cannot_be(tmp_path: Path, names: list[str], folder: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tasks([tmp_path / name for name in names], (tmp_path / folder).resolve(), ".tif")


@pytest.mark.parametrize(
    "change",
    [{"bands": Wavelengths(np.array([450.0, 512.4, 600.0]))}, {"bands": None}, {"bands": SENSORS["Sentinel-2A"]},
     {"bands": SENSORS["Sentinel-2A"].shaped(BandShape.BOX)}, {"encoding": StorageEncoding("float16")},
     {"encoding": StorageEncoding("uint16", scale=1e-3)}, {"light": Illuminant("D65")}, {"light": Illuminant("A")},
     {"region": Region.rectangle(1, 1, 5, 5)}, {"region": Region.rectangle(1, 1, 5, 6), "is_masked": True}],
)  # fmt: skip
def test_the_request_tells_every_option(order: JobSettings, change: dict[str, Any]) -> None:
    assert order.request("photo") == replace(order, device="cuda", model=Path("elsewhere")).request("photo")
    assert order.request("photo") == pickle.loads(pickle.dumps(order)).request("photo")
    said = {order.request("photo"), order.request("other"), replace(order, max_pixels=5).request("photo"),
            replace(order, model_sha256="another").request("photo"),
            replace(order, plan=replace(order.plan, **change)).request("photo")}  # fmt: skip
    assert len(said) == 5


@pytest.mark.parametrize("ending", [".h5", ".hdr", ".mat", ".tif", ".zarr", ".exr", ".npy", ".npz", ""])
def test_a_complete_cube_is_skipped_in_every_format(
    tmp_path: Path, order: JobSettings, photographs: Callable[..., list[Path]], ending: str
) -> None:
    for module in {".zarr": ["zarr"], ".exr": ["OpenEXR"]}.get(ending, []):
        pytest.importorskip(module)
    order = replace(order, plan=replace(order.plan, encoding=StorageEncoding("float32" if ending else "uint16")))
    [source] = photographs(1)
    [task] = tasks([source], tmp_path, ending)
    done = process_item(task, order, quiet)
    assert done.state is ItemState.WRITTEN and "3 bands of 16×12 pixels; checked, 36 values read back" in done.said
    assert io.open_cube(task.out).provenance[REQUEST] == order.request(sha256_of(source))
    assert process_item(task, order, quiet).state is ItemState.SKIPPED
    assert process_item(task, replace(order, max_pixels=100), quiet).state is ItemState.WRITTEN
    assert not is_complete(task.out, order.request(sha256_of(source)))


def test_another_photograph_of_the_same_name_or_a_damaged_cube_is_done_again(
    tmp_path: Path, order: JobSettings, photographs: Callable[..., list[Path]]
) -> None:
    first, second = photographs(2)
    task = JobItem(first, tmp_path / "cube.h5")
    assert process_item(task, order, quiet).state is ItemState.WRITTEN
    first.write_bytes(second.read_bytes())
    assert process_item(task, order, quiet).state is ItemState.WRITTEN
    task.out.write_bytes(task.out.read_bytes()[:500])
    assert process_item(task, order, quiet).state is ItemState.WRITTEN
    assert process_item(task, order, quiet).state is ItemState.SKIPPED


def test_what_is_wrong_is_the_outcome_and_cancelling_goes_on(
    tmp_path: Path, order: JobSettings, photographs: Callable[..., list[Path]]
) -> None:
    [source] = photographs(1)
    missing = process_item(JobItem(tmp_path / "no.png", tmp_path / "no.h5"), order, quiet)
    assert missing.state is ItemState.FAILED and "there is no file" in missing.said
    wrong = process_item(JobItem(source, tmp_path / "a.h5"), replace(order, model_sha256="00"), quiet)
    assert wrong.state is ItemState.FAILED and "not the one that was asked for" in wrong.said

    def stop(fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        process_item(JobItem(source, tmp_path / "a.h5"), order, stop)
    assert [path.name for path in tmp_path.glob("*.h5")] == []
