"""`kinwatch schema`: the messages and the settings as JSON Schema."""

from typing import Any

from pydantic import BaseModel

from brain.settings.brain import BrainSettings
from kinwatch.console import print_json
from nerves.errors import SettingsError
from nerves.messages import FACTS
from nerves.plugins import actuators, senses
from nerves.settings import HouseSettings
from nerves.sources import did_you_mean

__all__ = ["message_schema", "run_schema", "settings_schema"]


def run_schema(name: str | None) -> None:
    """Do `kinwatch schema`."""
    if name == "settings":
        print_json(settings_schema())
    elif name is None:
        print_json({kind: message_schema(kind) for kind in FACTS})
    elif name in FACTS:
        print_json(message_schema(name))
    else:
        message = f"schema {name}: no such message: {did_you_mean(name, [*FACTS, 'settings'])}"
        raise SettingsError(message)


def message_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a message; a key that the reader fills in itself is not required."""
    return FACTS[kind].model_json_schema(mode="validation")


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of kinwatch.yaml, with the tables of every service that is installed."""
    tables = {
        "senses": [_service(point.load().settings, kind) for kind, point in sorted(senses().items())],
        "actuators": [_service(point.load().settings, kind) for kind, point in sorted(actuators().items())],
    }
    schema = HouseSettings.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    for group, services in tables.items():
        for service in services:
            definitions.update(service.pop("$defs", {}))
        schema["properties"][group]["additionalProperties"] = {"oneOf": services}
    brain = BrainSettings.model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(brain.pop("$defs", {}))
    schema["properties"]["brain"] = brain
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": "kinwatch.yaml"}


def _service(settings: type[BaseModel], kind: str) -> dict[str, Any]:
    schema = settings.model_json_schema()
    schema["properties"]["kind"] = {"const": kind, "description": "Which service this is."}
    schema["required"] = [key for key in schema.get("required", []) if key != "place"]
    return schema
