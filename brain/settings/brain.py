"""The brain's table in kinwatch.yaml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from brain.settings.answers import AnswerSettings
from brain.settings.context import ContextSettings, PlaceSettings
from brain.settings.matching import MATCH_DISTANCE
from brain.settings.policy import PolicySettings
from brain.settings.rekognition import RekognitionSettings

__all__ = ["AlbumSettings", "BrainSettings", "TimingSettings"]

# Every frame costs two or three calls.
CLOUD_PAUSE_S = 1.0


class TimingSettings(BaseModel):
    """When a visit begins, is decided and ends; in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    deadline_s: float = Field(default=10.0, gt=0, le=120)
    """A visit gets a verdict at most this long after its person appeared."""
    gone_s: float = Field(default=3.0, gt=0, le=300)
    """A visit ends if frames have not shown its person for this long."""
    silent_s: float = Field(default=60.0, gt=0, le=3600)
    """A visit ends if its camera has sent nothing for this long."""
    look_s: float = Field(default=0.25, ge=0, le=10)
    """The shortest time between two comparisons of a person's face. Closer frames add nothing new."""
    frame_s: float = Field(default=0.0, ge=0, le=60)
    """The shortest time between two analysed frames of a place. At least 1 with `vision: rekognition`."""


class AlbumSettings(BaseModel):
    """How long visits are stored for a human to label. The oldest are removed at the first limit that is exceeded."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    days: int = Field(default=30, ge=1, le=3650)
    """Days for strangers and for people without a seen face. A stranger not seen for this long is new again."""
    family_days: int = Field(default=7, ge=0, le=3650)
    """Days for family, guests and people of the group known."""
    max_mb: int = Field(default=500, ge=1, le=1_000_000)
    """Size of the album in megabytes. Labelled visits are removed first: their faces are in the gallery."""


class BrainSettings(BaseModel):
    """How the brain sees and decides."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    vision: Literal["local", "retrained", "cascade", "rekognition"] = "local"
    """The vision backend. `retrained` is the model of `kinwatch retrain`. `cascade` is `local`, and asks Amazon
    Rekognition about faces that stay uncertain. `rekognition` sends every picture to Amazon Rekognition."""
    pack: Literal["auto", "built-in", "standard"] = "auto"
    """The model files of the local backend; `auto` takes `standard` after `kinwatch models pull` has fetched it."""
    threads: int = Field(default=1, ge=1, le=64)
    """Processor cores for one picture."""
    match: float = Field(default=MATCH_DISTANCE, ge=0.3, le=MATCH_DISTANCE)
    """Maximum face distance for a match (0.3 to 0.5, lower is stricter). `kinwatch measure` recommends a value."""
    timing: TimingSettings = TimingSettings()
    """When a visit begins, is decided and ends."""
    policy: PolicySettings = PolicySettings()
    """When to alert."""
    places: dict[str, PlaceSettings] = Field(default_factory=dict)
    """What the brain knows about places, by name: `hall: {entrance: true, next_to: [kitchen]}`."""
    context: ContextSettings = ContextSettings()
    """Which evidence besides faces may calm an alert."""
    album: AlbumSettings = AlbumSettings()
    """How long the pictures of visits are stored, for a human to label."""
    answer: AnswerSettings = AnswerSettings()
    """What the brain answers to spoken sentences."""
    rekognition: RekognitionSettings = RekognitionSettings()
    """The limits of Amazon Rekognition, with `vision: cascade` or `rekognition`."""

    @property
    def cloud(self) -> bool:
        """Whether pictures may leave the house."""
        return self.vision in ("cascade", "rekognition")

    @property
    def entrances(self) -> frozenset[str]:
        """The places where people come into the house and leave it."""
        return frozenset(name for name, place in self.places.items() if place.entrance)

    @property
    def pause_s(self) -> float:
        """The shortest time between two analysed frames of a place, in seconds."""
        return max(self.timing.frame_s, CLOUD_PAUSE_S if self.vision == "rekognition" else 0.0)

    @property
    def cloud_only_names(self) -> tuple[str, ...]:
        """The names of the people whose pictures only the cloud has."""
        return tuple(self.rekognition.pictures) if self.cloud and self.rekognition.enabled else ()
