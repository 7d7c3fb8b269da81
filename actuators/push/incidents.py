"""Pure: what is said of an incident, and which of its updates go into one notification."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from actuators.push.rules import TEXTS, VisitUpdate
from actuators.push.settings import PushSettings
from nerves.messages import Incident, Visit
from nerves.texts import template

__all__ = ["StoredUpdate", "due_texts", "incident_key", "is_silent", "is_unknown", "merged", "shown_visits", "summary"]


class _IncidentWords(NamedTuple):
    """The words of a language: each in the singular and in the plural."""

    stranger: tuple[str, str]
    unidentified: tuple[str, str]
    pictures: tuple[str, str]
    then: str


WORDS = {
    "en": _IncidentWords(
        ("A stranger", "{people} strangers"),
        ("Somebody", "{people} people"),
        ("; 1 picture", "; {count} pictures"),
        ", then ",
    ),
    "fr": _IncidentWords(
        ("Une personne inconnue", "{people} personnes inconnues"),
        ("Quelqu'un", "{people} personnes"),
        (" ; 1 photo", " ; {count} photos"),
        ", puis ",
    ),
}


class StoredUpdate(NamedTuple):
    """One update of an alert, as the ledger has it."""

    text: str
    at: datetime
    visit: str
    """The visit that it is about."""
    is_summary: bool
    """Whether it says what is known of the whole incident. It never rings, and the next summary replaces it."""
    has_new_picture: bool
    """Whether it brings the first picture of its visit."""


def incident_key(visit: Visit) -> str:
    """Return the key of the alert that a visit belongs to: the id of its incident, or its own."""
    return str(visit.incident.id if visit.incident else visit.visit)


def is_unknown(visit: Visit) -> bool:
    """Whether a visit is of somebody without a name."""
    return visit.verdict in ("stranger", "unidentified")


def merged(known: Incident | None, new: Incident | None) -> Incident | None:
    """Return what two messages say of an incident together: a visit may carry what was known some time ago."""
    if known is None or new is None:
        return known or new
    places = max(known.places, new.places, key=len)
    return known.model_copy(
        update={
            "places": places,
            "people": max(known.people, new.people),
            "rings": max(known.rings, new.rings),
        }
    )


def summary(settings: PushSettings, incident: Incident | None, visits: Sequence[Visit], pictures: int) -> str:
    """Return what is known of an incident, such as `2 strangers: hall, then kitchen; 4 pictures.`.

    Empty if that is no more than the alert of one visit says, or if everybody has a name by now.

    Args:
        settings: The language and the household's own sentences.
        incident: What the messages say of it.
        visits: The newest message of each of its visits.
        pictures: How many visits have a picture.
    """
    unknown = [visit for visit in visits if is_unknown(visit)]
    if incident is None or not unknown:
        return ""
    named = {visit.place for visit in visits if not is_unknown(visit)} - {visit.place for visit in unknown}
    places = [place for place in incident.places if place not in named]
    people = incident.people if len(unknown) == len(visits) else min(incident.people, len(unknown))
    if people == len(visits) == 1 and len(places) <= 1:
        return ""
    words = WORDS[settings.language]
    has_stranger = any(visit.verdict == "stranger" for visit in unknown)
    who = words.stranger if has_stranger else words.unidentified
    fields = {
        "unknown": who[people > 1].format(people=people),
        "people": people,
        "places": words.then.join(places),
        "pictures": words.pictures[pictures > 1].format(count=pictures) if pictures and settings.picture else "",
        "time": f"{incident.since.astimezone():%H:%M}",
    }
    return template(settings.texts.incident, TEXTS, settings.language, "incident").format_map(fields)


def due_texts(updates: Sequence[StoredUpdate], delivered: int) -> list[VisitUpdate]:
    """Return the sentences of a notification: those after update number `delivered`, and the newest summary.

    A first notification (`delivered` is 0) needs only the newest sentence, with the time of the first: it says how old
    the alert is.
    """
    sentences = [VisitUpdate(each.text, each.at) for each in updates[delivered:] if not each.is_summary]
    if not delivered:
        sentences = [VisitUpdate(sentences[-1].text, updates[0].at)]
    summaries = [VisitUpdate(each.text, each.at) for each in updates if each.is_summary][-1:]
    # A summary that was sent before makes a newer sentence no older.
    summaries = [each._replace(at=max([each.at, *(one.at for one in sentences)])) for each in summaries]
    return [*sentences, *(each for each in summaries if each.text)]


def is_silent(updates: Sequence[StoredUpdate], delivered: int) -> bool:
    """Whether the updates after number `delivered` ring nobody."""
    return all(each.is_summary for each in updates[delivered:])


def shown_visits(updates: Sequence[StoredUpdate], delivered: int) -> list[str]:
    """Return the visits whose pictures go along with the updates after number `delivered`, the newest first."""
    newest_first = [each.visit for each in reversed(updates[delivered:]) if each.has_new_picture]
    return list(dict.fromkeys(newest_first))
