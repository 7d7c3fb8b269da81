from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from nerves.errors import SettingsError
from nerves.services import SenseSettings, ServiceSettings
from nerves.settings import HouseSettings, load, read_table
from nerves.sources import Where, did_you_mean


class Lens(BaseModel, extra="forbid"):
    width: int = 1


class EyeSettings(SenseSettings):
    source: str
    """A device or an address."""
    lens: Lens = Lens()
    rate: float = 5


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def house(text: str | None = None, **variables: str) -> HouseSettings:
    if text is not None:
        Path("kinwatch.yaml").write_text(text)
    environ = {f"KINWATCH_{name}": value for name, value in variables.items()}
    return load(environ={"KINWATCH_DATA_DIR": "data"} | environ)


def refusal(text: str | None = None, **variables: str) -> str:
    with pytest.raises(SettingsError) as caught:
        house(text, **variables)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_house_needs_no_settings(home: Path) -> None:
    empty = house()
    assert empty.mqtt.url is None
    assert empty.senses == {}
    assert empty.data_dir == home / "data"
    assert empty.data_dir.stat().st_mode & 0o777 == 0o700


def test_the_default_folder_is_the_platforms(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))
    assert load(environ={}).data_dir == home / "share" / "kinwatch"


def test_the_file_is_read_and_the_environment_wins() -> None:
    text = "mqtt: {url: mqtt://a}\nsenses:\n  Front-Door: {kind: camera, source: x}\nbrain: {pack: built-in}\n"
    found = house(text, MQTT_URL="mqtt://b", BRAIN__PACK="standard", SENSES__FRONT_DOOR__SOURCE="0")
    assert found.mqtt.url == "mqtt://b"
    assert found.brain == {"pack": "standard"}
    assert found.senses == {"Front-Door": {"kind": "camera", "source": "0"}}
    assert house(text, MQTT__URL="mqtt://c").mqtt.url == "mqtt://c"


def test_a_variable_may_hold_a_list() -> None:
    assert house(ACTUATORS__PHONE__URLS='["a", "b"]').actuators == {"phone": {"urls": ["a", "b"]}}


def test_yaml_words_are_strings() -> None:
    text = "actuators:\n  p: {on: [stranger], mode: off, until: 22:00, day: 2026-12-24, n: 3, f: 0.5, b: true}\n"
    assert house(text).actuators["p"] == {
        "on": ["stranger"], "mode": "off", "until": "22:00", "day": "2026-12-24", "n": 3, "f": 0.5, "b": True,
    }  # fmt: skip


