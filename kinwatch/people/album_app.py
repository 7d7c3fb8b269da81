"""`kinwatch album ...`: one function a sub-command."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from nerves.errors import SettingsError
from nerves.messages import Group
from nerves.settings import load

__all__ = ["app"]

app = typer.Typer(help="Who was that? The visits that wait for your word.", no_args_is_help=True)

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file [default: KINWATCH_CONFIG, else ./kinwatch.yaml]"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout; everything else on stderr.")]
Visits = Annotated[list[str], typer.Argument(help="Beginnings of visits' ids, or stranger-7 for all visits of one.")]


@app.command("list")
def list_(
    *,
    since: Annotated[str | None, typer.Option("--since", help="2d, 12h, 30m, or a date.")] = None,
    verdict: Annotated[
        Literal["stranger", "unidentified", "family", "guest"] | None, typer.Option("--verdict", help="Only these.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the visits in the album, the newest last."""
    from kinwatch.people.album import run_list  # noqa: PLC0415

    run_list(load(config), ago=since, verdict=verdict, json=json)


@app.command()
def show(
    visits: Annotated[
        list[str] | None, typer.Argument(help="As `list` shows them, or stranger-7; all if left out.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="The picture to write.")] = Path("album.png"),
    config: Config = None,
) -> None:
    """Draw the faces of visits onto one picture; without any, the best face of each visit."""
    from kinwatch.people.album import run_show  # noqa: PLC0415

    run_show(load(config), visits or [], out=out)


@app.command()
def name(
    visit: Annotated[str, typer.Argument(help="The beginning of a visit's id, or stranger-7 for all visits of one.")],
    name: Annotated[str | None, typer.Argument(help="Who it was.")] = None,
    *,
    not_a_person: Annotated[
        bool, typer.Option("--not-a-person", help="It was a poster, a statue, a coat: never alert for it again.")
    ] = False,
    group: Annotated[
        Group | None, typer.Option("--group", help="What the person is to the household [default: family, or as known]")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="A guest's pass ends: 2026-12-24, 20:00, 3d.")] = None,
    config: Config = None,
) -> None:
    """Say who a visit was: its good faces are learned at once, and a brain that runs knows them at its next look."""
    from kinwatch.people.album import run_name  # noqa: PLC0415

    if (name is None) != not_a_person:
        message = "say who it was: kinwatch album name VISIT NAME, or kinwatch album name VISIT --not-a-person"
        raise SettingsError(message)
    run_name(load(config), visit, name, group=group, until=until)


@app.command()
def discard(visits: Visits, *, config: Config = None) -> None:
    """Remove visits and their pictures; nothing is learned from them."""
    from kinwatch.people.album import run_discard  # noqa: PLC0415

    run_discard(load(config), visits)


@app.command()
def undo(*, config: Config = None) -> None:
    """Take back what was said last, with all that was learned from it."""
    from kinwatch.people.album import run_undo  # noqa: PLC0415

    run_undo(load(config))
