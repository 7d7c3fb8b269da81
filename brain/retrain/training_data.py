"""What the layer is trained with and what it learned, as plain values."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brain.vision.boxes import Floats

__all__ = ["Fitted", "Labels", "Point", "Schedule", "TrainingData"]

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the last layer is trained."""

    steps: int = 1000
    """At most."""
    learning_rate: float = 0.001
    batch: int = 32
    """Pictures a step."""
    patience: int = 20
    """Training ends when the validation loss has not fallen for this many checks, one every 10 steps."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Features and the labels that they should get."""

    training: Floats
    training_labels: Labels
    validation: Floats
    """May have no rows: then every step is done and the last weights are kept."""
    validation_labels: Labels
    classes: int


@dataclass(frozen=True, slots=True)
class Point:
    """How good the layer was after a step."""

    step: int
    training_loss: float
    training_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained layer."""

    kernel: Floats
    """Features x classes."""
    bias: Floats
    curve: tuple[Point, ...]
    best: int
    """The step whose weights were kept."""
