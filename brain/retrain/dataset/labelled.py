"""Reads labelled folders and splits them. A picture stays in its set when others are added."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from brain.people.enroll import PHOTO_TYPES
from nerves.errors import KinwatchError

__all__ = ["BadFolder", "Dataset", "LabelledPicture", "read", "split_dataset"]

Set = Literal["training", "validation", "test"]
# The resolution of the split. With only 100 buckets, 12.5 % would become 13 %.
SPLIT_BUCKETS = 10_000
# Pictures of the same moment stay in one set if their names differ only after this mark.
SAME_MOMENT_MARK = "_nohash_"
FEW_PICTURES = 10


class BadFolder(KinwatchError):
    """A labelled folder that cannot be used for training."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One labelled picture."""

    path: Path
    label: str
    set: Set | None = None
    """What the picture is used for; None before the split."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The pictures of a folder."""

    labels: tuple[str, ...]
    samples: tuple[LabelledPicture, ...]
    given_test: bool
    """Whether the folder itself names the test pictures."""
    warnings: tuple[str, ...] = ()


def read(folder: Path) -> Dataset:
    """Return the pictures in FOLDER/<label>/, or in FOLDER/train/<label>/ and FOLDER/test/<label>/.

    Raises:
        BadFolder: The folder is missing or has fewer than two labels, or a label has no picture or a name with control
            characters. The message is one line that names the folder.
    """
    if not folder.is_dir():
        message = f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}"
        raise BadFolder(message)
    given = all(_folders(folder / name) for name in ("train", "test"))
    samples = _samples(folder / "train" if given else folder)
    labels = tuple(dict.fromkeys(sample.label for sample in samples))
    if not given:
        return Dataset(labels, tuple(samples), given_test=False)
    test = [replace(sample, set="test") for sample in _samples(folder / "test", need=False)]
    extra = sorted({sample.label for sample in test} - {*labels})
    warnings = tuple(f"{folder / 'test' / label}: left out, there is no {label} in train" for label in extra)
    known = (sample for sample in test if sample.label in labels)
    return Dataset(labels, (*samples, *known), given_test=True, warnings=warnings)


def split_dataset(
    samples: Iterable[LabelledPicture], validation: float, test: float
) -> tuple[list[LabelledPicture], list[str]]:
    """Return the samples with their sets, chosen by a hash of their names, and warnings about the split.

    Args:
        samples: All samples. A sample that has a set keeps it.
        validation: Percent of the pictures for validation.
        test: Percent of the pictures for the test.
    """
    done: list[LabelledPicture] = []
    warnings: list[str] = []
    by_label: dict[str, list[LabelledPicture]] = {}
    for sample in samples:
        by_label.setdefault(sample.label, []).append(sample)
    for label, those in by_label.items():
        placed = [one if one.set else replace(one, set=_set(one.path.name, validation, test)) for one in those]
        placed, forced = _with_training(placed, those)
        done += placed
        warnings += forced + _doubts(label, placed)
    return done, warnings


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PHOTO_TYPES and not path.name.startswith(".") and path.is_file()
    )


def _samples(folder: Path, *, need: bool = True) -> list[LabelledPicture]:
    labels = _folders(folder)
    if need and len(labels) < 2:  # noqa: PLR2004 - one label leaves no choice
        found = f"only one label ({labels[0].name})" if labels else "no label"
        message = f"{folder}: {found}; at least two are needed, each a folder of pictures: {folder}/<label>/*.jpg"
        raise BadFolder(message)
    samples: list[LabelledPicture] = []
    for label in labels:
        pictures = _pictures(label)
        if need and not pictures:
            message = f"{label}: no picture in this folder"
            raise BadFolder(message)
        if not label.name.isprintable():
            message = f"{str(label)!r}: a label is the name of a folder on one line"
            raise BadFolder(message)
        samples += [LabelledPicture(path, label.name) for path in pictures]
    return samples


def _bucket(name: str) -> int:
    # As in TensorFlow's image retraining. SHA-1 protects no secret here.
    return int(hashlib.sha1(name.partition(SAME_MOMENT_MARK)[0].encode()).hexdigest(), 16) % SPLIT_BUCKETS  # noqa: S324


def _set(name: str, validation: float, test: float) -> Set:
    percent = _bucket(name) * 100 / SPLIT_BUCKETS
    if percent < validation:
        return "validation"
    return "test" if percent < validation + test else "training"


def _with_training(
    placed: list[LabelledPicture], given: list[LabelledPicture]
) -> tuple[list[LabelledPicture], list[str]]:
    """Move one picture to training if the hash has put none there."""
    free = [sample for sample, before in zip(placed, given, strict=True) if before.set is None]
    if not free or any(sample.set == "training" for sample in placed):
        return placed, []
    last = max(free, key=lambda sample: _bucket(sample.path.name))
    moved = [replace(sample, set="training") if sample is last else sample for sample in placed]
    return moved, [f"{last.label}: the split leaves no picture to train with; {last.path.name} is used for training"]


def _doubts(label: str, samples: list[LabelledPicture]) -> list[str]:
    training = sum(sample.set == "training" for sample in samples)
    few = [f"{label}: only {training} pictures to train with; 20 and more are good"] if training < FEW_PICTURES else []
    lacking = [name for name in ("validation", "test") if not any(sample.set == name for sample in samples)]
    return few + [f"{label}: no {name} picture; the results for this label are less certain" for name in lacking]
