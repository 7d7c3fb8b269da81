"""Who was forgotten here and may still be in the collection: as salted hashes, for a forgotten name is not kept."""

import hashlib
import os
from collections.abc import Container
from typing import TYPE_CHECKING

from brain.cloud.errors import CloudError

if TYPE_CHECKING:
    from brain.cloud.client import Cloud
    from brain.cloud.ledger import CallLedger

__all__ = ["debt", "is_of", "pay"]

# Names are few, and easily guessed: each guess shall cost a moment and 16 MB.
COST = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


def debt(name: str) -> str:
    """Return what is kept of a name that was forgotten."""
    salt = os.urandom(16)
    return f"{salt.hex()}:{_mixed(name, salt)}"


def is_of(debt: str, name: str) -> bool:
    """Return whether it was this name."""
    salt, _, mixed = debt.partition(":")
    return _mixed(name, bytes.fromhex(salt)) == mixed


def pay(cloud: "Cloud", ledger: "CallLedger", kept: Container[tuple[str, str]]) -> int:
    """Remove from the collection whoever was forgotten, and return how many faces were theirs.

    Args:
        cloud: What raises `CloudError`; everybody is then still owed, and what was removed is removed.
        ledger: Where it is kept who was forgotten.
        kept: The gallery's photos, by name and hash: somebody may have been forgotten and enrolled again.
    """
    owed = ledger.owed()
    if not owed:
        return 0
    there = cloud.describe()
    users = set(cloud.list_users()) if there and there.users else set()
    gone = _remove(cloud, owed, kept, users) if there else 0
    for each in owed:
        ledger.paid(each)
    return gone


def _remove(cloud: "Cloud", owed: list[str], kept: Container[tuple[str, str]], users: set[str]) -> int:
    faces = list(cloud.list_faces())
    known = {face.name for face in faces if face.name} | users
    names = {name for name in known if any(is_of(each, name) for each in owed)}
    gone = [face.face_id for face in faces if face.name in names and (face.name, face.sha256) not in kept]
    for name in names & users:  # AWS removes no face while it is a user's
        cloud.delete_user(name)
    stay = cloud.delete(gone)
    if stay:
        message = f"{len(stay)} of {len(gone)} faces belong to a user that kinwatch has not made: they stay"
        raise CloudError(message)
    return len(gone)


def _mixed(name: str, salt: bytes) -> str:
    return hashlib.scrypt(name.encode(), salt=salt, **COST).hex()
