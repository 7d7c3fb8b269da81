"""The Home Assistant actuator: it publishes entities to Home Assistant, and turns its commands into facts."""

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

CREATE_HOME = "CREATE TABLE home (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)"
STORE_HOME = "INSERT INTO home VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json"
# While Home Assistant makes the first entities of a device, it misses states that are published at that moment.
MAX_REPEATS = 2
# An animal that was away for this time counts as a new one.
ANIMAL_AWAY_S = 60.0


def act(
    settings: HomeAssistantSettings, messages: Iterator[Fact | RawMessage | Tick], context: Context
) -> Iterable[Fact]:
    """Publish to Home Assistant what each message changes, and to the house what each command asks for."""
    publisher = _EntityPublisher(settings, context)
    publisher.publish_everything()
    for message in messages:
        if isinstance(message, RawMessage):
            publisher.run_command(message)
        elif isinstance(message, Tick):
            publisher.repeat()
        else:
            publisher.publish_changes(message)
    return ()


def birth_topic(settings: HomeAssistantSettings) -> str:
    """Return the topic of Home Assistant's birth message."""
    return f"{settings.prefix}/status"


def subscribed_topics(settings: HomeAssistantSettings) -> tuple[str, ...]:
    """Return the topics to subscribe to besides facts. The mode is one: the broker sends it on every connection."""
    return birth_topic(settings), topics.MODE, COMMANDS


def news_filter(_: HomeAssistantSettings) -> Callable[[Fact | RawMessage], bool]:
    """Return a predicate that drops detections and statuses without news: they come many times a second."""
    known: dict[object, object] = {}

    def is_news(message: Fact | RawMessage) -> bool:
        if isinstance(message, Detections):
            return _has_new_place_or_animal(known, message)
        if isinstance(message, Status):
            state = message.state, has_cloud(message)
            is_new = known.get(message.service) != state
            known[message.service] = state
            return is_new
        return True

    return is_news


def _has_new_place_or_animal(known: dict[object, object], message: Detections) -> bool:
    labels = {None, *(detected.label for detected in message.detections if detected.label != "person")}
    is_new = False
    for label in labels:
        last = known.get((message.place, label))
        known[message.place, label] = message.at
        is_new |= last is None or (label is not None and (message.at - last).total_seconds() >= ANIMAL_AWAY_S)  # type: ignore[operator]
    return is_new


class _EntityPublisher:
    """Stores the state of the house, and publishes what Home Assistant does not have of it yet."""

    def __init__(self, settings: HomeAssistantSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._home = self._fit(self._stored_home())
        self._repeats = 0

    def publish_changes(self, message: Fact) -> None:
        """Publish what a message changes."""
        before, after = self._home, home_after(message, self._home)
        messages: list[RawMessage] = []
        if after is not before:
            messages += picture_messages(message, after, keep=self._settings.keep_pictures)
        self._publish([*messages, *self._move_to(after), *events_of(message, before, after)])

    def repeat(self) -> None:
        """Publish everything again, for a few ticks after the devices have changed."""
        if self._repeats:
            left = self._repeats - 1
            self.publish_everything()
            self._repeats = left

    def publish_everything(self) -> None:
        """Publish all devices and states: Home Assistant or the broker may have lost them."""
        self._repeats = MAX_REPEATS
        configs = device_configs(self._home, self._settings, self._context.name)
        messages = [*discovery_messages(configs, self._home.announced), *self._clearing_messages(self._home)]
        messages += [RawMessage(topic, state) for topic, state in states(self._home).items()]
        self._home = self._home.changed(
            announced=component_platforms(configs), retained=self._retained_topics(self._home)
        )
        self._publish(messages)

    def run_command(self, message: RawMessage) -> None:
        """Publish the facts that a command asks for; on Home Assistant's birth or a new connection, everything."""
        if message.topic == topics.MODE or (message.topic == birth_topic(self._settings) and message.body == b"online"):
            self.publish_everything()
            return
        for fact in facts_of_command(message, self._home, now()):
            self._context.publish(fact)

    def _move_to(self, after: Home) -> list[RawMessage]:
        """Replace the home by the next one; return the messages of what differs, devices first."""
        before, after = self._home, self._fit(after)
        configs = device_configs(after, self._settings, self._context.name)
        is_new = configs != device_configs(before, self._settings, self._context.name)
        messages = [*(discovery_messages(configs, before.announced) if is_new else ()), *self._clearing_messages(after)]
        self._repeats = MAX_REPEATS if is_new else self._repeats
        old = states(before)
        messages += [RawMessage(topic, state) for topic, state in states(after).items() if old.get(topic) != state]
        self._home = after.changed(announced=component_platforms(configs), retained=self._retained_topics(after))
        return messages

    def _clearing_messages(self, home: Home) -> list[RawMessage]:
        """Return the empty messages that clear retained topics of places and people that are gone."""
        return [RawMessage(topic, b"") for topic in home.retained if topic not in self._retained_topics(home)]

    def _retained_topics(self, home: Home) -> tuple[str, ...]:
        return (*states(home), *picture_topics(home, keep=self._settings.keep_pictures))

    def _fit(self, home: Home) -> Home:
        return fit_to_settings(home, self._settings.places, self._settings.people)

    def _publish(self, messages: list[RawMessage]) -> None:
        """Publish messages and store the home in one step."""
        with self._context.database.transaction() as connection:
            connection.execute(STORE_HOME, (self._home.model_dump_json(),))
            for message in messages:
                self._context.publish(message)

    def _stored_home(self) -> Home:
        self._context.database.migrate("home", [[CREATE_HOME]])
        with self._context.database.transaction() as connection:
            row = connection.execute("SELECT json FROM home").fetchone()
        try:
            return Home.model_validate_json(row[0]) if row else Home()
        except ValidationError:  # of another version: what matters is published again
            return Home()
