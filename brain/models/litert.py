"""LiteRT runs TensorFlow Lite models. This is the only file that imports it."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from brain.models.libraries import library
from brain.vision.boxes import Floats
from brain.vision.picture import Pixels
from nerves.errors import ModelError

__all__ = ["Extractor", "Network", "interpreter"]

RGB_CHANNELS = 3
# The input side of a network that takes pictures of any size.
DEFAULT_SIDE_PX = 224


def interpreter(model: Path | bytes, threads: int) -> Any:  # noqa: ANN401 - it ships no types
    """Return a LiteRT interpreter, ready to run, of a model file or of its content."""
    runtime = library("ai_edge_litert.interpreter")
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    net = runtime.Interpreter(**source, num_threads=threads)
    net.allocate_tensors()
    return net


class Network:
    """A model with one input, of which only the first output is used.

    Args:
        content: The `.tflite` file.
        name: The name of the file, for errors.
        threads: Processor threads of one inference.

    Raises:
        ModelError: LiteRT cannot run this model.
    """

    def __init__(self, content: bytes, name: str, threads: int = 1) -> None:
        try:
            self._net = interpreter(content, threads)
        except (ValueError, RuntimeError) as error:
            message = f"{name}: not a model that LiteRT can run ({str(error).splitlines()[0]})"
            raise ModelError(message) from error
        self.input = self._net.get_input_details()[0]
        self._output = self._net.get_output_details()[0]

    def resize(self, shape: list[int]) -> None:
        """Change the shape of the input."""
        self._net.resize_tensor_input(self.input["index"], shape)
        self._net.allocate_tensors()
        self.input = self._net.get_input_details()[0]

    def run(self, batch: np.ndarray[Any, Any]) -> Floats:
        """Return the output for one input as a row of numbers; quantised numbers are converted with their scale."""
        self._net.set_tensor(self.input["index"], np.ascontiguousarray(batch, self.input["dtype"]))
        self._net.invoke()
        answer: Floats = self._net.get_tensor(self._output["index"]).ravel().astype(np.float32)
        scale, zero = self._output["quantization"]
        return answer if scale == 0 else (answer - np.float32(zero)) * np.float32(scale)


class Extractor:
    """Computes the features of a picture, a row of numbers, with a pretrained network without its last layer.

    Args:
        network: Takes 1 x height x width x 3 or 1 x 3 x height x width, RGB.
        name: The name of the file, for errors.
        pixels: The values of black and white, for a network that takes decimal numbers. Other networks take bytes.

    Raises:
        ModelError: The network does not take pictures.
    """

    def __init__(self, network: Network, name: str, pixels: tuple[float, float]) -> None:
        self._network, self._range = network, pixels
        wanted = [int(size) for size in network.input.get("shape_signature", network.input["shape"])]
        if len(wanted) != len("NHWC") or RGB_CHANNELS not in (wanted[1], wanted[3]):
            message = f"{name}: takes {' x '.join(map(str, wanted))} and not a picture of three colours"
            raise ModelError(message)
        self._colours_first = wanted[3] != RGB_CHANNELS
        if min(wanted[1:]) < 0:
            network.resize([1] + [DEFAULT_SIDE_PX if size < 0 else size for size in wanted[1:]])
        shape = [int(size) for size in network.input["shape"]]
        height, width = shape[2:] if self._colours_first else shape[1:3]
        self.size = width, height

    def features(self, pixels: Pixels) -> Floats:
        """Return the features of BGR pixels of any size; the whole picture is stretched to the shape of the input."""
        shrinks = pixels.shape[0] * pixels.shape[1] > self.size[0] * self.size[1]
        square = cv2.resize(pixels, self.size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        batch = self._scaled(square[None, :, :, ::-1])
        return self._network.run(batch.transpose(0, 3, 1, 2) if self._colours_first else batch)

    def _scaled(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        kind = self._network.input["dtype"]
        if kind == np.uint8:
            return batch
        if kind == np.int8:
            return batch.astype(np.int16) - 128
        low, high = self._range
        return batch.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)
