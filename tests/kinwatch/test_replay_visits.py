"""`kinwatch replay` of the clip of four visits, with each model pack."""

import csv
from pathlib import Path

import pytest

from tests.kinwatch.command import PACKS, run, summaries

pytestmark = [pytest.mark.media, pytest.mark.models]


@pytest.mark.timeout(200)
@pytest.mark.parametrize("pack", PACKS)
def test_four_people_seen_from_behind_are_four_visits(tmp_path: Path, media: Path, pack: str) -> None:
    clip = media / "clips" / "visits_1_4.mp4"
    summary = summaries(run(tmp_path, "replay", str(clip), "--json", "--pack", pack))[clip.name]
    with (media / "clips_ground_truth.csv").open() as rows:
        truth = [row for row in csv.DictReader(rows) if row["file"].endswith(clip.name)]
    spans = [(int(row["first_frame"]), int(row["last_frame"])) for row in truth if row["label"] == "person"]
    empty = [(int(row["first_frame"]), int(row["last_frame"])) for row in truth if row["label"] == "none"]
    assert [visit["alerts"] for visit in summary["visits"]] == [1, 0, 0, 0]  # they follow each other: one incident
    for visit, (first, last) in zip(summary["visits"], spans, strict=True):
        assert first - 20 <= visit["first_frame"]
        assert visit["last_frame"] <= last + 20
        assert (visit["verdict"], visit["who"]) == ("unidentified", None)
        assert not any(visit["first_frame"] <= end and start <= visit["last_frame"] for start, end in empty)
