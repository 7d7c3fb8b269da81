"""The options that several commands share, and the settings that they read."""

import logging
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from nerves.settings import HouseSettings, load

__all__ = ["Config", "Hours", "Json", "Name", "Pack", "read_settings", "silence_bus"]

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file [default: KINWATCH_CONFIG, else ./kinwatch.yaml]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line on stdout, all else on stderr.")]
Hours = Annotated[
    list[str] | None,
    typer.Option("--hours", help="When somebody known is expected, such as 'tue 09:00-12:00'; may be given again."),
]
Pack = Annotated[Literal["auto", "built-in", "standard"] | None, typer.Option("--pack", help="Use these model files.")]
Name = Annotated[str, typer.Argument(help="The service's name in the settings.")]


def read_settings(config: Path | None, pack: str | None = None) -> HouseSettings:
    """Read kinwatch.yaml and the environment; a pack that is named on the command line wins over both."""
    if pack is not None:
        os.environ["KINWATCH_BRAIN__PACK"] = pack  # the processes that this command starts use it too
    return load(config)


def silence_bus() -> None:
    """Switch off the log of the bus: the command itself reports what is wrong with it, once."""
    logging.getLogger("nerves").setLevel(logging.CRITICAL)
