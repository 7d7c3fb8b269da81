import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from uuid6 import uuid7

from kinwatch.demo.demo_run import act_fault
from kinwatch.demo.run import DEMO_ACTS
from nerves import topics
from nerves.broker import private_broker
from nerves.bus import open_link
from nerves.messages import Phase, Verdict, Visit
from tests.paths import ROOT
from tests.waiting import scaled, soon

AT = datetime(2026, 11, 21, tzinfo=UTC)
CAT, WOMAN, AGAIN, FAR = DEMO_ACTS


def told(verdict: Verdict, who: str | None = None, *, alert: bool = False, phase: Phase = "ended") -> Visit:
    return Visit(place="x", visit=uuid7(), seq=1, phase=phase, verdict=verdict, who=who, alert=alert, since=AT, last=AT)


def test_the_demo_succeeds_if_each_act_is_right() -> None:
    assert act_fault(CAT, []) is None
    assert act_fault(WOMAN, [told("stranger", alert=True)]) is None
    assert act_fault(AGAIN, [told("family", "Eileen")]) is None
    assert act_fault(FAR, [told("unidentified", alert=True)]) is None


def test_the_demo_fails_if_any_act_is_wrong() -> None:
    assert act_fault(CAT, [told("unidentified")]) == "1 visits where there is nobody"
    assert act_fault(WOMAN, []) == "0 visits instead of one"
    assert act_fault(WOMAN, [told("stranger")]) == "0 alerts instead of 1"
    assert act_fault(WOMAN, [told("family", "Eileen")]) == "family Eileen instead of stranger"
    assert act_fault(AGAIN, [told("stranger", alert=True)]) == "stranger instead of family Eileen"


@pytest.mark.mosquitto
@pytest.mark.models
@pytest.mark.timeout(150)
def test_the_demo_shows_the_whole_house_and_leaves_the_evidence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kinwatch", "demo", "--once", "--json", "--keep", str(tmp_path / "demo")],
        env=os.environ | {"KINWATCH_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=scaled(120),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["summary"]["ok"]
    decided = [(line["verdict"], line["who"], line["alert"]) for line in lines[:-1] if line["phase"] == "decided"]
    assert decided == [("stranger", None, True), ("family", "Eileen", False), ("unidentified", None, True)]
    assert len(list((tmp_path / "demo" / "evidence").glob("*/*.jpg"))) == 3


@pytest.mark.mosquitto
@pytest.mark.models
@pytest.mark.timeout(150)
def test_the_demo_fails_without_its_file_and_leaves_no_service_behind_in_the_house(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, "-m", "kinwatch", "demo", "--source", str(tmp_path / "absent.mp4")],
        env=os.environ | {"KINWATCH_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=scaled(120),
        check=False,
    )
    assert done.returncode == 1
    assert "absent.mp4: no such file or folder: check the path" in done.stderr
    with private_broker(data) as broker:
        found: list[bytes] = []
        link = open_link(broker.url, "kinwatch-test", durable=False)
        link.listen(topics.status("+"), lambda _topic, body: found.append(body), qos=1)
        with link:
            assert link.wait_connected(scaled(10))
            link.post("kinwatch/status/end", b"end").wait(scaled(10))
            assert soon(lambda: b"end" in found)
    assert found == [b"end"]
