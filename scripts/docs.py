#!/usr/bin/env python3
"""Write docs/settings.md and docs/messages.md from the models; with --check, status 1 if they are stale."""

import argparse
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from brain.settings.brain import BrainSettings
from nerves.messages import FACTS, Box, Detection, Fact, Status
from nerves.services import SenseSettings, ServiceSettings
from nerves.settings import HouseSettings

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Written by scripts/docs.py from the code: change the sentence under the field there. -->"

SETTINGS = """\
# Settings

One file, `kinwatch.yaml`: the one that `--config` names, else `KINWATCH_CONFIG`, else the one in this folder. An
unknown key refuses to start and names its nearest neighbour. `kinwatch schema settings` prints the JSON Schema that
editors complete from.

```yaml
mqtt: {url: mqtt://house@broker.local}      # left out: a private broker on this machine
senses:
  hall:                                     # the name is the place
    kind: camera
    source: rtsp://camera.local/stream1
brain:
  policy: {quiet_at_home: true}
actuators:
  evidence: {kind: store, url: file:///~/evidence}
```

Every setting has a variable that wins over the file: its path with `__` between the parts, as
`KINWATCH_SENSES__HALL__SOURCE` or `KINWATCH_BRAIN__TIMING__DEADLINE_S`; lists and tables are JSON. Secrets belong
into variables, or into files of these names (one secret a file) in the folder that `KINWATCH_SECRETS_DIR` names.

| variable | what it says |
|---|---|
| `KINWATCH_CONFIG` | The settings file. |
| `KINWATCH_MQTT_URL`, `KINWATCH_MQTT_PASSWORD` | Short for `KINWATCH_MQTT__URL` and `KINWATCH_MQTT__PASSWORD`. |
| `KINWATCH_DATA_DIR` | The folder of everything that is kept. |
| `KINWATCH_MODELS` | A folder with model files, searched before `models` in the data folder. |
| `KINWATCH_SECRETS_DIR` | A folder with one file a secret. |
| `KINWATCH_X_BEARER` | The token with which mentions on X are read. |
"""

MESSAGES = """\
# Messages

What travels, and the public API. A frame is a bare JPEG; everything else is JSON in UTF-8. Readers ignore keys they
do not know; times are UTC with `Z`. Only the keys marked *yes* must be there: whoever writes by hand may leave out
`id`, `place` (the topic says it) and `at` (the reader takes the time of arrival).
`kinwatch schema [NAME]` prints the JSON Schema, `kinwatch listen --strict` says what is wrong with what arrives.

| topic | payload | QoS | retained |
|---|---|---|---|
| `kinwatch/<place>/frame` | One JPEG, nothing else; an EXIF time of the last minute counts, else arrival. | 0 | no |
"""

MODES = """\
| `kinwatch/mode` | The mode that holds, as a word: `home`, `away`, `night`, `off`. | 1 | yes |
| `kinwatch/mode/set` | The mode that is wanted, as a word. | 1 | no |
| `kinwatch/cloud` | Whether pictures may go to the cloud to be recognised: `on`, `off`. | 1 | yes |
| `kinwatch/cloud/set` | Whether they shall: `on`, `off`. | 1 | no |
"""


DEFAULTS = {"place": "its name in the settings", "data_dir": "the user's data folder"}
WORDS = {
    "boolean": "true or false",
    "string": "text",
    "integer": "whole number",
    "date-time": "time",
    "uuid": "UUID",
    "base64": "base64",
}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


class Row(NamedTuple):
    """A line of a table."""

    key: str
    value: str
    default: str
    must: str
    says: str


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a page is stale")
    check = parser.parse_args().check
    stale = 0
    for name, text in {"settings": settings(), "messages": messages()}.items():
        path = ROOT / "docs" / f"{name}.md"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if not check:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{name}.md {'is stale: run scripts/docs.py' if check else 'is written'}\n")
    return 1 if check and stale else 0


def settings() -> str:
    """Return the page of all settings."""
    return _page(
        SETTINGS,
        *_section("The house", _rows(HouseSettings, leave_out={"senses", "brain", "actuators"})),
        *_section("Every sense", _rows(SenseSettings)),
        *_services("senses", SenseSettings),
        *_section("The brain", _rows(BrainSettings)),
        *_section("Every actuator", _rows(ServiceSettings)),
        *_services("actuators", ServiceSettings),
    )


