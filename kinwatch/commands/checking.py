"""`kinwatch check`: whether all is well, and what to do if not."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from brain.cloud.errors import BudgetSpent, CloudOff
from brain.cloud.ledger import CallLedger
from brain.models import packs
from brain.settings.brain import BrainSettings
from kinwatch.console import emit, print_line
from kinwatch.opening import brain_settings, open_cloud, open_gallery
from nerves import topics
from nerves.broker import house_url
from nerves.bus import open_link
from nerves.errors import BrokerUnavailable, KinwatchError, MessageError, SettingsError
from nerves.messages import Status, now
from nerves.plugins import read_actuator, read_sense
from nerves.settings import HouseSettings

__all__ = ["Finding", "findings", "run_check"]

CONNECT_S = 10.0
LISTEN_S = 1.0
# A call that has a price: the check of the budget counts it.
PAID_OPERATION = "SearchFacesByImage"


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    what: str
    ok: bool
    detail: str


def run_check(house: HouseSettings, *, json: bool) -> None:
    """Do `kinwatch check`; `KinwatchError` if something is not well."""
    bad = 0
    for finding in findings(house):
        bad += not finding.ok
        if json:
            emit({"what": finding.what, "ok": finding.ok, "detail": finding.detail})
        else:
            mark, style = ("ok  ", "green") if finding.ok else ("BAD ", "bold red")
            print_line(f"{mark} {finding.what}: {finding.detail}", style)
    if bad:
        message = f"{bad} thing{'s are' if bad > 1 else ' is'} not well: see above"
        raise KinwatchError(message)


def findings(house: HouseSettings) -> Iterator[Finding]:
    """Yield what each check finds: data folder, services, brain, model files, people, AWS, broker, statuses."""
    yield Finding("data folder", ok=True, detail=str(house.data_dir))
    for name in house.senses:
        yield _try(f"sense {name}", partial(_sense, house, name))
    for name in house.actuators:
        yield _try(f"actuator {name}", partial(_actuator, house, name))
    yield _try("brain", lambda: f"vision {brain_settings(house).vision}, settings are right")
    yield _try("model files", lambda: _models(house))
    yield _try("people", lambda: _people(house))
    yield from _cloud(house)
    yield from _bus(house)


def _try(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, ok=True, detail=check())
    except KinwatchError as error:
        return Finding(what, ok=False, detail=str(error))


def _sense(house: HouseSettings, name: str) -> str:
    return f"a {read_sense(house, name)[1].kind}, its settings are right"


def _actuator(house: HouseSettings, name: str) -> str:
    return f"a {read_actuator(house, name)[1].kind}, its settings are right"


def _models(house: HouseSettings) -> str:
    folders = packs.model_folders(house.data_dir)
    pack = packs.choose_pack(brain_settings(house).pack, folders)
    for file in packs.of_pack(pack):
        packs.find_model_file(file.name, folders)
    better = " (`kinwatch models pull` gets the better `standard`)" if pack == packs.BUILT_IN else ""
    return f"pack {pack}, all files are right{better}"


def _people(house: HouseSettings) -> str:
    with open_gallery(house) as gallery:
        names = [f"{person.name} ({person.photos} photo{'s' * (person.photos != 1)})" for person in gallery.people()]
    return ", ".join(names) or "nobody yet, so everybody is a stranger: kinwatch enroll NAME PHOTO..."


def _cloud(house: HouseSettings) -> Iterator[Finding]:
    try:
        settings = brain_settings(house)
    except SettingsError:
        return  # the finding about the brain has it
    if settings.cloud:
        yield _try("rekognition", lambda: _asked_once(house, settings))


def _asked_once(house: HouseSettings, settings: BrainSettings) -> str:
    """Ask AWS once, as for the face of a visit but with a picture of nobody; return what a person should know."""
    limits = settings.rekognition
    once = settings.model_copy(update={"rekognition": limits.model_copy(update={"tries": 1})})
    try:
        with CallLedger(house.data_dir / "cloud.db", limits) as ledger:
            ledger.check(PAID_OPERATION, now())
        with open_cloud(house, once) as clouds:
            if clouds is None:
                return "not asked"
            clouds.cloud.check()
            spent = clouds.ledger.spent(now())
            region = clouds.cloud.region
    except (BudgetSpent, CloudOff) as error:
        return f"nothing was asked: {error}"
    whom = "" if limits.by == "compare" else f", collection {limits.collection}"
    today = f"today {spent.day_calls} of {limits.daily_calls} calls, ${spent.day_usd:.3f} of ${limits.daily_usd:.2f}"
    return f"{region}{whom}: answers as it should; {today}"


def _bus(house: HouseSettings) -> Iterator[Finding]:
    url = house_url(house)
    if url is None:
        yield Finding("broker", ok=True, detail="none named and none running: `kinwatch up` starts a private one")
        return
    statuses: dict[str, Status] = {}

    def receive(topic: str, payload: bytes) -> None:
        try:
            status = Status.read(topic, payload)
        except MessageError:
            return
        statuses[status.service] = status

    link = open_link(url, "kinwatch-check", durable=False, password=house.mqtt.login)
    link.listen(topics.status("+"), receive, qos=1)
    with link:
        yield _try("broker", lambda: _connected(link.wait_connected(CONNECT_S), link.trouble, url))
        time.sleep(LISTEN_S if link.connected else 0)
    for name, status in sorted(statuses.items()):
        yield Finding(f"{name} is {status.state}", ok=status.state == "online", detail=status.detail or "no detail")


def _connected(connected: bool, trouble: str, url: str) -> str:  # noqa: FBT001
    if not connected:
        raise BrokerUnavailable(trouble or f"no broker answers at {url}")
    return f"{url} answers"
