"""The brain's table in kinwatch.yaml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from brain.settings.answers import AnswerSettings
from brain.settings.matching import MATCH_DISTANCE
from brain.settings.policy import PolicySettings
from brain.settings.rekognition import RekognitionSettings

__all__ = ["AlbumSettings", "BrainSettings", "TimingSettings"]

# Every frame is two or three calls that cost something.
CLOUD_PAUSE_S = 1.0


class TimingSettings(BaseModel):
    """When a visit begins, is decided and ends; in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    deadline_s: float = Field(default=10.0, gt=0, le=120)
    """A visit has a verdict at the latest this long after its person appeared."""
    gone_s: float = Field(default=3.0, gt=0, le=300)
    """A visit ends when frames show its person no more for this long."""
    silent_s: float = Field(default=60.0, gt=0, le=3600)
    """A visit ends when its camera has sent nothing for this long."""
    look_s: float = Field(default=0.25, ge=0, le=10)
    """A person's face is compared at most this often: frames nearer to each other say the same."""
    frame_s: float = Field(default=0.0, ge=0, le=60)
    """A place's frames are looked at no more often; with `vision: rekognition` at most once a second in any case."""


class AlbumSettings(BaseModel):
    """How long visits are kept for a human to name; whatever is exceeded first, the oldest go."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    days: int = Field(default=30, ge=1, le=3650)
    """Strangers and those whose face was not seen; a stranger not seen for so long is new again."""
    family_days: int = Field(default=7, ge=0, le=3650)
    """Family and guests."""
    max_mb: int = Field(default=500, ge=1, le=1_000_000)
    """Size of the album in megabytes. Visits that a human has named go first: their faces are in the gallery."""


class BrainSettings(BaseModel):
    """How the brain sees and decides."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    vision: Literal["local", "retrained", "cascade", "rekognition"] = "local"
    """Where pictures are recognised; `retrained` is what `kinwatch retrain` made; `cascade` asks Amazon Rekognition
    about the faces that stay uncertain here, `rekognition` about every picture."""
    pack: Literal["auto", "built-in", "standard"] = "auto"
    """The local sight's model files; auto takes `standard` once `kinwatch models pull` has fetched it."""
    threads: int = Field(default=1, ge=1, le=64)
    """Processor cores that one picture may use."""
    match: float = Field(default=MATCH_DISTANCE, ge=0.3, le=MATCH_DISTANCE)
    """Less than 0.5: a name needs one face as near as this to an enrolled photo; `kinwatch measure` advises."""
    timing: TimingSettings = TimingSettings()
    """When a visit begins, is decided and ends."""
    policy: PolicySettings = PolicySettings()
    """When to alert."""
    album: AlbumSettings = AlbumSettings()
    """How long the pictures of visits are kept, for a human to say who they were."""
    answer: AnswerSettings = AnswerSettings()
    """What is answered to what is heard."""
    rekognition: RekognitionSettings = RekognitionSettings()
    """What Amazon Rekognition may be asked, with `vision: cascade` or `rekognition`."""

    @property
    def cloud(self) -> bool:
        """Whether pictures may leave the house at all."""
        return self.vision in ("cascade", "rekognition")

    @property
    def pause_s(self) -> float:
        """How long after a frame the next one of its place is looked at, at the earliest, in seconds."""
        return max(self.timing.frame_s, CLOUD_PAUSE_S if self.vision == "rekognition" else 0.0)

    @property
    def cloud_only_names(self) -> tuple[str, ...]:
        """The names of the people of whom only the cloud has pictures."""
        return tuple(self.rekognition.pictures) if self.cloud and self.rekognition.enabled else ()
