import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.people.gallery import Entry, Gallery, LabelRecord, Photo
from brain.people.quality import MAX_COMPARED_PHOTOS, MAX_STORED_PHOTOS
from brain.people.records import MIGRATIONS
from brain.settings.matching import MATCH_DISTANCE
from brain.vision.backend import Vector
from nerves.errors import GalleryError, KinwatchError
from nerves.messages import Box, Group
from tests.paths import ROOT

AT = datetime(2026, 11, 21, tzinfo=UTC)


def vector(seed: int) -> Vector:
    return np.random.default_rng(seed).normal(size=128).astype(np.float32)


def photo(seed: int) -> Photo:
    return Photo(vector(seed), f"{seed:064x}", f"{seed}.jpg", b"\xff\xd8 a face " + f"{seed:064x}".encode())


def portraits(person: int, count: int, start: int = 0) -> list[Photo]:
    """Return photos of one person: about 0.4 apart, and 0.8 from those of another."""
    centre = np.random.default_rng(person).normal(scale=0.8 / 16, size=128)
    found = []
    for number in range(start, start + count):
        seed = 1000 * person + number
        own = (centre + np.random.default_rng(seed).normal(scale=0.4 / 16, size=128)).astype(np.float32)
        found.append(Photo(own, f"{seed:064x}", f"{seed}.jpg", b"\xff\xd8 a face " + f"{seed:064x}".encode()))
    return found


def said(visit: int, who: str | None, *, group: Group = "family", until: datetime | None = None) -> LabelRecord:
    return LabelRecord(
        UUID(int=visit), "hall", who, group, until, AT + timedelta(seconds=visit), Box(0.1, 0.2, 0.3, 0.4)
    )


def state(gallery: Gallery) -> object:
    """Return all that can be seen of a gallery."""
    return (
        gallery.people(),
        [
            (one.name, one.sha256, one.vector.tobytes(), one.excluded, one.redundant, one.visit)
            for one in gallery.references()
        ],
        [(one.visit, one.vector is None or one.vector.tobytes()) for one in gallery.negatives()],
        gallery.labels(),
    )


