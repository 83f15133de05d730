"""The command `samples`: the bundled photographs and cubes as files."""

from __future__ import annotations

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
    for sample in resources.samples():
        for source in filter(None, (sample.photograph, sample.truth)):
            with atomic_write(folder / source.name) as temporary:
                temporary.write_bytes(source.read_bytes())
            click.echo(f"{folder / source.name}: {sample.title}; {sample.credit}")
