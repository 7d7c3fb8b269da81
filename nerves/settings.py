"""kinwatch.yaml, overridden by KINWATCH_*; an unknown key is refused with the nearest name."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args
from urllib.parse import unquote, urlsplit, urlunsplit

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from nerves.address import Address
from nerves.errors import SettingsError
from nerves.sources import Where, did_you_mean, merge, read_file, read_variables
from nerves.topics import check_place

__all__ = ["HouseSettings", "Mqtt", "load", "read_table"]

DEFAULT = Path("kinwatch.yaml")
Model = TypeVar("Model", bound=BaseModel)
Name = Annotated[str, AfterValidator(check_place)]
Table = dict[str, Any]


def _folder(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links


class Mqtt(BaseModel):
    """The broker."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: str | None = None
    """mqtt://[user@]host[:port] or mqtts://...; a private broker on this machine if left out."""
    password: SecretStr | None = None
    """Only from the environment (KINWATCH_MQTT_PASSWORD) or a secrets directory."""

    @model_validator(mode="before")
    @classmethod
    def _password_apart(cls, table: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        """Take a password out of the url, so that the url can be shown."""
        url = table.get("url") if isinstance(table, dict) else None
        if not isinstance(url, str) or "://" not in url:
            return table
        parts = urlsplit(url)
        if parts.password is None:
            return table
        login, _, host = parts.netloc.rpartition("@")
        bare = urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}@{host}"))
        return {"password": unquote(parts.password)} | table | {"url": bare}

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.url and not self.url.startswith("loopback://"):
            Address.parse(self.url, self.login)
        if self.password and not self.url:
            why = "there is a password, but no url of the broker that asks for it: set KINWATCH_MQTT_URL"
            raise ValueError(why)
        return self

    @property
    def login(self) -> str | None:
        """The password for the broker, or None."""
        return self.password.get_secret_value() if self.password else None


class HouseSettings(BaseModel):
    """All settings; each service declares what its own table holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    mqtt: Mqtt = Mqtt()
    """The broker that all services share."""
    senses: dict[Name, Table] = Field(default_factory=dict)
    """The senses, by name. The name is the place, unless `place` sets another."""
    brain: Table = Field(default_factory=dict)
    """The settings of the brain."""
    actuators: dict[Name, Table] = Field(default_factory=dict)
    """The actuators, by name."""
    data_dir: Annotated[Path, AfterValidator(_folder)] = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("kinwatch", appauthor=False))
    )
    """The folder of all stored data; only its owner can read it."""

    _where: Where = PrivateAttr(default_factory=Where)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Store where each value was set, for error messages."""
        if isinstance(context, Where):
            self._where = context

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        twice = ({*self.senses} & {*self.actuators}) | ({"brain"} & {*self.senses, *self.actuators})
        if twice:
            why = f"two services are called {min(twice)}: each needs its own name"
            raise ValueError(why)
        return self

    def where(self, *path: str) -> Where:
        """Return a place in these settings, for an error message about it."""
        return self._where.down(*path)


def load(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> HouseSettings:
    """Read the settings and make the data folder. Raises `SettingsError`, which says what to correct."""
    environ = os.environ if environ is None else environ
    file = _file(path, environ)
    table = read_file(file) if file else {}
    _no_password(table, file)
    spelt = {}
    for keys, (variable, value) in read_variables(environ, HouseSettings.model_fields).items():
        spelt[merge(table, keys, variable, value)] = variable
    house = _checked(HouseSettings, table, Where(file.name if file else "settings", (), spelt))
    _make(house.data_dir)
    return house


def read_table(model: type[Model], name: str, table: Mapping[str, Any], where: Where) -> Model:
    """Check a service's table against its model; a sense's place is its name unless the table says another."""
    if "place" not in model.model_fields:
        return _checked(model, dict(table), where)
    try:
        check_place(str(table.get("place", name)))
    except ValueError as error:
        message = f"{where.down('place')}: {error}"
        raise SettingsError(message) from error
    return _checked(model, {"place": name} | dict(table), where)


def _file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or environ.get("KINWATCH_CONFIG")
    if named:
        return Path(named).expanduser()
    return DEFAULT if DEFAULT.exists() else None


def _no_password(table: Mapping[str, Any], file: Path | None) -> None:
    mqtt = table.get("mqtt")
    if file is None or not isinstance(mqtt, dict):
        return
    try:
        inside = urlsplit(str(mqtt.get("url", ""))).password is not None
    except ValueError:
        inside = False
    if "password" in mqtt or inside:
        key = "password" if "password" in mqtt else "url"
        message = f"{file.name}: mqtt.{key}: no password in a file: set KINWATCH_MQTT_PASSWORD instead"
        raise SettingsError(message)


def _make(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        message = f"{folder}: {error.strerror}: check data_dir (KINWATCH_DATA_DIR)"
        raise SettingsError(message) from error


def _checked(model: type[Model], table: Table, where: Where) -> Model:
    try:
        return model.model_validate(table, context=where)
    except ValidationError as error:
        errors = error.errors()
        # A misspelt key is also a missing one: report the misspelt one, which explains both.
        first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
        raise SettingsError(_explain(first, model, where)) from error


def _explain(error: ErrorDetails, model: type[BaseModel], where: Where) -> str:
    path = [str(part) for part in error["loc"] if part != "[key]"]
    at = where.down(*path)
    if error["type"] == "extra_forbidden":
        known = [at.beside(key) for key in _known(model, path[:-1])]
        return f"{at} is not a setting: {did_you_mean(at.beside(path[-1]), known)}"
    if error["type"] == "missing":
        return f"{at} is missing: {_meaning(model, path)}"
    text = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    text = text.replace("a valid dictionary", "a table (key: value)").replace("a valid tuple", "a list: [one, two]")
    return f"{at}: {text}"


def _known(model: type[BaseModel], path: list[str]) -> list[str]:
    below = _below(model, path)
    return [field.alias or key for key, field in below.model_fields.items()] if below else []


def _meaning(model: type[BaseModel], path: list[str]) -> str:
    below = _below(model, path[:-1])
    field = below.model_fields.get(path[-1]) if below else None
    return (field.description if field else None) or "it has no default"


def _below(model: type[BaseModel], path: list[str]) -> type[BaseModel] | None:
    """Return the model that `path` leads to; a list's index or a dict's name stays where it is."""
    here: type[BaseModel] | None = model
    for key in path:
        if here is not None and key in here.model_fields:
            here = _model_in(here.model_fields[key].annotation)
    return here


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
