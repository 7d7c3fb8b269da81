"""Answers what is heard or mentioned. The only state is the requests that wait for a "yes"."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import NamedTuple
from uuid import UUID

from brain.settings.answers import AnswerSettings, fold
from brain.talk.phrasebook import Ask, Phrasebook, understood
from nerves.messages import CameraEnabled, Group, Heard, Label, Mentioned, Mode, PersonEntry, Say, Verdict

__all__ = ["Conversation", "HouseView", "ModeChange", "PersonInView"]

IN_VIEW_TIME = timedelta(seconds=10)
# An older sentence is not answered: the room may be empty by now. A "yes" counts for this long after our question, so
# that nobody confirms what they have forgotten.
MAX_SPEECH_AGE, CONFIRM_TIME = timedelta(seconds=15), timedelta(seconds=20)
MIN_SPEECH_CONFIDENCE = 0.4
MIN_NAME_LIKENESS = 0.75
MAX_NAME_LETTERS = 40
ARMED: tuple[Mode, ...] = ("away", "night")
MODES: Mapping[str, Mode] = {"arm": "away", "night": "night", "disarm": "home"}
LINK = re.compile(r"https?://\S+")
OTHER_GROUPS: tuple[Group, ...] = ("guest", "known")
NAMEABLE_VERDICTS: tuple[Verdict, ...] = ("stranger", "unidentified", "identifying")


class PersonInView(NamedTuple):
    """A person in view: their visit, its place and verdict, their name, and when they were last seen."""

    visit: UUID
    place: str
    verdict: Verdict
    who: str | None
    last: datetime


@dataclass(frozen=True)
class HouseView:
    """What the brain knows at the moment when something is heard."""

    at: datetime
    people: Sequence[PersonInView]
    cameras_at: frozenset[str]
    """The places that have a camera."""
    known: Sequence[PersonEntry] = ()
    """Everybody in the gallery."""
    cameras_off: frozenset[str] = frozenset()
    """The places whose cameras are switched off."""
    mode: Mode = "home"
    """The mode of the house."""

    def cameras(self, place: str) -> list[str]:
        """Return the places whose cameras are meant at a place: itself, or all if it has no camera."""
        return [place] if place in self.cameras_at else sorted(self.cameras_at)


class ModeChange(NamedTuple):
    """A request to change the mode of the house."""

    mode: Mode


Result = Say | Label | ModeChange | CameraEnabled


class _Pending(NamedTuple):
    """A request that waits for a "yes"."""

    ask: Ask
    until: datetime
    whom: PersonInView | None = None
    group: Group = "family"


class Conversation:
    """Answers sentences at each place. It remembers only the requests that wait for a "yes"."""

    def __init__(self, settings: AnswerSettings) -> None:
        self._settings = settings
        self._books = [Phrasebook.read(language, settings.phrases) for language in settings.languages]
        self._pending: dict[str, _Pending] = {}

    def answer(self, heard: Heard, view: HouseView) -> Iterator[Result]:
        """Yield the answers, labels and changes that follow from a heard sentence.

        Nothing follows if the sentence is no request, is more than 15 seconds old, or has a confidence below 0.4.
        """
        doubtful = heard.confidence is not None and heard.confidence < MIN_SPEECH_CONFIDENCE
        if doubtful or view.at - heard.at > MAX_SPEECH_AGE:
            return
        ask = understood(heard.words, self._books)
        if ask is None:
            return
        pending = self._pending.pop(heard.place, None)
        if ask.intent in ("confirm", "refuse"):
            if pending and view.at <= pending.until:
                yield from self._settled(pending, heard.place, view, is_yes=ask.intent == "confirm")
            return
        yield from self._asked(ask, heard.place, view)

    def mention(self, mentioned: Mentioned) -> Iterator[Say]:
        """Yield the sentence that is read aloud about a mention at each place in `mentions`; links are removed."""
        words = " ".join(LINK.sub("", mentioned.words).split())
        if not self._books or not words:
            return
        book = self._books[0]
        for place in self._settings.mentions:
            yield _sentence(book, place, "mention", author=mentioned.author, words=words)

    def _asked(self, ask: Ask, place: str, view: HouseView) -> Iterator[Result]:
        book = self._book(ask)
        if ask.intent == "who":
            yield _sentence(book, place, *_seen(book, place, view))
        elif ask.intent == "name":
            yield self._named(ask, place, view)
        elif ask.intent == "open":
            yield from self._switch_cameras(book, place, view, is_open=True)
        elif refusal := self._refusal(ask, place, view):
            yield _sentence(book, place, refusal)
        else:
            yield self._confirm(_Pending(ask, view.at + CONFIRM_TIME), place)

    def _refusal(self, ask: Ask, place: str, view: HouseView) -> str:
        """Return the key of the sentence that says why the request is refused; empty if it is not refused."""
        if ask.intent == "close" and not view.cameras(place):
            return "eyeless"
        if self._settings.disarm:
            return ""
        return {"disarm": "never", "close": "armed" if view.mode in ARMED else ""}.get(ask.intent, "")

    def _switch_cameras(self, book: Phrasebook, place: str, view: HouseView, *, is_open: bool) -> Iterator[Result]:
        """Switch the cameras that are meant at the place on or off, and say so."""
        cameras, by = view.cameras(place), f"a voice at {place}"[:MAX_NAME_LETTERS]
        for camera in cameras:
            yield CameraEnabled(place=camera, enabled=is_open, by=by)
        yield _sentence(book, place, ("open" if is_open else "close") if cameras else "eyeless")

    def _named(self, ask: Ask, place: str, view: HouseView) -> Say:
        """Ask for confirmation that the only unknown person in view is the named one, or say why that cannot be."""
        book, here = self._book(ask), _here(place, view)
        known = max(view.known, key=lambda person: _likeness(person.name, ask.name), default=None)
        unknown = [person for person in here if person.verdict in NAMEABLE_VERDICTS]
        if known is None or _likeness(known.name, ask.name) < MIN_NAME_LIKENESS:
            return _sentence(book, place, "unknown", name=ask.name)
        if len(unknown) != 1:
            return _sentence(book, place, "whom")
        if not self._may_name(unknown[0], view):
            return _sentence(book, place, "vouch")
        named = Ask("name", ask.language, known.name)
        return self._confirm(_Pending(named, view.at + CONFIRM_TIME, unknown[0], known.group), place)

    def _may_name(self, whom: PersonInView, view: HouseView) -> bool:
        """Return whether a voice may name this person. With `vouched`, family must be in view at the same place."""
        family = (person for person in _here(whom.place, view) if person.verdict == "family")
        vouched = any(person.place == whom.place for person in family)
        return {"off": False, "vouched": vouched, "anybody": True}[self._settings.naming]

    def _confirm(self, pending: _Pending, place: str) -> Say:
        self._pending[place] = pending
        return _sentence(self._book(pending.ask), place, f"{pending.ask.intent}?", name=pending.ask.name)

    def _settled(self, pending: _Pending, place: str, view: HouseView, *, is_yes: bool) -> Iterator[Result]:
        book, intent = self._book(pending.ask), pending.ask.intent if is_yes else "refuse"
        if intent == "close":
            refusal = self._refusal(pending.ask, place, view)  # the house may have been armed since
            yield from (
                [_sentence(book, place, refusal)] if refusal else self._switch_cameras(book, place, view, is_open=False)
            )
            return
        if intent == "name" and (whom := pending.whom):
            if not self._may_name(whom, view):  # the family may have left since
                yield _sentence(book, place, "vouch")
                return
            yield Label(place=whom.place, visit=whom.visit, who=pending.ask.name, group=pending.group)
        elif intent in MODES:
            yield ModeChange(MODES[intent])
        yield _sentence(book, place, intent, name=pending.ask.name)
        if MODES.get(intent) in ARMED and view.cameras_off:
            yield _sentence(book, place, "blind", places=book.says["list"].join(sorted(view.cameras_off)))

    def _book(self, ask: Ask) -> Phrasebook:
        return next(book for book in self._books if book.language == ask.language)


def _sentence(book: Phrasebook, place: str, which: str, people: str = "", **fields: str) -> Say:
    words = book.says[which]
    for name, value in {"people": people, **fields}.items():
        words = words.replace(f"{{{name}}}", value)
    return Say(place=place, words=words, language=book.language)


def _here(place: str, view: HouseView) -> list[PersonInView]:
    """Return the people in view at a place, or at all places if it has no camera of its own."""
    return [
        person
        for person in view.people
        if view.at - person.last <= IN_VIEW_TIME and (person.place == place or place not in view.cameras_at)
    ]


def _seen(book: Phrasebook, place: str, view: HouseView) -> tuple[str, str]:
    """Return the key of the sentence that says who is seen, and the text that names the people in it."""
    people, cameras = _here(place, view), view.cameras(place)
    if cameras and view.cameras_off.issuperset(cameras):
        return "close", ""
    family = {person.who for person in people if person.who and person.verdict == "family"}
    parts, named = sorted(family), family
    for group in OTHER_GROUPS:
        others = {person.who for person in people if person.who and person.verdict == group} - named
        parts += [book.says[group].replace("{name}", name) for name in sorted(others)]
        named |= others
    for verdict in NAMEABLE_VERDICTS:
        count = sum(person.verdict == verdict for person in people)
        if count:
            parts.append(book.says[verdict if count == 1 else f"{verdict}s"].replace("{count}", str(count)))
    if not parts:
        return "nobody", ""
    first = book.says["list"].join(parts[:-1])
    return "see", book.says["and"].join([first, parts[-1]] if first else parts)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, fold(one), fold(other)).ratio()
