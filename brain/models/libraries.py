"""Import the libraries that run models, only when a model is loaded."""

import importlib
from typing import Any

from nerves.errors import ModelError

__all__ = ["library"]


def library(*names: str) -> Any:  # noqa: ANN401 -- none of them ships types
    """Import the first of these modules that is installed.

    Raises:
        ModelError: None is installed; the message says how to install the first.
    """
    for name in names:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    message = f"{names[0]} is not installed: run `pip install 'kinwatch[brain]'`"
    raise ModelError(message)
