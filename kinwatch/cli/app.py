"""The command `kinwatch`: which commands there are, and how it ends."""

import logging
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from kinwatch.cli import album, day, first_steps, house, measuring, people, rekognition
from kinwatch.extras import extra_advice
from nerves.errors import KinwatchError, SettingsError
from nerves.leaving import leaving

__all__ = ["app", "main", "run_app"]

app = typer.Typer(
    name="kinwatch",
    help="Tells a household when someone who is not family is in the house, and never for the cat.\n\n"
    "Start with `kinwatch demo`: it shows the whole house on this machine, on a short scene, without settings.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong usage or settings. With --json, stdout has one JSON object a line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

FIRST_PANEL, PEOPLE_PANEL, HOUSE_PANEL = "First steps", "People", "The house"
COMMAND_TABLE = (
    ("demo", first_steps.demo_command, FIRST_PANEL),
    ("replay", first_steps.replay_command, FIRST_PANEL),
    ("docs", first_steps.docs_command, FIRST_PANEL),
    ("enroll", people.enroll_command, PEOPLE_PANEL),
    ("people", people.people_command, PEOPLE_PANEL),
    ("day", day.day_command, PEOPLE_PANEL),
    ("forget", people.forget_command, PEOPLE_PANEL),
    ("export", people.export_command, PEOPLE_PANEL),
    ("import", people.import_command, PEOPLE_PANEL),
    ("measure", measuring.measure_command, PEOPLE_PANEL),
    ("retrain", measuring.retrain_command, PEOPLE_PANEL),
    ("up", house.up_command, HOUSE_PANEL),
    ("sense", house.sense_command, HOUSE_PANEL),
    ("think", house.think_command, HOUSE_PANEL),
    ("act", house.act_command, HOUSE_PANEL),
    ("check", house.check_command, HOUSE_PANEL),
    ("listen", house.listen_command, HOUSE_PANEL),
    ("models", house.models_command, HOUSE_PANEL),
    ("schema", house.schema_command, HOUSE_PANEL),
)
for name, function, panel in COMMAND_TABLE:
    app.command(name, rich_help_panel=panel)(function)
app.add_typer(album.app, name="album", rich_help_panel=PEOPLE_PANEL)
app.add_typer(rekognition.app, name="rekognition", rich_help_panel=PEOPLE_PANEL)


def main() -> None:
    """Be the process of the command; it ends with the command's status even if a thread is stuck in foreign code."""
    with leaving():
        run_app()


def run_app() -> None:
    """Run the command; an error of ours is one line and an exit status, never a traceback."""
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    try:
        app()
    except KinwatchError as error:
        _fail(str(error), error.exit_status)
    except ModuleNotFoundError as error:
        advice = extra_advice(error, sys.argv[1:])
        if advice is None:
            raise
        _fail(advice, SettingsError.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `kinwatch listen | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(line: str, status: int) -> None:
    sys.stderr.write(f"kinwatch: {line}\n")
    sys.exit(status)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kinwatch {_installed_version()}")
        raise typer.Exit


def _installed_version() -> str:
    try:
        return version("kinwatch")
    except PackageNotFoundError:
        return "of a checkout that is not installed"


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Take the options that stand before the command."""
