"""Pure: the MQTT discovery messages from which Home Assistant makes devices and entities.

There is one device for each place and one for the house, each in one message (`homeassistant/device/<id>/config`).
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
HOUSE_ID = "kinwatch_house"
MODE_OPTIONS = ("home", "away", "night", "off", "auto")
DIAGNOSTIC = {"entity_category": "diagnostic"}
CAMERA_SWITCH_PAYLOAD = '{{"enabled": {}, "by": "Home Assistant"}}'
SAY_TEMPLATE = '{"words": {{ value | tojson }}}'
# The cloud is billed by the month in UTC. With `last_reset` Home Assistant adds the months up correctly.
MONTH_DOLLARS_TEMPLATE = (
    "{% set cents = value_json.get('counts', {}).get('cloud_cents_month') %}"
    "{{ None if cents is none else cents / 100 }}"
)
MONTH_START_TEMPLATE = "{{ utcnow().replace(day=1, hour=0, minute=0, second=0, microsecond=0).isoformat() }}"


def device_configs(home: Home, settings: HomeAssistantSettings, service: str) -> dict[str, Component]:
    """Return the discovery message of every device, by topic."""
    availability = [_availability(service), _availability(BRAIN)]
    configs = [_device(HOUSE_ID, "Kinwatch", availability, _house(home, settings))]
    configs += [
        _device(
            f"kinwatch_place_{unique_slug(place)}",
            f"Kinwatch {place}",
            availability,
            _place(place, settings, availability),
        )
        for place in home.places
    ]
    return {f"{settings.prefix}/device/{each['device']['identifiers'][0]}/config": each for each in configs}


def component_platforms(configs: Mapping[str, Component]) -> dict[str, dict[str, str]]:
    """Return the platform of each component, by device topic: needed later to remove a component."""
    return {
        topic: {key: component["platform"] for key, component in device["components"].items()}
        for topic, device in configs.items()
    }


def discovery_messages(
    configs: Mapping[str, Component], known: Mapping[str, Mapping[str, str]]
) -> Iterator[RawMessage]:
    """Yield the messages that create these devices and remove `known` ones, or their components, that are gone."""
    for topic in known.keys() - configs.keys():
        yield RawMessage(topic, b"")
    for topic, device in configs.items():
        components = device["components"]
        gone = {key: {"platform": what} for key, what in known.get(topic, {}).items() if key not in components}
        if gone:
            yield RawMessage(topic, to_json(device | {"components": components | gone}))
        yield RawMessage(topic, to_json(device))


def _device(identifier: str, name: str, availability: list[Component], components: Iterator[Component]) -> Component:
    is_house = identifier == HOUSE_ID
    about = {"identifiers": [identifier], "name": name, "manufacturer": "kinwatch", "sw_version": _version()}
    return {
        "device": about | {"model": "House" if is_house else "Place"} | ({} if is_house else {"via_device": HOUSE_ID}),
        "origin": {"name": "kinwatch", "sw_version": _version()},
        "availability": availability,
        "availability_mode": "all",
        "qos": 1,
        "components": dict(_named(identifier, name, each) for each in components),
    }


def _named(identifier: str, device: str, component: Component) -> tuple[str, Component]:
    """Return the key of a component, and the component with its fixed ids."""
    key = component.pop("key")
    if component["platform"] == "device_automation":
        return key, component
    entity = f"{component['platform']}.{slug(device)}_{slug(component['name'])}"
    return key, component | {"unique_id": f"{identifier}_{key}", "default_entity_id": entity}


def _place(place: str, settings: HomeAssistantSettings, availability: list[Component]) -> Iterator[Component]:
    state, sighting = place_topic(place), place_topic(place, "sighting")
    camera_works = {"topic": state, "value_template": "{{ value_json.sees }}"}

    def shows(what: str) -> Component:
        return {"state_topic": state, "value_template": f"{{{{ value_json.{what} }}}}"}

    yield _entity("event", "sighting", "Sighting", state_topic=sighting, event_types=list(SIGHTINGS))
    for what in ("person", "stranger"):
        yield _entity(
            "binary_sensor",
            what,
            what.capitalize(),
            device_class="occupancy",
            availability=[*availability, camera_works],
            **shows(what),
        )
    yield _entity("sensor", "last", "Last person", icon="mdi:account-clock", **shows("last"), **_attributes(state))
    for what in ("visit", "stranger"):
        yield _image(what, f"Last {what}", picture_topic(place, what, keep=settings.keep_pictures))
    yield _entity(
        "binary_sensor", "problem", "Camera problem", device_class="problem", **shows("problem"), **DIAGNOSTIC
    )
    yield _entity("sensor", "trouble", "Camera trouble", icon="mdi:camera-off", **shows("trouble"), **DIAGNOSTIC)
    # Home Assistant publishes the retained fact itself; the camera and the brain read it like any other.
    switch = {"payload_on": CAMERA_SWITCH_PAYLOAD.format("true"), "retain": True}
    switch |= {"payload_off": CAMERA_SWITCH_PAYLOAD.format("false")}
    switch |= {"state_on": "ON", "state_off": "OFF", "command_topic": topics.to(place, CameraEnabled.kind)}
    yield _entity("switch", "camera", "Camera", icon="mdi:cctv", **switch, **shows("camera"))
    say = {"command_topic": topics.to(place, Say.kind), "command_template": SAY_TEMPLATE}
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
    yield _entity("select", "mode", "Mode", icon="mdi:shield-home", options=list(MODE_OPTIONS), **modes)
    in_force = {"state_topic": topics.status(BRAIN), "value_template": "{{ value_json.get('mode', None) }}"}
    yield _entity("sensor", "active_mode", "Mode in force", icon="mdi:shield-check", **in_force)
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
    """Yield the sensors of how well the house works; the brain's numbers come from its status."""
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
    """Yield the switch of the cloud, and the sensors of what it has cost."""
    payloads = {"payload_on": "on", "payload_off": "off", "state_on": "on", "state_off": "off"}
    cloud_topics = {"state_topic": topics.CLOUD, "command_topic": topics.CLOUD_SET}
    yield _entity("switch", "cloud", "Cloud recognition", icon="mdi:cloud-search", **cloud_topics, **payloads)
    yield _entity(
        "sensor",
        "cloud_spend",
        "Cloud spend this month",
        state_topic=topics.status(BRAIN),
        value_template=MONTH_DOLLARS_TEMPLATE,
        last_reset_value_template=MONTH_START_TEMPLATE,
        device_class="monetary",
        unit_of_measurement="USD",
        state_class="total",
        suggested_display_precision=2,
        **DIAGNOSTIC,
    )
    calls = {"unit_of_measurement": "calls", "state_class": "total_increasing", **_counted("cloud_calls_today")}
    yield _entity("sensor", "cloud_calls", "Cloud calls today", icon="mdi:cloud-upload", **calls, **DIAGNOSTIC)


def _counted(count: str) -> Component:
    """Return the topic and template of a number in the brain's status."""
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


def _availability(service: str) -> Component:
    return {"topic": topics.status(service), "value_template": "{{ value_json.state }}"}


def _version() -> str:
    try:
        return version("kinwatch")
    except PackageNotFoundError:  # run from a folder, not installed
        return "0"
