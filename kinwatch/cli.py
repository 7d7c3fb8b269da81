"""The command: one function a sub-command."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from kinwatch.cloud import rekognition_app
from kinwatch.people import album_app
from nerves.errors import KinwatchError
from nerves.leaving import leaving
from nerves.messages import Group
from nerves.settings import HouseSettings, load

__all__ = ["app", "main", "run"]

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
Name = Annotated[str, typer.Argument(help="The service's name in the settings.")]

WATCHING, PEOPLE, HOUSE = "Try it", "People", "The house"
app.add_typer(album_app.app, name="album", rich_help_panel=PEOPLE)
app.add_typer(rekognition_app.app, name="rekognition", rich_help_panel=PEOPLE)


def main() -> None:
    """Be the process of the command."""
    with leaving():
        run()


def run() -> None:
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
    from kinwatch.demo.run import DemoOptions, run  # noqa: PLC0415

    run(DemoOptions(once=once, json=json, source=source, pack=pack, keep=keep))


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
    from kinwatch.commands.replay import ReplayOptions, run  # noqa: PLC0415

    run(_house(config, pack), clips, ReplayOptions(json=json, pictures=pictures))


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
    from kinwatch.people.enroll import run_enroll  # noqa: PLC0415

    run_enroll(_house(config, pack), name, photos, group=group, until=until, json=json)


@app.command(rich_help_panel=PEOPLE)
def people(
    name: Annotated[str | None, typer.Argument(help="One person, with every photo.")] = None,
    *,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Write the faces to this PNG; doubtful ones have a red frame.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Who is known: names, groups, passes, photos, and which photos are set aside and why."""
    from kinwatch.people.listing import run  # noqa: PLC0415

    run(_house(config), name, sheet=sheet, json=json)


@app.command(rich_help_panel=PEOPLE)
def forget(name: Annotated[str, typer.Argument(help="The person's name.")], *, config: Config = None) -> None:
    """Remove a person and everything that is kept of their face."""
    from kinwatch.people.enroll import run_forget  # noqa: PLC0415

    run_forget(_house(config), name)


