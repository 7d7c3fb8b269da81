"""Read JSON of others with a limit on its depth."""

import json
import re
from typing import Any

__all__ = ["read_json"]

MAX_DEPTH = 100
# A quoted text; one that is not closed reaches to the end.
QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def read_json(body: str | bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the value of some JSON. Raises `ValueError` if it is not JSON, or nested more than a hundred deep.

    Python's own reader continues until its stack is full. Code that runs at that moment, such as the garbage collector,
    then has no stack left; if another thread lowers the recursion limit just then, Python aborts.
    """
    text = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "surrogatepass")
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        message = f"nested more than {MAX_DEPTH} deep"
        raise ValueError(message)
    return json.loads(text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r"[\[{}\]]", QUOTED.sub("", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
