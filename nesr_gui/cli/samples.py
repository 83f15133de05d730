"""The command `samples`: the bundled photographs and cubes as files."""

from __future__ import annotations

import filecmp
from pathlib import Path

import click

from nesr_gui.cli.options import FOLDER


@click.command()
@click.argument("folder", type=FOLDER)
def samples(folder: Path) -> None:
    """Copy the bundled photographs and the measured cube into FOLDER, to try the program with them."""
    from nesr_gui import resources
    from nesr_gui.io.atomic import atomic_write

    folder.mkdir(parents=True, exist_ok=True)
    files = [
        (sample, source) for sample in resources.samples() for source in (sample.photograph, sample.truth) if source
    ]
    for _, source in files:
        copy = folder / source.name
        if copy.exists() and not (copy.is_file() and filecmp.cmp(source, copy, shallow=False)):
            raise ValueError(f"{copy} is another file, which the sample would replace; choose another folder")
    for sample, source in files:
        with atomic_write(folder / source.name) as temporary:
            temporary.write_bytes(source.read_bytes())
        click.echo(f"{folder / source.name}: {sample.title}; {sample.credit}")
