"""The devices and entities that Home Assistant makes by itself; pure.

One device a place and one for the house, each in one message (`homeassistant/device/<id>/config`).
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from actuators.homeassistant.home import BRAIN, Home
from actuators.homeassistant.names import house_topic, person_topic, picture_topic, place_topic, slug, unique_slug
from actuators.homeassistant.settings import HomeAssistantSettings
from actuators.homeassistant.states import (
    ALERTS,
    OPTION_GUEST_TODAY,
    OPTION_NOT_A_PERSON,
    OPTION_NOT_SAID,
    SIGHTINGS,
    to_json,
)
from nerves import topics
from nerves.messages import CameraEnabled, Say
from nerves.services import RawMessage

__all__ = ["component_platforms", "device_configs", "discovery_messages"]

Component = dict[str, Any]
HOUSE = "kinwatch_house"
DIAGNOSTIC = {"entity_category": "diagnostic"}
LIDS = '{{"enabled": {}, "by": "Home Assistant"}}'
SAY = '{"words": {{ value | tojson }}}'
# The cloud is billed by the month in UTC; only so are Home Assistant's sums right when the count starts anew.
DOLLARS = (
    "{% set cents = value_json.get('counts', {}).get('cloud_cents_month') %}"
    "{{ None if cents is none else cents / 100 }}"
)
MONTH = "{{ utcnow().replace(day=1, hour=0, minute=0, second=0, microsecond=0).isoformat() }}"


def device_configs(home: Home, settings: HomeAssistantSettings, service: str) -> dict[str, Component]:
    """Return every device's message, by topic."""
    lives = [_lives(service), _lives(BRAIN)]
    made = [_device(HOUSE, "Kinwatch", lives, _house(home, settings))]
    made += [
        _device(f"kinwatch_place_{unique_slug(place)}", f"Kinwatch {place}", lives, _place(place, settings, lives))
        for place in home.places
    ]
    return {f"{settings.prefix}/device/{each['device']['identifiers'][0]}/config": each for each in made}


def component_platforms(made: Mapping[str, Component]) -> dict[str, dict[str, str]]:
    """Return what is to be remembered of devices: their components' platforms."""
    return {
        topic: {key: component["platform"] for key, component in device["components"].items()}
        for topic, device in made.items()
    }


def discovery_messages(made: Mapping[str, Component], known: Mapping[str, Mapping[str, str]]) -> Iterator[RawMessage]:
    """Yield what makes Home Assistant have these devices, and no longer what it knew besides."""
    for topic in known.keys() - made.keys():
        yield RawMessage(topic, b"")
    for topic, device in made.items():
        components = device["components"]
        gone = {key: {"platform": what} for key, what in known.get(topic, {}).items() if key not in components}
        if gone:
            yield RawMessage(topic, to_json(device | {"components": components | gone}))
        yield RawMessage(topic, to_json(device))


def _device(identifier: str, name: str, lives: list[Component], components: Iterator[Component]) -> Component:
    is_house = identifier == HOUSE
    about = {"identifiers": [identifier], "name": name, "manufacturer": "kinwatch", "sw_version": _version()}
    return {
        "device": about | {"model": "House" if is_house else "Place"} | ({} if is_house else {"via_device": HOUSE}),
        "origin": {"name": "kinwatch", "sw_version": _version()},
        "availability": lives,
        "availability_mode": "all",
        "qos": 1,
        "components": dict(_named(identifier, name, each) for each in components),
    }


def _named(identifier: str, device: str, component: Component) -> tuple[str, Component]:
    """Return a component's key, and the component with an id that stays and a name that says where it is."""
    key = component.pop("key")
    if component["platform"] == "device_automation":
        return key, component
    entity = f"{component['platform']}.{slug(device)}_{slug(component['name'])}"
    return key, component | {"unique_id": f"{identifier}_{key}", "default_entity_id": entity}


