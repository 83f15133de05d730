"""A day's work with a monkey at the mouse: measured cubes, tabs and exports, for as long as is asked for.

The user opens a photograph in a new tab, compares it with its measured cube, marks it, exports all there is to export
and saves the session; then the monkey does what it likes with the window. After the first quarter of the time the
program must not grow. A run of one such round belongs to the tests; the full one is asked for by the environment:

    NESR_SOAK_MINUTES=120 pytest -s tests/gui/test_soak.py
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import imageio.v3 as iio
import pytest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui import io, resources
from nesr_gui.gui.app import App
from nesr_gui.gui.figures.sweep import Sweep, SweepExport, SweepFormat
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.dialogs.export import OWN, CubeExportDialog
from nesr_gui.regions import Region
from tests.gui.monkey_run import in_a_loop, let_loose
from tests.gui.program_size import ProgramSize

MINUTES = float(os.environ.get("NESR_SOAK_MINUTES", "0"))
SEED = int(os.environ.get("NESR_MONKEY_SEED", "0"))
SIDE = 48  # pixels of the photograph
EVENTS = 150 if MINUTES else 25  # of the monkey, after each round of work
MOST_GROWTH = 0.03
SWEEPS = [each for each in SweepFormat if not each.missing()]

pytestmark = pytest.mark.usefixtures("queued_refresh")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A photograph, the corner of an embedded sample, and its measured cube."""
    sample = next(each for each in resources.samples() if each.truth is not None)
    assert sample.truth is not None
    photograph, truth = tmp_path / "corner.png", tmp_path / "corner.h5"
    iio.imwrite(photograph, iio.imread(sample.photograph)[:SIDE, :SIDE])
    cube = io.open_cube(sample.truth)
    io.write_cube(truth, cube, cube.bands, rows=slice(0, SIDE), cols=slice(0, SIDE))
    return [photograph, truth]


@pytest.fixture
def program(qtbot: QtBot, tmp_path: Path) -> Iterator[App]:
    """A window with the embedded model, which saves copies."""
    app = App()
    app.window.show()
    qtbot.waitExposed(app.window)
    app.autosave.start(tmp_path / "autosave")
    app.reconstruction.load_model(None, "cpu")
    yield app
    app.window.close()
    app.window.deleteLater()


