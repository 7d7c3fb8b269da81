"""What a retraining should do, and where its files are."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from brain.retrain.backbone import Wanted
from brain.retrain.dataset.distort import Distortion
from brain.retrain.dataset.features import Progress
from brain.retrain.training_data import Schedule
from brain.vision.backend import VisionBackend

__all__ = ["RetrainPaths", "RetrainPlan"]


@dataclass(frozen=True, slots=True)
class RetrainPlan:
    """What is wanted."""

    wanted: Wanted = field(default_factory=Wanted)
    validation: float = 10
    """Percent of the pictures by which training is stopped."""
    test: float = 10
    """Percent of the pictures by which the result is judged."""
    schedule: Schedule = field(default_factory=Schedule)
    distortion: Distortion = field(default_factory=Distortion)

    def facts(self) -> dict[str, Any]:
        """Return it for machines."""
        parts = asdict(self)
        wanted = parts.pop("wanted")
        return parts | {"backbone": wanted["backbone"], "weights": wanted["weights"] and str(wanted["weights"])}


@dataclass(frozen=True, slots=True)
class RetrainPaths:
    """Where the files are, and what compares faces."""

    out: Path
    """The folder of the result."""
    cache: Path
    models: Sequence[Path]
    """The folders that may hold model files."""
    backend: VisionBackend | str
    """Finds faces; or a sentence that says why there is none."""
    show: Callable[[str], AbstractContextManager[Progress]]
    """Opens a progress bar."""
    warn: Callable[[str], None]
