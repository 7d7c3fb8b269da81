"""Where settings come from: a YAML file, a secrets directory, the environment; the later one wins."""

import json
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from nerves.errors import SettingsError

__all__ = ["Where", "did_you_mean", "merge", "read_file", "read_variables"]

PREFIX = "KINWATCH_"
# Variables of ours that are not settings of the house.
OTHER_VARIABLES = ("KINWATCH_CONFIG", "KINWATCH_MODELS", "KINWATCH_SECRETS_DIR", "KINWATCH_X_BEARER")
TEST_PREFIX = "KINWATCH_TEST_"


@dataclass(frozen=True)
class Where:
    """A place in the settings tree, and the source of the values there."""

    file: str = "settings"
    path: tuple[str, ...] = ()
    variables: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def down(self, *keys: str) -> "Where":
        """Return a place further down."""
        return Where(self.file, (*self.path, *keys), self.variables)

    def __str__(self) -> str:
        """Return the variable, or the file and the dotted path."""
        variable = self.variables.get(self.path)
        return variable or ": ".join(filter(None, (self.file, ".".join(self.path))))

    def beside(self, key: str) -> str:
        """Return `key`, a sibling of this place, as a person would write it."""
        variable = self.variables.get(self.path)
        return variable[: -len(self.path[-1])] + key.upper() if variable else key


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return `did you mean X?`, or the list of known names."""
    names = sorted(known)
    close = get_close_matches(wrong, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(names)}" if names else "there are none"


class _Loader(yaml.SafeLoader):
    """YAML in which `on`, `off` and `22:00` are words, and a repeated key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} comes twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_SUPPLANTED = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "timestamp")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _SUPPLANTED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def read_file(path: Path) -> dict[str, Any]:
    """Read a settings file; a section without content counts as absent."""
    try:
        table = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - derived from SafeLoader
    except OSError as error:
        message = f"{path}: {error.strerror}: check --config or KINWATCH_CONFIG"
        raise SettingsError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 text: is it the settings file?"
        raise SettingsError(message) from error
    except yaml.YAMLError as error:
        message = f"{path.name}: {_problem(error)}"
        raise SettingsError(message) from error
    if not isinstance(table, dict | None):
        message = f"{path.name}: settings are a table (`key: value` lines), this is {type(table).__name__}"
        raise SettingsError(message)
    return {key: value for key, value in (table or {}).items() if value is not None}


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "not YAML"
    return f"line {mark.line + 1}: {problem}" if mark else problem


def read_variables(environ: Mapping[str, str], sections: Iterable[str]) -> dict[tuple[str, ...], tuple[str, str]]:
    """Return path → (variable, value) from the secrets directory and the environment. An empty value is unset."""
    sections = tuple(sections)
    found = {}
    for name, value in (_secrets(environ) | dict(environ)).items():
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES and not name.startswith(TEST_PREFIX) and value:
            found[_path(name, sections)] = (name, value)
    return found


def _secrets(environ: Mapping[str, str]) -> dict[str, str]:
    folder = environ.get("KINWATCH_SECRETS_DIR")
    if not folder:
        return {}
    try:
        files = [file for file in Path(folder).iterdir() if file.name.upper().startswith(PREFIX)]
        return {file.name.upper(): file.read_text(encoding="utf-8").strip() for file in files if file.is_file()}
    except (OSError, UnicodeDecodeError) as error:
        message = f"KINWATCH_SECRETS_DIR: {error}: check the folder and who may read it"
        raise SettingsError(message) from error


def _path(name: str, sections: tuple[str, ...]) -> tuple[str, ...]:
    parts = tuple(name.removeprefix(PREFIX).lower().split("__"))
    if len(parts) == 1 and parts[0].startswith("mqtt_"):
        parts = ("mqtt", parts[0].removeprefix("mqtt_"))
    if parts[0] not in sections or not all(parts):
        known = [f"{PREFIX}{section.upper()}" for section in sections]
        message = f"{name} is not a setting: {did_you_mean(name, [*known, *OTHER_VARIABLES, 'KINWATCH_MQTT_URL'])}"
        raise SettingsError(message)
    return parts


def merge(table: dict[str, Any], path: tuple[str, ...], name: str, value: str) -> tuple[str, ...]:
    """Set one variable's value in the tree, and return its path as the tree spells it."""
    spelt = []
    for key in path[:-1]:
        spelt.append(_spelling(table, key))
        below = table.setdefault(spelt[-1], {})
        if not isinstance(below, dict):
            message = f"{name}: {'.'.join(spelt)} is not a table"
            raise SettingsError(message)
        table[spelt[-1]] = table = dict(below)
    spelt.append(_spelling(table, path[-1]))
    table[spelt[-1]] = value if path[0] == "mqtt" else _value(value)
    return tuple(spelt)


def _spelling(table: dict[str, Any], key: str) -> str:
    """Return the key that a variable means: a variable has neither case nor `-`."""
    return next((own for own in table if str(own).lower().replace("-", "_") == key), key)


def _value(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
