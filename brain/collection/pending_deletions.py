"""Removes forgotten people from the collection later. Until then their names are stored only as salted hashes."""

import hashlib
import os
from collections.abc import Container
from typing import TYPE_CHECKING

from brain.cloud.errors import CloudError

if TYPE_CHECKING:
    from brain.cloud.client import Cloud
    from brain.cloud.ledger import CallLedger

__all__ = ["debt", "is_of", "pay"]

# Names are few and easy to guess, so each guess must cost time, and 16 MB of memory.
COST = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


def debt(name: str) -> str:
    """Return the salted hash under which a forgotten name is stored: two hexadecimal numbers joined by a colon."""
    salt = os.urandom(16)
    return f"{salt.hex()}:{_mixed(name, salt)}"


def is_of(debt: str, name: str) -> bool:
    """Return whether a stored hash is that of a name."""
    salt, _, mixed = debt.partition(":")
    return _mixed(name, bytes.fromhex(salt)) == mixed


def pay(cloud: "Cloud", ledger: "CallLedger", kept: Container[tuple[str, str]]) -> int:
    """Remove the faces and users of forgotten people from the collection; return the number of removed faces.

    Args:
        cloud: The client of Rekognition.
        ledger: Stores the hashes of the forgotten names.
        kept: The name and hash of each photo in the gallery. They stay, because a person may have been enrolled again.

    Raises:
        CloudError: Not all could be removed. All hashes stay stored; what was already removed stays removed.
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
    for name in names & users:  # AWS does not remove a face that belongs to a user
        cloud.delete_user(name)
    stay = cloud.delete(gone)
    if stay:
        message = f"{len(stay)} of {len(gone)} faces belong to a user that kinwatch did not create: they stay"
        raise CloudError(message)
    return len(gone)


def _mixed(name: str, salt: bytes) -> str:
    return hashlib.scrypt(name.encode(), salt=salt, **COST).hex()
