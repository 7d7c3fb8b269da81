"""Makes a model and a report from labelled folders, and replaces the old ones in one step."""

import importlib.util
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from brain.retrain.backbone import choose
from brain.retrain.dataset.cache import FeatureCache
from brain.retrain.dataset.features import PictureFeatures, Reader
from brain.retrain.dataset.labelled import BadFolder, Dataset, LabelledPicture, read, split_dataset
from brain.retrain.faces import CachedBackend, Compared, compare
from brain.retrain.folder import check, replacing
from brain.retrain.plan import RetrainPaths, RetrainPlan
from brain.retrain.quiet import quiet
from brain.retrain.result import Result
from brain.retrain.training_data import TrainingData
from brain.verdict.proportion import Proportion
from brain.vision.boxes import Floats
from nerves.errors import BadPicture, SettingsError

__all__ = ["RetrainOutcome", "retrain", "training_part"]


@dataclass(frozen=True, slots=True)
class RetrainOutcome:
    """The result of a retraining, for the command to print."""

    labels: tuple[str, ...]
    right: Proportion
    """The share of the test pictures that got their own label."""
    compared: Compared | str
    """The comparison with face vectors, or a sentence that says why there is none."""
    seconds: float


def retrain(folder: Path, plan: RetrainPlan, place: RetrainPaths) -> RetrainOutcome:
    """Train a last layer on the pictures of a folder, and write the model and the report.

    Args:
        folder: The labelled pictures.
        plan: How to train.
        place: Where the files are.

    Raises:
        KinwatchError: Something is wrong; the message names the file or the label. The old model then stays.
    """
    began = time.monotonic()
    check(place.out)
    labelled = read(folder)
    _need("tensorflow", "matplotlib")
    backbone = choose(plan.wanted, place.models, place.cache / "extractors", _convert)
    cache = FeatureCache(place.cache / "features")
    reader = Reader(backbone.open(), f"{backbone.sha256} {backbone.pixels}", cache)
    seen, warnings = _split(labelled, _look(labelled, reader, place), plan)
    for line in warnings:
        place.warn(line)
    data = _training_data(labelled.labels, seen, _copies(seen, reader, plan, place))
    training = training_part()
    with place.show("training the last layer") as progress:
        fitted = training.train_layer(data, plan.schedule, progress)
    result = Result(folder, plan, labelled.labels, backbone, seen, fitted, training.head(fitted))
    chances = result.chances()
    compared = _compare(result, chances, cache, place)
    with replacing(place.out) as new:
        marks = result.write(new, chances, compared, warnings)
    return RetrainOutcome(labelled.labels, marks.right, compared, time.monotonic() - began)


def _need(*packages: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            is_too_new = package == "tensorflow" and sys.version_info >= (3, 14)
            remedy = "there is none for this Python: use 3.13" if is_too_new else "pip install 'kinwatch[retrain]'"
            message = f"this needs the package {package}: {remedy}"
            raise SettingsError(message)


def training_part() -> ModuleType:
    """Return the module that trains. It imports TensorFlow, which takes seconds and half a gigabyte of memory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet():
        from brain.retrain import training  # noqa: PLC0415
    return training


def _convert(name: str, weights: Path | None) -> bytes:
    converted: bytes = training_part().convert(name, weights)
    return converted


def _look(labelled: Dataset, reader: Reader, place: RetrainPaths) -> list[PictureFeatures]:
    """Return the features of the usable pictures, and warn of the others."""
    seen = []
    with place.show("looking at the pictures") as progress:
        for number, sample in enumerate(labelled.samples, start=1):
            try:
                seen.append(reader.see(sample))
            except BadPicture as error:
                place.warn(f"left out: {error}")
            progress(number, len(labelled.samples))
    return seen


def _split(
    labelled: Dataset, seen: Sequence[PictureFeatures], plan: RetrainPlan
) -> tuple[list[PictureFeatures], tuple[str, ...]]:
    """Return the pictures with their sets, and warnings about the split."""
    for label in labelled.labels:
        before = [one for one in labelled.samples if one.label == label and one.set is None]
        if not any(one.sample.label == label and one.sample.set is None for one in seen):
            message = f"{before[0].path.parent}: none of its {len(before)} pictures can be used"
            raise BadFolder(message)
    test = 0 if labelled.given_test else plan.test
    placed, warnings = split_dataset([one.sample for one in seen], plan.validation, test)
    by_path = {sample.path: sample for sample in placed}
    kept, twice = _once([replace(one, sample=by_path[one.sample.path]) for one in seen])
    return kept, (*labelled.warnings, *warnings, *twice)


def _once(seen: Sequence[PictureFeatures]) -> tuple[list[PictureFeatures], list[str]]:
    """Leave out of validation and test every picture that is trained with: it would flatter the result."""
    trained_with = {one.sha256 for one in seen if one.sample.set == "training"}
    twice = [one.sample.path for one in seen if one.sample.set != "training" and one.sha256 in trained_with]
    kept = [one for one in seen if one.sample.path not in set(twice)]
    return kept, [f"{path}: left out of the test, because the same picture is trained with" for path in twice]


def _copies(
    seen: Sequence[PictureFeatures], reader: Reader, plan: RetrainPlan, place: RetrainPaths
) -> Iterator[tuple[LabelledPicture, Floats]]:
    """Yield the features of the distorted copies of the training pictures."""
    training = [one for one in seen if one.sample.set == "training"]
    if not plan.distortion.count:
        return
    with place.show("distorting the training pictures") as progress:
        for number, one in enumerate(training, start=1):
            yield from ((one.sample, row) for row in reader.copies(one, plan.distortion))
            progress(number, len(training))


def _training_data(
    labels: Sequence[str], seen: Sequence[PictureFeatures], copies: Iterator[tuple[LabelledPicture, Floats]]
) -> TrainingData:
    rows = [(one.sample, one.row) for one in seen] + list(copies)

    def part(name: str) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
        mine = [(row, labels.index(sample.label)) for sample, row in rows if sample.set == name]
        features = np.stack([row for row, _ in mine]) if mine else np.zeros((0, rows[0][1].size), np.float32)
        return features, np.array([label for _, label in mine], np.int64)

    return TrainingData(*part("training"), *part("validation"), len(labels))


def _compare(result: Result, chances: Floats, cache: FeatureCache, place: RetrainPaths) -> Compared | str:
    if isinstance(place.backend, str):
        return place.backend
    samples = [one.sample for one in result.seen]
    with place.show("comparing with face vectors") as progress:
        return compare(samples, result.called(chances), CachedBackend(place.backend, cache), progress)
