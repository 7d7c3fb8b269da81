"""`kinwatch album ...`: one function a sub-command."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kinwatch.cli.options import Config, Hours, Json, read_settings
from nerves.errors import SettingsError
from nerves.messages import Group

__all__ = ["app"]

app = typer.Typer(help="Past visits: see them, and say who it was.", no_args_is_help=True)
Visits = Annotated[
    list[str], typer.Argument(help="The beginnings of visits' ids, or stranger-7 for all visits of one stranger.")
]


@app.command("list")
def album_list_command(
    *,
    since: Annotated[str | None, typer.Option("--since", help="How far back: 2d, 12h, 30m, or a date.")] = None,
    verdict: Annotated[
        Literal["stranger", "unidentified", "family", "guest", "known"] | None,
        typer.Option("--verdict", help="Only visits with this verdict."),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the visits in the album, the newest last.

    Example: kinwatch album list --since 2d
    """
    from kinwatch.people.album import run_list  # noqa: PLC0415

    run_list(read_settings(config), ago=since, verdict=verdict, json=json)


@app.command("show")
def album_show_command(
    visits: Annotated[
        list[str] | None, typer.Argument(help="Visits as `list` shows them, or stranger-7 [default: all]")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="The picture to write.")] = Path("album.png"),
    config: Config = None,
) -> None:
    """Draw the faces of visits onto one picture; without an argument, the best face of each visit.

    Example: kinwatch album show stranger-7 --out stranger.png
    """
    from kinwatch.people.album import run_show  # noqa: PLC0415

    run_show(read_settings(config), visits or [], out=out)


@app.command("name")
def album_name_command(  # noqa: PLR0913 - the command's own options
    visit: Annotated[
        str, typer.Argument(help="The beginning of a visit's id, or stranger-7 for all visits of one stranger.")
    ],
    name: Annotated[str | None, typer.Argument(help="Who it was.")] = None,
    *,
    not_a_person: Annotated[
        bool, typer.Option("--not-a-person", help="It was a poster, a statue, a coat: never alert for it again.")
    ] = False,
    group: Annotated[
        Group | None, typer.Option("--group", help="What the person is to the household [default: family, or as known]")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="When a guest's pass ends: 2026-12-24, 20:00, 3d.")
    ] = None,
    hours: Hours = None,
    config: Config = None,
) -> None:
    """Say who a visit was: its good faces are learned at once, and a running brain uses them from its next picture.

    Example: kinwatch album name 0193f5a2-7c Alice
    """
    from kinwatch.people.album import run_name  # noqa: PLC0415
    from kinwatch.people.terms import read_terms  # noqa: PLC0415

    if (name is None) != not_a_person:
        message = "say who it was: kinwatch album name VISIT NAME, or kinwatch album name VISIT --not-a-person"
        raise SettingsError(message)
    run_name(read_settings(config), visit, name, group=group, terms=read_terms(group, until, hours))


@app.command("discard")
def album_discard_command(visits: Visits, *, config: Config = None) -> None:
    """Remove visits and their pictures; nothing is learned from them.

    Example: kinwatch album discard 0193faaa
    """
    from kinwatch.people.album import run_discard  # noqa: PLC0415

    run_discard(read_settings(config), visits)


@app.command("undo")
def album_undo_command(*, config: Config = None) -> None:
    """Take back the last label, and everything that was learned from it.

    Example: kinwatch album undo
    """
    from kinwatch.people.album import run_undo  # noqa: PLC0415

    run_undo(read_settings(config))
