"""`kinwatch rekognition ...`: one function a sub-command."""

from pathlib import Path
from typing import Annotated

import typer

from nerves.settings import load

__all__ = ["app"]

app = typer.Typer(
    help="AWS Rekognition: its collection of faces, what was sent there, and the switch that stops it.\n\n"
    "First docs/rekognition.md: what it is for, what it costs, what leaves the house. Then "
    "`kinwatch rekognition sync`, and `brain: {vision: cascade}` in kinwatch.yaml.",
    epilog="`on` and `off` hold for a brain that is running too, from its next call on.",
    no_args_is_help=True,
)

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file [default: KINWATCH_CONFIG, else ./kinwatch.yaml]"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout; everything else on stderr.")]


@app.command()
def sync(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Send photos again that Rekognition has not taken.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Make the collection equal to the gallery: the difference is shown, then you are asked.

    Each photo that counts is sent once, as the small picture of the face that `kinwatch people --sheet` shows, and the
    largest face in it is kept there. Who was forgotten, and guests whose pass has ended, are removed. Faces that
    kinwatch has not put there stay.

    It keeps to the budget and may be ended at any moment: the next run goes on with the rest.
    """
    from kinwatch.cloud.sync import SyncOptions, run_sync  # noqa: PLC0415

    run_sync(load(config), SyncOptions(yes=yes, dry_run=dry_run, again=again, json=json))


@app.command()
def sent(
    *,
    days: Annotated[float, typer.Option("--days", min=0, max=36500, help="How far back.")] = 7,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show every call: when, what was sent, how large, about which visit, what it cost and what became of it."""
    from kinwatch.cloud.spending import run_sent  # noqa: PLC0415

    run_sent(load(config), days=days, json=json)


@app.command()
def on(*, config: Config = None) -> None:
    """Let calls leave the house again."""
    from kinwatch.cloud.spending import run_switch  # noqa: PLC0415

    run_switch(load(config), on=True)


@app.command()
def off(*, config: Config = None) -> None:
    """Let no call leave the house any more, whoever wants to make it; it stays so through restarts."""
    from kinwatch.cloud.spending import run_switch  # noqa: PLC0415

    run_switch(load(config), on=False)


@app.command()
def status(*, json: Json = False, config: Config = None) -> None:
    """Show the switch, and what is spent of the budget; nobody is asked. `kinwatch check` asks."""
    from kinwatch.cloud.spending import run_status  # noqa: PLC0415

    run_status(load(config), json=json)
