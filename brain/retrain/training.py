"""Trains the last layer and converts Keras networks to LiteRT; the only file that imports TensorFlow."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from brain.retrain.backbone import KERAS
from brain.retrain.quiet import quiet
from brain.retrain.training_data import Fitted, Labels, Point, Schedule, TrainingData
from brain.vision.boxes import Floats
from nerves.errors import ModelError

__all__ = ["convert", "head", "train_layer"]

DOWNLOAD_TIMEOUT_S = 30
# One validation takes about as long as one or two steps.
VALIDATE_EVERY_STEPS = 10


def train_layer(data: TrainingData, schedule: Schedule, progress: Callable[[int, int | None], None]) -> Fitted:
    """Return the layer with the lowest validation loss; without validation pictures, the last one.

    Args:
        data: The features and labels.
        schedule: How to train.
        progress: Called after each step with its number and the largest possible number.
    """
    keras.utils.set_random_seed(schedule.seed)
    # Extractors differ in the magnitude of their features. Dividing by it makes one learning rate fit all.
    size = np.float32(np.sqrt(np.mean(np.square(data.training))) or 1)
    model = _model(data.training.shape[1], data.classes)
    model.compile(keras.optimizers.Adam(schedule.learning_rate), keras.losses.SparseCategoricalCrossentropy())
    curve: list[Point] = []
    best, kept = 0, model.get_weights()
    for step, rows in zip(range(1, schedule.steps + 1), _batches(data, schedule), strict=False):
        model.train_on_batch(data.training[rows] / size, data.training_labels[rows])
        progress(step, schedule.steps)
        if step % VALIDATE_EVERY_STEPS and step != schedule.steps:
            continue
        kernel, bias = model.get_weights()
        curve.append(_point(step, kernel / size, bias, data))
        if curve[-1] is min(curve, key=_loss) or curve[-1].validation_loss is None:
            best, kept = step, [kernel, bias]
        if (step - best) >= schedule.patience * VALIDATE_EVERY_STEPS:
            break
    return Fitted(kept[0] / size, kept[1], tuple(curve), best)


def head(fitted: Fitted) -> bytes:
    """Return the layer as a LiteRT file: features in, a probability for each label out."""
    with quiet():
        model = _model(*fitted.kernel.shape)
        model.set_weights([fitted.kernel, fitted.bias])
        return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def convert(name: str, weights: Path | None) -> bytes:
    """Return a Keras network without its last layer, as a LiteRT file.

    Args:
        name: The network, a name of `KERAS`.
        weights: A file with its weights; None to let Keras download them.

    Raises:
        ModelError: The weights cannot be downloaded, or do not fit.
    """
    with quiet():
        network = _loaded(name, weights) if weights else _downloaded(name)
        converter = tf.lite.TFLiteConverter.from_keras_model(network)
        # Half the size. The layer is trained on the output of this reduced file.
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def _model(features: int, classes: int) -> Any:  # noqa: ANN401 - Keras ships no types
    return keras.Sequential([keras.Input((features,)), keras.layers.Dense(classes, activation="softmax")])


def _batches(data: TrainingData, schedule: Schedule) -> Iterator[Labels]:
    """Yield the row numbers of each step, without end: each round has all rows once, in a new order."""
    random = np.random.default_rng(schedule.seed)
    while True:
        order = random.permutation(len(data.training))
        yield from (order[at : at + schedule.batch] for at in range(0, len(order), schedule.batch))


def _point(step: int, kernel: Floats, bias: Floats, data: TrainingData) -> Point:
    training = _measured(data.training @ kernel + bias, data.training_labels)
    if not len(data.validation):
        return Point(step, *training, None, None)
    return Point(step, *training, *_measured(data.validation @ kernel + bias, data.validation_labels))


def _measured(logits: Floats, labels: Labels) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy, 0 to 1."""
    logits = logits - logits.max(axis=1, keepdims=True)
    right = logits[np.arange(len(labels)), labels]
    loss = np.log(np.exp(logits).sum(axis=1)) - right
    return float(loss.mean()), float((logits.argmax(axis=1) == labels).mean())


def _loss(point: Point) -> float:
    return point.training_loss if point.validation_loss is None else point.validation_loss


def _built(name: str, weights: str | None) -> Any:  # noqa: ANN401 - Keras ships no types
    network = KERAS[name]
    build = getattr(keras.applications, network.name)
    return build(include_top=False, weights=weights, pooling="avg", input_shape=(network.side, network.side, 3))


def _loaded(name: str, weights: Path) -> Any:  # noqa: ANN401 - Keras ships no types
    network = _built(name, None)
    try:
        network.load_weights(weights)
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = f"--weights {weights}: does not fit {name} without its top layer ({why})"
        raise ModelError(message) from error
    return network


def _downloaded(name: str) -> Any:  # noqa: ANN401 - Keras ships no types
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_S)  # Keras sets no timeout
    try:
        return _built(name, "imagenet")
    except Exception as error:  # Keras raises a plain Exception
        why = str(error).splitlines()[0]
        message = f"the weights of {name} cannot be downloaded ({why}): get them another way and give --weights FILE"
        raise ModelError(message) from error
    finally:
        socket.setdefaulttimeout(before)
