"""A name does not pass from a person who leaves to somebody without a face who appears soon after nearby."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from brain.people.gallery import Gallery, Photo
from brain.settings.brain import BrainSettings
from tests.brain.visits.test_context import ALICE, BLUE, RED, Body, House
from tests.people import face as a_face

GAPS_S = [0.6, 1.0, 2.0, 3.0, 5.0]
AWAY = [0.0, 0.03, 0.06, 0.15, 0.30]
# A visit ends if frames have not shown its person for 3 s; a body 30 % of the width away does not touch the last one.
MAX_GAP_S, MAX_AWAY = 3.0, 0.15
STEP_S = 0.2
OTHERS = {
    "other clothes": Body(clothes=BLUE),
    "no clothes seen": Body(clothes=None),
    "infrared": Body(clothes=RED, chroma=0.0),
    "infrared, other clothes": Body(clothes=BLUE, chroma=0.0),
}


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery(tmp_path / "gallery.db") as gallery:
        gallery.learn("alice", [Photo(a_face(ALICE), "0", "a.jpg")])
        yield gallery


def names_after(gallery: Gallery, newcomer: Body, *, gap_s: float, away: float) -> tuple[House, set[str | None], int]:
    """Show Alice, an empty picture for a time, then the newcomer.

    Returns:
        The house, the names that the newcomer had in any frame, and how many visits there were.
    """
    house = House(gallery, BrainSettings())
    house.show("hall", Body(ALICE, x=0.3), seconds=6, fps=1 / STEP_S)
    house.show("hall", seconds=gap_s - STEP_S, fps=1 / STEP_S)
    begin = house.now
    body = Body(newcomer.face, newcomer.clothes, 0.3 + away, newcomer.chroma)
    house.show("hall", body, seconds=14, fps=1 / STEP_S)
    house.leave("hall")
    frames = [frame for frame in house.detections if frame.at >= begin and frame.detections]
    assert frames[0].at - begin <= timedelta(seconds=0)
    return house, {one.who for frame in frames for one in frame.detections}, len({one.visit for one in house.visits})


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("gap_s", GAPS_S)
@pytest.mark.parametrize("other", OTHERS)
def test_a_name_does_not_pass_to_a_body_that_does_not_agree(
    gallery: Gallery, other: str, gap_s: float, away: float
) -> None:
    house, names, visits = names_after(gallery, OTHERS[other], gap_s=gap_s, away=away)
    assert names == {None}
    assert visits == 2
    assert [visit.verdict for visit in house.alerts()] == ["unidentified"]


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("gap_s", GAPS_S)
def test_the_same_clothes_keep_the_name_while_the_visit_lasts(gallery: Gallery, gap_s: float, away: float) -> None:
    house, names, visits = names_after(gallery, Body(clothes=RED), gap_s=gap_s, away=away)
    is_same = gap_s <= MAX_GAP_S and away <= MAX_AWAY
    assert names == ({"alice"} if is_same else {None})
    assert visits == (1 if is_same else 2)
    assert house.alerts() == []


@pytest.mark.parametrize(("chroma", "clothes"), [(1.0, RED), (1.0, None), (0.0, RED), (1.0, BLUE)])
def test_between_two_rare_frames_only_other_clothes_take_the_name_away(
    gallery: Gallery, chroma: float, clothes: int | None
) -> None:
    house = House(gallery, BrainSettings())
    house.show("hall", Body(ALICE), seconds=8, fps=1)
    house.show("hall", Body(None, clothes, chroma=chroma), seconds=12, fps=1)
    assert house.detections[-1].detections[0].who == (None if clothes == BLUE else "alice")


def test_a_blink_keeps_the_name_without_any_clothes(gallery: Gallery) -> None:
    house = House(gallery, BrainSettings())
    house.show("hall", Body(ALICE), seconds=6, fps=5)
    house.show("hall", seconds=0.2, fps=5)
    house.show("hall", Body(clothes=None), seconds=3, fps=5)
    assert {frame.detections[0].who for frame in house.detections[-15:]} == {"alice"}
    assert len({visit.visit for visit in house.visits}) == 1


def test_two_bodies_never_share_a_name_when_one_of_them_leaves(gallery: Gallery) -> None:
    house = House(gallery, BrainSettings())
    house.show("hall", Body(ALICE, x=0.2), Body(clothes=BLUE, x=0.45), seconds=6, fps=5)
    house.show("hall", seconds=1, fps=5)
    house.show("hall", Body(clothes=BLUE, x=0.25), seconds=12, fps=5)
    assert {frame.detections[0].who for frame in house.detections[-60:]} == {None}
