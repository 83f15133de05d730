"""The Model menu: what is listed, switching, remembering, and what has to be known of a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QTextBrowser
from pytestqt.qtbot import QtBot

from nesr_gui import resources
from nesr_gui.gui.app import App
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.tasks.loading import CardRequest, ModelsRequest, list_models, read_card
from nesr_gui.inference import model_library
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.networks.band_network import DiscreteConfig, DiscreteNetwork
from tests import tiny
from tests.gui.conftest import FakeEngine

EMBEDDED = len(resources.models())


@pytest.fixture
def bands(tmp_path: Path) -> Path:
    """A model file of four bands."""
    path = tmp_path / "four & more.safetensors"
    save_checkpoint(path, DiscreteNetwork(DiscreteConfig("hscnn_r", 4, 1, bands=(400.0, 500.0, 600.0, 700.0))), {})
    return path


@pytest.fixture
def listing(app: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """A window whose menu looks into files; the model that came with it is loaded."""
    monkeypatch.setattr("nesr_gui.gui.controllers.models.list_models", list_models)
    return app


def listed(app: App) -> list[QAction]:
    return [action for group in app.models._groups.values() for action in group.actions()]


def test_models_are_listed_with_what_they_cover(tmp_path: Path, bands: Path) -> None:
    found = list_models(ModelsRequest((bands, tmp_path / "gone.safetensors")), lambda done: None)
    assert [(entry.path, entry.covers) for entry in found] == [
        *((model, "any wavelength, 400-700 nm") for model in resources.models()),
        (bands, "4 bands, 400-700 nm, interpolated linearly"),
    ]


def test_a_picked_model_reconstructs_what_is_open_and_is_remembered(
    listing: App, bands: Path, photograph: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = listing
    app.reconstruction.load_model(None, "auto")
    app.files.open(photograph)
    qtbot.waitUntil(lambda: app.document.field is not None and len(listed(app)) == EMBEDDED, timeout=60_000)
    assert listed(app)[0].isChecked()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(bands), ""))
    app.window.actions_by_name["open_model"].trigger()
    qtbot.waitUntil(lambda: len(listed(app)) == EMBEDDED + 1)
    qtbot.waitUntil(lambda: app.document.field.provenance["model"] == "four & more")
    assert listed(app)[-1].text() == "four && more\tphotograph → 4 bands, 400-700 nm, interpolated linearly"
    assert [action.isChecked() for action in listed(app)] == [False] * EMBEDDED + [True]
    assert app.models.added() == [bands]
    asked: list[str] = []
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda _, title, folder, kinds: asked.append(folder) or ("", "")
    )
    app.window.actions_by_name["open_model"].trigger()
    assert asked == [str(bands.parent)]
    listed(app)[0].trigger()
    qtbot.waitUntil(lambda: app.document.field.provenance["model"] == "nesr-lean")
    assert [action.isChecked() for action in listed(app)] == [True] + [False] * EMBEDDED
    assert app.models.added() == [bands]


def test_a_model_that_is_gone_leaves_the_old_one(listing: App, tmp_path: Path, qtbot: QtBot) -> None:
    app = listing
    app.reconstruction.load_model(None, "auto")
    qtbot.waitUntil(lambda: len(listed(app)) == EMBEDDED, timeout=60_000)
    app.reconstruction.use_model(tmp_path / "gone.safetensors")
    qtbot.waitUntil(app.window.messages.isVisible)
    assert "no model file" in app.window.messages.text.text()
    assert listed(app)[0].isChecked() and app.workspace.model.path is None


def test_what_has_to_be_known_of_a_model_is_said_until_another_is_used(
    opened: App, engine: FakeEngine, qtbot: QtBot, tmp_path: Path
) -> None:
    assert not opened.window.messages.isVisible()
    (tmp_path / "other.safetensors").touch()
    engine.notes = "Tiles of 64 pixels, blended."
    opened.reconstruction.use_model(tmp_path / "other.safetensors")
    qtbot.waitUntil(opened.window.messages.isVisible)
    assert opened.window.messages.text.text() == engine.notes
    engine.notes = ""
    with qtbot.waitSignal(opened.document.changed, check_params_cb=lambda change: change is Change.FIELD):
        opened.reconstruction.use_model(tmp_path / "other.safetensors")
    assert not opened.window.messages.isVisible()


def test_the_card_of_the_model_in_use_is_shown(app: App, qtbot: QtBot) -> None:
    app.window.actions_by_name["about_model"].trigger()
    qtbot.waitUntil(lambda: bool(app.window.findChildren(QTextBrowser)))
    (card,) = app.window.findChildren(QTextBrowser)
    assert "nesr-lean" in card.toPlainText() and "Known failures" in card.toPlainText()
    card.window().close()
    qtbot.waitUntil(lambda: not app.window.findChildren(QTextBrowser))


def test_a_model_without_a_card_says_of_itself_what_its_file_does(bands: Path) -> None:
    text = read_card(CardRequest(bands), lambda done: None)
    assert "no model card" in text and "**covers**: 4 bands" in text
    bands.with_suffix(".md").write_text("# Its card", encoding="utf-8")
    assert read_card(CardRequest(bands), lambda done: None) == "# Its card"


def test_a_package_is_installed_and_used(
    listing: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, model = listing, tmp_path / "packed-1.safetensors"
    monkeypatch.setenv("NESR_GUI_MODELS", str(tmp_path / "installed"))
    save_checkpoint(model, tiny.network(), {})
    model_library.write_folder(model, tmp_path / "packed")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "packed" / "config.json"), ""))
    with qtbot.waitSignal(app.models.model_picked, timeout=20_000) as picked:
        app.window.actions_by_name["install_model"].trigger()
    assert picked.args == [tmp_path / "installed" / "packed-1.safetensors"]
    assert "Installed the model packed-1" in app.window.messages.text.text()
    (tmp_path / "packed" / "README.md").unlink()
    app.window.actions_by_name["install_model"].trigger()
    qtbot.waitUntil(lambda: "lacks README.md" in app.window.messages.text.text(), timeout=20_000)
