"""The pretrained network whose last layer is retrained."""

import hashlib
import importlib.metadata
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain.models.litert import Extractor, Network
from nerves.errors import ModelError

__all__ = ["KERAS", "MOBILENET_V1", "Backbone", "Wanted", "choose"]

MOBILENET_V1 = "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"


@dataclass(frozen=True, slots=True)
class KerasNetwork:
    """A network that Keras can build, and whose weights Keras can download."""

    name: str
    """Its name in `keras.applications`."""
    side: int
    """Width and height of its input, in pixels."""
    pixels: tuple[float, float]
    """The input values of black and white. MobileNet v3 scales its input itself."""


KERAS = {
    "inception_v3": KerasNetwork("InceptionV3", 299, (-1.0, 1.0)),
    "mobilenet_v2": KerasNetwork("MobileNetV2", 224, (-1.0, 1.0)),
    "mobilenet_v3": KerasNetwork("MobileNetV3Large", 224, (0.0, 255.0)),
    "mobilenet_v3_small": KerasNetwork("MobileNetV3Small", 224, (0.0, 255.0)),
}
CHOICES = f"--backbone FILE.tflite, or {', '.join(KERAS)} (downloaded, or with --weights FILE)"

Convert = Callable[[str, Path | None], bytes]
"""Takes a name of `KERAS` and its weights file, returns a LiteRT file. A parameter, because it loads TensorFlow."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """An extractor as the content of a LiteRT file."""

    name: str
    content: bytes
    pixels: tuple[float, float]
    """The input values of black and white. Used only if the input is floating-point."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def open(self) -> Extractor:
        """Return the extractor, ready to run on all processors. Raises `ModelError` if the file is no extractor."""
        network = Network(self.content, self.name, os.cpu_count() or 1)
        return Extractor(network, self.name, self.pixels)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The backbone that the user asks for."""

    backbone: str | None = None
    """A LiteRT file, or a name of `KERAS`; None for the MobileNet v1 file."""
    weights: Path | None = None
    """A file with the weights of a network of `KERAS`; None to download them."""
    pixels: tuple[float, float] = (-1.0, 1.0)
    """The input values of black and white for a file with floating-point input."""


def choose(wanted: Wanted, folders: Sequence[Path], cache: Path, convert: Convert) -> Backbone:
    """Return the backbone that the user asks for.

    Args:
        wanted: The user's choice.
        folders: The folders that may hold model files.
        cache: The folder of converted networks.
        convert: Converts a Keras network to a LiteRT file.

    Raises:
        ModelError: The file is missing or cannot be read, or the weights do not fit. The message names the choices.
    """
    if wanted.backbone in KERAS:
        content = _converted(wanted.backbone, wanted.weights, cache, convert)
        return Backbone(wanted.backbone, content, KERAS[wanted.backbone].pixels)
    if wanted.weights:
        message = f"--weights is for --backbone {', '.join(KERAS)}"
        raise ModelError(message)
    path = _found(wanted.backbone, folders)
    return Backbone(path.name, _content(path), wanted.pixels)


def _found(named: str | None, folders: Sequence[Path]) -> Path:
    if named is None:
        path = next((folder / MOBILENET_V1 for folder in folders if (folder / MOBILENET_V1).is_file()), None)
        if path is None:
            searched = ", ".join(map(str, folders))
            message = f"{MOBILENET_V1} is not in {searched}: put it there, or choose another: {CHOICES}"
            raise ModelError(message)
        return path
    path = Path(named).expanduser()
    if not path.is_file():
        message = f"--backbone {named}: no such file or network; choose {CHOICES}"
        raise ModelError(message)
    return path


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ModelError(message) from error


def _converted(name: str, weights: Path | None, cache: Path, convert: Convert) -> bytes:
    """Return a Keras network as a LiteRT file. It is converted once for each weights file and TensorFlow version."""
    if weights and not weights.is_file():
        message = f"--weights {weights}: no such file"
        raise ModelError(message)
    source = hashlib.sha256(_content(weights)).hexdigest() if weights else "imagenet"
    key = f"{name} {source} {importlib.metadata.version('tensorflow')}"
    path = cache / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.tflite"
    if path.is_file() and _whole(path):
        return _content(path)
    content = convert(name, weights)
    _write_atomically(path, content)
    return content


def _whole(path: Path) -> bool:
    """Return whether a stored file is intact, by the sha256 file next to it."""
    try:
        return path.with_suffix(".sha256").read_text() == hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return False


def _write_atomically(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as unsure:
            (Path(unsure) / path.name).write_bytes(content)
            (Path(unsure) / "sha256").write_text(hashlib.sha256(content).hexdigest())
            (Path(unsure) / path.name).replace(path)
            (Path(unsure) / "sha256").replace(path.with_suffix(".sha256"))
    except OSError:
        return  # the next run converts it again
