"""Which extra of kinwatch brings a package that is not installed."""

from collections.abc import Sequence

__all__ = ["extra_advice"]

# A package of Python, and the extra that brings it.
EXTRA_BY_PACKAGE = {
    "PIL": "brain",
    "_dlib_pybind11": "brain",
    "ai_edge_litert": "brain",
    "amqtt": "broker",
    "boto3": "rekognition",
    "botocore": "rekognition",
    "cv2": "brain",
    "dlib": "brain",
    "matplotlib": "measure",
    "numpy": "brain",
    "onnxruntime": "brain",
    "skimage": "demo",
    "tensorflow": "retrain",
}
# These commands have an extra of their own, which brings all that they need.
EXTRA_BY_COMMAND = {"demo": "demo", "measure": "measure", "rekognition": "rekognition", "retrain": "retrain"}


def extra_advice(error: ModuleNotFoundError, words: Sequence[str]) -> str | None:
    """Return what to install for the command that these words call; None if the package is of no extra.

    Args:
        error: What Python raised.
        words: The command line, without the program's own name.
    """
    package = (error.name or "").partition(".")[0]
    if package not in EXTRA_BY_PACKAGE:
        return None
    command = words[0] if words else ""
    extra = EXTRA_BY_COMMAND.get(command, EXTRA_BY_PACKAGE[package])
    return f"this needs the package {package}: pip install 'kinwatch[{extra}]'"
