"""Home Assistant as a service's peer: entities there, facts here."""

from collections.abc import Callable, Iterable, Iterator

from pydantic import ValidationError

from actuators.homeassistant.commands import facts_of_command
from actuators.homeassistant.discovery import component_platforms, device_configs, discovery_messages
from actuators.homeassistant.home import Home, fit_to_settings, has_cloud, home_after
from actuators.homeassistant.names import COMMANDS
from actuators.homeassistant.settings import HomeAssistantSettings
from actuators.homeassistant.states import events_of, picture_messages, picture_topics, states
from nerves import topics
from nerves.messages import Detections, Fact, Status, now
from nerves.services import Context, RawMessage, Tick

__all__ = ["act", "birth_topic", "news_filter", "subscribed_topics"]

TABLE = "CREATE TABLE IF NOT EXISTS home (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)"
KEEP = "INSERT INTO home VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json"
# While Home Assistant makes a device's first entities, it overhears what is announced just then.
MAX_REPEATS = 2
# An animal that was away this long has come anew.
ANIMAL_AWAY_S = 60.0


def act(settings: HomeAssistantSettings, messages: Iterator[Fact | RawMessage | Tick], desk: Context) -> Iterable[Fact]:
    """Tell Home Assistant of every message, and the house of every command."""
    envoy = _Envoy(settings, desk)
    envoy.tell_all()
    for message in messages:
        if isinstance(message, RawMessage):
            envoy.obey(message)
        elif isinstance(message, Tick):
            envoy.repeat()
        else:
            envoy.tell(message)
    return ()


def birth_topic(settings: HomeAssistantSettings) -> str:
    """Return the topic on which Home Assistant says that it is there."""
    return f"{settings.prefix}/status"


def subscribed_topics(settings: HomeAssistantSettings) -> tuple[str, ...]:
    """Return what is listened to besides facts; the mode, because the broker repeats it on every connection."""
    return birth_topic(settings), topics.MODE, COMMANDS


def news_filter(_: HomeAssistantSettings) -> Callable[[Fact | RawMessage], bool]:
    """Return what lets through, of what comes many times a second, only news."""
    known: dict[object, object] = {}

    def is_news(message: Fact | RawMessage) -> bool:
        if isinstance(message, Detections):
            return _is_new(known, message)
        if isinstance(message, Status):
            told = message.state, has_cloud(message)
            return known.get(message.service) != told and _noted(known, message.service, told)
        return True

    return is_news


def _noted(known: dict[object, object], key: object, value: object) -> bool:
    known[key] = value
    return True


def _is_new(known: dict[object, object], seen: Detections) -> bool:
    """Whether a place is new, or an animal has come."""
    labels = {None, *(thing.label for thing in seen.detections if thing.label != "person")}
    come = False
    for label in labels:
        last = known.get((seen.place, label))
        known[seen.place, label] = seen.at
        come |= last is None or (label is not None and (seen.at - last).total_seconds() >= ANIMAL_AWAY_S)  # type: ignore[operator]
    return come


class _Envoy:
    """Keeps what is held of the house in step with what Home Assistant was told of it."""

    def __init__(self, settings: HomeAssistantSettings, desk: Context) -> None:
        self._settings, self._desk = settings, desk
        self._home = self._fit(self._remembered())
        self._repeats = 0

    def tell(self, message: Fact) -> None:
        """Take a message, and tell what it changes."""
        after = home_after(message, self._home)
        notes = [] if after is self._home else list(picture_messages(message, after, keep=self._settings.keep_pictures))
        before = self._home
        self._say([*notes, *self._step(before, after), *events_of(message, before, after)])

    def repeat(self) -> None:
        """Tell everything again for a while after devices have changed."""
        if self._repeats:
            left = self._repeats - 1
            self.tell_all()
            self._repeats = left

    def tell_all(self) -> None:
        """Tell everything: Home Assistant or the broker may know nothing."""
        self._repeats = MAX_REPEATS
        made = device_configs(self._home, self._settings, self._desk.name)
        notes = [*discovery_messages(made, self._home.announced), *self._faded(self._home)]
        notes += [RawMessage(topic, state) for topic, state in states(self._home).items()]
        self._home = self._home.changed(announced=component_platforms(made), kept=self._keeps(self._home))
        self._say(notes)

    def obey(self, note: RawMessage) -> None:
        """Do what Home Assistant asks; when it comes, or the connection has, tell everything."""
        if note.topic == topics.MODE or (note.topic == birth_topic(self._settings) and note.body == b"online"):
            self.tell_all()
            return
        for fact in facts_of_command(note, self._home, now()):
            self._desk.publish(fact)

    def _step(self, before: Home, after: Home) -> list[RawMessage]:
        """Go from one home to the next; return what differs, devices first."""
        after = self._fit(after)
        made = device_configs(after, self._settings, self._desk.name)
        is_new = made != device_configs(before, self._settings, self._desk.name)
        notes = [*(discovery_messages(made, before.announced) if is_new else ()), *self._faded(after)]
        self._repeats = MAX_REPEATS if is_new else self._repeats
        told = states(before)
        notes += [RawMessage(topic, state) for topic, state in states(after).items() if told.get(topic) != state]
        self._home = after.changed(announced=component_platforms(made), kept=self._keeps(after))
        return notes

    def _faded(self, home: Home) -> list[RawMessage]:
        """Return what makes the broker forget what belongs to no place or person any more."""
        return [RawMessage(topic, b"") for topic in home.retained if topic not in self._keeps(home)]

    def _keeps(self, home: Home) -> tuple[str, ...]:
        return (*states(home), *picture_topics(home, keep=self._settings.keep_pictures))

    def _fit(self, home: Home) -> Home:
        return fit_to_settings(home, self._settings.places, self._settings.people)

    def _say(self, notes: list[RawMessage]) -> None:
        """Publish, and remember what is held, in one step."""
        with self._desk.database.transaction() as connection:
            connection.execute(KEEP, (self._home.model_dump_json(),))
            for note in notes:
                self._desk.publish(note)

    def _remembered(self) -> Home:
        with self._desk.database.transaction() as connection:
            connection.execute(TABLE)
            row = connection.execute("SELECT json FROM home").fetchone()
        try:
            return Home.model_validate_json(row[0]) if row else Home()
        except ValidationError:  # of a version that thought otherwise: what matters comes again
            return Home()
