"""Commands for models and plug-ins: list, install, pack and export them."""

from __future__ import annotations

from pathlib import Path

import click

from nesr_gui.cli.options import FILE, FOLDER, PATH, model_option


@click.group()
def models() -> None:
    """List, install and share models."""


@models.command("list")
def list_models() -> None:
    """List all models by the name that --model accepts."""
    from nesr_gui.inference import model_library
    from nesr_gui.inference.checkpoint import read_coverage, read_input_bands
    from nesr_gui.inference.model_input import describe_input

    for name, path in model_library.models().items():
        try:
            text = f"{describe_input(read_input_bands(path))} → {read_coverage(path)}"
        except (OSError, ValueError) as error:
            text = str(error)
        click.echo(f"{name:24}{text}  ({path})")


@models.command()
@click.argument("source", type=PATH)
@click.option("--replace", is_flag=True, help="Replace an installed model of the same name.")
def install(source: Path, replace: bool) -> None:
    """Verify and install a model folder or a zip file of one; its name can then be given to --model."""
    from nesr_gui.inference import model_library

    path = model_library.install(source, replace=replace)
    click.echo(f"Installed {path.stem} in {path.parent}; use it with --model {path.stem}.")


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove an installed model."""
    from nesr_gui.inference import model_library

    click.echo(f"Removed {model_library.remove(name)}.")


@models.command()
@click.argument("model", type=PATH)
@click.argument("out", type=FOLDER)
def pack(model: Path, out: Path) -> None:
    """Write a model as a folder with weights, card and hashes, to be published and installed elsewhere."""
    from nesr_gui.inference import model_library

    model_library.write_folder(model, out)
    click.echo(f"Wrote {out}: {model_library.CONFIG}, {model_library.WEIGHTS} and {model_library.CARD}.")


@click.command()
@click.option("--onnx", "out", type=FILE, required=True, help="Files to write: NAME.onnx becomes NAME.encoder.onnx and "
              "NAME.decoder.onnx.")  # fmt: skip
@model_option
def export_model(out: Path, model: Path | None) -> None:
    """Write a model for ONNX runtimes: an encoder of photographs, and a decoder of any wavelengths.

    Both are compared with this program on three images. This takes a minute or more.
    """
    from nesr_gui.inference import onnx_export
    from nesr_gui.inference.model import load_model

    difference = onnx_export.export_onnx(load_model(model, "cpu"), out)
    encoder, decoder = onnx_export.paths(out)
    click.echo(f"Wrote {encoder} and {decoder}; they differ from this program by at most {difference:.1g}.")


@click.command("plugins")
def list_plugins() -> None:
    """List the installed plug-ins, the distributions they are from, and why some are left out."""
    from nesr_gui import io, plugins
    from nesr_gui.gui import view_modes
    from nesr_gui.inference import model_library
    from nesr_gui.networks.encoders import available_encoders
    from nesr_gui.training.datasets import available_datasets

    for load in (
        io.formats, view_modes.load_plugins, available_encoders, available_datasets, model_library.models,
    ):  # fmt: skip
        load()
    reasons = {refusal.plugin: refusal.reason for refusal in plugins.refused()}
    found = [plugin for kind in plugins.Kind for plugin in plugins.declared(kind)]
    if not found:
        click.echo("No plug-ins are installed.")
    for plugin in found:
        state = f"left out: {reasons[plugin]}" if plugin in reasons else "loaded"
        click.echo(f"{plugin.kind:12}{plugin.name:24}{plugin.distribution:32}{state}")
