"""The command: one function a sub-command."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from nerves.errors import KinwatchError
from nerves.messages import Group
from nerves.settings import House, load

__all__ = ["app", "main"]

app = typer.Typer(
    name="kinwatch",
    help="Tells a household when someone who is not family is in the house, and never for the cat.\n\n"
    "Try `kinwatch demo` first: the whole house on this machine, on a short scene, with no settings.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong usage or settings. With --json, stdout has one JSON object a line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file [default: KINWATCH_CONFIG, else ./kinwatch.yaml]"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout; everything else on stderr.")]
Pack = Annotated[Literal["auto", "built-in", "standard"] | None, typer.Option("--pack", help="The model files to use.")]
Name = Annotated[str, typer.Argument(help="The organ's name in the settings.")]

WATCHING, PEOPLE, HOUSE = "Try it", "People", "The house"


def main() -> None:
    """Run the command; an error of ours is one line and an exit status, never a traceback."""
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    try:
        app()
    except KinwatchError as error:
        sys.stderr.write(f"kinwatch: {error}\n")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `kinwatch listen | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


@app.command(rich_help_panel=WATCHING)
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Show the scene once, check it, and end.")] = False,
    json: Json = False,
    source: Annotated[
        str | None,
        typer.Option("--source", help="A real camera instead: 0, rtsp://..., http://... or a file."),
    ] = None,
    pack: Pack = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Folder for what is stored [default: a new one]")] = None,
) -> None:
    """The whole house on this machine, on a short scene: real processes, a real broker, no settings.

    A cat crosses (nothing), a woman enters (stranger: alert), she is enrolled and comes again (family), and somebody
    is seen from far (unidentified).
    """
    from kinwatch.demo import Options, run  # noqa: PLC0415

    run(Options(once=once, json=json, source=source, pack=pack, keep=keep))


@app.command(rich_help_panel=WATCHING)
def replay(
    clips: Annotated[list[Path], typer.Argument(help="Clips, pictures (a still scene of 3 seconds) or folders.")],
    *,
    json: Json = False,
    pictures: Annotated[Path | None, typer.Option("--pictures", help="Write each message's picture here.")] = None,
    pack: Pack = None,
    config: Config = None,
) -> None:
    """What would the house have decided? The same brain over recordings, each in its own time.

    No broker is needed. Whoever is enrolled is recognised.
    """
    from kinwatch.replay import Options, run  # noqa: PLC0415

    run(_house(config, pack), clips, Options(json=json, pictures=pictures))


@app.command(rich_help_panel=PEOPLE)
def enroll(  # noqa: PLR0913 - the command's own options
    name: Annotated[str, typer.Argument(help="The person's name.")],
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos, of this person alone.")],
    *,
    group: Annotated[Group, typer.Option("--group", help="What the person is to the household.")] = "family",
    until: Annotated[str | None, typer.Option("--until", help="A guest's pass ends: 2026-12-24, 20:00, 3d.")] = None,
    json: Json = False,
    pack: Pack = None,
    config: Config = None,
) -> None:
    """Learn a person from photos: the face from the front, well lit, one person a photo; five to ten are good.

    A brain that is running knows the person at its next look.
    """
    from kinwatch.people import run_enroll  # noqa: PLC0415

    run_enroll(_house(config, pack), name, photos, group=group, until=until, json=json)


@app.command(rich_help_panel=PEOPLE)
def people(*, json: Json = False, config: Config = None) -> None:
    """Who is known: names, groups, passes, number of photos."""
    from kinwatch.people import run_people  # noqa: PLC0415

    run_people(_house(config), json=json)


@app.command(rich_help_panel=PEOPLE)
def forget(name: Annotated[str, typer.Argument(help="The person's name.")], *, config: Config = None) -> None:
    """Remove a person and everything that is kept of their face."""
    from kinwatch.people import run_forget  # noqa: PLC0415

    run_forget(_house(config), name)


@app.command(rich_help_panel=HOUSE)
def up(*, config: Config = None) -> None:
    """Run every organ that the settings name, each its own process, restarted when it ends. Ctrl-C ends it."""
    from kinwatch.house import up as run  # noqa: PLC0415

    run(_house(config), config)


@app.command(rich_help_panel=HOUSE)
def sense(name: Name, *, config: Config = None) -> None:
    """Run one sense here, such as a camera; the broker may come later."""
    from nerves.daemon import run_sense  # noqa: PLC0415
    from nerves.plugins import read_sense  # noqa: PLC0415

    house = _house(config)
    found, settings = read_sense(house, name)
    run_sense(name, found, settings, house)


@app.command(rich_help_panel=HOUSE)
def think(*, pack: Pack = None, config: Config = None) -> None:
    """Run the brain here."""
    from brain.organ import run  # noqa: PLC0415
    from kinwatch.sights import brain_settings, open_gallery, open_sight  # noqa: PLC0415
    from nerves.broker import need_url  # noqa: PLC0415

    house = _house(config, pack)
    settings = brain_settings(house)
    with open_gallery(house) as gallery:
        run(house, settings, open_sight(house, settings), gallery, need_url(house))


@app.command(rich_help_panel=HOUSE)
def act(name: Name, *, config: Config = None) -> None:
    """Run one actuator here, such as the store of evidence."""
    from nerves.daemon import run_actuator  # noqa: PLC0415
    from nerves.plugins import read_actuator  # noqa: PLC0415

    house = _house(config)
    found, settings = read_actuator(house, name)
    run_actuator(name, found, settings, house)


@app.command(rich_help_panel=HOUSE)
def check(*, json: Json = False, config: Config = None) -> None:
    """Is all well? Settings, packages, model files, gallery, broker, and which organs live. Status 1 if not."""
    from kinwatch.checking import run  # noqa: PLC0415

    _quiet()
    run(_house(config), json=json)


@app.command(rich_help_panel=HOUSE)
def listen(
    *,
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Only say what is wrong with what arrives.")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", help="End after so long.")] = None,
    config: Config = None,
) -> None:
    """Show what travels on the bus, a line a message. With --strict, a test bench for a sense of your own."""
    from kinwatch.listening import run  # noqa: PLC0415

    _quiet()
    run(_house(config), json=json, strict=strict, seconds=seconds)


@app.command(rich_help_panel=HOUSE)
def models(
    action: Annotated[
        Literal["list", "pull"], typer.Argument(help="`list`, or `pull` to fetch what is absent.")
    ] = "list",
    pack: Annotated[Literal["built-in", "standard"], typer.Argument(help="The pack to pull.")] = "standard",
    *,
    json: Json = False,
    config: Config = None,
) -> None:
    """The model files: where they are, whether they are right, their licences. `pull` fetches a pack."""
    from kinwatch.models import run  # noqa: PLC0415

    run(_house(config), action, pack, json=json)


@app.command(rich_help_panel=HOUSE)
def schema(name: Annotated[str | None, typer.Argument(help="A message, or `settings`.")] = None) -> None:
    """The contracts as JSON Schema: every message, or one; `settings` for kinwatch.yaml."""
    from kinwatch.schema import run  # noqa: PLC0415

    run(name)


def _house(config: Path | None, pack: str | None = None) -> House:
    if pack is not None:
        os.environ["KINWATCH_BRAIN__PACK"] = pack  # children take it too
    return load(config)


def _quiet() -> None:
    """Leave it to the command to say what is wrong with the bus, once."""
    logging.getLogger("nerves").setLevel(logging.CRITICAL)
