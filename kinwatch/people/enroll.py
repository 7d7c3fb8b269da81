"""`kinwatch enroll`: learn a person from photos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.people.enroll import PHOTO_TYPES, read_photo
from brain.people.gallery import Gallery, Photo
from brain.vision.backend import VisionBackend
from kinwatch.console import emit, err, print_line, progress
from kinwatch.opening import brain_settings, open_gallery, open_local_vision
from kinwatch.people.terms import Terms
from nerves.errors import GalleryError, SettingsError
from nerves.messages import Group
from nerves.settings import HouseSettings

__all__ = [
    "EnrolResult",
    "check_name",
    "enroll_person",
    "excluded_photos",
    "find_photos",
    "newly_excluded",
    "run_enroll",
]

MAX_NAME_LENGTH = 40


@dataclass(frozen=True)
class EnrolResult:
    """What became of the photos given for one person."""

    name: str
    learned: int
    known: int
    refused: tuple[str, ...]
    """One line for each photo that could not be used."""
    excluded: tuple[str, ...] = ()
    """One line for each photo, of any person, that is excluded since then."""


def enroll_person(  # noqa: PLR0913 - the command's own options
    gallery: Gallery,
    backend: VisionBackend,
    name: str,
    files: Sequence[Path],
    *,
    group: Group,
    terms: Terms,
    progress: Callable[[int, int | None], None],
) -> EnrolResult:
    """Learn a person from photos, in one step, and return what became of each; unusable photos are left out.

    Raises `GalleryError` if no photo can be used: the gallery is then unchanged.
    """
    check_name(name)
    found: list[Photo] = []
    refused: list[str] = []
    for number, file in enumerate(files, start=1):
        try:
            found.append(read_photo(file, backend))
        except GalleryError as error:
            refused.append(str(error))
        progress(number, len(files))
    if not found:
        message = refused[0] if len(refused) == 1 else f"none of the {len(refused)} photos can be used: {refused[0]}"
        raise GalleryError(message)
    before = excluded_photos(gallery)
    learned = gallery.learn(name, found, group=group, until=terms.until, hours=terms.hours)
    return EnrolResult(name, learned, len(found) - learned, tuple(refused), tuple(newly_excluded(gallery, before)))


def excluded_photos(gallery: Gallery) -> set[tuple[str, str]]:
    """Return the excluded photos of the gallery, each by its person's name and its SHA-256."""
    return {(one.name, one.sha256) for one in gallery.references() if one.excluded}


def newly_excluded(gallery: Gallery, before: set[tuple[str, str]]) -> list[str]:
    """Return a line for each photo that is excluded now and was not before: whose it is, and why."""
    found = [one for one in gallery.references() if one.excluded and (one.name, one.sha256) not in before]
    return [f"{one.file} of {one.name} {one.excluded}" for one in found]


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Return the photos that are named, and those in the folders that are named.

    Raises `GalleryError` if a path does not exist, or if a folder has no photo.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in PHOTO_TYPES)
            if not inside:
                message = f"{path}: no photo in this folder"
                raise GalleryError(message)
            files += inside
        elif path.exists():
            files.append(path)
        else:
            message = f"{path}: no such photo"
            raise GalleryError(message)
    return files


def check_name(name: str) -> None:
    """Raise `SettingsError` if this cannot be a person's name."""
    if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        message = f"{name!r} cannot be a name: 1 to {MAX_NAME_LENGTH} printable characters"
        raise SettingsError(message)


def run_enroll(
    house: HouseSettings, name: str, paths: Sequence[Path], *, group: Group | None, terms: Terms, json: bool
) -> None:
    """Do `kinwatch enroll`; without a group, somebody who is known stays what they are."""
    files = find_photos(paths)
    with open_gallery(house) as gallery, progress(f"enrolling {name}") as show:
        before = next((person for person in gallery.people() if person.name == name), None)
        if before and group is None:
            group, terms = before.group, Terms(before.until, before.hours)
        backend = open_local_vision(house, brain_settings(house))
        enrolled = enroll_person(gallery, backend, name, files, group=group or "family", terms=terms, progress=show)
        total = next(person.photos for person in gallery.people() if person.name == name)
    for line in enrolled.refused:
        err.print(f"left out: {line}", markup=False, style="yellow")
    for line in enrolled.excluded:
        err.print(f"excluded: {line}", markup=False, style="yellow", soft_wrap=True)
    if json:
        emit(
            {"name": name, "learned": enrolled.learned, "known": enrolled.known, "photos": total}
            | {"refused": list(enrolled.refused), "excluded": list(enrolled.excluded)}
        )
    else:
        known = f", {enrolled.known} were known already" if enrolled.known else ""
        print_line(f"{name}: learned {enrolled.learned} photo{'s' * (enrolled.learned != 1)}{known}; {total} in all")
