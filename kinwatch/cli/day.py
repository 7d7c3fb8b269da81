"""`kinwatch day`: what happened on one day."""

from pathlib import Path
from typing import Annotated

import typer

from kinwatch.cli.options import Config, Json, read_settings

__all__ = ["day_command"]


def day_command(
    day: Annotated[str, typer.Argument(help="today, yesterday, or a date: 2026-11-27.")] = "today",
    *,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the day into this PNG file; without this no file is written.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show what happened on a day: what rang, what did not ring, and why.

    A visit belongs to the day on which it began, in local time. The last lines say which rings were family.

    Example: kinwatch day yesterday --picture day.png
    """
    from kinwatch.commands.day import run_day  # noqa: PLC0415

    run_day(read_settings(config), day, picture=picture, json=json)
