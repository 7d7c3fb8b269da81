"""Is evidence lost when the store is killed?

A real `kinwatch act evidence`, a private mosquitto and an S3 server (moto), each a process. Visits are told while the
store is ended with SIGKILL at random moments and started again; then every picture and every fact is fetched from the
bucket and compared with what was told.

    python benchmarks/evidence.py [--visits 200] [--kills 20] [--seed 1] [--json]

`stored`: visits whose every message is in the bucket, byte for byte, receipted, and in the visit's history.
`doubled`: keys, receipts or contents beyond those. `sent again`: the same bytes under the same key once more, as a
kill between the upload and its being noted must cause. `late`: from telling to the receipt. Status 1 if anything is
lost or doubled.
"""

import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

from uuid6 import uuid7

from nerves.bus import open_link
from nerves.link import Link
from nerves.messages import Status, Stored, Visit, now
from tests.buckets import KEYS, S3
from tests.faults import Broker

BUCKET = "our-house"
PHASES = (("started", "identifying"), ("decided", "stranger"), ("ended", "stranger"))
# A kill comes so long after a start; on two busy cores the process needs about two seconds to begin its work.
KILL_S = (0.3, 5.0)
DRAIN_S = 120.0
Key = tuple[UUID, int]


def scene(visits: int, dice: random.Random) -> list[Visit]:
    """Return the messages of so many visits, three each, those of neighbours mixed."""
    begun = now()
    together = []
    for number in range(visits):
        which, since = uuid7(), begun + timedelta(seconds=number)
        first, best = (dice.randbytes(dice.randint(20_000, 75_000)) for _ in range(2))
        pictures = (first, dice.choice((first, best)), best)
        for seq, ((phase, verdict), picture) in enumerate(zip(PHASES, pictures, strict=True), start=1):
            told = {"visit": which, "seq": seq, "phase": phase, "verdict": verdict, "alert": phase == "decided"}
            told |= {"place": "hall", "since": since, "last": since, "picture": base64.b64encode(picture)}
            together.append((number + seq, Visit.model_validate(told)))
    return [visit for _, visit in sorted(together, key=lambda pair: pair[0])]


class Witness:
    """Hears every receipt, and when it came."""

    def __init__(self) -> None:
        self.told: dict[Key, float] = {}
        self.receipts: dict[Key, dict[UUID, Stored]] = {}
        self.late_s: dict[Key, float] = {}
        self.is_ready = False

    def tell(self, link: Link, visits: list[Visit], seconds: float) -> None:
        """Publish the messages, spread over some time."""
        for visit in visits:
            self.told[visit.visit, visit.seq] = time.monotonic()
            link.post(visit.topic, visit.payload()).wait(10)
            time.sleep(seconds / len(visits))

    def hear(self, topic: str, payload: bytes) -> None:
        """Note a receipt."""
        stored = Stored.read(topic, payload)
        key = stored.visit, stored.seq
        self.late_s.setdefault(key, time.monotonic() - self.told[key])
        self.receipts.setdefault(key, {})[stored.id] = stored

    def watch(self, topic: str, payload: bytes) -> None:
        """Note that the store is there."""
        self.is_ready |= Status.read(topic, payload).detail == "ready"


@contextmanager
def running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the store; end it with SIGKILL."""
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def until(true: Any, seconds: float) -> None:  # noqa: ANN401 - anything that can be called
    """Wait until something is true, for so long at most."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


