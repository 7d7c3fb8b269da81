"""`kinwatch replay` of the family, of strangers, and of single pictures."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.kinwatch.command import PACKS, run, summaries
from tests.turned import ORIENTATION_TAGS, turned

pytestmark = [pytest.mark.media, pytest.mark.models]


@pytest.mark.timeout(100)
@pytest.mark.parametrize("pack", PACKS)
def test_the_family_is_known_and_two_strangers_are_not(
    tmp_path: Path, media: Path, enrolled: Callable[[str], Path], pack: str
) -> None:
    clips = [str(media / "clips" / name) for name in ("me_and_wife_facing.mp4", "corridor_two_strangers.mp4")]
    unknown = summaries(run(tmp_path, "replay", *clips, "--json", "--pack", pack))
    for summary in unknown.values():
        assert [visit["verdict"] for visit in summary["visits"]] == ["stranger"] * 2
        assert sum(visit["alerts"] for visit in summary["visits"]) in (
            1,
            2,
        )  # one incident
    shutil.copytree(enrolled(pack), tmp_path / "data", dirs_exist_ok=True)
    done = run(tmp_path, "replay", *clips, "--json", "--pack", pack)
    known = summaries(done)
    family = known["me_and_wife_facing.mp4"]["visits"]
    assert sorted((visit["who"], visit["verdict"], visit["alerts"]) for visit in family) == [
        ("me", "family", 0),
        ("wife", "family", 0),
    ]
    assert {visit["verdict"] for visit in known["corridor_two_strangers.mp4"]["visits"]} <= {"stranger", "unidentified"}
    first = json.loads(done.stdout.splitlines()[0])
    assert [*first][:2] == ["clip", "visit"]
    assert {"seq", "place", "at", "frame", "phase", "verdict", "who", "alert", "reasons"} <= first.keys()
    assert "picture" not in first


@pytest.mark.timeout(300)
def test_people_are_visits_and_animals_and_rooms_are_not(tmp_path: Path, media: Path) -> None:
    with (media / "stills_ground_truth.csv").open() as rows:
        labels = {row["file"]: row["label"] for row in csv.DictReader(rows) if row["label"] != "unsure"}
    done = run(tmp_path, "replay", *(str(media / name) for name in labels), "--json", "--pack", "standard")
    seen = {name: bool(summary["visits"]) for name, summary in summaries(done).items()}
    false = [name for name, label in labels.items() if label != "person" and seen[Path(name).name]]
    people = [seen[Path(name).name] for name, label in labels.items() if label == "person"]
    assert false == []
    assert sum(people) >= 0.95 * len(people)


@pytest.mark.timeout(120)
def test_a_picture_that_lies_on_its_side_or_has_an_appendix_is_read_as_the_upright_one(
    tmp_path: Path, media: Path, enrolled: Callable[[str], Path]
) -> None:
    shutil.copytree(enrolled("standard"), tmp_path / "data", dirs_exist_ok=True)
    with Image.open(media / "family" / "me" / "me_03.jpg") as photo:
        me = photo.convert("RGB").resize((960, 540), Image.Resampling.LANCZOS)
    pictures = {f"tag_{tag}.jpg": turned(me, tag, order="<>"[tag % 2]) for tag in ORIENTATION_TAGS}
    pictures["appendix.jpg"] = turned(me, 1) + bytes(200)
    for name, jpeg in pictures.items():
        (tmp_path / name).write_bytes(jpeg)
    seen = summaries(run(tmp_path, "replay", *pictures, "--json", "--pack", "standard"))
    for name in pictures:
        assert [(visit["who"], visit["alerts"]) for visit in seen[name]["visits"]] == [("me", 0)], name