def test_an_empty_section_counts_as_absent() -> None:
    assert house("senses:\nbrain:\n").senses == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sences: {}", "kinwatch.yaml: sences is not a setting: did you mean senses?"),
        ("mqtt: {ulr: x}", "kinwatch.yaml: mqtt.ulr is not a setting: did you mean url?"),
        ("mqtt: {url: 3}", "kinwatch.yaml: mqtt.url: should be a valid string"),
        ("senses: {hall: }", "kinwatch.yaml: senses.hall: should be a table (key: value)"),
        ("senses: {a/b: {}}", "kinwatch.yaml: senses.a/b: 'a/b' cannot be a place"),
        ("senses: {x: {}}\nactuators: {x: {}}", "kinwatch.yaml: two services are called x"),
        ("actuators: {brain: {}}", "kinwatch.yaml: two services are called brain"),
        ("senses: {a: {}, a: {}}", "kinwatch.yaml: line 1: a comes twice"),
        ("senses: [", "kinwatch.yaml: line 1: "),
        ("just words", "kinwatch.yaml: settings are a table"),
        ("mqtt: {url: http://x}", "mqtt.url: 'http' is no MQTT"),
        ("mqtt: {url: 127.0.0.1}", "mqtt.url is not of the form mqtt://[user"),
        ("mqtt: {url: 'broker:1883'}", "mqtt.url is not of the form mqtt://[user"),
        ("mqtt: {password: pw}", "kinwatch.yaml: mqtt.password: no password in a file"),
        ("mqtt: {url: 'mqtt://me:pw@host'}", "kinwatch.yaml: mqtt.url: no password in a file"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


def test_a_secret_never_appears_in_an_error() -> None:
    assert "hunter2" not in refusal("mqtt: {password: hunter2}")
    assert "hunter2" not in repr(house("", MQTT_URL="mqtt://me@x", MQTT_PASSWORD="hunter2"))


def test_an_unknown_variable_is_refused() -> None:
    assert refusal(MQT_URL="x") == "KINWATCH_MQT_URL is not a setting: did you mean KINWATCH_MQTT_URL?"
    assert refusal(MQTT_ULR="x") == "KINWATCH_MQTT_ULR is not a setting: did you mean KINWATCH_MQTT_URL?"
    assert refusal(MQTT__ULR="x") == "KINWATCH_MQTT__ULR is not a setting: did you mean KINWATCH_MQTT__URL?"
    assert refusal(SENSES____X="x").startswith("KINWATCH_SENSES____X is not a setting")
    assert refusal(SENSES__HALL="x") == "KINWATCH_SENSES__HALL: should be a table (key: value)"
    assert refusal("brain: {a: 1}", BRAIN__A__B="x") == "KINWATCH_BRAIN__A__B: brain.a is not a table"
    assert house(TEST_MEDIA="x", MODELS="y", MQTT_URL="").mqtt.url is None


def test_a_missing_file_says_what_to_check() -> None:
    with pytest.raises(SettingsError, match="No such file or directory: check --config"):
        load(Path("nowhere.yaml"), environ={})
    assert "nowhere.yaml" in refusal(CONFIG="nowhere.yaml")


def test_the_named_file_wins_over_the_variable() -> None:
    Path("other.yaml").write_text("brain: {vision: local}")
    environ = {"KINWATCH_CONFIG": "nowhere.yaml", "KINWATCH_DATA_DIR": "data"}
    assert load(Path("other.yaml"), environ=environ).brain == {"vision": "local"}


def test_secrets_come_from_a_folder_or_the_environment(home: Path) -> None:
    secrets = home / "secrets"
    secrets.mkdir()
    (secrets / "kinwatch_mqtt_password").write_text("pw\n")
    (secrets / "unrelated").write_text("x")
    text = "mqtt: {url: mqtt://me@host}"
    from_folder = house(text, SECRETS_DIR=str(secrets)).mqtt.password
    from_variable = house(text, SECRETS_DIR=str(secrets), MQTT_PASSWORD="other").mqtt.password
    assert from_folder
    assert from_variable
    assert from_folder.get_secret_value() == "pw"
    assert from_variable.get_secret_value() == "other"
    assert "KINWATCH_SECRETS_DIR" in refusal(SECRETS_DIR=str(home / "nowhere"))


def test_a_password_in_the_variables_url_is_moved_out_of_it() -> None:
    mqtt = house(MQTT_URL="mqtts://me:p%40w@host:8883").mqtt
    assert mqtt.url == "mqtts://me@host:8883"
    assert mqtt.password
    assert mqtt.password.get_secret_value() == "p@w"


def test_a_password_for_no_broker_is_refused() -> None:
    assert refusal(MQTT_PASSWORD="x").startswith("settings: mqtt: there is a password, but no url")


def test_a_data_folder_that_cannot_be_made_is_reported(home: Path) -> None:
    (home / "file").write_text("")
    assert "check data_dir" in refusal(DATA_DIR="file/below")


HALL = Where("kinwatch.yaml", ("senses", "hall"))


def test_a_sense_is_where_its_name_says() -> None:
    assert read_table(EyeSettings, "hall", {"kind": "eye", "source": "0"}, HALL).place == "hall"
    elsewhere = {"kind": "eye", "source": "0", "place": "porch"}
    assert read_table(EyeSettings, "hall", elsewhere, HALL).place == "porch"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "eye", "sorce": "0"}, "senses.hall.sorce is not a setting: did you mean source?"),
        ({"kind": "eye"}, "senses.hall.source is missing: A device or an address."),
        ({"kind": "eye", "source": "0", "rate": "x"}, "senses.hall.rate: should be a valid number"),
        (
            {"kind": "eye", "source": "0", "lens": {"widht": 1}},
            "senses.hall.lens.widht is not a setting: did",
        ),
        ({"kind": "eye", "source": "0", "place": "mode"}, "senses.hall.place: 'mode' is a topic of kinwatch"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(table: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_table(EyeSettings, "hall", table, HALL)
    assert str(caught.value).startswith(f"kinwatch.yaml: {said}")


def test_a_wrong_variable_is_named_instead_of_the_file() -> None:
    found = house("senses: {hall: {kind: eye}}", SENSES__HALL__SORCE="0")
    with pytest.raises(SettingsError) as caught:
        read_table(EyeSettings, "hall", found.senses["hall"], found.where("senses", "hall"))
    said = "KINWATCH_SENSES__HALL__SORCE is not a setting: did you mean KINWATCH_SENSES__HALL__SOURCE?"
    assert str(caught.value) == said


def test_a_service_without_a_place_gets_none() -> None:
    assert read_table(ServiceSettings, "x", {"kind": "y"}, Where()) == ServiceSettings(kind="y")


@given(st.sampled_from(sorted(HouseSettings.model_fields)), st.data())
def test_one_letter_dropped_is_understood(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    assert did_you_mean(name[:at] + name[at + 1 :], HouseSettings.model_fields) == f"did you mean {name}?"


@given(st.text(), st.lists(st.text(min_size=1)))
def test_a_wrong_key_always_gets_advice(wrong: str, known: list[str]) -> None:
    assert did_you_mean(wrong, known)