def _place(place: str, settings: HomeAssistantSettings, lives: list[Component]) -> Iterator[Component]:
    state, sighting = place_topic(place), place_topic(place, "sighting")
    sees = {"topic": state, "value_template": "{{ value_json.sees }}"}

    def shows(what: str) -> Component:
        return {"state_topic": state, "value_template": f"{{{{ value_json.{what} }}}}"}

    yield _entity("event", "sighting", "Sighting", state_topic=sighting, event_types=list(SIGHTINGS))
    for what in ("person", "stranger"):
        yield _entity(
            "binary_sensor",
            what,
            what.capitalize(),
            device_class="occupancy",
            availability=[*lives, sees],
            **shows(what),
        )
    yield _entity("sensor", "last", "Last person", icon="mdi:account-clock", **shows("last"), **_attributes(state))
    for what in ("visit", "stranger"):
        yield _image(what, f"Last {what}", picture_topic(place, what, keep=settings.keep_pictures))
    yield _entity(
        "binary_sensor", "problem", "Camera problem", device_class="problem", **shows("problem"), **DIAGNOSTIC
    )
    yield _entity("sensor", "trouble", "Camera trouble", icon="mdi:camera-off", **shows("trouble"), **DIAGNOSTIC)
    # Retained, and without us in between: it is a fact of its own, which the camera and the brain heed as any other.
    lids = {"payload_on": LIDS.format("true"), "payload_off": LIDS.format("false"), "retain": True}
    lids |= {"state_on": "ON", "state_off": "OFF", "command_topic": topics.to(place, CameraEnabled.kind)}
    yield _entity("switch", "eyes", "Eyes", icon="mdi:eye", **lids, **shows("eyes"))
    say = {"command_topic": topics.to(place, Say.kind), "command_template": SAY}
    yield _entity("notify", "announce", "Announce", **say)
    yield _entity("text", "say", "Say here", icon="mdi:bullhorn", max=255, **say, **shows("typed"))
    for kind in SIGHTINGS:
        yield _trigger(sighting, kind)


def _house(home: Home, settings: HomeAssistantSettings) -> Iterator[Component]:
    state = house_topic("state")

    def shows(what: str) -> Component:
        return {"state_topic": state, "value_template": f"{{{{ value_json.{what} }}}}"}

    modes = {"state_topic": topics.MODE, "command_topic": topics.MODE_SET}
    options = [OPTION_NOT_SAID, *sorted(home.people), OPTION_GUEST_TODAY, OPTION_NOT_A_PERSON]
    known = home.named
    options += [known] if known and known not in options else []
    yield _entity("select", "mode", "Mode", icon="mdi:shield-home", options=["home", "away", "night", "off"], **modes)
    yield _entity("event", "alert", "Alert", state_topic=house_topic("alert"), event_types=list(ALERTS))
    yield _entity(
        "binary_sensor", "open", "Open alert", device_class="safety", **shows("alert"), **_attributes(state, "alerted")
    )
    yield _entity(
        "sensor", "unknown", "Last unknown visit", device_class="timestamp", **shows("unknown"), **_attributes(state)
    )
    yield _image("picture", "Unknown visit", picture_topic(None, "unknown", keep=settings.keep_pictures))
    who = {"command_topic": house_topic("set/who")}
    yield _entity("select", "who", "Who was it", icon="mdi:account-question", options=options, **who, **shows("name"))
    yield _entity("text", "name", "New name", icon="mdi:account-plus", max=40, **who, **shows("typed"))
    yield _entity(
        "button", "acknowledge", "Acknowledge", icon="mdi:check", command_topic=house_topic("set/acknowledge")
    )
    yield _entity(
        "button", "test", "Test alert", command_topic=house_topic("set/test"), icon="mdi:bell-ring", **DIAGNOSTIC
    )
    yield from _meters(state)
    if home.cloud:
        yield from _cloud()
    for name in home.people:
        yield from _person(name)


