"""Which objects a visit becomes in a bucket, and in which order.

A message is an object of its own that is never overwritten: its picture first, then its facts. Once the visit has
ended its whole history is one more. Storing a message twice writes the same bytes under the same keys.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from actuators.store.names import HISTORY, stem
from actuators.store.stored_facts import Facts, StoredFacts
from nerves.messages import Stored, Visit

__all__ = ["Item", "Kept", "Put", "keep"]

JPEG, JSON = "image/jpeg", "application/json"
HASH = 16
RECEIPT = ("url", "version", "sha256", "picture_url", "picture_version")


class Item(NamedTuple):
    """What is to be put into a bucket."""

    key: str
    """Below the prefix."""
    body: bytes
    content_type: str


class Kept(NamedTuple):
    """The server's receipt."""

    url: str
    version: str | None


Put = Callable[[Item], Kept]


def keep(put: Put, memory: StoredFacts, visits: Iterable[Visit]) -> Iterator[Stored]:
    """Store each message; the receipt comes once the server has confirmed all of it."""
    for visit in visits:
        known = memory.of(visit.visit)
        facts = next((facts for facts in known if facts["seq"] == visit.seq), None)
        if facts is None:
            facts = _store(put, known, visit)
            memory.add(facts)
            known = sorted([*known, facts], key=lambda each: int(each["seq"]))
        if any(each["phase"] == "ended" for each in known):
            _put_history(put, known, _folder(visit))
        yield _receipt(facts, visit)


def _store(put: Put, known: list[Facts], visit: Visit) -> Facts:
    """Store a message's picture, unless the visit has it, and then its facts; return them with the receipts."""
    folder = _folder(visit)
    facts = visit.model_dump(mode="json", exclude={"picture"}, exclude_none=True)
    if visit.picture:
        facts |= _picture(put, known, folder, visit.picture)
    kept = put(
        Item(f"{folder}/{visit.seq:04}_{visit.phase}.json", _written(facts, leave_out={"picture_version"}), JSON)
    )
    return facts | {"url": kept.url, "version": kept.version}


def _picture(put: Put, known: list[Facts], folder: str, jpeg: bytes) -> Facts:
    """Store a picture under its hash, so that it has one name whichever message comes first."""
    sha256 = hashlib.sha256(jpeg).hexdigest()
    for facts in known:
        if facts.get("sha256") == sha256:
            return {key: facts[key] for key in ("sha256", "picture_url", "picture_version") if key in facts}
    kept = put(Item(f"{folder}/picture_{sha256[:HASH]}.jpg", jpeg, JPEG))
    return {"sha256": sha256, "picture_url": kept.url} | ({"picture_version": kept.version} if kept.version else {})


def _put_history(put: Put, known: list[Facts], folder: str) -> None:
    newest = known[-1]
    history = newest | {"history": [{key: facts.get(key) for key in (*HISTORY, *RECEIPT)} for facts in known]}
    put(Item(f"{folder}/{newest['seq']:04}_history.json", _written(history, leave_out={"url", "version"}), JSON))


def _folder(visit: Visit) -> str:
    return f"{visit.since:%Y/%m/%d}/{stem(visit, visit.since)}"


def _written(facts: Facts, *, leave_out: set[str]) -> bytes:
    """Return facts as JSON; what the server alone can say is left out, so that twice is the same."""
    kept = {key: value for key, value in facts.items() if key not in leave_out}
    return json.dumps(kept, indent=1, ensure_ascii=False).encode()


def _receipt(facts: Facts, visit: Visit) -> Stored:
    return Stored(
        place=visit.place,
        visit=visit.visit,
        seq=visit.seq,
        url=facts["url"],
        version=facts["version"],
        picture_url=facts.get("picture_url"),
        picture_version=facts.get("picture_version"),
        sha256=facts.get("sha256"),
    )
