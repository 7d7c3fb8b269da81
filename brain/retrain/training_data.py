"""The input and the result of a training, as plain values."""

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
    """The largest number of steps."""
    learning_rate: float = 0.001
    batch: int = 32
    """Pictures per step."""
    patience: int = 20
    """Training ends if this many checks in a row, one every 10 steps, bring no lower validation loss."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Features, pictures x features, and the classes that they should get, as numbers below `classes`."""

    training: Floats
    training_labels: Labels
    validation: Floats
    """It may have no rows. Then every step is done and the last weights are the result."""
    validation_labels: Labels
    classes: int


@dataclass(frozen=True, slots=True)
class Point:
    """Mean loss and accuracy (0 to 1) after a step. Those of validation are None without validation pictures."""

    step: int
    training_loss: float
    training_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained layer."""

    kernel: Floats
    """Weights, features x classes."""
    bias: Floats
    curve: tuple[Point, ...]
    best: int
    """The step whose weights these are."""
