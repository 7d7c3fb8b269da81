"""Read labelled folders: the pictures to enrol, the pictures to judge, and the pictures of strangers."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from brain.people.enroll import PHOTO_TYPES
from nerves.errors import KinwatchError

__all__ = ["STRANGERS", "PeoplePictures", "Unusable", "labelled", "strangers"]

# The folder with the pictures of strangers; `kinwatch retrain` uses the same name.
STRANGERS = "people"


class Unusable(KinwatchError):
    """A folder on which nothing can be measured."""


@dataclass(frozen=True)
class PeoplePictures:
    """Pictures by the person they show."""

    enrolled: dict[str, list[Path]]
    """The pictures to enrol."""
    tests: dict[str, list[Path]]
    """The pictures of enrolled people that are judged."""
    strangers: dict[str, list[Path]]
    """The pictures of strangers: one entry for each person."""
    notes: tuple[str, ...] = ()
    """Remarks for the user on how the folder was read, such as what was left out."""

    def visited_by(self, more: dict[str, list[Path]]) -> "PeoplePictures":
        """Return the same pictures with more strangers."""
        return replace(self, strangers=self.strangers | more)


def labelled(folder: Path) -> PeoplePictures:
    """Return the pictures of FOLDER/train/<name>/ and FOLDER/test/<name>/, or of FOLDER/<name>/, split by a hash.

    Raises:
        Unusable: There is nothing to measure. The message is one line that names the folder.
    """
    if not folder.is_dir():
        message = f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}"
        raise Unusable(message)
    train, test = folder / "train", folder / "test"
    if train.is_dir() != test.is_dir():
        lacking = test if train.is_dir() else train
        message = f"{lacking}: no such folder; train/ and test/ belong together"
        raise Unusable(message)
    found = _given(train, test) if train.is_dir() else _split(folder)
    if not found.enrolled:
        message = (
            f"{folder}: nothing to measure; it takes pairs.csv, train/<name>/ and test/<name>/, or a folder of "
            "pictures for each person (see kinwatch docs measure)"
        )
        raise Unusable(message)
    return found


def strangers(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of each stranger: each subfolder is one person, and so is each picture outside subfolders.

    Raises:
        Unusable: There is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        message = f"{folder}: no such folder"
        raise Unusable(message)
    found = {str(one): [one] for one in _pictures(folder)}
    found |= {str(one): pictures for one in _folders(folder) if (pictures := _pictures(one))}
    if not found:
        message = f"{folder}: no picture in this folder"
        raise Unusable(message)
    return found


def _given(train: Path, test: Path) -> PeoplePictures:
    enrolled = {one.name: _pictures(one) for one in _folders(train) if one.name != STRANGERS and _pictures(one)}
    others = {one.name: _pictures(one) for one in _folders(test) if one.name != STRANGERS and _pictures(one)}
    notes = [f"{test / name}: left out, there is no {name} in train" for name in others if name not in enrolled]
    notes += [f"{train / name}: nothing in test to judge {name} by" for name in enrolled if name not in others]
    return PeoplePictures(
        enrolled,
        {name: pictures for name, pictures in others.items() if name in enrolled},
        _people(test / STRANGERS),
        tuple(notes),
    )


def _split(folder: Path) -> PeoplePictures:
    enrolled: dict[str, list[Path]] = {}
    tests: dict[str, list[Path]] = {}
    notes = []
    for one in _folders(folder):
        pictures = _pictures(one)
        if not pictures or one.name == STRANGERS:
            continue
        # By a hash of the file name alone, so that a picture stays in its half when others are added.
        halves = [[file for file in pictures if _hash(file) % 2 == side] for side in (0, 1)]
        if len(pictures) > 1 and not all(halves):
            halves = [pictures[:1], pictures[1:]]
        enrolled[one.name] = halves[0] or halves[1]
        if all(halves):
            tests[one.name] = halves[1]
        else:
            notes.append(f"{one}: one picture is too few to judge {one.name} by")
    return PeoplePictures(enrolled, tests, _people(folder / STRANGERS), tuple(notes))


def _people(folder: Path) -> dict[str, list[Path]]:
    return strangers(folder) if folder.is_dir() else {}


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_TYPES and path.name[0] != ".")


def _hash(file: Path) -> int:
    return hashlib.sha256(file.name.encode()).digest()[0]
