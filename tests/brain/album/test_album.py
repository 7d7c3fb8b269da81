"""The album: which pictures are kept, for how long, and that nothing breaks it or is broken by it."""

import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.album.album import Album, PastVisit
from brain.album.stranger_store import CREATE_ALBUM_TABLES
from brain.context.decision import Decision
from brain.context.incident import joined
from brain.context.terms import ContextOdds
from brain.process.album_writer import AlbumWriter
from brain.settings.brain import AlbumSettings
from brain.verdict.judge import Judgement
from brain.vision.backend import Face
from brain.vision.crop import Crop, best_crops, portrait
from brain.vision.picture import Picture
from brain.visits.visit import OpenVisit
from nerves.database import Database
from nerves.errors import KinwatchError
from nerves.messages import Box, Verdict
from tests.paths import ROOT

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def crop(second: float, weight: float = 0.5, *, size: int = 100) -> Crop:
    vector = np.random.default_rng(round(1000 * second)).normal(size=128).astype(np.float32)
    return Crop(AT + timedelta(seconds=second), np.random.default_rng(round(second)).bytes(size), vector, weight, 40.0)


def past(
    *,
    days: float = 0,
    verdict: Verdict = "stranger",
    visit: UUID | None = None,
    who: str | None = None,
    named: bool = False,
) -> PastVisit:
    at = AT - timedelta(days=days)
    return PastVisit(
        visit or uuid4(), "hall", at, at, verdict, who=who, box=Box(0.1, 0.2, 0.3, 0.4), alert=True, named=named
    )


moments = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 10)), max_size=40)


@given(moments)
def test_the_best_faces_are_kept_each_of_its_own_moment(seen: list[tuple[int, int]]) -> None:
    kept: tuple[Crop, ...] = ()
    for tenths, weight in seen:
        kept = best_crops(kept, crop(tenths / 10, weight / 10))
    assert len(kept) <= 5
    assert [one.at for one in kept] == sorted(one.at for one in kept)
    assert all(b.at - a.at >= timedelta(seconds=0.5) for a, b in pairwise(kept))
    if seen:
        assert max(one.weight for one in kept) == max(weight for _, weight in seen) / 10


