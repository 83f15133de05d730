"""The Model menu: available models, their inputs, and which ones are in use."""

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
from nesr_gui.gui.tasks.loading import (
    CardRequest,
    InstallRequest,
    Listed,
    ModelsRequest,
    install_model,
    list_models,
    read_card,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.inference.model_input import InputKind

_ADDED = "models/added"  # settings key of the model files opened by the user


class ModelController(QObject):
    """Lists embedded and added models in the menu, and switches to the one that is picked.

    One model is used for photographs, and one or none for cubes.
    """

    model_picked = Signal(object)  # Path of the model file
    measured_requested = Signal()  # show cubes without a model

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self._last = window.actions_by_name["open_model"]  # the models are listed above it
        self._menu = next(menu for menu in self._last.associatedObjects() if isinstance(menu, QMenu))
        self._groups = {kind: QActionGroup(self) for kind in InputKind}
        self._listed: list[QAction] = []
        self._line = self._menu.insertSeparator(self._last)

    def open_model(self) -> None:
        """Ask for a model file, starting in the folder of the last one, and use it."""
        folder = str(self.added()[-1].parent) if self.added() else ""
        kinds = "Models (*.safetensors);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self._window, "Open model", folder, kinds)
        if path:
            self.model_picked.emit(Path(path))

    def install_model(self) -> None:
        """Ask for a model package, verify and install it, and use it."""
        kinds = "Model packages (*.zip config.json)"
        path, _ = QFileDialog.getOpenFileName(self._window, "Install model", "", kinds)
        if path:
            self._worker.submit(Task.INSTALL_MODEL, InstallRequest(Path(path)), install_model, self._use_installed)

    def _use_installed(self, request: InstallRequest, installed: Path) -> None:
        self._window.messages.show_success(f"Installed the model {installed.stem} in {installed.parent}.")
        self.model_picked.emit(installed)

    def about_model(self) -> None:
        """Show the model card of the current model."""
        used = self._workspace.model.path or resources.default_model()
        self._worker.submit(Task.MODEL_CARD, CardRequest(used), read_card, self._show_card)

    def _show_card(self, request: CardRequest, text: str) -> None:
        dialog = QDialog(self._window)
        dialog.setWindowTitle(f"About {request.path.stem}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        card = QTextBrowser()
        card.setAccessibleName("Model card")
        card.setSearchPaths([str(request.path.parent)])  # images are beside the file
        card.setMarkdown(text)
        QVBoxLayout(dialog).addWidget(card)
        dialog.resize(1110, 700)
        dialog.open()

    def added(self) -> list[Path]:
        """Model files opened by the user, in order."""
        stored = settings().value(_ADDED, [])
        return [Path(p) for p in ([stored] if isinstance(stored, str) else stored if isinstance(stored, list) else [])]

    def _path(self, kind: InputKind) -> Path | None:
        """File of the model in use for an input; None if there is none."""
        used = self._workspace.models.get(kind)
        return (used.path or resources.default_model()).absolute() if used is not None else None

    def take_models(self) -> None:
        """Save the models in use, unless embedded, and update the list."""
        added = self.added()
        for path in map(self._path, InputKind):
            if path is not None and path not in added and not path.is_relative_to(resources.ROOT):
                added.append(path)
                settings().setValue(_ADDED, [str(path) for path in added])
        self._worker.submit(Task.LIST_MODELS, ModelsRequest(tuple(added)), list_models, self._take_listed)
        self.show_checked()

    def _take_listed(self, request: ModelsRequest, models: list[Listed]) -> None:
        for action in self._listed:
            self._menu.removeAction(action)
            if group := action.actionGroup():
                group.removeAction(action)  # immediately, since deletion is deferred
            action.deleteLater()
        self._listed = []
        for kind, group in self._groups.items():
            entries = [listed for listed in models if listed.input is kind]
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
        action.setStatusTip(str(path or "Without a model; interpolated linearly between bands"))
        action.triggered.connect(lambda checked=False: use())
        self._menu.insertAction(self._line, action)
        self._listed.append(action)

    def show_checked(self) -> None:
        """Check the models in use."""
        for kind, group in self._groups.items():
            for action in group.actions():
                action.setChecked(action.data() == self._path(kind))
