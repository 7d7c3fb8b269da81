"""Settings of the Home Assistant actuator."""

from typing import Annotated

from pydantic import AfterValidator, Field

from nerves.services import ServiceSettings
from nerves.topics import check_place

__all__ = ["HomeAssistantSettings"]

Place = Annotated[str, AfterValidator(check_place)]
Name = Annotated[str, Field(min_length=1, max_length=40)]


class HomeAssistantSettings(ServiceSettings):
    """Makes entities in Home Assistant by MQTT discovery: nothing needs to be configured there."""

    places: tuple[Place, ...] = ()
    """Only these places are shown; if left out, every place that publishes something."""
    people: tuple[Name, ...] = ()
    """People to show besides those that the brain knows."""
    prefix: str = Field(default="homeassistant", pattern=r"^[\w-]+(/[\w-]+)?$")
    """The discovery prefix, as in Home Assistant's MQTT options."""
    keep_pictures: bool = True
    """Whether the broker retains the newest pictures of each place: they then survive a restart of Home Assistant."""