def test_the_nearest_photo_of_each_person_counts(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", [photo(1), photo(2)])
        gallery.learn("wife", [photo(3)])
        matches = gallery.nearest(vector(2), AT)
    assert [match.name for match in matches] == ["me", "wife"]
    assert matches[0].distance == pytest.approx(0.0, abs=1e-5)


def test_the_same_photo_is_learned_once(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        assert gallery.learn("me", [photo(1), photo(2)]) == 2
        assert gallery.learn("me", [photo(2), photo(3)]) == 1
        assert gallery.people()[0].photos == 3


def test_a_running_brain_sees_what_another_process_enrolled(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as brain, Gallery(tmp_path / "g.db") as command:
        assert brain.nearest(vector(1), AT) == []
        command.learn("me", [photo(1)])
        assert [match.name for match in brain.nearest(vector(1), AT)] == ["me"]
        command.forget("me")
        assert brain.nearest(vector(1), AT) == []


def test_a_guest_is_known_until_the_pass_ends(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("ann", [photo(1)], group="guest", until=AT)
        assert gallery.nearest(vector(1), AT - timedelta(seconds=1))
        assert not gallery.nearest(vector(1), AT)


def test_somebody_known_is_expected_in_the_agreed_hours(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("maria", [photo(1)], group="known", hours=["Tue 09:00-12:00", "Fri"])
        gallery.learn("neighbour", [photo(2)], group="known")
        gallery.learn("me", [photo(3)])
    with Gallery(tmp_path / "g.db") as gallery:
        maria, me, neighbour = gallery.people()
    tuesday = datetime(2026, 11, 24, 10).astimezone()
    assert [person.belongs(tuesday) for person in (maria, me, neighbour)] == [True, True, False]
    assert not any(person.unexpected(tuesday) for person in (maria, me, neighbour))
    late = tuesday + timedelta(hours=2)
    assert maria.unexpected(late) == "maria outside the agreed hours: Tue 09:00-12:00; Fri"
    assert [person.belongs(late) for person in (maria, me, neighbour)] == [False, True, False]
    assert not any(person.unexpected(late) for person in (me, neighbour))
    assert not maria.unexpected(tuesday + timedelta(days=3, hours=8))


def test_forgetting_leaves_no_vector_in_any_file_though_a_brain_has_it_open(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery, Gallery(tmp_path / "g.db") as brain:
        gallery.learn("me", [photo(1)])
        gallery.learn("wife", [photo(2)])
        assert len(brain.nearest(vector(1), AT)) == 2
        gallery.forget("me")
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert vector(1).tobytes() not in left
        assert vector(2).tobytes() in left


def test_forgetting_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("wife", [photo(2)])
        with pytest.raises(GalleryError, match="nobody is called me: there are wife"):
            gallery.forget("me")


def test_a_damaged_gallery_is_named_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "g.db"
    file.write_bytes(b"not a database, but somebody's file\n" * 100)
    before = file.read_bytes()
    with pytest.raises(KinwatchError, match=r"g\.db"):
        Gallery(file)
    assert file.read_bytes() == before


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", [photo(1)])
        assert (tmp_path / "g.db").stat().st_mode & 0o077 == 0


PRESENT = """
    CREATE TABLE people (name TEXT PRIMARY KEY, grp TEXT NOT NULL CHECK (grp IN ('family', 'guest')), until TEXT);
    CREATE TABLE photos (
        name TEXT NOT NULL REFERENCES people (name), sha256 TEXT NOT NULL, file TEXT NOT NULL,
        added TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (name, sha256));
    INSERT INTO people VALUES ('ann', 'guest', '2027-01-01T00:00:00.000Z'), ('me', 'family', NULL);
"""


def test_a_gallery_of_the_first_version_is_read_with_nothing_lost(tmp_path: Path) -> None:
    file = tmp_path / "g.db"
    photos = {"ann": portraits(1, 1), "me": [*portraits(2, 5), *portraits(1, 1, 9)]}
    with contextlib.closing(sqlite3.connect(file)) as old:
        old.executescript("PRAGMA journal_mode=WAL;" + PRESENT)
        for name, own in photos.items():
            rows = [(name, one.sha256, one.file, "2026-11-01T10:00:00.000Z", one.vector.tobytes()) for one in own]
            old.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?)", rows)
        old.commit()
    for _ in range(2):
        with Gallery(file) as gallery:
            assert [(one.name, one.group, one.until, one.photos) for one in gallery.people()] == [
                ("ann", "guest", datetime(2027, 1, 1, tzinfo=UTC), 1),
                ("me", "family", None, 6),
            ]
            found = {(one.name, one.sha256, one.file): one for one in gallery.references()}
            assert len(found) == 7
            for name, own in photos.items():
                for one in own:
                    kept = found[name, one.sha256, one.file]
                    assert kept.vector.tobytes() == one.vector.tobytes()
                    assert kept.added == datetime(2026, 11, 1, 10, tzinfo=UTC)
                    assert (kept.thumbnail, kept.visit) == (None, None)
            assert [one.sha256 for one in found.values() if one.excluded] == [photos["me"][-1].sha256]


def test_a_gallery_from_before_the_group_known_is_read_with_nothing_lost(tmp_path: Path) -> None:
    file, ann = tmp_path / "g.db", portraits(1, 3)
    with contextlib.closing(sqlite3.connect(file)) as old:
        old.executescript(
            "PRAGMA journal_mode=WAL; CREATE TABLE versions (component TEXT PRIMARY KEY, version INTEGER)"
        )
        for statement in MIGRATIONS[0]:
            old.execute(statement)
        old.execute("INSERT INTO versions VALUES ('gallery', 1)")
        old.execute("INSERT INTO people VALUES ('ann', 'guest', '2027-01-01T00:00:00.000Z')")
        for one in ann:
            row = (one.sha256, one.file, "2026-11-01T10:00:00.000Z", one.vector.tobytes(), 1)
            old.execute(
                "INSERT INTO photos (name, sha256, file, added, vector, label) VALUES ('ann', ?, ?, ?, ?, ?)", row
            )
        old.execute(
            "INSERT INTO labels VALUES (1, ?, 'hall', 'ann', 'guest', NULL, ?, NULL, 1, 0, 'family', NULL)",
            (str(UUID(int=1)), AT.isoformat()),
        )
        old.commit()
    with Gallery(file) as gallery:
        (person,) = gallery.people()
        assert (person.name, person.group, person.photos, person.hours) == ("ann", "guest", 3, ())
        assert [(label.who, label.hours) for label in gallery.labels()] == [("ann", ())]
        gallery.learn("maria", portraits(2, 2), group="known", hours=["Sat"])
        gallery.learn_label(replace(said(1, "maria", group="known"), hours=("Sun",)), portraits(2, 2, 10))
        assert [(one.name, one.group, one.hours) for one in gallery.people()] == [
            ("ann", "family", ()),
            ("maria", "known", ("Sun",)),
        ]


def test_a_gallery_of_a_newer_kinwatch_is_left_alone_and_says_so(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", portraits(1, 2))
    with contextlib.closing(sqlite3.connect(tmp_path / "g.db")) as newer:
        newer.execute("UPDATE versions SET version = 99")
        newer.commit()
    with pytest.raises(KinwatchError, match="newer kinwatch"):
        Gallery(tmp_path / "g.db")


def test_an_excluded_photo_counts_again_when_its_label_turns_out_right(tmp_path: Path) -> None:
    ann = portraits(2, 6)
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", [*portraits(1, 2), ann[0]])
        assert gallery.people()[0].excluded == 0
        gallery.learn("ann", ann[1:])
        excluded = [one for one in gallery.references() if one.excluded]
        assert [(one.name, one.sha256) for one in excluded] == [("me", ann[0].sha256)]
        assert excluded[0].excluded
        assert "looks more like ann" in excluded[0].excluded
        assert {known.name: len(known.vectors) for known in gallery.known(AT)} == {"ann": 5, "me": 2}
        assert gallery.nearest(ann[0].vector, AT)[0].name == "ann"
        gallery.forget("ann")
        assert gallery.people()[0].excluded == 0
        assert gallery.nearest(ann[0].vector, AT)[0].distance == pytest.approx(0, abs=1e-5)


def test_a_known_person_has_a_limit_and_read_only_vectors(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", portraits(1, 5))
        gallery.learn("ann", portraits(2, 4), group="guest", until=AT)
        me = gallery.known(AT)
        assert [(known.name, known.group, known.limit) for known in me] == [("me", "family", MATCH_DISTANCE)]
        assert me[0].vectors.shape == (5, 128)
        assert me[0].vectors.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            me[0].vectors[0] = 0
        assert [known.name for known in gallery.known(AT - timedelta(seconds=1))] == ["ann", "me"]
        assert gallery.known(AT)[0] is me[0]
        assert [person.name for person in gallery.people() if person.expired(AT)] == ["ann"]
        assert len(gallery.references("ann")) == 4


def test_reading_the_known_people_takes_microseconds(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn_all([Entry(f"p{number}", tuple(portraits(number, 10))) for number in range(8)])
        gallery.known(AT)
        best = 1.0
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(100):
                gallery.known(AT)
            best = min(best, (time.perf_counter() - start) / 100)
    assert best < 200e-6


def test_at_most_40_photos_are_compared_and_120_stored(tmp_path: Path) -> None:
    many = portraits(1, MAX_STORED_PHOTOS + 20)
    with Gallery(tmp_path / "g.db") as gallery:
        assert gallery.learn("me", many[:MAX_COMPARED_PHOTOS]) == MAX_COMPARED_PHOTOS
        gallery.learn("me", many[MAX_COMPARED_PHOTOS:])
        assert len(gallery.known(AT)[0].vectors) == MAX_COMPARED_PHOTOS
        assert gallery.people()[0].photos == MAX_STORED_PHOTOS


def test_a_label_adds_a_person_and_undoing_it_leaves_no_trace(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery, Gallery(tmp_path / "g.db") as brain:
        gallery.learn("me", portraits(1, 5))
        before, version = state(gallery), brain.version
        told = said(1, "ann", group="guest", until=AT + timedelta(days=1))
        assert gallery.learn_label(told, portraits(2, 3)) == 3
        assert gallery.labels() == [told]
        assert brain.version != version
        assert [(known.name, known.group, len(known.vectors)) for known in brain.known(AT)] == [
            ("ann", "guest", 3),
            ("me", "family", 5),
        ]
        assert {one.visit for one in gallery.references("ann")} == {told.visit}
        assert gallery.undo() == told
        assert state(gallery) == before
        assert [known.name for known in brain.known(AT)] == ["me"]
        assert gallery.undo() is None


def test_a_label_without_a_picture_is_stored_and_adds_nobody(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        assert gallery.learn_label(said(1, "ann"), []) == 0
        assert gallery.people() == []
        assert gallery.labels() == [said(1, "ann")]
        gallery.forget("ann")
        assert gallery.labels() == []


def test_a_second_label_of_a_visit_replaces_the_first(tmp_path: Path) -> None:
    photos = portraits(2, 3)
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn_label(said(1, "ann"), photos)
        assert gallery.learn_label(said(1, "bob"), photos) == 3
        assert [person.name for person in gallery.people()] == ["bob"]
        assert gallery.learn_label(said(1, None), photos) == 3
        assert gallery.people() == []
        assert [one.vector is not None and one.vector.tobytes() for one in gallery.negatives()] == [
            one.vector.tobytes() for one in photos
        ]
        assert gallery.labels() == [said(1, None)]
        gallery.undo()
        assert (gallery.negatives(), gallery.labels()) == ([], [])


def test_a_negative_without_a_face_is_stored_by_place_and_box(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        assert gallery.learn_label(said(1, None), []) == 0
        (rack,) = gallery.negatives()
    assert (rack.vector, rack.place, rack.box, rack.visit) == (None, "hall", Box(0.1, 0.2, 0.3, 0.4), UUID(int=1))


def test_undoing_a_label_restores_group_and_pass(tmp_path: Path) -> None:
    until = AT + timedelta(days=3)
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("ann", portraits(2, 3), group="guest", until=until)
        gallery.learn_label(said(1, "ann"), portraits(2, 2, 10))
        gallery.learn_label(said(2, "ann", group="guest"), [])
        assert (gallery.people()[0].group, gallery.people()[0].until) == ("guest", None)
        gallery.undo()
        assert (gallery.people()[0].group, gallery.people()[0].until) == ("family", None)
        gallery.undo()
        assert (gallery.people()[0].group, gallery.people()[0].until) == ("guest", until)


def test_undoing_a_label_restores_the_hours_too(tmp_path: Path) -> None:
    hours, others = ("Tue 09:00-12:00",), ("Fri 14:00-16:00",)
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("maria", portraits(2, 3), group="known", hours=hours)
        changed = replace(said(1, "maria", group="known"), hours=others)
        gallery.learn_label(changed, [])
        assert gallery.labels() == [changed]
        assert gallery.people()[0].hours == others
        gallery.learn_label(said(2, "maria"), [])
        assert (gallery.people()[0].group, gallery.people()[0].hours) == ("family", ())
        gallery.learn_label(replace(said(1, "maria", group="guest")), [])  # replaces the first one
        gallery.undo()
        assert (gallery.people()[0].group, gallery.people()[0].hours) == ("family", ())
        gallery.undo()
        assert (gallery.people()[0].group, gallery.people()[0].hours) == ("known", hours)


def test_replacing_an_earlier_label_keeps_the_effects_of_later_ones(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn_label(said(1, "ann", group="guest"), portraits(2, 2))
        gallery.learn_label(said(2, "ann"), portraits(2, 2, 10))
        gallery.learn_label(said(1, "bob"), portraits(2, 2))
        assert [(one.name, one.group, one.photos) for one in gallery.people()] == [
            ("ann", "family", 2),
            ("bob", "family", 2),
        ]
        gallery.undo()
        assert [(one.name, one.photos) for one in gallery.people()] == [("ann", 2)]
        gallery.undo()
        assert gallery.people() == []


def test_photos_enrolled_since_stay_when_the_label_is_undone(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn_label(said(1, "ann"), portraits(2, 3))
        gallery.learn("ann", portraits(2, 2), group="guest")
        gallery.undo()
        assert [(one.name, one.group, one.photos) for one in gallery.people()] == [("ann", "guest", 2)]


def test_a_group_enrolled_since_stays_when_the_label_is_undone(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("ann", portraits(2, 2), group="guest", until=AT)
        gallery.learn_label(said(1, "ann"), portraits(2, 2, 10))
        gallery.learn("ann", portraits(2, 2, 20))
        gallery.undo()
        assert [(one.group, one.until, one.photos) for one in gallery.people()] == [("family", None, 4)]


def test_undoing_never_brings_a_forgotten_person_back(tmp_path: Path) -> None:
    with Gallery(tmp_path / "g.db") as gallery:
        gallery.learn("me", portraits(1, 3))
        gallery.learn_label(said(1, "ann", group="guest"), portraits(2, 3))
        gallery.learn_label(said(2, "ann"), portraits(2, 3, 10))
        gallery.forget("ann")
        before = state(gallery)
        assert gallery.undo() is None
        assert state(gallery) == before


NAMES = st.sampled_from(["ann", "bob", None])
STEPS = st.tuples(st.sampled_from(["tell", "learn"]), st.integers(1, 4), NAMES, st.integers(0, 3), st.integers(0, 9))


def take(gallery: Gallery, step: tuple[str, int, str | None, int, int]) -> None:
    what, visit, who, photos, start = step
    own = portraits({"ann": 1, "bob": 2, None: 3}[who], photos, start)
    if what == "tell":
        gallery.learn_label(said(visit, who, group="guest" if start % 2 else "family"), own)
    elif who and own:
        gallery.learn(who, own)


@given(st.lists(STEPS, max_size=5), NAMES, st.integers(0, 3), st.integers(0, 9))
@settings(max_examples=25)
def test_undoing_a_new_label_leaves_everything_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    steps: Sequence[tuple[str, int, str | None, int, int]],
    who: str | None,
    photos: int,
    start: int,
) -> None:
    with Gallery(tmp_path_factory.mktemp("gallery") / "g.db") as gallery:
        for step in steps:
            take(gallery, step)
        before = state(gallery)
        take(gallery, ("tell", 9, who, photos, start))
        gallery.undo()
        assert state(gallery) == before
        while gallery.undo():
            assert len(gallery.labels()) < 5
        assert {one.visit for one in gallery.references()} <= {None}
        assert gallery.negatives() == []
        assert all(person.photos for person in gallery.people())


def test_after_forgetting_nothing_of_the_person_is_left_in_any_byte(tmp_path: Path) -> None:
    ann = [*portraits(2, 6), *portraits(2, 3, 10)]
    with Gallery(tmp_path / "g.db") as gallery, Gallery(tmp_path / "g.db") as brain:
        gallery.learn("me", [*portraits(1, 5), *portraits(2, 1, 20)])
        gallery.learn("Annabella", ann[:6], group="guest", until=AT)
        gallery.learn_label(said(1, "Annabella"), ann[6:])
        gallery.learn_label(said(2, "Annabella"), portraits(2, 2, 30))
        gallery.undo()
        assert "Annabella" in str([one.excluded for one in gallery.references("me")])
        assert brain.known(AT)
        gallery.forget("Annabella")
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    gone = [*ann, *portraits(2, 2, 30)]
    assert b"Annabella" not in left
    for one in gone:
        assert one.vector.tobytes()[:16] not in left
        assert one.thumbnail
        assert one.thumbnail not in left
        assert one.sha256.encode() not in left
    assert portraits(1, 1)[0].vector.tobytes() in left


def enroll_forever(folder: Path) -> None:
    """Change a gallery without end; every step says that it begins, and that it is done."""
    with Gallery(folder / "g.db") as gallery:
        for number in range(1_000_000):
            print(number, flush=True)  # noqa: T201
            gallery.learn(f"learned{number % 7}-{number}", [photo(10 * number + one) for one in range(4)])
            gallery.learn_label(said(number, f"told{number}"), [photo(10 * number + 4 + one) for one in range(3)])
            gallery.learn_all([Entry(f"{side}{number}", (photo(10 * number + 7 + n),)) for n, side in enumerate("lr")])
            if number % 3 == 2:
                gallery.undo()
                gallery.forget(f"learned{(number - 1) % 7}-{number - 1}")


@pytest.mark.timeout(60)
def test_killed_at_any_moment_the_gallery_is_whole_and_every_step_is_done_or_not(tmp_path: Path) -> None:
    root = ROOT
    code = f"from pathlib import Path; from {__name__} import enroll_forever; enroll_forever(Path({str(tmp_path)!r}))"
    rng = random.Random(7)  # noqa: S311
    for round_ in range(6):
        for file in tmp_path.iterdir():
            file.unlink()
        with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE) as child:
            assert child.stdout
            assert child.stdout.readline() == b"0\n"
            time.sleep(rng.uniform(0, 0.6))
            child.send_signal(signal.SIGKILL)
        with Gallery(tmp_path / "g.db") as gallery:
            people = {person.name: person.photos for person in gallery.people()}
            words = {word.who for word in gallery.labels()}
        with contextlib.closing(sqlite3.connect(tmp_path / "g.db")) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)], round_
            assert (
                raw.execute("SELECT count(*) FROM photos WHERE name NOT IN (SELECT name FROM people)").fetchone()[0]
                == 0
            )
        for name, photos in people.items():
            assert photos == (4 if name.startswith("learned") else 3 if name.startswith("told") else 1), name
        assert {name for name in people if name.startswith("told")} == words
        assert {name[1:] for name in people if name[0] == "l" and name[1].isdigit()} == {
            name[1:] for name in people if name[0] == "r"
        }
