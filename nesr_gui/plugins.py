"""Plug-ins: rows that other distributions add to the tables of this program, by entry points.

A distribution declares an entry point in one of the groups `nesr_gui.formats`, `.view_modes`, `.encoders`, `.datasets`
and `.models`; docs/plugins.md describes what each must be. A table asks for its plug-ins when it is used, so that the
program starts without importing any. A plug-in that fails is left out, and `refused` says why.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
Accept = Callable[["Plugin", Any], T]
"""From a plug-in and the object it declares to a row of a table; raises TypeError or ValueError if it is none."""

FAILURES = (Exception, SystemExit)
"""Whatever a plug-in raises must not stop the program, `sys.exit` included."""


class Kind(enum.StrEnum):
    """The tables; the value completes the group of entry points, `nesr_gui.` and the value."""

    FORMATS = "formats"
    VIEW_MODES = "view_modes"
    ENCODERS = "encoders"
    DATASETS = "datasets"
    MODELS = "models"


@dataclass(frozen=True)
class Plugin:
    """A declared plug-in: its entry point's `name`, and the name and version of its `distribution`."""

    kind: Kind
    name: str
    distribution: str

    def __str__(self) -> str:
        """For messages: `the plug-in fits of nesr-fits 1.0`."""
        return f"the plug-in {self.name} of {self.distribution}"


@dataclass(frozen=True)
class Refusal:
    """A plug-in that was left out, and why."""

    plugin: Plugin
    reason: str

    def __str__(self) -> str:
        """A sentence."""
        return f"{self.plugin} ({self.plugin.kind.replace('_', ' ')}) was left out: {self.reason}"


_LOCK = threading.RLock()
_ROWS: dict[Plugin, Any] = {}
_REFUSALS: dict[Plugin, Refusal] = {}
_DECLARED: dict[Kind, dict[Plugin, EntryPoint]] = {}


def load(kind: Kind, accept: Accept[T], name: str | None = None) -> dict[Plugin, T]:
    """The rows that plug-ins add to a table, in the order of their names; each is imported once.

    Args:
        kind: the table.
        accept: makes a row of what a plug-in declares.
        name: of the only plug-ins to import; all by default.
    """
    rows = {}
    with _LOCK:
        for plugin, entry in declared(kind).items():
            if name is not None and plugin.name != name:
                continue
            if plugin not in _ROWS and plugin not in _REFUSALS:
                try:
                    _ROWS[plugin] = accept(plugin, entry.load())
                except FAILURES as error:
                    _REFUSALS[plugin] = Refusal(plugin, _reason(error))
            if plugin in _ROWS:
                rows[plugin] = _ROWS[plugin]
    return rows


def accepted(kind: Kind) -> dict[Plugin, Any]:
    """The rows of the plug-ins of a kind that were loaded so far, with which those of others must not collide."""
    with _LOCK:
        return {plugin: row for plugin, row in _ROWS.items() if plugin.kind is kind}


def declared(kind: Kind) -> dict[Plugin, EntryPoint]:
    """The declared plug-ins of a kind, in the order of their names; nothing is imported."""
    with _LOCK:
        if kind not in _DECLARED:
            _DECLARED[kind] = _find(kind)
        return _DECLARED[kind]


def _find(kind: Kind) -> dict[Plugin, EntryPoint]:
    from importlib.metadata import entry_points  # takes a tenth of a second

    found: dict[Plugin, EntryPoint] = {}
    for entry in entry_points(group=f"nesr_gui.{kind}"):
        owner = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown distribution"
        found.setdefault(Plugin(kind, entry.name, owner), entry)
    return dict(sorted(found.items(), key=lambda item: (item[0].name, item[0].distribution)))


def refused() -> list[Refusal]:
    """The plug-ins that were left out so far."""
    with _LOCK:
        return list(_REFUSALS.values())


def require(plugin: Plugin, value: Any, expected: type[T]) -> T:
    """Return the object that a plug-in declares.

    Raises:
        TypeError: it is not of the expected type.
    """
    if not isinstance(value, expected):
        raise TypeError(f"it declares a {type(value).__name__}; expected a {expected.__module__}.{expected.__name__}")
    return value


def forget() -> None:
    """Forget all plug-ins, so that they are looked for again."""
    with _LOCK:
        _DECLARED.clear()
        _ROWS.clear()
        _REFUSALS.clear()


def failure(plugin: Plugin, what: str, error: BaseException) -> str:
    """A sentence for a plug-in that failed while it was used."""
    return f"{plugin} failed {what} ({_reason(error)}); report this to its author, or uninstall it"


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    is_own = isinstance(error, TypeError | ValueError) and text
    return text if is_own else f"{type(error).__name__}: {text}" if text else type(error).__name__
