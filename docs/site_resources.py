"""The documentation site needs no other server: it is read without a network, and tells nobody that it is read.

mkdocs calls `on_post_build`. Links in the text may lead anywhere; what a browser loads by itself may not.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LOADED = {
    "script": "src", "link": "href", "img": "src", "source": "src", "video": "src", "audio": "src", "iframe": "src",
    "embed": "src", "object": "data", "use": "href",
}  # fmt: skip
"""Elements and the attribute with the address of what they load."""
FOREIGN = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
IN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s;]+)""", re.IGNORECASE)
ON_DEMAND = {"mermaid"}
"""Classes of elements for which the scripts of the theme load a library from another server."""


def on_post_build(config: Any) -> None:
    """Refuse a site that loads anything from another server."""
    if found := foreign_resources(Path(config.site_dir)):
        from mkdocs.exceptions import PluginError

        raise PluginError("the site would load from other servers:\n" + "\n".join(found))


def foreign_resources(site: Path) -> list[str]:
    """What the pages and style sheets of a folder load from other servers, each as `file: address`."""
    found = []
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            page = _Page()
            page.feed(path.read_text(encoding="utf-8"))
            addresses = page.found
        elif path.suffix == ".css":
            addresses = IN_CSS.findall(path.read_text(encoding="utf-8"))
        else:
            continue
        found += [f"{path.relative_to(site).as_posix()}: {address}" for address in addresses]
    return found


class _Page(HTMLParser):
    """Collects what a page loads from other servers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        address = values.get(LOADED.get(tag, ""), "")
        if FOREIGN.match(address) and not (tag == "link" and values.get("rel") in ("canonical", "alternate")):
            self.found.append(address)
        self.found += [part.split()[0] for part in values.get("srcset", "").split(",") if FOREIGN.match(part)]
        self.found += IN_CSS.findall(values.get("style", ""))
        self.found += [f"a library for class={name}" for name in ON_DEMAND & set(values.get("class", "").split())]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += IN_CSS.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False
