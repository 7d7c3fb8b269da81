"""What the household may set."""

from typing import Annotated

from pydantic import AfterValidator, Field

from nerves.services import ServiceSettings
from nerves.topics import check_place

__all__ = ["HomeAssistantSettings"]

Place = Annotated[str, AfterValidator(check_place)]
Name = Annotated[str, Field(min_length=1, max_length=40)]


class HomeAssistantSettings(ServiceSettings):
    """Entities in Home Assistant, by MQTT discovery: nothing is to be written there."""

    places: tuple[Place, ...] = ()
    """Only these places are shown; left out: every place that is heard of."""
    people: tuple[Name, ...] = ()
    """People shown besides those that the brain knows."""
    prefix: str = Field(default="homeassistant", pattern=r"^[\w-]+(/[\w-]+)?$")
    """The discovery prefix, as Home Assistant's MQTT options have it."""
    keep_pictures: bool = True
    """Whether the broker keeps each place's newest pictures, so that a restart of Home Assistant does not lose them."""
