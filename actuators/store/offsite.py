"""Which objects of a visit are stored in a bucket, and in which order.

Each message is an object that is never overwritten: first its picture, then its facts. When the visit has ended, its
whole history is stored as one more object. Storing a message twice writes the same bytes under the same keys.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from actuators.store.names import HISTORY_FIELDS, evidence_name
from actuators.store.stored_facts import Facts, StoredFacts
from nerves.messages import Stored, Visit

__all__ = ["BucketObject", "ObjectReceipt", "PutObject", "store_in_bucket"]

JPEG_TYPE, JSON_TYPE = "image/jpeg", "application/json"
# So many hex digits of the SHA-256 are in the name of a picture.
HASH_DIGITS = 16
RECEIPT_FIELDS = ("url", "version", "sha256", "picture_url", "picture_version")


class BucketObject(NamedTuple):
    """An object to be put into a bucket."""

    key: str
    """Its key below the prefix."""
    body: bytes
    content_type: str


class ObjectReceipt(NamedTuple):
    """The server's confirmation of an object."""

    url: str
    version: str | None


PutObject = Callable[[BucketObject], ObjectReceipt]


def store_in_bucket(put: PutObject, stored: StoredFacts, visits: Iterable[Visit]) -> Iterator[Stored]:
    """Store each message; yield its receipt once the server has confirmed all its objects."""
    for visit in visits:
        known = stored.of_visit(visit.visit)
        facts = next((facts for facts in known if facts["seq"] == visit.seq), None)
        if facts is None:
            facts = _store(put, known, visit)
            stored.add(facts)
            known = sorted([*known, facts], key=lambda each: int(each["seq"]))
        if any(each["phase"] == "ended" for each in known):
            _put_history(put, known, _folder(visit))
        yield _receipt(facts, visit)


def _store(put: PutObject, known: list[Facts], visit: Visit) -> Facts:
    """Store the picture of a message, if it is new to the visit, then its facts; return these with their receipts."""
    folder = _folder(visit)
    facts = visit.model_dump(mode="json", exclude={"picture"}, exclude_none=True)
    if visit.picture:
        facts |= _picture(put, known, folder, visit.picture)
    kept = put(
        BucketObject(
            f"{folder}/{visit.seq:04}_{visit.phase}.json", _written(facts, leave_out={"picture_version"}), JSON_TYPE
        )
    )
    return facts | {"url": kept.url, "version": kept.version}


def _picture(put: PutObject, known: list[Facts], folder: str, jpeg: bytes) -> Facts:
    """Store a picture under its hash: its name is the same whichever message comes first."""
    sha256 = hashlib.sha256(jpeg).hexdigest()
    for facts in known:
        if facts.get("sha256") == sha256:
            return {key: facts[key] for key in ("sha256", "picture_url", "picture_version") if key in facts}
    kept = put(BucketObject(f"{folder}/picture_{sha256[:HASH_DIGITS]}.jpg", jpeg, JPEG_TYPE))
    return {"sha256": sha256, "picture_url": kept.url} | ({"picture_version": kept.version} if kept.version else {})


def _put_history(put: PutObject, known: list[Facts], folder: str) -> None:
    newest = known[-1]
    history = newest | {
        "history": [{key: facts.get(key) for key in (*HISTORY_FIELDS, *RECEIPT_FIELDS)} for facts in known]
    }
    put(
        BucketObject(
            f"{folder}/{newest['seq']:04}_history.json", _written(history, leave_out={"url", "version"}), JSON_TYPE
        )
    )


def _folder(visit: Visit) -> str:
    return f"{visit.since:%Y/%m/%d}/{evidence_name(visit, visit.since)}"


def _written(facts: Facts, *, leave_out: set[str]) -> bytes:
    """Return facts as JSON without the fields that only the server knows: a second try then has the same bytes."""
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