def test_a_face_is_shown_with_room_around_and_is_small() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8)
    picture = Picture(cv2.imencode(".jpg", cv2.blur(noise, (9, 9)))[1].tobytes())
    for box in (Box(0.4, 0.4, 0.1, 0.2), Box(-0.02, 0.9, 0.1, 0.2), Box(0.5, 0.5, 0.01, 0.02)):
        shown = cv2.imdecode(np.frombuffer(portrait(picture, Face(box, 0.9, 1920 * box.w)), np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None
        assert max(shown.shape) <= 224
    assert len(portrait(picture, Face(Box(0.4, 0.4, 0.1, 0.2), 0.9, 192))) < 30_000


def test_a_visit_and_its_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    visit, crops = past(), [crop(0), crop(1), Crop(AT + timedelta(seconds=2), b"back", None, 0.0, 0.0)]
    with Album(tmp_path / "album.db") as album:
        album.put(visit, crops)
    with Album(tmp_path / "album.db") as album:
        assert album.visits() == [visit]
        found = album.crops(visit.visit)
    assert [one.jpeg for one in found] == [one.jpeg for one in crops]
    assert found[2].vector is None
    assert np.array_equal(found[0].vector, crops[0].vector)  # type: ignore[arg-type]
    assert (tmp_path / "album.db").stat().st_mode & 0o077 == 0


def test_a_brain_that_was_restarted_adds_to_what_is_there(tmp_path: Path) -> None:
    visit = past()
    with Album(tmp_path / "album.db") as album:
        album.put(visit, [crop(0, 0.9), crop(1, 0.2)])
        album.put(past(visit=visit.visit, verdict="family", who="alice"), [crop(1, 0.2), crop(5, 0.6)])
        assert [one.weight for one in album.crops(visit.visit)] == [0.9, 0.2, 0.6]
        assert [(one.verdict, one.who) for one in album.visits()] == [("family", "alice")]


def test_why_a_visit_rang_or_did_not_is_stored(tmp_path: Path) -> None:
    calm = OpenVisit("hall", AT, AT, Box(0, 0, 1, 1), picture=b"jpeg")
    calm.hold(Judgement("unidentified", None, ("no face was seen",)))
    calm.take_context(Decision(False, ContextOdds(5.0, "Alice", ("the same clothes",)), is_calm=True))  # noqa: FBT003
    rang = OpenVisit("hall", AT, AT, Box(0, 0, 1, 1), picture=b"jpeg", decided_at=AT + timedelta(seconds=10))
    rang.hold(Judgement("unidentified", None, ("no face was seen",)))
    incident = joined(None, rang.id, "hall", "unidentified", rang.id, AT, rings=True)
    rang.incident = incident.message()
    rang.message("decided", AT, alert=True)
    writer = AlbumWriter(tmp_path / "album.db", AlbumSettings())
    writer.put([calm, rang])
    rang.decided_at = AT + timedelta(seconds=60)
    rang.hold(Judgement("family", "Alice", ("400:1 for Alice",)))
    writer.put([rang])
    writer.close()
    with Album(tmp_path / "album.db") as album:
        found = {one.visit: one for one in album.visits()}
    quiet, loud = found[calm.id], found[rang.id]
    assert (quiet.alert, quiet.alerted_at, quiet.incident, quiet.is_calm) == (False, None, None, True)
    assert (quiet.probably, quiet.odds) == ("Alice", 148)
    assert (quiet.reasons, quiet.context_reasons) == (("no face was seen",), ("the same clothes",))
    assert (loud.alert, loud.alerted_at, loud.incident) == (True, AT + timedelta(seconds=10), incident.id)
    assert (loud.verdict, loud.who, loud.reasons) == ("family", "Alice", ("400:1 for Alice",))


def test_an_album_of_an_older_version_is_read_and_written(tmp_path: Path) -> None:
    with Database(tmp_path / "album.db") as database:
        database.migrate("album", [CREATE_ALBUM_TABLES])
        row = (str(uuid4()), "hall", AT.isoformat(), AT.isoformat(), "stranger", None, None, 1, None, 0)
        with database.transaction() as connection:
            connection.execute("INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    with Album(tmp_path / "album.db") as album:
        (old,) = album.visits()
        assert (old.alert, old.alerted_at, old.is_calm, old.reasons) == (True, None, False, ())
        album.put(past(), [crop(0)])
        assert len(album.visits()) == 2


def test_visits_go_when_their_days_are_over(tmp_path: Path) -> None:
    with Album(tmp_path / "album.db", AlbumSettings(days=30, family_days=7)) as album:
        for days in (1, 8, 29, 31):
            for verdict in ("stranger", "family", "known"):
                album.put(past(days=days, verdict=verdict), [crop(days)])  # type: ignore[arg-type]
        album.prune(AT)
        left = sorted((one.verdict, (AT - one.last).days) for one in album.visits())
    assert left == [("family", 1), ("known", 1), ("stranger", 1), ("stranger", 8), ("stranger", 29)]


def test_a_full_album_lets_the_named_go_first_then_the_oldest_and_the_file_shrinks(tmp_path: Path) -> None:
    settings, file = AlbumSettings(max_mb=1), tmp_path / "album.db"
    with Album(file, AlbumSettings()) as album:
        for days in range(20, 0, -1):
            album.put(past(days=days, named=days in (2, 3)), [crop(days, size=100_000)])
        assert file.stat().st_size + (tmp_path / "album.db-wal").stat().st_size > 2_000_000
    with Album(file, settings) as album:
        album.prune(AT)
        left = [(AT - one.last).days for one in album.visits()]
    assert left == [11, 10, 9, 8, 7, 6, 5, 4, 1]
    assert file.stat().st_size <= 1_000_000


def test_nothing_of_a_discarded_face_is_left_in_any_file(tmp_path: Path) -> None:
    one, other = past(), past()
    face, rest = crop(1, size=20_000), crop(2, size=20_000)
    assert face.vector is not None
    with Album(tmp_path / "album.db") as album, Album(tmp_path / "album.db") as brain:
        album.put(one, [face])
        album.put(other, [rest])
        assert len(brain.visits()) == 2
        assert album.discard([one.visit, uuid4()]) == 1
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert face.jpeg[5000:5100] not in left
        assert face.vector.tobytes() not in left
        assert rest.jpeg[5000:5100] in left


def test_a_broken_album_is_said_once_and_deciding_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "album.db").write_bytes(b"not an album\n" * 1000)
    keepsakes = AlbumWriter(tmp_path / "album.db", AlbumSettings())
    visit = OpenVisit("hall", AT, AT, Box(0, 0, 1, 1), picture=b"jpeg")
    for _ in range(3):
        keepsakes.put([visit])
        assert keepsakes.recognise_stranger(visit.id, [], [], AT) is None
        keepsakes.prune()
    keepsakes.close()
    assert caplog.text.count("album.db") == 1


def test_a_full_disk_is_said_once_and_deciding_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keepsakes = AlbumWriter(tmp_path / "album.db", AlbumSettings())
    album = keepsakes.album()
    assert album is not None
    with album._database.open() as connection:  # noqa: SLF001 - a disk that fills up, made small
        connection.execute("PRAGMA max_page_count = 20")
    noise = np.random.default_rng(0).bytes(200_000)
    for _ in range(3):
        keepsakes.put([OpenVisit("hall", AT, AT, Box(0, 0, 1, 1), picture=noise)])
    keepsakes.close()
    assert caplog.text.count("disk is full") == 1
    with Album(tmp_path / "album.db") as after:
        assert after.visits() == []


def test_a_file_that_is_no_album_is_named(tmp_path: Path) -> None:
    (tmp_path / "album.db").write_bytes(b"not an album\n" * 1000)
    with pytest.raises(KinwatchError, match=r"album\.db cannot be used"):
        Album(tmp_path / "album.db")


WRITER = """
    import random, sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from uuid import uuid4
    from brain.album.album import Album, PastVisit
    from brain.settings.brain import AlbumSettings
    from brain.vision.crop import Crop

    at = datetime(2026, 11, 21, tzinfo=UTC)
    with Album(Path(sys.argv[1]), AlbumSettings(max_mb=1)) as album:
        print("ready", flush=True)
        for second in range(100_000):
            now = at + timedelta(seconds=second)
            crops = [Crop(now + timedelta(seconds=n), random.randbytes(20_000), None, 0.5, 40.0) for n in range(3)]
            album.put(PastVisit(uuid4(), "hall", now, now, "stranger"), crops)
"""


@pytest.mark.timeout(60)
def test_killed_at_any_moment_every_visit_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "album.db"
    for number in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(file)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.3 + 0.07 * number)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        with Album(file) as album:
            visits = album.visits()
            assert visits
            assert all(len(album.crops(visit.visit)) == 3 for visit in visits)
