"""Whether what travels fits a service's own model: more than botocore checks, which knows no enum and no pattern."""

import base64
import binascii
import json
import re
from typing import Any

__all__ = ["Unfit", "read", "written"]


class Unfit(Exception):
    """What travels does not fit; the text says where."""


def read(value: Any, shape: Any, at: str = "") -> Any:  # noqa: ANN401 - JSON, and botocore has no types
    """Return what came as JSON as the service takes it, blobs as bytes; raise `Unfit`."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(value, shape, at)
    if kind == "list":
        _demand(isinstance(value, list), at, f"{value!r} is no list")
        _within(len(value), shape, at)
        return [read(each, shape.member, f"{at}[{number}]") for number, each in enumerate(value)]
    if kind == "blob":
        blob = _blob(value, at)
        _within(len(blob), shape, at)
        return blob
    if kind == "string":
        _demand(isinstance(value, str), at, f"{value!r} is no text")
        _within(len(value), shape, at)
        _demand(not shape.enum or value in shape.enum, at, f"{value!r} is none of {shape.enum}")
        pattern = shape.metadata.get("pattern")
        _demand(not pattern or re.fullmatch(pattern, value), at, f"{value!r} does not fit {pattern}")
        return value
    wanted = {"integer": int, "long": int, "boolean": bool}.get(kind, (int, float))
    _demand(isinstance(value, wanted) and (kind == "boolean") == isinstance(value, bool), at, f"{value!r} is no {kind}")
    _within(value, shape, at)
    return value


def written(value: Any, shape: Any) -> bytes:  # noqa: ANN401 - see above
    """Return an answer as it travels; raise `Unfit` if the service would never say that."""
    body = json.dumps(value).encode()
    read(json.loads(body), shape)
    return body


def _structure(value: Any, shape: Any, at: str) -> dict[str, Any]:  # noqa: ANN401 - see above
    _demand(isinstance(value, dict), at, f"{value!r} is no structure")
    unknown, missing = value.keys() - shape.members.keys(), {*shape.required_members} - value.keys()
    _demand(not unknown, at, f"there is no {unknown}")
    _demand(not missing, at, f"{missing} is missing")
    return {key: read(each, shape.members[key], f"{at}.{key}") for key, each in value.items()}


def _blob(value: Any, at: str) -> bytes:  # noqa: ANN401 - see above
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError) as error:
        message = f"{at}: no base64"
        raise Unfit(message) from error


def _within(size: float, shape: Any, at: str) -> None:  # noqa: ANN401 - see above
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    _demand(least is None or size >= least, at, f"{size} is less than {least}")
    _demand(most is None or size <= most, at, f"{size} is more than {most}")


def _demand(fine: object, at: str, why: str) -> None:
    if not fine:
        message = f"{at}: {why}"
        raise Unfit(message)
