"""Find services by the entry points `kinwatch.senses` and `kinwatch.actuators`, our own included."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from nerves.errors import SettingsError
from nerves.services import Actuator, Sense, SenseSettings, ServiceSettings
from nerves.settings import HouseSettings, read_table
from nerves.sources import Where, did_you_mean

__all__ = ["actuators", "missing_package", "read_actuator", "read_sense", "senses"]

Service = TypeVar("Service", Sense, Actuator)
OURS = frozenset({"kinwatch", "nerves", "senses", "brain", "actuators"})


def senses() -> dict[str, EntryPoint]:
    """Return the installed kinds of sense, not loaded yet."""
    return {point.name: point for point in entry_points(group="kinwatch.senses")}


def actuators() -> dict[str, EntryPoint]:
    """Return the installed kinds of actuator, not loaded yet."""
    return {point.name: point for point in entry_points(group="kinwatch.actuators")}


def read_sense(house: HouseSettings, name: str) -> tuple[Sense, SenseSettings]:
    """Return the sense that `senses:` calls `name`, and its settings."""
    where = house.where("senses", name)
    table = _table(house.senses, name, where)
    sense = _load(senses(), _kind(table, where), where, Sense)
    return sense, read_table(sense.settings, name, table, where)


def read_actuator(house: HouseSettings, name: str) -> tuple[Actuator, ServiceSettings]:
    """Return the actuator that `actuators:` calls `name`, and its settings."""
    where = house.where("actuators", name)
    table = _table(house.actuators, name, where)
    actuator = _load(actuators(), _kind(table, where), where, Actuator)
    return actuator, read_table(actuator.settings, name, table, where)


def missing_package(kind: str, error: ModuleNotFoundError) -> SettingsError:
    """Return an error that names the package to install; raise `error` itself if a module of ours is missing."""
    module = (error.name or "").partition(".")[0]
    if not module or module in OURS:
        raise error
    point = senses().get(kind) or actuators().get(kind)
    extras = point.dist.metadata.get_all("Provides-Extra", []) if point and point.dist else []
    wanted = f"kinwatch[{kind}]" if kind in extras else module
    return SettingsError(f"{kind} needs the package {module}: pip install '{wanted}'")


def _table(tables: Mapping[str, dict[str, Any]], name: str, where: Where) -> dict[str, Any]:
    if name not in tables:
        message = f"{where} is not in the settings: {did_you_mean(name, tables)}"
        raise SettingsError(message)
    return tables[name]


def _kind(table: Mapping[str, Any], where: Where) -> str:
    return read_table(_Kind, "", {"kind": table["kind"]} if "kind" in table else {}, where).kind


class _Kind(ServiceSettings):
    """Only the kind: it decides which service reads the rest."""


def _load(points: Mapping[str, EntryPoint], kind: str, where: Where, service: type[Service]) -> Service:
    if kind not in points:
        have = ", ".join(sorted(points)) or "none: is kinwatch installed (pip install kinwatch)?"
        message = f"{where.down('kind')}: {kind!r} is not known: {did_you_mean(kind, points)}; installed: {have}"
        raise SettingsError(message)
    try:
        found = points[kind].load()
    except ModuleNotFoundError as error:
        raise missing_package(kind, error) from error
    if not isinstance(found, service):
        page = "add-a-sense" if service is Sense else "add-an-actuator"
        message = f"{where.down('kind')}: {points[kind].value} is not {service.__name__}(...): see kinwatch docs {page}"
        raise SettingsError(message)
    return found
