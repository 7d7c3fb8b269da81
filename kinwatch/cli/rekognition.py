"""`kinwatch rekognition ...`: one function a sub-command."""

from typing import Annotated

import typer

from kinwatch.cli.options import Config, Json, read_settings

__all__ = ["app"]

app = typer.Typer(
    help="AWS Rekognition: its collection of faces, what was sent there, and the switch that stops it.\n\n"
    "First read `kinwatch docs rekognition`: what it is for, what it costs, what leaves the house. Then "
    "`kinwatch rekognition sync`, and `brain: {vision: cascade}` in kinwatch.yaml.",
    epilog="`on` and `off` also apply to a running brain, from its next call.",
    no_args_is_help=True,
)


@app.command("sync")
def sync_command(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, for use in scripts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Send photos again that Rekognition did not accept.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Make the collection at AWS equal to the gallery: it shows the difference, then asks you.

    Each photo that is not excluded is sent once, as the small picture of the face that `kinwatch people --sheet`
    shows; AWS stores the largest face in it. People who were forgotten, and guests whose pass has ended, are removed.
    Faces that kinwatch did not put there stay.

    It keeps within the budget and may be ended at any moment: the next run goes on with the rest.

    Example: kinwatch rekognition sync --dry-run
    """
    from kinwatch.cloud.sync import SyncOptions, run_sync  # noqa: PLC0415

    run_sync(read_settings(config), SyncOptions(yes=yes, dry_run=dry_run, again=again, json=json))


@app.command("sent")
def sent_command(
    *,
    days: Annotated[float, typer.Option("--days", min=0, max=36500, help="How many days back.")] = 7,
    json: Json = False,
    config: Config = None,
) -> None:
    """List every call: when, what was sent, how large, for which visit, what it cost and what became of it.

    Example: kinwatch rekognition sent --days 30
    """
    from kinwatch.cloud.spending import run_sent  # noqa: PLC0415

    run_sent(read_settings(config), days=days, json=json)


@app.command("on")
def on_command(*, config: Config = None) -> None:
    """Let calls leave the house again.

    Example: kinwatch rekognition on
    """
    from kinwatch.cloud.spending import run_switch  # noqa: PLC0415

    run_switch(read_settings(config), on=True)


@app.command("off")
def off_command(*, config: Config = None) -> None:
    """Let no call leave the house any more, whichever command or service wants to make it; this survives restarts.

    Example: kinwatch rekognition off
    """
    from kinwatch.cloud.spending import run_switch  # noqa: PLC0415

    run_switch(read_settings(config), on=False)


@app.command("status")
def status_command(*, json: Json = False, config: Config = None) -> None:
    """Show the switch and how much of the budget is spent, without a call to AWS; `kinwatch check` makes one.

    Example: kinwatch rekognition status
    """
    from kinwatch.cloud.spending import run_status  # noqa: PLC0415

    run_status(read_settings(config), json=json)
