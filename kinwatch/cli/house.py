"""`kinwatch up | sense | think | act | check | listen | models | schema`: the running house."""

from typing import Annotated, Literal

import typer

from kinwatch.cli.options import Config, Json, Name, Pack, read_settings, silence_bus

__all__ = [
    "act_command",
    "check_command",
    "listen_command",
    "models_command",
    "schema_command",
    "sense_command",
    "think_command",
    "up_command",
]


def up_command(*, config: Config = None) -> None:
    """Run every service that the settings name, each as a process that is started again when it ends.

    Ctrl-C ends the house.

    Example: kinwatch up
    """
    from kinwatch.house.up import run_up  # noqa: PLC0415

    run_up(read_settings(config), config)


def sense_command(name: Name, *, config: Config = None) -> None:
    """Run one sense on this machine, such as a camera; it waits for a broker that is not there yet.

    Example: kinwatch sense hall
    """
    from nerves.plugins import read_sense  # noqa: PLC0415
    from nerves.runner import run_sense  # noqa: PLC0415

    settings = read_settings(config)
    sense, own = read_sense(settings, name)
    run_sense(name, sense, own, settings)


def think_command(*, pack: Pack = None, config: Config = None) -> None:
    """Run the brain on this machine.

    Example: kinwatch think
    """
    from brain.process.loop import run  # noqa: PLC0415
    from kinwatch.opening import (  # noqa: PLC0415
        brain_settings,
        cloud_on_bus,
        open_cloud,
        open_gallery,
        open_vision,
        remove_forgotten,
    )
    from nerves.broker import need_url  # noqa: PLC0415

    settings = read_settings(config, pack)
    own = brain_settings(settings)
    with open_gallery(settings) as gallery, open_cloud(settings, own, optional=True) as cloud:
        backend = open_vision(settings, own, cloud and cloud.cloud)
        if cloud and own.rekognition.by != "compare":
            remove_forgotten(cloud, gallery)
        run(settings, own, backend, gallery, need_url(settings), cloud_on_bus(own, cloud))


def act_command(name: Name, *, config: Config = None) -> None:
    """Run one actuator on this machine, such as the store of evidence.

    Example: kinwatch act evidence
    """
    from nerves.plugins import read_actuator  # noqa: PLC0415
    from nerves.runner import run_actuator  # noqa: PLC0415

    settings = read_settings(config)
    actuator, own = read_actuator(settings, name)
    run_actuator(name, actuator, own, settings)


def check_command(
    *,
    alert: Annotated[
        bool, typer.Option("--alert", help="Send one test alert through the broker, the brain and every actuator.")
    ] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long to wait for the test alert.")] = 20.0,
    json: Json = False,
    config: Config = None,
) -> None:
    """Check settings, packages, model files, gallery and broker, and which services run; status 1 if one is not well.

    With --alert, one marked test alert goes the way of every alert, and each actuator reports what became of it.

    Example: kinwatch check --alert
    """
    silence_bus()
    settings = read_settings(config)
    if alert:
        from kinwatch.commands.self_test import run_self_test  # noqa: PLC0415

        run_self_test(settings, json=json, seconds=seconds)
    else:
        from kinwatch.commands.checking import run_check  # noqa: PLC0415

        run_check(settings, json=json)


def listen_command(
    *,
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Print only what is wrong with the messages.")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", help="End after this time.")] = None,
    messages: Annotated[int | None, typer.Option("--messages", min=1, help="End after this many messages.")] = None,
    config: Config = None,
) -> None:
    """Show the messages on the bus, one in a line.

    With --strict it is a test bench for a sense of your own: WRONG marks a message that does not fit the contract,
    CHECK one that fits but is probably not meant. Status 1 if anything was wrong, or if nothing came.

    Example: kinwatch listen --strict --seconds 30
    """
    from kinwatch.commands.listening import run_listen  # noqa: PLC0415

    silence_bus()
    run_listen(read_settings(config), json=json, strict=strict, seconds=seconds, messages=messages)


def models_command(
    action: Annotated[
        Literal["list", "pull"], typer.Argument(help="`list`, or `pull` to fetch the files that are absent.")
    ] = "list",
    pack: Annotated[
        Literal["built-in", "standard", "vosk-en", "vosk-fr"], typer.Argument(help="What to pull.")
    ] = "standard",
    *,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the model files: location, checksum, licence. `pull` fetches a pack.

    `vosk-en` and `vosk-fr` are speech models for a microphone, about 40 MB each.

    Example: kinwatch models pull standard
    """
    from kinwatch.commands.models import run_models  # noqa: PLC0415

    run_models(read_settings(config), action, pack, json=json)


def schema_command(
    name: Annotated[str | None, typer.Argument(help="A message, or `settings` [default: all messages]")] = None,
) -> None:
    """Print the JSON Schema of every message, or of one; of kinwatch.yaml with `settings`.

    Example: kinwatch schema visit
    """
    from kinwatch.commands.schema import run_schema  # noqa: PLC0415

    run_schema(name)
