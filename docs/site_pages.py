"""Pages of the documentation site that are files elsewhere in the repository, or are made from the program.

mkdocs calls the functions `on_…`. Links between files are written as on the disk; here they become those of the site.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

import click
from mkdocs.structure.files import File, Files, InclusionLevel

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "guide/user-guide.md": "resources/guide/guide.md",
    "models/nesr-lean.md": "resources/models/nesr-lean.md",
    "models/nesr-field.md": "resources/models/nesr-field.md",
    "models/nesr-paper.md": "resources/models/nesr-paper.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}
PICTURES = {"guide": "resources/guide/*.jpg", "models": "resources/models/*.png", "assets": "resources/icons/nesr.svg"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures from elsewhere, and the reference of the command line."""
    for uri, path in PAGES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    for folder, pattern in PICTURES.items():
        for picture in ROOT.glob(pattern):
            files.append(File.generated(config, f"{folder}/{picture.name}", abs_src_path=str(picture)))
    files.append(File.generated(config, "command-line.md", content=command_line(), inclusion=InclusionLevel.INCLUDED))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links point to pages of the site, and pictures of the window follow the colours of the page."""
    if page.file.abs_src_path is None:
        return markdown
    here = Path(page.file.abs_src_path).parent
    pages = {os.path.realpath(file.abs_src_path): file.src_uri for file in files if file.abs_src_path}

    def link(found: re.Match[str]) -> str:
        picture, text, target = found.groups()
        target, mark, anchor = target.partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        path = os.path.realpath(here / target)
        if path not in pages:
            return text if Path(path).exists() else found[0]  # a file of the repository; mkdocs reports the others
        to = posixpath.relpath(pages[path], posixpath.dirname(page.file.src_uri))
        dark = Path(path).with_stem(f"{Path(path).stem}-dark")
        if picture and str(dark) in pages:
            other = posixpath.relpath(pages[str(dark)], posixpath.dirname(page.file.src_uri))
            return f"![{text}]({to}#only-light) ![{text}]({other}#only-dark)"
        return f"{picture}[{text}]({to}{mark}{anchor})"

    return LINK.sub(link, markdown)


def command_line() -> str:
    """The help of every command as a page."""
    from nesr_gui.cli import cli

    parts = ["# Command line", f"```text\n{_help(cli, 'nesr-gui')}\n```"]
    for name, command in cli.commands.items():
        parts += [f"## {name}", f"```text\n{_help(command, f'nesr-gui {name}')}\n```"]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, name: str) -> str:
    return command.get_help(click.Context(command, info_name=name, max_content_width=100, terminal_width=100))