def measure(visits: int, kills: int, seed: int) -> dict[str, Any]:
    """Tell of so many visits while the store is killed so often, and return what became of them."""
    dice = random.Random(seed)  # noqa: S311 - the same scene and the same kills each time
    told, witness = scene(visits, dice), Witness()
    pauses = [dice.uniform(*KILL_S) for _ in range(kills)]
    with tempfile.TemporaryDirectory() as folder, S3() as server, Broker(persistence=True) as broker:
        server.bucket(BUCKET)
        command, env = _service(Path(folder), server.url, broker.url)
        link = open_link(broker.url, "benchmark", durable=True)
        link.listen("kinwatch/+/stored", witness.hear, qos=1)
        link.listen("kinwatch/status/evidence", witness.watch, qos=1)
        with link:
            with running(command, env):
                until(lambda: witness.is_ready, 30)
                teller = Thread(target=witness.tell, args=[link, told, max(sum(pauses), 0.02 * len(told))])
                teller.start()
                time.sleep(pauses[0])
            for pause in pauses[1:]:
                with running(command, env):
                    time.sleep(pause)
            with running(command, env):
                teller.join()
                until(lambda: len(witness.receipts) == len(told), DRAIN_S)
                time.sleep(1.0)  # whatever would come twice
        return _judged(told, witness, server) | {"visits": visits, "kills": kills, "seed": seed}


def _service(folder: Path, s3: str, broker: str) -> tuple[list[str], dict[str, str]]:
    config = folder / "kinwatch.yaml"
    table = {"kind": "store", "url": f"s3://{BUCKET}/visits", "endpoint_url": s3}
    config.write_text(json.dumps({"mqtt": {"url": broker}, "actuators": {"evidence": table}}))
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "KINWATCH_"))}
    command = [sys.executable, "-m", "kinwatch", "act", "evidence", "--config", str(config)]
    return command, env | KEYS | {"KINWATCH_DATA_DIR": str(folder / "data")}


def _judged(told: list[Visit], witness: Witness, server: S3) -> dict[str, Any]:
    objects, versions = server.objects(BUCKET), server.versions(BUCKET)
    bad = {visit.visit for visit in told if not _is_stored(visit, witness, objects)}
    expected = {key for receipts in witness.receipts.values() for one in receipts.values() for key in _keys(one)}
    histories = {key for key in objects if key.endswith("_history.json")}
    contents = Counter(each["Key"] for each in {(v["Key"], v["ETag"]): v for v in versions}.values())
    visits = {visit.visit for visit in told}
    late = sorted(witness.late_s.values())
    return {
        "stored": len(visits - bad),
        "doubled": len({*objects} - expected - histories)
        + abs(len(histories) - len(visits - bad)) * (not bad)
        + sum(len(receipts) - 1 for receipts in witness.receipts.values())
        + sum(1 for key, count in contents.items() if count > 1 and key not in histories),
        "sent_again": sum(each["Key"] in expected for each in versions) - len(expected & {*objects}),
        "lost": len(bad),
        "late_s": {f"p{share}": round(late[len(late) * share // 100], 2) for share in (50, 99)} if late else {},
    }


def _keys(stored: Stored) -> set[str]:
    start = len(f"s3://{BUCKET}/")
    return {url[start:] for url in (stored.url, stored.picture_url) if url}


def _is_stored(visit: Visit, witness: Witness, objects: dict[str, bytes]) -> bool:
    """Whether picture, facts, receipt and history of a message are there."""
    receipts = [*witness.receipts.get((visit.visit, visit.seq), {}).values()]
    if not receipts:
        return False
    start = len(f"s3://{BUCKET}/")
    facts = json.loads(objects.get(receipts[0].url[start:], b"{}"))
    same = facts.items() >= visit.model_dump(mode="json", exclude={"picture"}, exclude_none=True).items()
    histories = [json.loads(body) for key, body in objects.items() if f"{visit.visit}/0003_history" in key]
    seqs = [[each["seq"] for each in history["history"]] for history in histories]
    return same and objects.get((receipts[0].picture_url or "")[start:]) == visit.picture and seqs == [[1, 2, 3]]


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20, help="1 or more")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    given = parser.parse_args()
    found = measure(given.visits, given.kills, given.seed)
    if given.json:
        print(json.dumps(found))
    else:
        late = found.pop("late_s")
        rows = found | {f"late {name}": f"{seconds:.2f} s" for name, seconds in late.items()}
        print("\n".join(f"{name.replace('_', ' '):<12}{value:>9}" for name, value in rows.items()))
    return int(found["lost"] > 0 or found["doubled"] > 0)


if __name__ == "__main__":
    sys.exit(main())
