"""`kinwatch rekognition ...` and `forget` as a person meets them, against a Rekognition over HTTP."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner, Result

from brain.cloud.face_ids import read_label
from brain.cloud.ledger import About, CallLedger
from brain.people.gallery import Gallery, Photo
from brain.settings.rekognition import RekognitionSettings
from kinwatch.cli import app
from kinwatch.commands.listening import describe
from nerves.errors import KinwatchError
from tests.buckets import KEYS
from tests.paths import ROOT
from tests.people import faces
from tests.rekognition import NOBODY, Rekognition, SeenFace, Shown
from tests.waiting import soon

pytestmark = pytest.mark.timeout(90)

LONG_AGO, ONCE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)
# A picture's grey says who is in it; from here on it shows nobody.
STEP, EMPTY = 20, 200
PAID = ("IndexFaces", "AssociateFaces", "DisassociateFaces")


def picture(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (112, 112), (shade,) * 3).save(out, "JPEG")
    return out.getvalue()


def truth(jpeg: bytes) -> Shown:
    with Image.open(io.BytesIO(jpeg)) as image:
        shade = round(int(np.asarray(image.convert("L")).mean()) / STEP) * STEP
    return NOBODY if shade >= EMPTY else Shown((SeenFace(f"person {shade}"),))


def photos(person: int, count: int, first: int = 0, *, shade: int | None = None) -> list[Photo]:
    """Photos of somebody; their number is their hash."""
    jpeg = picture(person * STEP if shade is None else shade)
    numbers = range(1000 * person + first, 1000 * person + first + count)
    vectors = faces(person, first + count)[first:]
    return [Photo(own, f"{n:064x}", f"{n}.jpg", jpeg) for n, own in zip(numbers, vectors, strict=True)]


class House:
    """A gallery, its settings, and AWS."""

    def __init__(self, folder: Path, gallery: Gallery, aws: Rekognition) -> None:
        self.folder, self.gallery, self.aws = folder, gallery, aws
        self.data = folder / "data"
        self.set()

    def set(self, sight: str = "cascade", **rekognition: object) -> None:
        table = {
            "endpoint_url": self.aws.url,
            "timeout_s": 5,
            "daily_calls": 1000,
            "daily_usd": 10,
            "region": "us-east-1",
            **rekognition,
        }
        (self.folder / "kinwatch.yaml").write_text(
            yaml.safe_dump({"brain": {"vision": sight, "rekognition": table}}, allow_unicode=True)
        )

    def run(self, *words: str, says: str | None = None) -> Result:
        """Do a command in this process; an error of ours is left for `complaint`."""
        done = CliRunner().invoke(app, words, input=says)
        if done.exception and not isinstance(done.exception, KinwatchError | SystemExit):
            raise done.exception
        assert not self.aws.complaints
        return done

    def sync(self, *words: str) -> dict[str, Any]:
        done = self.run("rekognition", "sync", "--yes", "--json", *words)
        assert done.exit_code == 0, done.output
        return dict(lines(done.stdout)[-1]["summary"])

    def there(self) -> list[tuple[str, str]]:
        """Return whose photos the collection holds."""
        labels = [read_label(text) for text in self.aws.faces()]
        return sorted((label.name, f"{int(label.sha256, 16)}.jpg") for label in labels if label)

    def here(self) -> list[tuple[str, str]]:
        return sorted((one.name, one.file) for one in self.gallery.references())

    @property
    def paid(self) -> int:
        return sum(self.aws.calls[operation] for operation in PAID)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.chdir(tmp_path)
    for key, value in {**KEYS, "KINWATCH_DATA_DIR": str(tmp_path / "data")}.items():
        monkeypatch.setenv(key, value)
    with Gallery(tmp_path / "data" / "gallery.db") as gallery, Rekognition(truth) as aws:
        yield House(tmp_path, gallery, aws)


def complaint(done: Result) -> str:
    assert isinstance(done.exception, KinwatchError), done.output
    assert "\n" not in str(done.exception)
    return str(done.exception)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_difference_is_shown_first_and_then_the_collection_is_equal(house: House) -> None:
    house.gallery.learn("Zoë 李", photos(1, 3))
    house.gallery.learn("bob", photos(2, 2), group="guest", until=ONCE)
    done = house.run("rekognition", "sync", says="y\n")
    assert done.exit_code == 0, done.output
    assert [line for line in done.stdout.splitlines() if line != " y"] == [
        "Zoë 李: + 3 photos",
        "bob: + 2 photos",
        "5 photos added, 0 removed: kinwatch is equal to the gallery",
    ]
    assert "there is no collection kinwatch yet" in done.stderr
    assert "5 photos of faces" in done.stderr
    assert "5 calls, $0.005; today so far 0 of 1000 calls" in done.stderr
    assert house.there() == house.here()
    again = house.run("rekognition", "sync")
    assert again.stdout == "the collection kinwatch is equal to the gallery: 5 photos\n"
    assert house.paid == 5


def test_sync_changes_nothing_without_a_yes(house: House) -> None:
    house.gallery.learn("ann", photos(1, 3))
    assert complaint(house.run("rekognition", "sync", says="n\n")) == "nothing was changed"
    unasked = house.run("rekognition", "sync")
    assert complaint(unasked) == "nothing was changed: answer y, or add --yes"
    dry = house.run("rekognition", "sync", "--dry-run", "--json")
    person, last = lines(dry.stdout)
    assert person == {"name": "ann", "add": 3, "remove": 0, "join": 0}
    assert (last["summary"]["done"], last["summary"]["calls"], last["summary"]["usd"]) == (False, 3, 0.003)
    assert {*house.aws.calls} == {"DescribeCollection"}
    assert house.aws.sent == []


def test_doubtful_and_expired_photos_and_those_without_a_picture_are_not_sent(house: House) -> None:
    house.gallery.learn("ann", [*photos(1, 5), *photos(2, 1)])
    house.gallery.learn("bob", photos(2, 4, 10))
    house.gallery.learn("old guest", photos(3, 2), group="guest", until=LONG_AGO)
    bare = [Photo(one.vector, one.sha256, one.file) for one in photos(4, 1)]
    odd = [Photo(one.vector, "not a hash", one.file, one.thumbnail) for one in photos(4, 2, 1)[1:]]
    house.gallery.learn("carol", [*photos(4, 1, 5), *bare, *odd])
    done = house.run("rekognition", "sync", "--yes")
    assert done.exit_code == 0, done.output
    told = [line for line in done.stderr.splitlines() if line.startswith("stays at home: ")]
    assert [re.sub(r"\(.*", "", line) for line in told] == [
        "stays at home: 2000.jpg of ann: excluded: looks more like bob ",
        "stays at home: 4000.jpg of carol: it was enrolled without a picture of the face: enroll it again",
        "stays at home: 4002.jpg of carol: it was imported without the photo's hash: enroll it again",
    ]
    people = [name for name, _ in house.there()]
    assert (people.count("ann"), people.count("bob"), people.count("carol"), people.count("old guest")) == (5, 4, 1, 0)


def test_a_person_forgotten_elsewhere_is_removed_and_foreign_faces_stay(house: House) -> None:
    house.gallery.learn("ann", photos(1, 3))
    house.gallery.learn("bob", photos(2, 3))
    house.sync()
    there = house.aws.collections["kinwatch"].faces
    for face in [face for face in there.values() if face.label.startswith("ann")][:2]:
        face.label = "holiday-2019.jpg"  # of another program
    double = next(face for face in there.values() if face.label.startswith("bob"))
    other = type(double)(str(uuid4()), double.label, double.image, double.who, double.box)
    there[other.id] = other
    house.gallery.forget("bob")
    house.gallery.learn("bob", photos(2, 2, 1))
    house.gallery.learn("carol", photos(3, 1))
    house.gallery.forget("carol")
    done = house.run("rekognition", "sync", "--yes")
    assert done.exit_code == 0, done.output
    assert "2 faces there from another program: left alone" in done.stderr
    assert done.stdout.splitlines() == [
        "ann: + 2 photos",
        "bob: - 2 photos (excluded, dropped, or there twice)",
        "2 photos added, 2 removed: kinwatch is equal to the gallery",
    ]
    assert house.there() == house.here()
    assert house.aws.faces().count("holiday-2019.jpg") == 2
    house.gallery.forget("bob")
    gone = house.run("rekognition", "sync", "--yes")
    assert gone.stdout.splitlines()[0] == "bob: - 2 photos (forgotten, or a guest no more)"
    assert "no picture would leave the house: it costs nothing" in gone.stderr
    assert house.there() == house.here()


def test_a_guest_goes_when_the_pass_has_ended_and_comes_back_with_a_new_one(house: House) -> None:
    house.gallery.learn("bob", photos(2, 2), group="guest", until=ONCE)
    assert house.sync()["added"] == 2
    house.gallery.learn("bob", photos(2, 2), group="guest", until=LONG_AGO)
    assert house.sync()["removed"] == 2
    house.gallery.learn("bob", photos(2, 2), group="guest", until=ONCE)
    assert house.sync()["added"] == 2


def test_a_photo_without_a_face_is_reported_and_not_paid_for_again(house: House) -> None:
    house.gallery.learn("ann", [*photos(1, 2), *photos(1, 1, 2, shade=250)])
    first = house.run("rekognition", "sync", "--yes")
    assert first.exit_code == 0, first.output
    assert "not taken: 1002.jpg of ann: Rekognition found no face" in first.stderr
    assert house.paid == 3
    second = house.run("rekognition", "sync")
    assert second.stdout == "the collection kinwatch is equal to the gallery: 2 photos\n"
    assert "not sent again, for Rekognition has not taken them: 1 photo (--again)" in second.stderr
    assert house.paid == 3
    (again,) = house.sync("--again")["refused"]
    assert again.startswith("1002.jpg of ann: ")
    assert house.paid == 4


def test_the_budget_ends_it_and_the_next_day_goes_on(house: House) -> None:
    house.gallery.learn_all([])
    house.gallery.learn("ann", photos(1, 6))
    house.set(daily_calls=4)
    done = house.run("rekognition", "sync", "--yes", "--json")
    assert complaint(done).startswith("the day's 4 calls are spent")
    assert complaint(done).endswith("4 of 6 photos added: `kinwatch rekognition sync` then goes on with the rest")
    assert "the budget does not reach for all of it" in done.stderr
    (summary,) = (line["summary"] for line in lines(done.stdout) if "summary" in line)
    assert (summary["done"], summary["added"]) == (False, 4)
    assert house.paid == 4
    house.set(daily_calls=8)
    assert house.sync()["added"] == 2
    assert house.there() == house.here()
    assert house.paid == 6


@pytest.mark.parametrize("fault", ["unavailable", "throttling", "silent", "cut", "page", "denied", "expired"])
def test_an_interrupted_sync_ends_with_one_line_and_the_next_run_continues(house: House, fault: str) -> None:
    house.gallery.learn("ann", photos(1, 4))
    house.set(tries=1)

    def arrives(_: str) -> None:
        if house.aws.calls["IndexFaces"] == 2:
            house.aws.fail(fault)

    house.aws.arrives = arrives
    done = house.run("rekognition", "sync", "--yes")
    assert complaint(done).endswith("2 of 4 photos added: `kinwatch rekognition sync` then goes on with the rest")
    house.aws.arrives = lambda _: None
    house.aws.fail(None)
    assert house.sync()["added"] == 2
    assert house.there() == house.here()


def test_killed_at_any_moment_each_photo_is_there_once(house: House) -> None:
    house.gallery.learn("ann", photos(1, 8))
    command = [sys.executable, "-m", "kinwatch", "rekognition", "sync", "--yes"]
    for number in (1, 3, 6):
        sync = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
        house.aws.arrives = lambda _: house.aws.calls["IndexFaces"] < number or sync.kill()  # noqa: B023
        assert sync.wait(60) == -signal.SIGKILL
        soon(lambda: len(house.aws.collections["kinwatch"].faces) == number, 30)  # noqa: B023 - the dead one's last call
    house.aws.arrives = lambda _: None
    assert house.sync()["added"] == 2
    assert house.there() == house.here()
    assert house.paid == 8
    with CallLedger(house.data / "cloud.db", RekognitionSettings()) as ledger:
        assert ledger.spent(datetime.now(UTC)).day_calls == 8


def test_by_users_each_person_is_one_user_of_all_their_faces(house: House) -> None:
    house.set(by="users")
    house.gallery.learn("ann", photos(1, 3))
    house.gallery.learn("Zoë", photos(2, 2))
    plan = lines(house.run("rekognition", "sync", "--dry-run", "--json").stdout)[-1]["summary"]
    assert plan["calls"] == 7
    house.sync()
    there = house.aws.collections["kinwatch"]
    assert len(there.users) == 2
    assert all(face.user for face in there.faces.values())
    assert house.paid == 7
    assert house.sync()["calls"] == 0
    # A kill between the photo and the user: the next run repairs that alone.
    lone = next(face for face in there.faces.values() if face.label.startswith("ann"))
    lone.user = None
    assert house.sync()["calls"] == 1
    assert lone.user == "ann"
    # One photo less, and somebody less.
    house.gallery.forget("ann")
    house.gallery.learn("ann", photos(1, 2))
    house.gallery.forget("Zoë")
    assert house.sync()["removed"] == 3
    assert there.users == {"ann"}
    assert house.there() == house.here()
    # Without users again: they go with the faces they held.
    house.set(by="collection")
    house.gallery.forget("ann")
    house.sync()
    assert (there.users, there.faces) == (set(), {})


def test_by_compare_there_is_no_collection(house: House) -> None:
    house.set(by="compare", pictures={"ann": ["ann.jpg"]})
    done = house.run("rekognition", "sync", "--yes")
    assert "there is no collection" in complaint(done)
    assert house.aws.count == 0


def test_forgetting_removes_the_faces_there_too(house: House) -> None:
    house.set(sight="local")
    house.gallery.learn("ann", photos(1, 3))
    house.gallery.learn("bob", photos(2, 2))
    house.sync()
    done = house.run("forget", "ann")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "ann is forgotten",
        "3 faces removed from the collection kinwatch at AWS",
    ]
    assert house.there() == house.here() != []


@pytest.mark.parametrize("how", ["off", "away", "no keys"])
def test_forgetting_while_aws_is_away_stores_a_debt_without_the_name(
    house: House, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    house.set(tries=1)
    house.gallery.learn("Rumpelstilz", photos(1, 3))
    house.gallery.learn("bob", photos(2, 2))
    house.sync()
    with monkeypatch.context() as patch:
        if how == "off":
            house.run("rekognition", "off")
        elif how == "away":
            house.aws.fail("unavailable")
        else:
            patch.delenv("AWS_ACCESS_KEY_ID")
        done = house.run("forget", "Rumpelstilz")
    assert "Rumpelstilz is forgotten" in done.stdout
    assert "what was forgotten is still in the collection kinwatch at AWS" in complaint(done)
    assert "`kinwatch rekognition sync` removes it" in complaint(done)
    assert {name for name, _ in house.here()} == {"bob"}
    for file in house.data.glob("cloud.db*"):
        assert b"Rumpelstilz" not in file.read_bytes()
    assert lines(house.run("rekognition", "status", "--json").stdout)[0]["owed"] == 1
    house.run("rekognition", "on")
    house.aws.fail(None)
    assert house.sync()["removed"] == 3
    assert house.there() == house.here()
    assert lines(house.run("rekognition", "status", "--json").stdout)[0]["owed"] == 0


def test_the_next_forget_pays_the_debt_and_spares_a_person_enrolled_again(house: House) -> None:
    house.gallery.learn("ann", photos(1, 3))
    house.gallery.learn("bob", photos(2, 2))
    house.gallery.learn("carol", photos(3, 2))
    house.sync()
    house.run("rekognition", "off")
    house.run("forget", "ann")
    house.gallery.learn("ann", photos(1, 1))
    house.run("rekognition", "on")
    done = house.run("forget", "bob")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1] == "4 faces removed from the collection kinwatch at AWS"
    assert house.there() == house.here()


def test_forgetting_somebody_again_removes_what_is_still_there(house: House) -> None:
    house.gallery.learn("ann", photos(1, 3))
    house.sync()
    house.run("rekognition", "off")
    house.run("forget", "ann")
    house.run("rekognition", "on")
    assert complaint(house.run("forget", "ann")).startswith("nobody is called ann")
    assert house.there() == []


def test_a_house_without_the_cloud_forgets_without_it(house: House) -> None:
    house.set(sight="local")
    house.gallery.learn("ann", photos(1, 2))
    assert house.run("forget", "ann").stdout == "ann is forgotten\n"
    assert house.aws.count == 0
    assert not (house.data / "cloud.db").exists()


def test_pictures_in_the_settings_are_left_to_the_person(house: House) -> None:
    house.gallery.learn("ann", photos(1, 2))
    house.set(by="compare", pictures={"ann": ["ann.jpg"]})
    (house.folder / "ann.jpg").write_bytes(picture(20))
    done = house.run("forget", "ann")
    assert done.exit_code == 0, done.output
    assert "brain.rekognition.pictures still has pictures of ann: take them out" in done.stderr


def test_sent_lists_each_call_with_its_cost(house: House) -> None:
    house.gallery.learn("ann", [*photos(1, 2), *photos(1, 1, 2, shade=250)])
    house.sync()
    with CallLedger(house.data / "cloud.db", RekognitionSettings()) as ledger:
        about = About("hall", None, 14_000, "a face")
        ledger.reserve("SearchFacesByImage", about, datetime.now(UTC))
    shown = house.run("rekognition", "sent").stdout.splitlines()
    assert len([line for line in shown if "IndexFaces: a reference photo, " in line]) == 3
    assert shown[-2].endswith("SearchFacesByImage: a face, 14.0 KB, hall; $0.0013; unknown")
    assert "4 with a picture" in shown[-1]
    assert shown[-1].endswith("1 of them without an answer")
    *calls, last = lines(house.run("rekognition", "sent", "--json", "--days", "1").stdout)
    assert [call["operation"] for call in calls][-1] == "SearchFacesByImage"
    assert last["summary"]["usd"] == pytest.approx(sum(call["usd"] for call in calls))
    assert last["summary"]["bytes"] == sum(call["bytes"] for call in calls) > 14_000
    assert lines(house.run("rekognition", "sent", "--json", "--days", "0").stdout)[-1]["summary"]["calls"] == 0


def test_the_switch_stops_every_call_and_stays(house: House) -> None:
    house.gallery.learn("ann", photos(1, 2))
    off = house.run("rekognition", "off")
    assert off.stdout == "off: no call leaves the house (kinwatch rekognition on)\n"
    assert "no call may leave the house" in complaint(house.run("rekognition", "sync", "--yes"))
    assert house.aws.count == 0
    assert house.run("rekognition", "status").stdout.splitlines()[0].startswith("off")
    assert house.run("rekognition", "on").stdout == "on: brain.vision is cascade\n"
    assert house.sync()["added"] == 2
    (facts,) = lines(house.run("rekognition", "status", "--json").stdout)
    assert (facts["switch"], facts["vision"], facts["collection"]) == ("on", "cascade", "kinwatch")
    assert facts["today"] == {"calls": 2, "most_calls": 1000, "usd": 0.002, "most_usd": 10.0}
    house.set(enabled=False)
    assert "brain.rekognition.enabled is false" in house.run("rekognition", "status").stdout
    assert "brain.rekognition.enabled is false" in complaint(house.run("rekognition", "sync", "--yes"))
    house.set(sight="local")
    assert "brain.vision is local: the brain asks nobody" in house.run("rekognition", "status").stdout


@pytest.mark.parametrize("by", ["collection", "users"])
def test_the_policy_in_deploy_allows_all_of_it_and_nothing_that_is_not_used(house: House, by: str) -> None:
    policy = json.loads((ROOT / "deploy" / "iam" / "rekognition-sync.json").read_text())
    needed, for_users = (
        {action.removeprefix("rekognition:") for action in statement["Action"]} for statement in policy["Statement"]
    )
    house.set(by=by)
    house.aws.may = frozenset(needed | for_users if by == "users" else needed)
    for name, person in (("ann", 1), ("bob", 2)):
        house.gallery.learn(name, photos(person, 3))
    house.sync()
    house.gallery.forget("ann")
    house.gallery.learn("ann", photos(1, 2))
    house.sync()
    assert house.run("forget", "bob").exit_code == 0
    assert house.there() == house.here()
    assert {*house.aws.calls} == house.aws.may


@pytest.mark.parametrize("topic", ["kinwatch/cloud", "kinwatch/cloud/set"])
def test_the_switch_on_the_bus_is_shown_as_on_or_off(topic: str) -> None:
    assert describe(topic, b"off") == (f"{topic}: off", None)


def test_the_help_teaches(house: House) -> None:
    shown = house.run("rekognition", "--help").stdout
    assert all(word in shown for word in ("sync", "sent", "on", "off", "status", "kinwatch docs rekognition"))


def test_the_page_s_policy_is_one() -> None:
    page = (ROOT / "docs" / "rekognition.md").read_text()
    (policy,) = (json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert policy == {"services": {"rekognition": {"opt_out_policy": {"@@assign": "optOut"}}}}
