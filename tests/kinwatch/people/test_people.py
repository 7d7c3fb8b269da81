"""`enroll`, `people`, `export`, `import` as a person meets them."""

import io
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from brain.people.gallery import Entry, Gallery, LabelRecord, Photo
from kinwatch.cli import app
from kinwatch.people.contact_sheet import Cell, contact_sheet
from kinwatch.people.transfer import entries, exported
from nerves.errors import GalleryError, KinwatchError
from tests.people import faces

AT = datetime(2026, 11, 21, tzinfo=UTC)
RED = (198, 40, 40)


def face(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (112, 112), colour).save(out, "JPEG")
    return out.getvalue()


def portraits(person: int, count: int, start: int = 0) -> list[Photo]:
    centre = np.random.default_rng(person).normal(scale=0.8 / 16, size=128)
    found = []
    for seed in range(1000 * person + start, 1000 * person + start + count):
        own = (centre + np.random.default_rng(seed).normal(scale=0.4 / 16, size=128)).astype(np.float32)
        found.append(Photo(own, f"{seed:064x}", f"{seed}.jpg", face("steelblue")))
    return found


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gallery]:
    """The gallery that the command uses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KINWATCH_DATA_DIR", str(tmp_path / "data"))
    with Gallery(tmp_path / "data" / "gallery.db") as gallery:
        yield gallery


def run(*words: str) -> Result:
    """Do a command in this process; an error of ours is left for `complaint`."""
    done = CliRunner().invoke(app, words)
    if done.exception and not isinstance(done.exception, KinwatchError):
        raise done.exception
    return done


def complaint(done: Result) -> str:
    assert isinstance(done.exception, KinwatchError)
    assert "\n" not in str(done.exception)
    return str(done.exception)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_people_shows_groups_passes_and_what_is_excluded(gallery: Gallery) -> None:
    gallery.learn("Zoë", [*portraits(1, 5), *portraits(2, 1)])
    gallery.learn("ann", portraits(2, 4, 10), group="guest", until=datetime(2026, 1, 1, 20, tzinfo=UTC))
    gallery.learn("bob", portraits(3, 1), group="guest", until=datetime(2126, 1, 1, 20, tzinfo=UTC))
    shown = run("people").stdout.splitlines()
    assert shown[0] == "Zoë: family, 6 photos, 1 excluded"
    assert shown[1].startswith("  excluded: 2000.jpg looks more like ann (0.")
    assert shown[2] == "ann: guest, 4 photos, expired 2026-01-01T20:00:00.000Z"
    assert shown[3] == "bob: guest, 1 photo, until 2126-01-01T20:00:00.000Z"
    facts = lines(run("people", "--json").stdout)
    assert [(one["name"], one["photos"], one["expired"], len(one["excluded"])) for one in facts] == [
        ("Zoë", 6, False, 1),
        ("ann", 4, True, 0),
        ("bob", 1, False, 0),
    ]


def test_people_shows_the_hours_of_somebody_known(gallery: Gallery) -> None:
    gallery.learn("Maria", portraits(1, 2), group="known", hours=["Tue 09:00-12:00", "Fri"])
    gallery.learn("Postman", portraits(2, 1), group="known")
    assert run("people").stdout.splitlines()[:2] == [
        "Maria: known, 2 photos, Tue 09:00-12:00, Fri",
        "Postman: known, 1 photo",
    ]
    assert [one["hours"] for one in lines(run("people", "--json").stdout)] == [["Tue 09:00-12:00", "Fri"], []]


def test_people_says_who_could_be_taken_for_whom(gallery: Gallery) -> None:
    for number, (name, count) in enumerate({"Ann": 8, "Bob": 3}.items()):
        vectors = enumerate(faces(number, count), 10 * number)
        gallery.learn(name, [Photo(vector, f"{row:064x}", f"{row}.jpg", face("red")) for row, vector in vectors])
    shown = run("people").stdout.splitlines()
    assert shown[2].startswith("a brother or sister of Ann would pass for Ann in ")
    assert shown[3].endswith("(estimated); fewer with 8 photos")
    assert shown[4].startswith("what helps: enroll brothers and sisters who visit")
    assert [line for line in run("people", "Bob").stdout.splitlines() if "Ann" in line] == []
    (facts,) = lines(run("people", "Ann", "--json").stdout)
    assert 0 < facts["relative_passes"] < 0.5
    assert facts["alike"] == []


def test_nobody_is_taken_for_a_person_whose_pass_has_ended(gallery: Gallery) -> None:
    gallery.learn("ann", portraits(2, 4), group="guest", until=datetime(2026, 1, 1, 20, tzinfo=UTC))
    assert "brother or sister" not in run("people").stdout
    (facts,) = lines(run("people", "--json").stdout)
    assert (facts["relative_passes"], facts["alike"]) == (None, [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hours", "tue 09:00-12:00"], "--hours is for people who are neither family nor guests: add --group known"),
        (["--group", "guest", "--hours", "sat"], "--hours is for people who are neither family nor guests"),
        (["--group", "known", "--until", "3d"], "--until is for guests: add --group guest"),
        (
            ["--group", "known", "--hours", "tuesdays"],
            "--hours: 'tuesdays' are no hours of the week: write them as tue",
        ),
    ],
)
def test_terms_that_do_not_fit_the_group_are_refused(gallery: Gallery, words: list[str], message: str) -> None:
    assert complaint(run("enroll", "Maria", "maria.jpg", *words)).startswith(message)
    assert gallery.people() == []


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_somebody_known_is_enrolled_with_hours_and_gets_others(media: Path, gallery: Gallery) -> None:
    photo = str(media / "family" / "me" / "me_00.jpg")
    hours = ["--hours", "tue 9:00-12:00", "--hours", "mon-fri 18:00-19:00"]
    assert run("enroll", "Maria", photo, "--group", "known", *hours).exit_code == 0
    assert [(one.group, one.hours) for one in gallery.people()] == [
        ("known", ("Tue 09:00-12:00", "Mon-Fri 18:00-19:00"))
    ]
    assert run("enroll", "Maria", photo, "--group", "known", "--hours", "sat").exit_code == 0
    assert [(one.group, one.hours, one.photos) for one in gallery.people()] == [("known", ("Sat",), 1)]
    assert run("enroll", "Maria", str(media / "family" / "me" / "me_01.jpg")).exit_code == 0
    assert [(one.group, one.hours, one.photos) for one in gallery.people()] == [("known", ("Sat",), 2)]
    assert run("enroll", "Maria", photo, "--group", "known").exit_code == 0
    assert [(one.group, one.hours) for one in gallery.people()] == [("known", ())]


def test_check_counts_the_photos_of_each_person(gallery: Gallery) -> None:
    gallery.learn("ann", portraits(1, 1))
    gallery.learn("bob", portraits(2, 2))
    assert "people: ann (1 photo), bob (2 photos)" in run("check").stdout


def test_one_person_is_shown_photo_by_photo(gallery: Gallery) -> None:
    gallery.learn("ann", portraits(2, 3))
    gallery.learn_label(LabelRecord(UUID(int=7), "hall", "ann", "family", None, AT, None), portraits(2, 1, 10))
    shown = run("people", "ann").stdout
    assert "2000.jpg, added 20" in shown
    assert "2010.jpg, from the album 20" in shown
    assert "a photo as near as 0.50 is a match" in shown
    (facts,) = lines(run("people", "ann", "--json").stdout)
    assert [one["visit"] for one in facts["references"]] == [None, None, None, str(UUID(int=7))]
    assert complaint(run("people", "bob")) == "nobody is called bob: there are ann"


def test_the_sheet_has_a_red_frame_around_what_is_excluded_and_nowhere_else(tmp_path: Path, gallery: Gallery) -> None:
    gallery.learn("李 Zoë", portraits(1, 5))
    done = run("people", "--sheet", "sheet.png")
    assert done.exit_code == 0, done.stderr
    assert reds(tmp_path / "sheet.png") == 0
    gallery.learn("李 Zoë", portraits(2, 1))
    assert run("people", "李 Zoë", "--sheet", "sheet.png", "--json").exit_code == 0
    assert reds(tmp_path / "sheet.png") > 1000
    assert (tmp_path / "sheet.png").stat().st_mode & 0o777 == 0o600
    failed = run("people", "--sheet", "absent/sheet.png")
    assert complaint(failed) == "absent/sheet.png cannot be written: No such file or directory"


def reds(file: Path) -> int:
    with Image.open(file) as image:
        return int((np.asarray(image.convert("RGB")) == RED).all(axis=2).sum())


@pytest.mark.parametrize("cells", [0, 1, 5, 41])
def test_a_sheet_holds_any_number_of_pictures_and_any_text(cells: int) -> None:
    texts = ["Zoë Ж 李小龍 😀\n\t\x00", "", "a_name_without_any_space" * 9, "many words " * 40]
    made = [
        Cell(face("olive") if number % 3 else b"no picture at all", texts[number % 4], texts[number // 4 % 4])
        for number in range(cells)
    ]
    with Image.open(io.BytesIO(contact_sheet(made, heading=texts[2]))) as image:
        across = min(4, max(2, cells))
        assert image.format == "PNG"
        assert image.width == 16 + across * 256
        assert image.height > 240 * -(-cells // 4)


def test_export_and_import_move_people_with_all_their_data(
    tmp_path: Path, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = datetime(2126, 1, 1, 20, tzinfo=UTC)
    gallery.learn("Zoë", portraits(1, 5))
    gallery.learn("ann", portraits(2, 4), group="guest", until=until)
    gallery.learn("maria", portraits(3, 1), group="known", hours=["Tue 09:00-12:00"])
    done = run("export", "people.json", "--json")
    assert lines(done.stdout) == [{"file": "people.json", "people": ["Zoë", "ann", "maria"], "photos": 10}]
    assert (tmp_path / "people.json").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("KINWATCH_DATA_DIR", str(tmp_path / "other"))
    with Gallery(tmp_path / "other" / "gallery.db") as there:
        there.learn("Zoë", portraits(1, 3, 3))
        assert run("import", "people.json").stdout.splitlines() == [
            "Zoë: learned 3 photos, 2 known already",
            "ann: learned 4 photos",
            "maria: learned 1 photo",
        ]
        assert [(one.name, one.group, one.until, one.photos, one.hours) for one in there.people()] == [
            ("Zoë", "family", None, 6, ()),
            ("ann", "guest", until, 4, ()),
            ("maria", "known", None, 1, ("Tue 09:00-12:00",)),
        ]
        for here, moved in zip(gallery.references("ann"), there.references("ann"), strict=True):
            assert here.vector.tobytes() == moved.vector.tobytes()
            assert (here.sha256, here.file, here.thumbnail) == (moved.sha256, moved.file, moved.thumbnail)
            assert abs(here.added - moved.added) < timedelta(milliseconds=1)
        again = lines(run("import", "people.json", "--json").stdout)
        assert [(one["learned"], one["known"]) for one in again] == [(0, 5), (0, 4), (0, 1)]


def test_only_those_named_are_exported(tmp_path: Path, gallery: Gallery) -> None:
    assert complaint(run("export", "x.json")) == "nobody is enrolled: there is nothing to export"
    gallery.learn_all([Entry("ann", tuple(portraits(2, 2))), Entry("bob", tuple(portraits(3, 2)))])
    assert run("export", "ann.json", "ann").exit_code == 0
    assert [entry.name for entry in entries((tmp_path / "ann.json").read_bytes())] == ["ann"]
    assert complaint(run("export", "x.json", "carol")) == "nobody is called carol"
    assert not (tmp_path / "x.json").exists()


def whole(tmp_path: Path) -> dict[str, Any]:
    with Gallery(tmp_path / "whole.db") as gallery:
        gallery.learn("ann", portraits(2, 2))
        fields: dict[str, Any] = json.loads(exported(gallery.people(), gallery.references()))
        return fields


def test_a_damaged_or_foreign_file_is_said_in_one_line_and_changes_nothing(tmp_path: Path, gallery: Gallery) -> None:
    gallery.learn("ann", portraits(2, 3))
    good = json.dumps(whole(tmp_path))
    bad = {
        "cut.json": (good[: len(good) // 2], "not a file that `kinwatch export` wrote, or a damaged one"),
        "foreign.json": ('{"people": []}', "not a file that `kinwatch export` wrote"),
        "model.json": (good.replace("dlib_face", "other_face"), "its faces are from the model other_face"),
        "vector.json": (good[:-4].rsplit('"vector": "', 1)[0] + '"vector": "AAAA"}]}]}', "not 128 numbers"),
    }
    for name, (text, why) in bad.items():
        (tmp_path / name).write_text(text)
        failed = run("import", name)
        assert complaint(failed).startswith(f"{name}: ")
        assert why in complaint(failed)
    assert complaint(run("import", "absent.json")) == "absent.json: cannot be read: No such file or directory"
    assert [(person.name, person.photos) for person in gallery.people()] == [("ann", 3)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\nb"),
        ("name", "x" * 41),
        ("name", 7),
        ("group", "stranger"),
        ("until", "tomorrow"),
        ("hours", ["soon"]),
        ("photos", None),
        ("photos", [{"sha256": "0"}]),
    ],
)
def test_a_file_with_a_wrong_field_is_refused(tmp_path: Path, field: str, value: object) -> None:
    file = whole(tmp_path)
    assert entries(json.dumps(file).encode())
    file["people"][0][field] = value
    with pytest.raises(GalleryError, match=rf"a damaged file: people\.0\.{field}"):
        entries(json.dumps(file).encode())


def test_vectors_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("ann", [Photo(np.full(128, np.nan, np.float32), "0", "a.jpg")])
        with pytest.raises(GalleryError, match="not 128 numbers"):
            entries(exported(gallery.people(), gallery.references()))


@pytest.mark.parametrize("damage", ["[" * 100_000, "null", "[]", '"kinwatch people"', "", "\x00\xff", "1" * 5000])
def test_any_other_text_is_refused(damage: str) -> None:
    with pytest.raises(GalleryError, match="kinwatch export"):
        entries(damage.encode())


@pytest.mark.media
@pytest.mark.models
@pytest.mark.timeout(60)
def test_enrolling_says_which_photo_is_excluded_and_shows_the_faces(
    tmp_path: Path, media: Path, gallery: Gallery
) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(media / "family" / "me", folder)
    shutil.copy(media / "family" / "wife" / "wife_00.jpg", folder / "wrong.jpg")
    wife = sorted((media / "family" / "wife").glob("*.jpg"))[1:6]
    assert run("enroll", "wife", *map(str, wife)).exit_code == 0
    done = run("enroll", "me", str(folder), "--json")
    assert done.exit_code == 0, done.stderr
    (facts,) = lines(done.stdout)
    (line,) = facts["excluded"]
    assert line.startswith("wrong.jpg of me looks more like wife (0.")
    assert f"excluded: {line}" in done.stderr.splitlines()
    again = run("enroll", "me", str(folder), "--json")
    assert lines(again.stdout)[0] | {"photos": 0} == facts | {"learned": 0, "known": 11, "excluded": [], "photos": 0}
    for one in gallery.references():
        assert one.thumbnail
        with Image.open(io.BytesIO(one.thumbnail)) as thumbnail:
            assert (thumbnail.format, thumbnail.size) == ("JPEG", (112, 112))
    assert run("people", "me", "--sheet", "me.png").exit_code == 0
    assert reds(tmp_path / "me.png") > 1000
