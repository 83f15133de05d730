"""What the command palette offers: everything in the menus, and the wavelength that is typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from nesr_gui.gui.shell.matching import fitness

_WAVELENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:nm)?")
_WEAKEST = 0.35  # of the best fit's worth; what fits less is not shown beside it


@dataclass(frozen=True)
class Offer:
    """Something that can be done: its name, the menu it stands in, what it does, its keys, or why it cannot be done."""

    name: str
    menu: str
    do: Callable[[], object]
    tip: str = ""
    keys: str = ""
    possible: bool = True
    why: str = ""  # not possible


def of_menus(bar: QMenuBar) -> list[Offer]:
    """Every action of every menu, in their order; menus that fill themselves when they open do so.

    What has the name and the keys of one before stands in two menus, and is offered once.
    """
    known: dict[tuple[str, str, str], Offer] = {}
    for offer in (offer for action in bar.actions() for offer in _of(action, ())):
        known.setdefault((offer.name, offer.keys, "" if offer.keys else offer.menu), offer)
    return list(known.values())


def _of(action: QAction, path: tuple[str, ...]) -> Iterator[Offer]:
    text = action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
    name, _, told_keys = text.partition("\t")
    menu = action.menu()
    if isinstance(menu, QMenu):
        menu.aboutToShow.emit()
        for inner in menu.actions():
            yield from _of(inner, (*path, name))
    elif name and not action.isSeparator():
        keys = told_keys or action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        tip = action.toolTip().removesuffix(f" ({keys})")
        tip = "" if tip == text else tip
        yield Offer(name, " ▸ ".join(path), action.trigger, tip, keys, action.isEnabled(), action.whatsThis())


def of_wavelength(query: str, nm_range: tuple[float, float], go: Callable[[float], None]) -> Offer | None:
    """To go to the wavelength that is typed, if one is: 550, 550.5 nm, or 550,5."""
    found = _WAVELENGTH.fullmatch(query.strip())
    if found is None:
        return None
    nm, (low, high) = float(found[1].replace(",", ".")), nm_range
    why = f"what is open covers {low:g} to {high:g} nm"
    possible = low <= nm <= high
    return Offer(f"Go to {nm:g} nm", "Wavelength", lambda: go(nm), possible=possible, why="" if possible else why)


def fitting(query: str, offers: Iterable[Offer]) -> list[Offer]:
    """The offers that fit what is typed, the best first; with nothing typed all, as they stand."""
    rated = [
        (worth, offer) for offer in offers
        if (worth := fitness(query, offer.name, f"{offer.menu} {offer.name}", offer.keys, offer.tip)) is not None
    ]  # fmt: skip
    best = max((worth for worth, _ in rated), default=0.0)
    rated = [(worth, offer) for worth, offer in rated if worth >= _WEAKEST * best]
    return [offer for _, offer in sorted(rated, key=lambda pair: -pair[0])]
