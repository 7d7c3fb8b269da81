"""Evidence in a folder: a JSON file and a picture for each visit, in one folder a day."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from actuators.store.names import HISTORY_FIELDS, evidence_name
from nerves.errors import StoreError
from nerves.messages import Stored, Visit

__all__ = ["store_in_folder"]


def store_in_folder(root: Path, visits: Iterable[Visit]) -> Iterator[Stored]:
    """Store each message completely or not at all; yield its receipt once it is on disk.

    Raises:
        StoreError: The folder cannot be written.
    """
    try:
        _prepare(root)
        for visit in visits:
            yield _store_visit(root, visit)
    except (OSError, OverflowError) as error:
        message = f"{root}: {getattr(error, 'strerror', None) or error}: check the disk and who may write there"
        raise StoreError(message) from error


def _prepare(root: Path) -> None:
    """Make the folder, and remove unfinished files of a process that was killed."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for unfinished in root.glob("*/*.tmp"):
        unfinished.unlink(missing_ok=True)


def _store_visit(root: Path, visit: Visit) -> Stored:
    day = _day(root, visit)
    facts_file = next(day.glob(f"*_{visit.visit}.json"), day / f"{evidence_name(visit, visit.since.astimezone())}.json")
    known = _read(facts_file)
    facts = _merged(known, visit)
    if facts is not known:
        # The picture first, so that facts never name a picture that is not there.
        if visit.picture and (facts["seq"] == visit.seq or "picture" not in facts):
            facts |= _write_picture(day, facts_file.stem, visit.picture)
        _write(facts_file, json.dumps(facts, indent=1, ensure_ascii=False).encode())
    return _receipt(facts_file, facts, visit)


def _day(root: Path, visit: Visit) -> Path:
    day = root / visit.since.astimezone().strftime("%Y-%m-%d")
    if not day.exists():
        day.mkdir(mode=0o700, exist_ok=True)
        _sync(root)
    return day


def _read(file: Path) -> dict[str, Any]:
    """Return the facts stored of a visit, or none. An unreadable file is renamed, never overwritten."""
    try:
        facts = json.loads(file.read_bytes())
        seqs = [entry["seq"] for entry in facts["history"]]
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError):
        file.rename(file.with_suffix(".unreadable"))
        return {}
    return facts if seqs else {}


def _merged(known: dict[str, Any], visit: Visit) -> dict[str, Any]:
    """Return the newest facts with the history of all messages; `known` itself if it already has this message."""
    history = known.get("history", [])
    if any(entry["seq"] == visit.seq for entry in history):
        return known
    facts = visit.model_dump(mode="json", exclude={"picture"}, exclude_none=True)
    entry = {key: facts.get(key) for key in HISTORY_FIELDS}
    together = sorted([*history, entry], key=lambda each: int(each["seq"]))
    if visit.seq < known.get("seq", 0):
        return known | {"history": together}
    kept = {key: known[key] for key in ("picture", "sha256") if key in known}
    if "incident" in known:
        facts = {"incident": known["incident"]} | facts  # a visit that was of an incident stays so
    return facts | kept | {"history": together}


def _write_picture(day: Path, stem: str, jpeg: bytes) -> dict[str, str]:
    _write(day / f"{stem}.jpg", jpeg)
    return {"picture": f"{stem}.jpg", "sha256": hashlib.sha256(jpeg).hexdigest()}


def _write(file: Path, content: bytes) -> None:
    """Write a file and wait until it is on disk; a crash leaves the old content or the new one."""
    unfinished = file.with_name(f"{file.name}.tmp")
    with unfinished.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _receipt(file: Path, facts: dict[str, Any], visit: Visit) -> Stored:
    has_picture = "picture" in facts
    return Stored(
        place=visit.place,
        visit=visit.visit,
        seq=visit.seq,
        url=file.absolute().as_uri(),
        picture_url=(file.parent / facts["picture"]).absolute().as_uri() if has_picture else None,
        sha256=facts.get("sha256"),
    )
