"""The libraries that run models, imported only when a model is loaded."""

import importlib
from typing import Any

from nerves.errors import ModelError

__all__ = ["library"]


def library(*names: str) -> Any:  # noqa: ANN401 -- none of them ships types
    """Import the first of these modules that is installed; `ModelError` says how to get one."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    message = f"{names[0]} is not installed: run `pip install 'kinwatch[brain]'`"
    raise ModelError(message)
