"""`kinwatch people`: who is known, in lines, as JSON, or on a contact sheet."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brain.people.gallery import Gallery, Person, Reference
from brain.people.resemblance import Resemblance, resemblance_lines, resemblances
from kinwatch.console import emit, print_line
from kinwatch.files import write_private
from kinwatch.opening import open_gallery
from kinwatch.people.contact_sheet import Cell, contact_sheet
from nerves.errors import GalleryError
from nerves.messages import stamp
from nerves.settings import HouseSettings

__all__ = ["run_people", "sheet_of"]

EXCLUDED_COLOUR = "#c62828"


def run_people(house: HouseSettings, name: str | None, *, sheet: Path | None, json: bool) -> None:
    """Do `kinwatch people`."""
    at = datetime.now(UTC)
    with open_gallery(house) as gallery:
        people = _chosen(gallery, name)
        references = gallery.references(name)
        known = gallery.known(at)
    limits = {one.name: one.limit for one in known}
    alike = {one.name: one for one in resemblances(known)}
    for person in people:
        own = [one for one in references if one.name == person.name]
        if json:
            facts = _facts(person, own, at, limits.get(person.name), full=name is not None)
            emit(facts | _resemblance_facts(alike.get(person.name)))
        else:
            _print_person(person, own, at, limits.get(person.name), full=name is not None)
    if not json:
        for line in resemblance_lines([alike[one.name] for one in people if one.name in alike]):
            print_line(line)
    if sheet:
        write_private(sheet, sheet_of(people, references, at))
        if not json:
            print_line(f"the faces are in {sheet}")
    if not people and not json:
        print_line("nobody yet: kinwatch enroll NAME PHOTO...")


def sheet_of(people: Sequence[Person], references: Sequence[Reference], at: datetime) -> bytes:
    """Return the faces of one or more people as a PNG; excluded photos have a red frame and the reason."""
    one = people[0] if len(people) == 1 else None
    cells = [
        Cell(
            reference.thumbnail,
            reference.file if one else f"{reference.name}: {reference.file}",
            reference.excluded or _origin(reference),
            EXCLUDED_COLOUR if reference.excluded else None,
        )
        for reference in references
    ]
    heading = _line(one, at) if one else f"{len(people)} people, {_photos(len(references))}"
    return contact_sheet(cells, heading=heading)


def _chosen(gallery: Gallery, name: str | None) -> list[Person]:
    people = gallery.people()
    chosen = [person for person in people if name in (None, person.name)]
    if name and not chosen:
        names = ", ".join(person.name for person in people)
        message = f"nobody is called {name}: there {'are ' + names if names else 'is nobody yet'}"
        raise GalleryError(message)
    return chosen


def _print_person(
    person: Person, references: Sequence[Reference], at: datetime, limit: float | None, *, full: bool
) -> None:
    print_line(_line(person, at))
    for one in references:
        if one.excluded:
            print_line(f"  excluded: {one.file} {one.excluded}", style="yellow")
        elif full:
            print_line(f"  {one.file}, {_origin(one)}")
    if full and limit:
        print_line(f"  a photo as near as {limit:.2f} is a match")


def _line(person: Person, at: datetime) -> str:
    parts = [person.group, _photos(person.photos)]
    if person.excluded:
        parts.append(f"{person.excluded} excluded")
    if person.until:
        parts.append(f"{'expired' if person.expired(at) else 'until'} {stamp(person.until)}")
    parts += person.hours
    return f"{person.name}: {', '.join(parts)}"


def _photos(count: int) -> str:
    return f"{count} photo{'s' * (count != 1)}"


def _origin(one: Reference) -> str:
    how = "from the album" if one.visit else "added"
    redundant = ", redundant: enough others show the same" if one.redundant else ""
    return f"{how} {one.added.astimezone():%Y-%m-%d}{redundant}"


def _resemblance_facts(found: Resemblance | None) -> dict[str, Any]:
    facts = found.as_json() if found else {"relative_passes": None, "alike": []}
    return {key: facts[key] for key in ("relative_passes", "alike")}


def _facts(
    person: Person, references: Sequence[Reference], at: datetime, limit: float | None, *, full: bool
) -> dict[str, Any]:
    facts = {
        "name": person.name,
        "group": person.group,
        "until": stamp(person.until) if person.until else None,
        "expired": person.expired(at),
        "hours": list(person.hours),
        "photos": person.photos,
        "excluded": [{"file": one.file, "reason": one.excluded} for one in references if one.excluded],
    }
    if not full:
        return facts
    photos = [
        {
            "file": one.file,
            "sha256": one.sha256,
            "added": stamp(one.added),
            "visit": str(one.visit) if one.visit else None,
            "excluded": one.excluded,
            "redundant": one.redundant,
        }
        for one in references
    ]
    return facts | {"limit": limit, "references": photos}
