"""JSON that others sent, read without their deciding how deep."""

import json
import re
from typing import Any

__all__ = ["read_json"]

DEEPEST = 100
# A text in quotes; what is not closed reaches to the end.
QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def read_json(body: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what is in some JSON; `ValueError` if it is none, or nested more than a hundred deep.

    Python's own reader goes on until its stack is full. Whatever runs just then, such as the garbage collector, finds
    no room, and in another thread's worst moment (one that lowers the recursion limit) Python aborts.
    """
    text = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "surrogatepass")
    if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
        message = f"nested more than {DEEPEST} deep"
        raise ValueError(message)
    return json.loads(text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r"[\[{}\]]", QUOTED.sub("", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
