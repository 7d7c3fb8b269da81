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
    """The options of a retraining."""

    wanted: Wanted = field(default_factory=Wanted)
    validation: float = 10
    """Percent of the pictures that decide when training ends."""
    test: float = 10
    """Percent of the pictures that measure the result."""
    schedule: Schedule = field(default_factory=Schedule)
    distortion: Distortion = field(default_factory=Distortion)

    def facts(self) -> dict[str, Any]:
        """Return the options as values for JSON."""
        parts = asdict(self)
        wanted = parts.pop("wanted")
        return parts | {"backbone": wanted["backbone"], "weights": wanted["weights"] and str(wanted["weights"])}


@dataclass(frozen=True, slots=True)
class RetrainPaths:
    """The paths of a retraining, the vision backend for the comparison, and the functions that report progress."""

    out: Path
    """The folder of the result."""
    cache: Path
    models: Sequence[Path]
    """The folders that may hold model files."""
    backend: VisionBackend | str
    """Finds faces for the comparison; or a sentence that says why there is no comparison."""
    show: Callable[[str], AbstractContextManager[Progress]]
    """Opens a progress bar with a title."""
    warn: Callable[[str], None]
    """Prints a warning."""
