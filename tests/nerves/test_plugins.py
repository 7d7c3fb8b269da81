import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from nerves import plugins
from nerves.errors import SettingsError
from nerves.messages import Heard, Visit
from nerves.plugins import read_actuator, read_sense
from nerves.services import Actuator, Sense, SenseSettings, ServiceSettings
from nerves.settings import HouseSettings


class BellSettings(SenseSettings):
    button: int


def ring(settings: BellSettings) -> Iterator[Heard]:
    yield Heard(place=settings.place, words="ding")


def bark(_: ServiceSettings, visits: Iterator[Visit]) -> tuple[()]:
    for _visit in visits:
        pass
    return ()


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("house_of_test")
    module.sense = Sense(BellSettings, ring)  # type: ignore[attr-defined]
    module.actuator = Actuator(ServiceSettings, Visit, bark)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "house_of_test", module)
    points = [
        ("kinwatch.senses", "bell", "house_of_test:sense"),
        ("kinwatch.senses", "odd", "house_of_test:actuator"),
        ("kinwatch.senses", "camera", "a_package_that_is_not_there:sense"),
        ("kinwatch.senses", "torn", "nerves.not_there:sense"),
        ("kinwatch.actuators", "dog", "house_of_test:actuator"),
    ]
    monkeypatch.setattr(
        plugins,
        "entry_points",
        lambda group: [EntryPoint(name, value, g) for g, name, value in points if g == group],
    )


def house(tmp_path: Path, **tables: object) -> HouseSettings:
    return HouseSettings.model_validate({"data_dir": tmp_path, **tables})


def refusal(read: Callable[[HouseSettings, str], object], home: HouseSettings, name: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(home, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_service_is_found_with_its_settings(tmp_path: Path) -> None:
    home = house(tmp_path, senses={"door": {"kind": "bell", "button": "2"}}, actuators={"rex": {"kind": "dog"}})
    sense, settings = read_sense(home, "door")
    assert sense.settings is BellSettings
    assert settings == BellSettings(kind="bell", place="door", button=2)
    actuator, own = read_actuator(home, "rex")
    assert actuator.consumes is Visit
    assert own.kind == "dog"


def test_an_unknown_kind_is_refused_with_the_nearest(tmp_path: Path) -> None:
    home = house(tmp_path, senses={"door": {"kind": "bel"}}, actuators={"rex": {"kind": "cat"}})
    said = refusal(read_sense, home, "door")
    assert said.startswith("settings: senses.door.kind: 'bel' is not known: did you mean bell?")
    assert said.endswith("installed: bell, camera, odd, torn")
    assert "'cat' is not known" in refusal(read_actuator, home, "rex")


def test_wrong_tables_are_refused(tmp_path: Path) -> None:
    home = house(tmp_path, senses={"door": {"kind": "bell", "buton": 1}, "gate": {}, "odd": {"kind": "odd"}})
    assert "senses.door.buton is not a setting: did you mean button?" in refusal(read_sense, home, "door")
    assert "senses.gate.kind is missing" in refusal(read_sense, home, "gate")
    assert "senses.dor is not in the settings: did you mean door?" in refusal(read_sense, home, "dor")
    assert "is not Sense(...)" in refusal(read_sense, home, "odd")


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    said = refusal(read_sense, house(tmp_path, senses={"hall": {"kind": "camera"}}), "hall")
    assert said == ("camera needs the package a_package_that_is_not_there: pip install 'a_package_that_is_not_there'")


def test_an_extra_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Distribution:
        metadata = type("", (), {"get_all": staticmethod(lambda _key, _default: ["camera", "brain"])})

    monkeypatch.setattr(EntryPoint, "dist", Distribution)
    said = refusal(read_sense, house(tmp_path, senses={"hall": {"kind": "camera"}}), "hall")
    assert said.endswith("pip install 'kinwatch[camera]'")


def test_a_module_of_ours_that_is_missing_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        read_sense(house(tmp_path, senses={"x": {"kind": "torn"}}), "x")