class Work:
    """What a user does with one photograph, by the actions and dialogs of the window."""

    def __init__(
        self, app: App, photograph: Path, truth: Path, folder: Path, qtbot: QtBot, patch: pytest.MonkeyPatch
    ) -> None:
        self._app, self._photograph, self._truth, self._folder, self._qtbot = app, photograph, truth, folder, qtbot
        self._patch = patch
        self._formats, self._sweeps = io.written_formats(), SWEEPS
        self.written: Counter[str] = Counter()

    def do(self, number: int) -> None:
        """Open, compare, mark, export and save; `number` decides on the formats."""
        self._app.worker.pause(Task.EXPORT, False)  # by the monkey
        self._wait(Task.EXPORT, Task.OPEN)  # what it dropped is opened first
        app, document = self._app, self._open()
        app.comparison.open(self._truth)
        self._qtbot.waitUntil(lambda: document.truth is not None)
        app.comparison.panel.setVisible(True)
        for row, col in ((5, 7), (20, 30)):
            document.add_pin(row, col)
        document.mark_set.add(Region.rectangle(8, 8, 30, 24))
        app.accuracy.query_image()
        self._wait(Task.ACCURACY_IMAGE, Task.ACCURACY_MARKS)
        self._export(number)
        self._save("save_session_as", f"work{number % 3}.nesr")

    def _open(self) -> object:
        app, before = self._app, self._app.document
        app.files.open(self._photograph, beside=True)

        def is_open() -> bool:
            is_new = app.document is not before or before.source is not None
            return is_new and app.document.encoded is not None and not app.worker.is_busy(Task.OPEN)

        self._qtbot.waitUntil(is_open)
        return app.document

    def _export(self, number: int) -> None:
        chosen = self._formats[number % len(self._formats)]

        def choose(dialog: QDialog) -> None:
            assert isinstance(dialog, CubeExportDialog)
            dialog.bands.kind.setCurrentIndex(dialog.bands.kind.findData(OWN))
            dialog.format.setCurrentText(chosen.name)

        self._save("export_cube", f"cube{chosen.ending}", choose)
        self._save("export_picture", "picture.png")
        self._save("export_comparison", "comparison.png")
        self._save("export_figure", f"figure{('.png', '.svg', '.pdf')[number % 3]}")
        self._save("export_curves", "spectra.csv")
        self._save("export_table", f"marks{('.csv', '.geojson', '.zip')[number % 3]}")
        self._save("export_accuracy", "accuracy.csv")
        kind = self._sweeps[number % len(self._sweeps)]
        sweep = Sweep(500, 600, 100.0, frames_per_second=10, longest_side=64)
        path = self._folder / f"sweep{number % len(self._sweeps)}{kind.ending}"
        self._app.exporter.save_sweep(SweepExport(path, "band", RenderContext.of(self._app.document), sweep, kind))
        self._confirm(path)

    def _save(self, action: str, name: str, choose: Callable[[QDialog], None] = lambda dialog: None) -> None:
        """Do an action, accept its dialog if it has one, and wait until the file `name` is written."""
        path = self._folder / name
        with self._patch.context() as patch:
            patch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), args[3].partition(";;")[0]))
            self._app.refresh.run()
            entry = self._app.window.actions_by_name[action]
            assert entry.isEnabled(), f"{action} is disabled: {entry.toolTip()}"
            entry.trigger()
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, QDialog):
                choose(dialog)
                dialog.accept()
            self._confirm(path)

    def _confirm(self, path: Path) -> None:
        self._wait(Task.EXPORT, Task.WRITE, Task.SAVE_SESSION)
        assert path.exists(), f"{path.name} was not written: {self._app.window.messages.text.text()}"
        self.written.update([path.suffix or "folder"])

    def _wait(self, *tasks: Task) -> None:
        self._qtbot.waitUntil(lambda: not any(map(self._app.worker.is_busy, tasks)), timeout=120_000)


def test_a_day_of_work_leaves_nothing_behind(
    gives_back: None, program: App, files: list[Path], tmp_path: Path, qtbot: QtBot, said: Counter[str],
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sizes: list[ProgramSize] = []
    start = time.monotonic()

    def report(text: str) -> None:
        if MINUTES:
            with capsys.disabled():
                sys.stdout.write(f"{(time.monotonic() - start) / 60:6.1f} min  {text}\n")
                sys.stdout.flush()

    with let_loose(program, files, tmp_path / "saved", qtbot, said, monkeypatch, SEED) as run:
        (tmp_path / "work").mkdir()
        found: list[str] = []
        work = Work(program, *files, tmp_path / "work", qtbot, monkeypatch)

        def act(number: int) -> None:
            if number % EVENTS == 0:
                run.monkey.rest()
                work.do(number // EVENTS)
            run.monkey.act()
            try:
                run.check(number)
            except AssertionError as wrong:  # the others are to be found, too
                run.forget()
                found.append(str(wrong))
                report(f"FOUND {wrong}")
            if time.monotonic() - start > (len(sizes) + 1) / 4 * 60 * MINUTES and number % EVENTS == EVENTS - 1:
                run.monkey.rest()
                sizes.append(ProgramSize.measure(program, files[0], qtbot))
                report(f"{number} events, {work.written.total()} exports: {sizes[-1]}")
                report(f"since the first quarter: {sizes[-1].differences(sizes[0])}")

        def numbers() -> Iterator[int]:
            for number in count():
                if len(sizes) == 4:
                    return
                yield number

        in_a_loop(act, numbers())
    first, last = sizes[0], sizes[-1]
    growth = last.growth(first)
    report(f"growth {growth}; written {work.written}; failures {run.failures}")
    assert found == []
    assert not last.handles_since(first), last.differences(first)
    if MINUTES:
        assert max(growth.values()) <= MOST_GROWTH, growth
