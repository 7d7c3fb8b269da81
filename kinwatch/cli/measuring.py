"""`kinwatch measure | retrain`: what can be learned from labelled pictures."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kinwatch.cli.options import Config, Json, Pack, read_settings

__all__ = ["measure_command", "retrain_command"]


def measure_command(  # noqa: PLR0913 - the command's own options
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Labelled pictures: a folder with pairs.csv; or with train/<name> and test/<name>; or with <name>/ "
            "(`people` are strangers) [default: your own gallery]"
        ),
    ] = None,
    *,
    strangers: Annotated[
        list[Path] | None,
        typer.Option(
            "--strangers", help="More strangers: a folder of pictures, or with a folder for each person. Repeatable."
        ),
    ] = None,
    visits: Annotated[
        int | None, typer.Option("--visits", min=1, help="Visits of each known person [default: 200 in all]")
    ] = None,
    room: Annotated[bool, typer.Option("--room", help="Visits as a room camera sees them: small, blurred.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number composes other visits.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Processes that analyse pictures.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the report and its plots [default: ./kinwatch-measure]")
    ] = None,
    json: Json = False,
    pack: Pack = None,
    config: Config = None,
) -> None:
    """Measure how often a stranger would be called family, and how often family would not be known.

    It also recommends a safe threshold. The figures are for each picture alone and for visits as the brain decides
    them, with 95 % intervals. The gallery is not changed.

    Example: kinwatch measure; kinwatch measure pictures/ --strangers neighbours/
    """
    from brain.measure.household import HouseholdPlan  # noqa: PLC0415
    from kinwatch.commands.measuring import MeasureOptions, run_measure  # noqa: PLC0415

    plan = HouseholdPlan(visits=visits, seed=seed, room=room)
    options = MeasureOptions(tuple(strangers or ()), plan, out, jobs, json=json)
    run_measure(read_settings(config, pack), folder, options)


def retrain_command(  # noqa: PLR0913 - the command's own options
    folder: Annotated[
        Path, typer.Argument(help="FOLDER/<label>/*.jpg; or FOLDER/train/<label> and FOLDER/test/<label>.")
    ],
    *,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            help="The pretrained network: a LiteRT extractor file, or inception_v3, mobilenet_v2, mobilenet_v3, "
            "mobilenet_v3_small [default: the MobileNet v1 file among the models]",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Keras weights for a named backbone, if they cannot be fetched.")
    ] = None,
    pixels: Annotated[
        Literal["-1..1", "0..1", "0..255"],
        typer.Option("--pixels", help="Values for black and white, for a backbone file that takes decimal numbers."),
    ] = "-1..1",
    validation: Annotated[
        float, typer.Option("--validation", min=0, max=90, help="Percent of the pictures that decide when to stop.")
    ] = 10,
    test: Annotated[
        float, typer.Option("--test", min=0, max=90, help="Percent of the pictures that judge the result.")
    ] = 10,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Training steps, at most.")] = 1000,
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", min=1e-6, max=10, help="Learning rate of each step.")
    ] = 0.001,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pictures in each step.")] = 32,
    patience: Annotated[
        int,
        typer.Option("--patience", min=1, help="Stop after this many validations, one every 10 steps, without gain."),
    ] = 20,
    flip: Annotated[bool, typer.Option("--flip", help="Train with mirrored copies too.")] = False,
    crop: Annotated[int, typer.Option("--crop", min=0, max=90, help="Copies with cut edges: up to this percent.")] = 0,
    scale: Annotated[int, typer.Option("--scale", min=0, max=500, help="Larger copies: up to this percent.")] = 0,
    brightness: Annotated[
        int, typer.Option("--brightness", min=0, max=99, help="Lighter and darker copies: up to this percent.")
    ] = 0,
    copies: Annotated[int, typer.Option("--copies", min=1, max=100, help="Changed copies of each picture.")] = 4,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Another number gives other copies and another start.")
    ] = 0,
    faces: Annotated[bool, typer.Option("--faces/--no-faces", help="Compare the result with face embeddings.")] = True,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the result [default: `retrained` in the data folder]")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Train a new last layer for a pretrained network, from folders of pictures that are named after what they show.

    It answers what a picture shows: `cat`, `dog`, `people`, `nobody`. For who somebody is, use `kinwatch enroll`: the
    report compares both on your own pictures. Twenty pictures a folder are a start, a hundred are good. The model
    runs without TensorFlow; training needs the extra `retrain`.

    Example: kinwatch retrain pictures/ --flip
    """
    from kinwatch.commands.retraining import RetrainOptions, plan, run_retrain  # noqa: PLC0415

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
    run_retrain(read_settings(config), folder, RetrainOptions(wanted, out, faces=faces, json=json))
