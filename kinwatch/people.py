"""`enroll`, `people`, `forget`: the gallery, for a person at a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path

from brain.enroll import PHOTO_TYPES, photo
from brain.gallery import Gallery, Photo
from brain.sights.sight import Sight
from kinwatch.console import emit, err, progress, say
from kinwatch.sights import brain_settings, open_gallery, open_sight
from nerves.errors import GalleryError, SettingsError
from nerves.messages import Group, stamp
from nerves.settings import House

__all__ = ["Enrolled", "enroll", "photos", "run_enroll", "run_forget", "run_people", "when"]

NAME_MAX = 40


@dataclass(frozen=True)
class Enrolled:
    """What became of the photos given for one person."""

    name: str
    learned: int
    known: int
    refused: tuple[str, ...]
    """One line for each photo that could not be used."""


def enroll(  # noqa: PLR0913 - the command's own options
    gallery: Gallery,
    sight: Sight,
    name: str,
    files: Sequence[Path],
    *,
    group: Group,
    until: datetime | None,
    progress: Callable[[int, int | None], None],
) -> Enrolled:
    """Learn a person from photos; what cannot be used is told, the rest is learned in one step.

    Raises `GalleryError` if no photo can be used: the gallery is then as it was.
    """
    _check_name(name)
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
    learned = gallery.learn(name, found, group=group, until=until)
    return Enrolled(name, learned, len(found) - learned, tuple(refused))


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


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        message = f"{name!r} cannot be a name: 1 to {NAME_MAX} printable characters"
        raise SettingsError(message)


def run_enroll(house: House, name: str, paths: Sequence[Path], *, group: Group, until: str | None, json: bool) -> None:
    """Do `kinwatch enroll`."""
    end = when(until) if until else None
    if end and group == "family":
        message = "--until is for guests: add --group guest"
        raise SettingsError(message)
    files = photos(paths)
    with open_gallery(house) as gallery, progress(f"enrolling {name}") as show:
        sight = open_sight(house, brain_settings(house))
        enrolled = enroll(gallery, sight, name, files, group=group, until=end, progress=show)
        total = next(person.photos for person in gallery.people() if person.name == name)
    for line in enrolled.refused:
        err.print(f"left out: {line}", markup=False, style="yellow")
    if json:
        emit(
            {"name": name, "learned": enrolled.learned, "known": enrolled.known, "photos": total}
            | {"refused": list(enrolled.refused)}
        )
    else:
        known = f", {enrolled.known} were known already" if enrolled.known else ""
        say(f"{name}: learned {enrolled.learned} photo{'s' * (enrolled.learned != 1)}{known}; {total} in all")


def run_people(house: House, *, json: bool) -> None:
    """Do `kinwatch people`."""
    with open_gallery(house) as gallery:
        everybody = gallery.people()
    for person in everybody:
        end = stamp(person.until) if person.until else None
        if json:
            emit({"name": person.name, "group": person.group, "until": end, "photos": person.photos})
        else:
            say(f"{person.name}: {person.group}, {person.photos} photos{f', until {end}' if end else ''}")
    if not everybody and not json:
        say("nobody yet: kinwatch enroll NAME PHOTO...")


def run_forget(house: House, name: str) -> None:
    """Do `kinwatch forget`."""
    with open_gallery(house) as gallery:
        gallery.forget(name)
    say(f"{name} is forgotten")
