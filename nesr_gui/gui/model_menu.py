"""The Model menu: which models there are, what each covers, and which one the photograph is reconstructed by."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QDialog, QFileDialog, QMenu, QTextBrowser, QVBoxLayout

from nesr_gui import resources
from nesr_gui.field import Progress
from nesr_gui.gui.main_window import MainWindow
from nesr_gui.gui.opening import Opening
from nesr_gui.gui.session import Session
from nesr_gui.gui.settings import settings
from nesr_gui.gui.worker import Worker

_ADDED = "models/added"  # in the settings: files that the user opened


@dataclass(frozen=True)
class ModelsRequest:
    """Model files to look into, beside the embedded ones."""

    added: tuple[Path, ...]


@dataclass(frozen=True)
class Listed:
    """A model file, and what wavelengths it answers at, in words."""

    path: Path
    covers: str


def list_models(request: ModelsRequest, progress: Progress) -> list[Listed]:
    """The embedded models and those of the files that are models; a file that is gone is passed over."""
    from nesr_gui.checkpoint import covers

    found = []
    for path in (*resources.models(), *request.added):
        with suppress(OSError, ValueError):
            found.append(Listed(path, covers(path)))
    return found


@dataclass(frozen=True)
class CardRequest:
    """A model file to read about."""

    path: Path


def read_card(request: CardRequest, progress: Progress) -> str:
    """The card that stands beside a model file, as Markdown; without one, what the file says of itself."""
    from nesr_gui.checkpoint import describe

    card = request.path.with_suffix(".md")
    if card.is_file():
        return card.read_text(encoding="utf-8")
    said = "\n".join(f"* **{key}**: {value}" for key, value in describe(request.path).items())
    return f"# {request.path.stem}\n\nNo card stands beside this model. What the file says of itself:\n\n{said}\n"


class ModelMenu(QObject):
    """Fills the menu with the embedded models and those the user added, and switches to the one that is picked."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker, opening: Opening) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._opening = window, session, worker, opening
        self._last = window.actions_by_name["open_model"]  # the models stand above it
        self._menu = next(menu for menu in self._last.associatedObjects() if isinstance(menu, QMenu))
        self._group = QActionGroup(self)
        self._told = ""  # in the notice, of how the model was run
        self._line = self._menu.insertSeparator(self._last)
        session.model_changed.connect(self._take_model)
        session.field_changed.connect(self._tell)
        worker.failed.connect(lambda purpose, error: self._check())

    def open_model(self) -> None:
        """Ask for a model file, first where the last one was, and reconstruct by it."""
        folder = str(self.added()[-1].parent) if self.added() else ""
        kinds = "Models (*.safetensors);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self._window, "Open a model", folder, kinds)
        if path:
            self._opening.use_model(Path(path))

    def about_model(self) -> None:
        """Show the card of the model in use: what it was made from, how good it is, where it fails."""
        self._worker.submit("card", CardRequest(self._current), read_card, self._show_card)

    def _show_card(self, request: CardRequest, text: str) -> None:
        dialog = QDialog(self._window)
        dialog.setWindowTitle(f"About {request.path.stem}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        card = QTextBrowser()
        card.setAccessibleName("Card of the model")
        card.setSearchPaths([str(request.path.parent)])  # its pictures stand beside it
        card.setMarkdown(text)
        QVBoxLayout(dialog).addWidget(card)
        dialog.resize(1110, 700)
        dialog.open()

    def added(self) -> list[Path]:
        """The model files that the user opened, in the order in which they were."""
        kept = settings().value(_ADDED, [])
        return [Path(p) for p in ([kept] if isinstance(kept, str) else kept if isinstance(kept, list) else [])]

    @property
    def _current(self) -> Path:
        return (self._session.model_path or resources.default_model()).absolute()

    def _take_model(self) -> None:
        """A model is loaded: remember it where it did not come with the program, and look what there is."""
        added = self.added()
        if self._current not in added and not self._current.is_relative_to(resources.ROOT):
            added.append(self._current)
            settings().setValue(_ADDED, [str(path) for path in added])
        self._worker.submit("models", ModelsRequest(tuple(added)), list_models, self._take_listed)
        self._check()

    def _take_listed(self, request: ModelsRequest, found: list[Listed]) -> None:
        for action in self._group.actions():
            self._group.removeAction(action)
            self._menu.removeAction(action)
            action.deleteLater()
        for listed in found:
            action = QAction(f"{listed.path.stem.replace('&', '&&')}\t{listed.covers}", self._menu)
            action.setCheckable(True)
            action.setData(listed.path)
            action.setStatusTip(str(listed.path))
            action.triggered.connect(lambda checked=False, path=listed.path: self._opening.use_model(path))
            self._group.addAction(action)
            self._menu.insertAction(self._line, action)
        self._check()

    def _check(self) -> None:
        """Mark the model that is in use, whatever was picked."""
        for action in self._group.actions():
            action.setChecked(action.data() == self._current)

    def _tell(self) -> None:
        """Say of a reconstruction what has to be known of how its model was run; let go what was said of the last."""
        notice, field = self._window.notice, self._session.field
        if self._told and notice.text.text() == self._told:
            notice.hide()
        self._told = field.provenance.get("model_notes", "") if field is not None and self._session.encoded else ""
        if self._told:
            notice.show_success(self._told)
