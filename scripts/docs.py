#!/usr/bin/env python3  # noqa: INP001 - a script
"""Write docs/settings.md and docs/messages.md from the models; with --check, status 1 if they are stale."""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from brain.settings import BrainSettings
from nerves.messages import FACTS, Box, Sighting
from nerves.organs import OrganSettings, SenseSettings
from nerves.settings import House

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
"""

MESSAGES = """\
# Messages

What travels, and the public API. A frame is a bare JPEG; everything else is JSON in UTF-8. Readers ignore keys they
do not know; times are UTC with `Z`. Only the keys marked *yes* must be there: whoever writes by hand may leave out
`id`, `place` (the topic says it) and `at` (the reader takes the time of arrival).
`kinwatch schema [NAME]` prints the JSON Schema, `kinwatch listen --strict` says what is wrong with what arrives.

| topic | payload | QoS | retained |
|---|---|---|---|
| `kinwatch/<place>/frame` | One JPEG picture, nothing else; its EXIF time counts where it is within a minute of arrival. \
| 0 | no |
"""

MODES = """\
| `kinwatch/mode` | The mode that holds, as a word: `home`, `away`, `night`, `off`. | 1 | yes |
| `kinwatch/mode/set` | The mode that is wanted, as a word. | 1 | no |
"""


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
        *_section("The house", House, leave_out=("senses", "brain", "actuators")),
        *_section("`senses:`, every one", SenseSettings, defaults={"place": "its name"}),
        *_organs("senses", SenseSettings),
        *_section("`brain:`", BrainSettings),
        *_section("`actuators:`, every one", OrganSettings),
        *_organs("actuators", OrganSettings),
    )


def messages() -> str:
    """Return the page of all messages."""
    topics = "".join(
        f"| `kinwatch/{'status/<organ>' if kind == 'status' else f'<place>/{kind}'}` | [{kind}](#{kind}): "
        f"{_line(fact.__doc__)} | {0 if kind == 'seen' else 1} | {'yes' if kind == 'status' else 'no'} |\n"
        for kind, fact in FACTS.items()
    )
    facts = [part for kind, fact in FACTS.items() for part in _section(kind, fact, must="must")]
    box = f"`[x, y, w, h]`: {_line(Box.__doc__)}"
    return _page(
        MESSAGES + topics + MODES, *facts, *_section("sighting", Sighting, must="must"), "## box", box
    )


def _page(intro: str, *parts: str) -> str:
    title, _, rest = intro.partition("\n")
    return "\n\n".join([title, NOTE, rest.strip(), *(part.strip() for part in parts)]) + "\n"


def _organs(group: str, base: type[BaseModel]) -> Iterator[str]:
    """Yield a section for each of our organs; from the project's own list, whatever is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for kind, where in sorted(project["entry-points"][f"kinwatch.{group}"].items()):
        module, _, name = where.partition(":")
        organ = getattr(import_module(module), name)
        yield from _section(f"`kind: {kind}`", organ.settings, leave_out=tuple(base.model_fields), level=3)


def _section(
    title: str,
    model: type[BaseModel],
    *,
    leave_out: tuple[str, ...] = (),
    defaults: Mapping[str, str] | None = None,
    must: str = "",
    level: int = 2,
) -> Iterator[str]:
    yield f"{'#' * level} {title}"
    yield "" + cleandoc(model.__doc__ or "")
    schema = model.model_json_schema(mode="validation")
    rows = [row for row in _rows(model, schema, schema["$defs"] if "$defs" in schema else {}, must=must)]
    shown = [(key, *row) for key, *row in rows if key.partition(".")[0] not in leave_out]
    head = ["key", "value", must or "default", "what it says"]
    lines = [head, ["---"] * len(head)]
    for key, value, default, says in shown:
        lines.append([f"`{key}`", value, (defaults or {}).get(key, default), says])
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines) if shown else "No settings of its own."


if __name__ == "__main__":
    sys.exit(main())