@app.command(rich_help_panel=PEOPLE)
def export(
    file: Annotated[Path, typer.Argument(help="The file to write; readable by you alone.")],
    names: Annotated[list[str] | None, typer.Argument(help="Whom; everybody if left out.")] = None,
    *,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write people to one file, to be imported in another house: names, groups, passes, faces."""
    from kinwatch.people.transfer import run_export  # noqa: PLC0415

    run_export(_house(config), file, names or [], json=json)


@app.command("import", rich_help_panel=PEOPLE)
def import_(
    file: Annotated[Path, typer.Argument(help="What `kinwatch export` wrote.")],
    *,
    json: Json = False,
    config: Config = None,
) -> None:
    """Learn the people in an exported file, all of them or none; photos that are known already change nothing."""
    from kinwatch.people.transfer import run_import  # noqa: PLC0415

    run_import(_house(config), file, json=json)


@app.command(rich_help_panel=PEOPLE)
def measure(  # noqa: PLR0913 - the command's own options
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Pictures of which is known who they show: pairs.csv; or train/<name> and test/<name>; or <name>/ "
            "(`people` are strangers). Left out: your own gallery."
        ),
    ] = None,
    *,
    strangers: Annotated[
        list[Path] | None,
        typer.Option("--strangers", help="More strangers: a folder of pictures, or of a folder a person. Repeatable."),
    ] = None,
    visits: Annotated[
        int | None, typer.Option("--visits", min=1, help="Of each person who is known [default: 200 in all]")
    ] = None,
    room: Annotated[bool, typer.Option("--room", help="Visits as a room camera sees them: small, blurred.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another one composes other visits.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Processes that look at pictures.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the report and its plots [default: ./kinwatch-measure]")
    ] = None,
    json: Json = False,
    pack: Pack = None,
    config: Config = None,
) -> None:
    """How often would a stranger be called family, and family not be known? And which threshold is safe?

    Of each picture alone, and of visits as the brain decides them, with 95 % intervals. The gallery is not changed.
    """
    from brain.measure.household import HouseholdPlan  # noqa: PLC0415
    from kinwatch.commands.measuring import MeasureOptions, run  # noqa: PLC0415

    plan = HouseholdPlan(visits=visits, seed=seed, room=room)
    run(_house(config, pack), folder, MeasureOptions(tuple(strangers or ()), plan, out, jobs, json=json))


@app.command(rich_help_panel=PEOPLE)
def retrain(  # noqa: PLR0913 - the command's own options
    folder: Annotated[
        Path, typer.Argument(help="FOLDER/<label>/*.jpg; or FOLDER/train/<label> and FOLDER/test/<label>.")
    ],
    *,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            help="The pretrained network: a LiteRT extractor file, or inception_v3, mobilenet_v2, mobilenet_v3, "
            "mobilenet_v3_small (left out: the MobileNet v1 file among the models).",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Keras weights for a named backbone, where they cannot be fetched.")
    ] = None,
    pixels: Annotated[
        Literal["-1..1", "0..1", "0..255"],
        typer.Option("--pixels", help="Black and white to a backbone file that takes decimal numbers."),
    ] = "-1..1",
    validation: Annotated[
        float, typer.Option("--validation", min=0, max=90, help="Percent of the pictures that say when to stop.")
    ] = 10,
    test: Annotated[
        float, typer.Option("--test", min=0, max=90, help="Percent of the pictures that judge the result.")
    ] = 10,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Of training, at most.")] = 1000,
    learning_rate: Annotated[float, typer.Option("--learning-rate", min=1e-6, max=10, help="Of each step.")] = 0.001,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pictures a step.")] = 32,
    patience: Annotated[
        int, typer.Option("--patience", min=1, help="Stop after so many looks, one every 10 steps, without gain.")
    ] = 20,
    flip: Annotated[bool, typer.Option("--flip", help="Train with mirrored copies too.")] = False,
    crop: Annotated[int, typer.Option("--crop", min=0, max=90, help="... with edges cut off, percent.")] = 0,
    scale: Annotated[int, typer.Option("--scale", min=0, max=500, help="... shown larger, percent.")] = 0,
    brightness: Annotated[int, typer.Option("--brightness", min=0, max=99, help="... lighter or darker, percent.")] = 0,
    copies: Annotated[int, typer.Option("--copies", min=1, max=100, help="Such copies of a picture.")] = 4,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another one gives other copies and another start.")] = 0,
    faces: Annotated[bool, typer.Option("--faces/--no-faces", help="Compare with face vectors.")] = True,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the result (left out: `retrained` in the data folder).")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Teach what a picture shows: a new last layer for a pretrained network, from folders named as what they hold.

    Fit for *what*: `cat`, `dog`, `people`, `nobody`. For *who* somebody is, use `kinwatch enroll`: the report shows
    both on your own pictures. Twenty pictures a folder are a start, a hundred are good. The model runs without
    TensorFlow; training needs `pip install 'kinwatch[retrain]'`.
    """
    from kinwatch.commands.retraining import RetrainOptions, plan, run  # noqa: PLC0415

    wanted = plan(
        backbone=backbone,
        weights=weights,
        pixels=pixels,
        sets=(validation, test),
        schedule={"steps": steps, "learning_rate": learning_rate, "batch": batch, "patience": patience, "seed": seed},
        distortion={
            "flip": flip,
            "crop": crop,
            "scale": scale,
            "brightness": brightness,
            "copies": copies,
            "seed": seed,
        },
    )
    run(_house(config), folder, RetrainOptions(wanted, out, faces=faces, json=json))


@app.command(rich_help_panel=HOUSE)
def up(*, config: Config = None) -> None:
    """Run every service that the settings name, each its own process, restarted when it ends. Ctrl-C ends it."""
    from kinwatch.house.up import up as run  # noqa: PLC0415

    run(_house(config), config)


@app.command(rich_help_panel=HOUSE)
def sense(name: Name, *, config: Config = None) -> None:
    """Run one sense here, such as a camera; the broker may come later."""
    from nerves.plugins import read_sense  # noqa: PLC0415
    from nerves.runner import run_sense  # noqa: PLC0415

    house = _house(config)
    found, settings = read_sense(house, name)
    run_sense(name, found, settings, house)


@app.command(rich_help_panel=HOUSE)
def think(*, pack: Pack = None, config: Config = None) -> None:
    """Run the brain here."""
    from brain.process.loop import run  # noqa: PLC0415
    from kinwatch.opening import brain_settings, on_bus, open_cloud, open_gallery, open_sight, pay_debts  # noqa: PLC0415
    from nerves.broker import need_url  # noqa: PLC0415

    house = _house(config, pack)
    settings = brain_settings(house)
    with open_gallery(house) as gallery, open_cloud(house, settings, or_not=True) as clouds:
        sight = open_sight(house, settings, clouds and clouds.cloud)
        if clouds and settings.rekognition.by != "compare":
            pay_debts(clouds, gallery)
        run(house, settings, sight, gallery, need_url(house), on_bus(settings, clouds))


@app.command(rich_help_panel=HOUSE)
def act(name: Name, *, config: Config = None) -> None:
    """Run one actuator here, such as the store of evidence."""
    from nerves.plugins import read_actuator  # noqa: PLC0415
    from nerves.runner import run_actuator  # noqa: PLC0415

    house = _house(config)
    found, settings = read_actuator(house, name)
    run_actuator(name, found, settings, house)


@app.command(rich_help_panel=HOUSE)
def check(
    *,
    alert: Annotated[
        bool, typer.Option("--alert", help="Send one test alert through broker, brain and every actuator.")
    ] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="Wait so long for the test alert.")] = 20.0,
    json: Json = False,
    config: Config = None,
) -> None:
    """Is all well? Settings, packages, model files, gallery, broker, and which services live. Status 1 if not.

    With --alert: one marked test alert goes the way of every alert, and each actuator says what became of it.
    """
    from kinwatch.commands import checking, rehearsal  # noqa: PLC0415

    _quiet()
    if alert:
        rehearsal.run(_house(config), json=json, seconds=seconds)
    else:
        checking.run(_house(config), json=json)


