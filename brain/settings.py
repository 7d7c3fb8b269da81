"""The brain's table in kinwatch.yaml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from brain.policy import Policy

__all__ = ["BrainSettings", "Timing"]


class Timing(BaseModel):
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


class BrainSettings(BaseModel):
    """How the brain sees and decides."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sight: Literal["local"] = "local"
    """Where pictures are recognised."""
    pack: Literal["auto", "built-in", "standard"] = "auto"
    """The local sight's model files; auto takes `standard` once `kinwatch models pull` has fetched it."""
    threads: int = Field(default=1, ge=1, le=64)
    """Processor cores that one picture may use."""
    timing: Timing = Timing()
    """When a visit begins, is decided and ends."""
    policy: Policy = Policy()
    """When to alert."""