def _meters(state: str) -> Iterator[Component]:
    """Yield how well the house works; the brain's own numbers come from its status."""
    receipts = {"state_topic": state, "value_template": "{{ value_json.receipts }}", "state_class": "total_increasing"}
    waiting = {"state_topic": state, "value_template": "{{ value_json.waiting }}", "state_class": "measurement"}
    stored = {"json_attributes_topic": state, "json_attributes_template": "{{ {'url': value_json.stored} | tojson }}"}
    yield _entity("sensor", "receipts", "Stored evidence", icon="mdi:safe", **receipts, **stored, **DIAGNOSTIC)
    yield _entity("sensor", "waiting", "Evidence waiting", icon="mdi:tray-full", **waiting, **DIAGNOSTIC)
    for key, name, count in (("age", "Frame age", "age_ms_p99"), ("work", "Work per frame", "work_ms_p50")):
        yield _entity(
            "sensor",
            key,
            name,
            **_counted(count),
            unit_of_measurement="ms",
            device_class="duration",
            state_class="measurement",
            **DIAGNOSTIC,
        )


def _cloud() -> Iterator[Component]:
    """Yield the switch that keeps every picture in the house, and what the cloud has cost."""
    words = {"payload_on": "on", "payload_off": "off", "state_on": "on", "state_off": "off"}
    wires = {"state_topic": topics.CLOUD, "command_topic": topics.CLOUD_SET}
    yield _entity("switch", "cloud", "Cloud recognition", icon="mdi:cloud-search", **wires, **words)
    yield _entity(
        "sensor",
        "cloud_spend",
        "Cloud spend this month",
        state_topic=topics.status(BRAIN),
        value_template=DOLLARS,
        last_reset_value_template=MONTH,
        device_class="monetary",
        unit_of_measurement="USD",
        state_class="total",
        suggested_display_precision=2,
        **DIAGNOSTIC,
    )
    calls = {"unit_of_measurement": "calls", "state_class": "total_increasing", **_counted("cloud_calls_today")}
    yield _entity("sensor", "cloud_calls", "Cloud calls today", icon="mdi:cloud-upload", **calls, **DIAGNOSTIC)


def _counted(count: str) -> Component:
    """Return where a number of the brain's status is."""
    template = f"{{{{ value_json.get('counts', {{}}).get('{count}', None) }}}}"
    return {"state_topic": topics.status(BRAIN), "value_template": template}


def _person(name: str) -> Iterator[Component]:
    topic, key = person_topic(name), unique_slug(name)
    attributes = {"json_attributes_topic": topic, "json_attributes_template": "{{ value_json | tojson }}"}
    here = {"state_topic": topic, "value_template": "{{ value_json.here }}"}
    seen = {"state_topic": topic, "value_template": "{{ value_json.seen }}"}
    yield _entity("binary_sensor", f"here_{key}", f"{name} here", device_class="occupancy", **here, **attributes)
    yield _entity("sensor", f"seen_{key}", f"{name} last seen", device_class="timestamp", **seen, **attributes)


def _entity(platform: str, key: str, name: str, **fields: Any) -> Component:  # noqa: ANN401 - each field has its own type
    return {"platform": platform, "key": key, "name": name, **fields}


def _image(key: str, name: str, topic: str) -> Component:
    return _entity("image", f"image_{key}", name, image_topic=topic, content_type="image/jpeg")


def _trigger(topic: str, kind: str) -> Component:
    trigger = {"automation_type": "trigger", "type": "seen", "subtype": kind, "topic": topic, "payload": kind}
    return {
        "platform": "device_automation",
        "key": f"on_{kind}",
        "value_template": "{{ value_json.event_type }}",
    } | trigger


def _attributes(topic: str, what: str = "visit") -> Component:
    return {"json_attributes_topic": topic, "json_attributes_template": f"{{{{ value_json.{what} | tojson }}}}"}


def _lives(service: str) -> Component:
    return {"topic": topics.status(service), "value_template": "{{ value_json.state }}"}


def _version() -> str:
    try:
        return version("kinwatch")
    except PackageNotFoundError:  # run from a folder, not installed
        return "0"
