"""The visits of one day from the album, and what is to be said if there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from brain.album.album import Album
from brain.album.day import DaySummary, DayVisit, VisitKind, summarize_day
from brain.album.learn import reference_faces
from brain.settings.brain import AlbumSettings
from kinwatch.opening import brain_settings
from kinwatch.people.album_entries import EMPTY_ALBUM, NOT_A_PERSON_NAME, AlbumEntry, OpenAlbum
from nerves.messages import Group
from nerves.settings import HouseSettings

__all__ = ["ReadDay", "day_title", "read_day"]


@dataclass(frozen=True, slots=True)
class ReadDay:
    """A day, read from the album."""

    day: date
    begin: datetime
    """Midnight, in local time."""
    end: datetime
    """The next midnight, in local time."""
    summary: DaySummary
    remark: str
    """What a person should know of the stored visits of this day; empty if all were stored."""


def read_day(house: HouseSettings, day: date) -> ReadDay:
    """Read the visits that began on a day. A day that is too old for the album has none."""
    settings = brain_settings(house).album
    begin, end = (datetime.combine(each, time.min).astimezone() for each in (day, _next(day)))
    with OpenAlbum(house) as opened:
        every = opened.entries()
        people = opened.gallery.people()
        groups = {person.name: person.group for person in people}
        visits = [_day_visit(entry, groups, opened.album) for entry in every if begin <= entry.past.since < end]
    family = frozenset(name for name, group in groups.items() if group == "family")
    return ReadDay(day, begin, end, summarize_day(visits, family), _remark(day, visits, every, settings))


def day_title(day: date) -> str:
    """Return a day as a person writes it: `Friday 27 November 2026`."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def _next(day: date) -> date:
    return day + timedelta(days=1)


def _day_visit(entry: AlbumEntry, groups: Mapping[str, Group], album: Album) -> DayVisit:
    faces = len(reference_faces(album.crops(entry.past.visit))) if entry.past.alert else 0
    kind = _kind(entry, groups)
    name = kind if kind == NOT_A_PERSON_NAME else entry.name
    return DayVisit(entry.past, entry.short, name, kind, labelled=entry.labelled, faces=faces)


def _kind(entry: AlbumEntry, groups: Mapping[str, Group]) -> VisitKind:
    if entry.labelled:
        return "not a person" if entry.name == NOT_A_PERSON_NAME else groups.get(entry.name, "family")
    if entry.past.is_not_a_person:
        return "not a person"
    return "unidentified" if entry.past.verdict == "identifying" else entry.past.verdict


def _remark(day: date, visits: Sequence[DayVisit], every: Sequence[AlbumEntry], settings: AlbumSettings) -> str:
    """Return why nothing, or not all, is stored of a day."""
    age_days = (datetime.now(UTC).astimezone().date() - day).days
    if not visits and age_days > settings.days:
        return f"{day_title(day)} is too long ago: the album has the visits of the last {settings.days} days"
    if not every:
        return EMPTY_ALBUM
    first = every[0].past.since.astimezone().date()
    if not visits and day < first:
        return f"nothing is stored of {day_title(day)}: the album begins on {day_title(first)}"
    if not visits:
        return f"nobody was seen on {day_title(day)}"
    if age_days > settings.family_days:
        return f"visits of people with a name are removed after {settings.family_days} days: those of this day are gone"
    return ""
