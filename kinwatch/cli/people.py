"""`kinwatch enroll | people | forget | export | import`: who is known."""

from pathlib import Path
from typing import Annotated

import typer

from kinwatch.cli.options import Config, Hours, Json, Pack, read_settings
from nerves.messages import Group

__all__ = ["enroll_command", "export_command", "forget_command", "import_command", "people_command"]


def enroll_command(  # noqa: PLR0913 - the command's own options
    name: Annotated[str, typer.Argument(help="The person's name.")],
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos, of this person alone.")],
    *,
    group: Annotated[
        Group | None, typer.Option("--group", help="What the person is to the household [default: family, or as known]")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="When a guest's pass ends: 2026-12-24, 20:00, 3d.")
    ] = None,
    hours: Hours = None,
    json: Json = False,
    pack: Pack = None,
    config: Config = None,
) -> None:
    """Learn a person from photos; five to ten are good: the face from the front, well lit, one person a photo.

    A running brain knows the person from the next picture that it analyses.

    Example: kinwatch enroll Alice photos/alice/

    Example: kinwatch enroll Maria photos/maria/ --group known --hours "tue 09:00-12:00"
    """
    from kinwatch.people.enroll import run_enroll  # noqa: PLC0415
    from kinwatch.people.terms import read_terms  # noqa: PLC0415

    run_enroll(read_settings(config, pack), name, photos, group=group, terms=read_terms(group, until, hours), json=json)


def people_command(
    name: Annotated[str | None, typer.Argument(help="One person, with every photo.")] = None,
    *,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Write the faces to this PNG; excluded photos have a red frame.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List who is known: names, groups, passes, hours and photos, and which photos are excluded and why.

    Example: kinwatch people Alice --sheet alice.png
    """
    from kinwatch.people.listing import run_people  # noqa: PLC0415

    run_people(read_settings(config), name, sheet=sheet, json=json)


def forget_command(name: Annotated[str, typer.Argument(help="The person's name.")], *, config: Config = None) -> None:
    """Remove a person, and everything that is stored of their face.

    Example: kinwatch forget Alice
    """
    from kinwatch.people.forget import run_forget  # noqa: PLC0415

    run_forget(read_settings(config), name)


def export_command(
    file: Annotated[Path, typer.Argument(help="The file to write; only you can read it.")],
    names: Annotated[list[str] | None, typer.Argument(help="Whom to export [default: everybody]")] = None,
    *,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write people to one file, to be imported in another house: names, groups, passes, faces.

    Example: kinwatch export family.json
    """
    from kinwatch.people.transfer import run_export  # noqa: PLC0415

    run_export(read_settings(config), file, names or [], json=json)


def import_command(
    file: Annotated[Path, typer.Argument(help="A file that `kinwatch export` wrote.")],
    *,
    json: Json = False,
    config: Config = None,
) -> None:
    """Learn the people in an exported file, all of them or none; photos that are known already change nothing.

    Example: kinwatch import family.json
    """
    from kinwatch.people.transfer import run_import  # noqa: PLC0415

    run_import(read_settings(config), file, json=json)
