"""What a closer look is worth: a clip as a camera with two streams sends it, before the real models."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.models.local import LocalBackend
from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.visits.brain import Brain
from nerves.messages import Fact, Frame, Visit
from senses.camera import video
from tests.cameras import read_frames

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.timeout(150)]

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLIP_FPS, CLIP_FRAMES = 12.5, 56
SUB_WIDTH, WATCH_FPS, CLOSER_FPS = 160, 5, 10
OPENING_S = 2.0  # as long as a main stream with a key frame every 4 s takes to open


@pytest.fixture
def family(tmp_path: Path, enrolled: Callable[[str], Path]) -> Iterator[Gallery]:
    shutil.copy(enrolled("standard") / "gallery.db", tmp_path)
    with Gallery(tmp_path / "gallery.db") as gallery:
        yield gallery


def last_messages(brain: Brain, clip: Path, *, has_main_stream: bool) -> list[Visit]:
    """Show a clip as a sub-stream, and from 2 s after the first wish on as the main stream; return how visits ended."""
    facts: list[Fact] = []
    wished, sent = float("inf"), float("-inf")
    for number, image in enumerate(read_frames(clip, CLIP_FRAMES)):
        seconds = number / CLIP_FPS
        if seconds - sent < 1 / (CLOSER_FPS if seconds > wished else WATCH_FPS) - 1e-6:
            continue
        sent, at = seconds, START + timedelta(seconds=seconds)
        is_closer = has_main_stream and seconds >= wished + OPENING_S
        jpeg = video.encoded(image, quality=90, max_width=None if is_closer else SUB_WIDTH)
        facts += brain.see(Frame("hall", jpeg, at))
        if brain.wishes(at):
            wished = min(wished, seconds)
    facts += brain.finish(START + timedelta(seconds=sent))
    return [fact for fact in facts if isinstance(fact, Visit) and fact.phase == "ended"]


@pytest.mark.parametrize(
    ("has_main_stream", "expected"),
    [
        (False, [("unidentified", None), ("unidentified", None)]),
        (True, [("family", "me"), ("family", "wife")]),
    ],
)
def test_two_people_who_are_too_small_for_the_sub_stream_are_named_by_a_closer_look(
    media: Path, family: Gallery, *, has_main_stream: bool, expected: list[tuple[str, str | None]]
) -> None:
    vision = LocalBackend("standard", [Path(os.environ["KINWATCH_MODELS"])])
    brain = Brain(vision, family, BrainSettings())
    ended = last_messages(brain, media / "clips" / "me_and_wife_facing.mp4", has_main_stream=has_main_stream)
    assert sorted((visit.verdict, visit.who) for visit in ended) == expected
