"""The Model menu: which models there are, what each takes and covers, and which are used."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QDialog, QFileDialog, QMenu, QTextBrowser, QVBoxLayout

from nesr_gui import resources
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.loading import CardRequest, Listed, ModelsRequest, list_models, read_card
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.inference.model_input import InputKind

_ADDED = "models/added"  # in the settings: files that the user opened


class ModelController(QObject):
    """Fills the menu with the embedded models and those the user added, and switches to the one that is picked.

    One is used for photographs, and one for cubes or none.
    """

    model_picked = Signal(object)  # Path of its file
    measured_requested = Signal()  # cubes are to be shown as they were measured

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._last = window.actions_by_name["open_model"]  # the models stand above it
        self._menu = next(menu for menu in self._last.associatedObjects() if isinstance(menu, QMenu))
        self._groups = {kind: QActionGroup(self) for kind in InputKind}
        self._listed: list[QAction] = []
        self._line = self._menu.insertSeparator(self._last)

    def open_model(self) -> None:
        """Ask for a model file, first where the last one was, and reconstruct by it."""
        folder = str(self.added()[-1].parent) if self.added() else ""
        kinds = "Models (*.safetensors);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self._window, "Open a model", folder, kinds)
        if path:
            self.model_picked.emit(Path(path))

    def about_model(self) -> None:
        """Show the card of the model in use: what it was made from, how good it is, where it fails."""
        used = self._workspace.model.path or resources.default_model()
        self._worker.submit(Task.MODEL_CARD, CardRequest(used), read_card, self._show_card)

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

    def _path(self, kind: InputKind) -> Path | None:
        """Where the model is that is used for photographs, or for cubes; None where none is."""
        used = self._workspace.models.get(kind)
        return (used.path or resources.default_model()).absolute() if used is not None else None

    def take_models(self) -> None:
        """Another model is used: remember it where it did not come with the program, and look what there is."""
        added = self.added()
        for path in map(self._path, InputKind):
            if path is not None and path not in added and not path.is_relative_to(resources.ROOT):
                added.append(path)
                settings().setValue(_ADDED, [str(path) for path in added])
        self._worker.submit(Task.LIST_MODELS, ModelsRequest(tuple(added)), list_models, self._take_listed)
        self.show_checked()

    def _take_listed(self, request: ModelsRequest, found: list[Listed]) -> None:
        for action in self._listed:
            self._menu.removeAction(action)
            if group := action.actionGroup():
                group.removeAction(action)  # at once: it is deleted later
            action.deleteLater()
        self._listed = []
        for kind, group in self._groups.items():
            entries = [listed for listed in found if listed.input is kind]
            if entries and kind is InputKind.CUBE:
                self._listed.append(self._menu.insertSeparator(self._line))
                self._add(group, "Cubes as measured", None, self.measured_requested.emit)
            for listed in entries:
                self._add(group, listed.text, listed.path, partial(self.model_picked.emit, listed.path))
        self.show_checked()

    def _add(self, group: QActionGroup, text: str, path: Path | None, use: Callable[[], None]) -> None:
        action = QAction(text, group)
        action.setCheckable(True)
        action.setData(path)
        action.setStatusTip(str(path or "By no model, linear between their bands"))
        action.triggered.connect(lambda checked=False: use())
        self._menu.insertAction(self._line, action)
        self._listed.append(action)

    def show_checked(self) -> None:
        """Mark the models that are in use, whatever was picked."""
        for kind, group in self._groups.items():
            for action in group.actions():
                action.setChecked(action.data() == self._path(kind))
