"""View modes of plug-ins in the window: listed, shown, saved in a session, and never fatal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from nesr_gui import plugins
from nesr_gui.gui import view_modes
from nesr_gui.gui.app import App
from nesr_gui.gui.tasks.sessions import SessionRequest, open_session
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.image.mode_menu import fill_mode_menu
from tests.gui.controllers.test_view_settings import exact, shown
from tests.plugin_packages import install, installed, write_plugin

MODE = """from nesr_gui.gui.view_modes.base import ViewMode
class ROW(ViewMode):
    name, title, tip = 'bad', 'Bad', ''
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder of plug-ins with the example view mode."""
    folder = tmp_path / "site"
    install("plugin-view-mode", folder)
    with installed(folder):
        yield folder


def load(app: App, qtbot: QtBot) -> None:
    app.view.load_plugins()
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.LOAD_PLUGINS), timeout=20_000)


def test_the_mode_is_in_both_menus_and_shows_wavelengths(opened: App, site: Path, qtbot: QtBot) -> None:
    assert not opened.window.submenus["plugin_modes"].menuAction().isVisible()
    load(opened, qtbot)
    (action,) = opened.window.submenus["plugin_modes"].actions()
    assert action.text() == "Mean wavelength" and opened.window.submenus["plugin_modes"].menuAction().isVisible()
    action.trigger()
    qtbot.waitUntil(exact(opened, "mean_wavelength"), timeout=20_000)
    values = shown(opened).painted
    assert 400 <= np.nanmin(values) < np.nanmax(values) <= 700
    field = opened.document.field
    assert field is not None
    spectrum = field.spectra([(30, 40)], field.bands)[0]
    assert abs(values[30, 40] - (spectrum * field.bands.nm).sum() / spectrum.sum()) < 1
    menu = QMenu()
    fill_mode_menu(menu, RenderContext.of(opened.document), 0, opened.view.set_settings)
    titles = {each.text(): each for each in menu.actions()}
    assert titles["Mean wavelength"].isChecked()
    assert not any(opened.window.actions_by_name[f"show_{name}"].isChecked() for name in ("band", "photograph"))
    opened.window.actions_by_name["show_band"].trigger()
    qtbot.waitUntil(exact(opened, "band"), timeout=20_000)
    assert opened.window.actions_by_name["show_band"].isChecked()


def test_a_mode_that_cannot_be_loaded_is_named(app: App, site: Path, qtbot: QtBot) -> None:
    write_plugin(site, "bad", "import no_such_module", "view_modes")
    load(app, qtbot)
    assert "the plug-in bad of dist-bad 2.5 (view modes) was left out" in app.window.messages.text.text()
    assert [action.text() for action in app.window.submenus["plugin_modes"].actions()] == ["Mean wavelength"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "NotImplementedError"),
        ("    def render(self, context, sampling, progress): raise SystemExit('no licence')", "SystemExit: no licence"),
        ("    def render(self, context, sampling, progress): return [[1.0]]", "it returned float64 of shape (1, 1)"),
    ],
)
def test_a_mode_that_fails_to_render_says_so_and_the_others_work(
    opened: App, site: Path, qtbot: QtBot, body: str, sentence: str
) -> None:
    write_plugin(site, "bad", MODE + body, "view_modes")
    load(opened, qtbot)
    opened.view.show_mode("bad")
    qtbot.waitUntil(lambda: sentence in opened.window.messages.text.text(), timeout=20_000)
    assert "the plug-in bad of dist-bad 2.5 failed to render" in opened.window.messages.text.text()
    opened.view.show_mode("band")
    qtbot.waitUntil(exact(opened, "band"), timeout=20_000)


@pytest.mark.parametrize("method", ["unavailable_reason", "caption", "cache_key", "bands", "scale", "options"])
def test_a_mode_that_fails_to_describe_itself_does_not_stop_the_window(
    opened: App, site: Path, qtbot: QtBot, method: str
) -> None:
    write_plugin(site, "bad", f"{MODE}    def {method}(self, context): raise KeyError('x')\n", "view_modes")
    load(opened, qtbot)
    mode, context = view_modes.MODES["bad"], RenderContext.of(opened.document)
    for name in ("unavailable_reason", "caption", "cache_key", "bands", "scale", "options"):
        if name != "cache_key" or method == name:
            getattr(mode, name)(context)
    opened.view.show_mode("bad")
    qtbot.waitUntil(lambda: "KeyError: 'x'" in opened.window.messages.text.text(), timeout=20_000)
    assert "failed to describe its mode" in opened.window.messages.text.text()
    fill_mode_menu(QMenu(), RenderContext.of(opened.document), 0, opened.view.set_settings)
    opened.view.show_mode("band")
    qtbot.waitUntil(exact(opened, "band"), timeout=20_000)


VALUES = """import numpy as np
from nesr_gui.gui.view_modes.base import ValueScale, ViewMode
class ROW(ViewMode):
    name, title, tip = 'bad', 'Bad', ''
    def cache_key(self, context): return (context.field,)
    def scale(self, context): return ValueScale('bad', 'q', '', (0.0, 1.0))
    def render(self, context, sampling, progress): return np.zeros(sampling.size, np.float32)
"""


@pytest.mark.parametrize(
    ("method", "answer", "sentence"),
    [
        ("scale", "(0, 1)", "it declares a tuple; expected a nesr_gui.gui.view_modes.base.ValueScale"),
        ("scale", "ValueScale('bad', 'q', '', (1.0, 1.0))", "the limits of its scale are 1 and 1"),
        ("scale", "ValueScale('bad', 'q', '', (0.0, np.nan))", "the limits of its scale are 0 and nan"),
        ("scale", "None", "it returned float32 of shape"),
        ("options", "[1]", "it declares a int; expected a nesr_gui.gui.view_modes.base.ModeOption"),
        ("cache_key", "(context.field, np.zeros(3))", "its cache key has an array"),
    ],
)
def test_a_mode_that_describes_itself_wrongly_does_not_stop_the_window(
    opened: App, site: Path, qtbot: QtBot, method: str, answer: str, sentence: str
) -> None:
    write_plugin(site, "bad", f"{VALUES}    def {method}(self, context): return {answer}\n", "view_modes")
    load(opened, qtbot)
    getattr(view_modes.MODES["bad"], method)(RenderContext.of(opened.document))
    opened.view.show_mode("bad")
    qtbot.waitUntil(lambda: sentence in opened.window.messages.text.text(), timeout=20_000)
    fill_mode_menu(QMenu(), RenderContext.of(opened.document), 0, opened.view.set_settings)
    opened.view.show_mode("band")
    qtbot.waitUntil(exact(opened, "band"), timeout=20_000)


def test_a_session_opens_in_the_mode_of_a_plugin(opened: App, site: Path, tmp_path: Path, qtbot: QtBot) -> None:
    load(opened, qtbot)
    opened.view.show_mode("mean_wavelength")
    opened.document.file = tmp_path / "a.nesr"
    opened.documents.save_session()
    qtbot.waitUntil((tmp_path / "a.nesr").is_file, timeout=20_000)
    plugins.forget()
    del view_modes.MODES["mean_wavelength"]  # as in a program that has not loaded its plug-ins yet
    read = open_session(SessionRequest(tmp_path / "a.nesr"), lambda done: None)
    assert read.data.view_settings.mode == "mean_wavelength"
    assert "mean_wavelength" in view_modes.MODES
