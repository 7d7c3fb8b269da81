"""`kinwatch retrain`: a new last layer for a pretrained network, from labelled folders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brain.models import packs
from brain.models.retrained import LABELS_FILE, MANIFEST_FILE
from brain.retrain.backbone import Wanted
from brain.retrain.dataset.distort import Distortion
from brain.retrain.faces import Compared
from brain.retrain.job import RetrainOutcome, retrain
from brain.retrain.plan import RetrainPaths, RetrainPlan
from brain.retrain.report import HTML
from brain.retrain.training_data import Schedule
from brain.vision.backend import VisionBackend
from kinwatch.console import emit, err, print_line, progress
from kinwatch.opening import brain_settings, open_local_vision
from nerves.errors import ModelError, SettingsError
from nerves.settings import HouseSettings

__all__ = ["RetrainOptions", "plan", "run_retrain"]


@dataclass(frozen=True)
class RetrainOptions:
    """The options of `kinwatch retrain`."""

    plan: RetrainPlan = field(default_factory=RetrainPlan)
    out: Path | None = None
    """The folder of the result; None for `<data_dir>/retrained`."""
    faces: bool = True
    """Whether the result is compared with face embeddings."""
    json: bool = False


def plan(
    *,
    backbone: str | None,
    weights: Path | None,
    pixels: str,
    sets: tuple[float, float],
    schedule: Mapping[str, Any],
    distortion: Mapping[str, Any],
) -> RetrainPlan:
    """Return the training that the command's options ask for; `SettingsError` if no picture is left to train with."""
    validation, test = sets
    if validation + test >= 100:  # noqa: PLR2004 - percent
        message = f"--validation {validation:g} and --test {test:g} leave no picture to train with"
        raise SettingsError(message)
    low, high = (float(end) for end in pixels.split(".."))
    wanted = Wanted(backbone, weights, (low, high))
    return RetrainPlan(wanted, validation, test, Schedule(**schedule), Distortion(**distortion))


def run_retrain(house: HouseSettings, folder: Path, options: RetrainOptions) -> None:
    """Do `kinwatch retrain`."""
    out = options.out or house.data_dir / "retrained"
    backend = _backend(house) if options.faces else "Not compared with face vectors: --no-faces."
    place = RetrainPaths(
        out=out,
        cache=house.data_dir / "cache",
        models=packs.model_folders(house.data_dir),
        backend=backend,
        show=progress,
        warn=lambda line: err.print(line, markup=False, style="yellow", soft_wrap=True),
    )
    outcome = retrain(folder, options.plan, place)
    if options.json:
        emit(_facts(outcome, out))
    else:
        _print_outcome(outcome, out)


def _backend(house: HouseSettings) -> VisionBackend | str:
    """Return this machine's vision backend, or a sentence that says why there is none; nothing is downloaded for it."""
    settings = brain_settings(house)
    folders = packs.model_folders(house.data_dir)
    try:
        pack = packs.choose_pack(settings.pack, folders)
        if packs.is_pack_complete(pack, folders):
            return open_local_vision(house, settings)
    except (ModelError, SettingsError) as error:
        return f"Not compared with face vectors: {error}"
    return "Not compared with face vectors: there are no face models here; `kinwatch models pull` fetches them."


def _facts(outcome: RetrainOutcome, out: Path) -> dict[str, object]:
    low, high = outcome.right.interval
    return {
        "test_accuracy": outcome.right.rate,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_count": outcome.right.of,
        "classes": list(outcome.labels),
        "seconds": round(outcome.seconds, 2),
        "model": str(out / MANIFEST_FILE),
        "labels": str(out / LABELS_FILE),
        "report": str(out / HTML),
    }


def _print_outcome(outcome: RetrainOutcome, out: Path) -> None:
    print_line(f"{', '.join(outcome.labels)}: right {outcome.right} test pictures, in {outcome.seconds:.0f} s")
    compared = outcome.compared
    if isinstance(compared, Compared):
        print_line(
            f"family called by their name: {compared.family_by_layer}; by face vectors {compared.family_by_vectors}"
        )
        if compared.strangers:
            print_line(
                f"strangers taken for family: {compared.strangers_by_layer}; "
                f"by face vectors {compared.strangers_by_vectors}"
            )
        print_line("retraining answers what a picture shows; for who it is: kinwatch enroll NAME PHOTO...")
    else:
        print_line(compared)
    print_line(f"model and report: {out / HTML}")
