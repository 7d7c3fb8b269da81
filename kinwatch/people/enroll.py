"""`enroll`, `forget`: the gallery, for a person at a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path

from brain.people.enroll import PHOTO_TYPES, photo
from brain.people.gallery import Gallery, Photo
from brain.vision.backend import VisionBackend
from kinwatch.console import emit, err, progress, say
from kinwatch.opening import brain_settings, open_gallery, open_local
from nerves.errors import GalleryError, SettingsError
from nerves.messages import Group
from nerves.settings import HouseSettings

__all__ = ["EnrolResult", "check_name", "doubts", "enroll", "new_doubts", "photos", "run_enroll", "run_forget", "when"]

NAME_MAX = 40


@dataclass(frozen=True)
class EnrolResult:
    """What became of the photos given for one person."""

    name: str
    learned: int
    known: int
    refused: tuple[str, ...]
    """One line for each photo that could not be used."""
    aside: tuple[str, ...] = ()
    """One line for each photo, of anybody, that is doubtful since then."""


def enroll(  # noqa: PLR0913 - the command's own options
    gallery: Gallery,
    sight: VisionBackend,
    name: str,
    files: Sequence[Path],
    *,
    group: Group,
    until: datetime | None,
    progress: Callable[[int, int | None], None],
) -> EnrolResult:
    """Learn a person from photos; what cannot be used is told, the rest is learned in one step.

    Raises `GalleryError` if no photo can be used: the gallery is then as it was.
    """
    check_name(name)
    found: list[Photo] = []
    refused: list[str] = []
    for number, file in enumerate(files, start=1):
        try:
            found.append(photo(file, sight))
        except GalleryError as error:
            refused.append(str(error))
        progress(number, len(files))
    if not found:
        message = refused[0] if len(refused) == 1 else f"none of the {len(refused)} photos can be used: {refused[0]}"
        raise GalleryError(message)
    before = doubts(gallery)
    learned = gallery.learn(name, found, group=group, until=until)
    return EnrolResult(name, learned, len(found) - learned, tuple(refused), tuple(new_doubts(gallery, before)))


def doubts(gallery: Gallery) -> set[tuple[str, str]]:
    """Return which photos are set aside, by name and hash."""
    return {(one.name, one.sha256) for one in gallery.references() if one.aside}


def new_doubts(gallery: Gallery, before: set[tuple[str, str]]) -> list[str]:
    """Return a line for each photo that is set aside and was not before: whose it is, and why."""
    found = [one for one in gallery.references() if one.aside and (one.name, one.sha256) not in before]
    return [f"{one.file} of {one.name} {one.aside}" for one in found]


def photos(paths: Sequence[Path]) -> list[Path]:
    """Return the photos named, and those in the folders named; `GalleryError` if one is not there."""
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


def when(text: str) -> datetime:
    """Read when a pass ends: `2026-12-24`, `2026-12-24T20:00`, `20:00` (today), or `3d`, `12h` from now."""
    now = datetime.now(UTC)
    units = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
    try:
        if text[-1:] in units and text[:-1].isdecimal():
            return now + int(text[:-1]) * units[text[-1]]
        if ":" in text and "-" not in text:
            end = datetime.combine(datetime.now().astimezone().date(), clock.fromisoformat(text))
        else:
            end = datetime.fromisoformat(text)
            if len(text) == len("2026-12-24"):
                end += timedelta(days=1)  # a pass until a day includes the day
        end = end.astimezone(UTC)
    except ValueError as error:
        message = f"--until {text}: not a time; write 2026-12-24, 2026-12-24T20:00, 20:00, 3d or 12h"
        raise SettingsError(message) from error
    if end <= now:
        message = f"--until {text}: that is over already"
        raise SettingsError(message)
    return end


def check_name(name: str) -> None:
    """Raise `SettingsError` if nobody can be called so."""
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        message = f"{name!r} cannot be a name: 1 to {NAME_MAX} printable characters"
        raise SettingsError(message)


def run_enroll(
    house: HouseSettings, name: str, paths: Sequence[Path], *, group: Group, until: str | None, json: bool
) -> None:
    """Do `kinwatch enroll`."""
    end = when(until) if until else None
    if end and group == "family":
        message = "--until is for guests: add --group guest"
        raise SettingsError(message)
    files = photos(paths)
    with open_gallery(house) as gallery, progress(f"enrolling {name}") as show:
        sight = open_local(house, brain_settings(house))
        enrolled = enroll(gallery, sight, name, files, group=group, until=end, progress=show)
        total = next(person.photos for person in gallery.people() if person.name == name)
    for line in enrolled.refused:
        err.print(f"left out: {line}", markup=False, style="yellow")
    for line in enrolled.aside:
        err.print(f"set aside: {line}", markup=False, style="yellow", soft_wrap=True)
    if json:
        emit(
            {"name": name, "learned": enrolled.learned, "known": enrolled.known, "photos": total}
            | {"refused": list(enrolled.refused), "aside": list(enrolled.aside)}
        )
    else:
        known = f", {enrolled.known} were known already" if enrolled.known else ""
        say(f"{name}: learned {enrolled.learned} photo{'s' * (enrolled.learned != 1)}{known}; {total} in all")


def run_forget(house: HouseSettings, name: str) -> None:
    """Do `kinwatch forget`."""
    from kinwatch.cloud.forgetting import forgetting  # noqa: PLC0415
    from kinwatch.people.album import forget_visits  # noqa: PLC0415 - it imports this module

    with open_gallery(house) as gallery, forgetting(house, gallery, name):
        forget_visits(house, gallery, name)
        gallery.forget(name)
        # Measuring keeps the vectors of every picture it has seen, whose they are it does not know.
        for file in (house.data_dir / "cache").glob("looks.db*"):
            file.unlink(missing_ok=True)
        say(f"{name} is forgotten")
