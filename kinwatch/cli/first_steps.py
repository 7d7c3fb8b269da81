"""`kinwatch demo | replay | docs`: what needs no house yet."""

from pathlib import Path
from typing import Annotated

import typer

from kinwatch.cli.options import Config, Json, Pack, read_settings

__all__ = ["demo_command", "docs_command", "replay_command"]


def demo_command(
    *,
    once: Annotated[bool, typer.Option("--once", help="Show the scene once, check what was decided, and end.")] = False,
    json: Json = False,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Watch a real camera instead: 0, rtsp://..., http://... or a file."),
    ] = None,
    pack: Pack = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Folder for the pictures and the log [default: a new one]")
    ] = None,
) -> None:
    """Show the whole house on this machine, on a short scene: real processes, a real broker, no settings.

    A cat crosses (nothing happens), a woman comes in (stranger: an alert), she is enrolled and comes again (family),
    and somebody is seen from behind (unidentified).

    Example: kinwatch demo --once
    """
    from kinwatch.demo.run import DemoOptions, run_demo  # noqa: PLC0415

    run_demo(DemoOptions(once=once, json=json, source=source, pack=pack, keep=keep))


def replay_command(
    clips: Annotated[list[Path], typer.Argument(help="Clips, pictures (shown for 3 seconds each) or folders.")],
    *,
    json: Json = False,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Folder to write the picture of each message to.")
    ] = None,
    pack: Pack = None,
    config: Config = None,
) -> None:
    """Show what the house would have decided on recordings: the same brain, each recording in its own time.

    No broker is needed. Whoever is enrolled is recognised.

    Example: kinwatch replay yesterday.mp4
    """
    from kinwatch.commands.replay import ReplayOptions, run_replay  # noqa: PLC0415

    run_replay(read_settings(config, pack), clips, ReplayOptions(json=json, pictures=pictures))


def docs_command(
    page: Annotated[str | None, typer.Argument(help="A page or a file, as the list names it.")] = None,
) -> None:
    """List the pages of the documentation, or show one; also the policies for AWS and the files for deployment.

    A file is printed as it is, so that it can be saved.

    Example: kinwatch docs camera; kinwatch docs iam/store.json > store.json
    """
    from kinwatch.commands.docs import run_docs  # noqa: PLC0415

    run_docs(page)