def messages() -> str:
    """Return the page of all messages."""
    topics = [_topic(kind, fact) for kind, fact in FACTS.items()]
    sections = [
        part
        for kind, model in (FACTS | {"detection": Detection}).items()
        for part in _section(kind, _rows(model), says=model.__doc__, third="must")
    ]
    return _page(MESSAGES + "".join(topics) + MODES, *sections, "## box", f"`[x, y, w, h]`: {_line(Box.__doc__)}")


def _topic(kind: str, fact: type[Fact]) -> str:
    is_status = fact is Status
    where = "status/<service>" if is_status else f"<place>/{kind}"
    retained = "yes" if is_status else "no"
    return f"| `kinwatch/{where}` | [{kind}](#{kind}): {_line(fact.__doc__)} | {fact.qos} | {retained} |\n"


def _page(intro: str, *parts: str) -> str:
    title, _, rest = intro.partition("\n")
    return "\n\n".join([title, NOTE, rest.strip(), *parts]) + "\n"


def _services(group: str, base: type[BaseModel]) -> Iterator[str]:
    """Yield a section for each of our services; from the project's own list, whatever is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for kind, where in sorted(project["entry-points"][f"kinwatch.{group}"].items()):
        module, _, name = where.partition(":")
        model = getattr(import_module(module), name).settings
        rows = _rows(model, leave_out=base.model_fields.keys())
        yield from _section(f"`kind: {kind}`", rows, says=f"In `{group}:`. {model.__doc__}")


def _section(title: str, rows: Iterable[Row], *, says: str | None = None, third: str = "default") -> Iterator[str]:
    """Yield a heading, a sentence and a table."""
    yield f"## {title}"
    if says:
        yield _line(says)
    lines = [(f"`{row.key}`", row.value, row.must if third == "must" else row.default, row.says) for row in rows]
    head = [("key", "value", third, "what it says"), ("---",) * 4]
    yield "\n".join(f"| {' | '.join(line)} |" for line in [*head, *lines]) if lines else "Nothing of its own to set."


def _rows(model: type[BaseModel], *, leave_out: Collection[str] = (), under: str = "") -> Iterator[Row]:
    """Yield a row for each field; a table inside becomes dotted keys."""
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        if name in leave_out:
            continue
        inside = field.annotation
        if isinstance(inside, type) and issubclass(inside, BaseModel):
            yield from _rows(inside, under=f"{under}{name}.")
            continue
        if listed := next((each for each in get_args(inside) if _is_table(each)), None):
            value, below = ("tables by name", ".*.") if get_origin(inside) is dict else ("list of tables", "[].")
            yield Row(f"{under}{name}", value, _default(name, field), "", _line(field.description))
            yield from _rows(listed, under=f"{under}{name}{below}")
            continue
        value = _value(schema["properties"][name], schema.get("$defs", {}))
        must = "yes" if field.is_required() and name not in DEFAULTS else ""
        yield Row(f"{under}{name}", value, _default(name, field), must, _line(field.description))


def _is_table(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, Detection)


def _default(name: str, field: FieldInfo) -> str:
    if name in DEFAULTS:
        return DEFAULTS[name]
    if field.is_required():
        return "*must be set*"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else _written(value)


def _written(value: object) -> str:
    """Return a value as kinwatch.yaml writes it."""
    if isinstance(value, frozenset | set | tuple | list):
        return f"`[{', '.join(sorted(map(str, value)))}]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _value(schema: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    """Say in words what JSON Schema says a value is."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name.lower()}](#{name.lower()})" if "properties" in names[name] else _value(names[name], names)
    if "anyOf" in schema:
        return " or ".join(_value(each, names) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    if schema["type"] == "array":
        return "[box](#box)" if "prefixItems" in schema else f"list of {_value(schema['items'], names)}"
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> str:
    if schema["type"] == "object":
        return "table"
    word = WORDS.get(schema.get("format", "")) or WORDS.get(schema["type"], schema["type"])
    bounds = [f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
    return f"{word} {', '.join(bounds)}".strip()


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
