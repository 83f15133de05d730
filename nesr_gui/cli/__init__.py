"""The command line: `nesr-gui [IMAGE]` opens the window, the commands do without it.

Slow imports are inside the commands, so that `--help` prints at once.
"""

from __future__ import annotations

import io
import signal
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from nesr_gui._version import __version__
from nesr_gui.cli import analysis, camera, export, gui, inspect, models, options, samples, tables, train
from nesr_gui.cli.reconstruct import reconstruct


class WindowByDefault(click.Group):
    """Command group that treats an unknown command as an image to open in the window."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the `gui` command if the first argument is not a command.

        Raises:
            click.UsageError: it is nearly a command, and no file.
        """
        if args and args[0] in {"--help", "--version", "-h", *self.commands}:
            return super().parse_args(ctx, args)
        is_option = not args or args[0].startswith("-")
        if not is_option and not Path(args[0]).exists() and (near := get_close_matches(args[0], self.commands, n=1)):
            raise click.UsageError(f"there is no file and no command {args[0]}; did you mean {near[0]}?", ctx)
        return super().parse_args(ctx, ["gui", *args])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; Ctrl-C, if the command does not handle it, is a line on stderr and an exit code of its own."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("nesr-gui: stopped", err=True)
            raise SystemExit(options.INTERRUPTED) from None


@click.group(cls=WindowByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="nesr-gui")
def cli() -> None:
    """Open a photograph, click a pixel, see its spectrum.

    `nesr-gui [IMAGE]` opens the window; see `nesr-gui gui --help` for its options.
    """


for command in (
    gui.gui, samples.samples, reconstruct, inspect.spectrum, inspect.info, inspect.compare,
    analysis.match, analysis.classify, analysis.cluster, analysis.unmix, analysis.compute, analysis.components,
    tables.statistics, tables.transect, tables.scatter,
    export.export, camera.calibrate_camera, train.train, train.evaluate, train.calibrate, train.import_weights,
    train.experiment, gui.benchmark, models.models, models.export_model, models.list_plugins,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run the command line; user errors are printed as one line on stderr, with exit code 2, Ctrl-C ends with 130.

    SIGTERM, by which job schedulers end a command, is taken as Ctrl-C.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):  # file names need not be valid text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli()
    except (ValueError, OSError, KeyError, MemoryError, RuntimeError) as error:
        from nesr_gui.fields.protocol import DeviceLost
        from nesr_gui.io.errors import error_message

        if isinstance(error, RuntimeError) and not isinstance(error, DeviceLost):
            raise
        message = f"{error_message(error)}{options.hint_option(error)}"
        click.echo(f"nesr-gui: {message}", err=True)
        raise SystemExit(2) from error
    finally:
        _name_refused_plugins()


def _name_refused_plugins() -> None:
    """Print a line on stderr for each plug-in that the command left out, unless it lists them itself."""
    plugins = sys.modules.get("nesr_gui.plugins")  # not imported by commands that need none
    if plugins is not None and models.list_plugins.name not in sys.argv[1:2]:
        for refusal in plugins.refused():
            click.echo(f"nesr-gui: {refusal}", err=True)
