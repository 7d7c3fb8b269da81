"""Home Assistant: entities by MQTT discovery; their states go there, commands come back."""

from actuators.homeassistant.act import act, news_filter, subscribed_topics
from actuators.homeassistant.names import RETAINED
from actuators.homeassistant.settings import HomeAssistantSettings
from nerves.messages import Acknowledged, CameraEnabled, Detections, Label, People, Status, Stored, Trouble, Visit
from nerves.services import Actuator

__all__ = ["HomeAssistantSettings", "actuator"]

# New devices are published again after this time.
REPEAT_TICK_S = 3.0

actuator = Actuator(
    HomeAssistantSettings,
    (Visit, Detections, Trouble, CameraEnabled, Stored, People, Status, Label, Acknowledged),
    act,
    tick_s=REPEAT_TICK_S,
    subscriptions=subscribed_topics,
    accepts=news_filter,
    retained_topics=("+/device/+/config", "+/+/device/+/config", RETAINED),
)