@app.command(rich_help_panel=HOUSE)
def listen(
    *,
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Only say what is wrong with what arrives.")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", help="End after so long.")] = None,
    messages: Annotated[int | None, typer.Option("--messages", min=1, help="End after so many messages.")] = None,
    config: Config = None,
) -> None:
    """Show what travels on the bus, a line a message.

    With --strict, a test bench for a sense of your own: WRONG is what does not fit, CHECK what is hardly meant; status
    1 if anything was wrong, or nothing came.
    """
    from kinwatch.commands.listening import run  # noqa: PLC0415

    _quiet()
    run(_house(config), json=json, strict=strict, seconds=seconds, messages=messages)


@app.command(rich_help_panel=HOUSE)
def models(
    action: Annotated[
        Literal["list", "pull"], typer.Argument(help="`list`, or `pull` to fetch what is absent.")
    ] = "list",
    pack: Annotated[
        Literal["built-in", "standard", "vosk-en", "vosk-fr"], typer.Argument(help="What to pull.")
    ] = "standard",
    *,
    json: Json = False,
    config: Config = None,
) -> None:
    """The model files: where they are, whether they are right, their licences. `pull` fetches a pack.

    `vosk-en` and `vosk-fr` are speech models for a microphone, about 40 MB each.
    """
    from kinwatch.commands.models import run  # noqa: PLC0415

    run(_house(config), action, pack, json=json)


@app.command(rich_help_panel=HOUSE)
def schema(name: Annotated[str | None, typer.Argument(help="A message, or `settings`.")] = None) -> None:
    """The contracts as JSON Schema: every message, or one; `settings` for kinwatch.yaml."""
    from kinwatch.commands.schema import run  # noqa: PLC0415

    run(name)


def _house(config: Path | None, pack: str | None = None) -> HouseSettings:
    if pack is not None:
        os.environ["KINWATCH_BRAIN__PACK"] = pack  # children take it too
    return load(config)


def _quiet() -> None:
    """Leave it to the command to say what is wrong with the bus, once."""
    logging.getLogger("nerves").setLevel(logging.CRITICAL)
