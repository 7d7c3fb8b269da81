"""What is to be done to make the collection equal to the gallery, and what is kept of who was forgotten."""

import re

from hypothesis import given
from hypothesis import strategies as st

from brain.cloud.client import Indexed
from brain.collection.diff import CollectionPhoto, differ
from brain.collection.pending_deletions import debt, is_of


def test_a_debt_matches_a_name_without_revealing_it() -> None:
    owed = debt("Zoë 李")
    assert is_of(owed, "Zoë 李")
    assert not is_of(owed, "Zoe")
    assert owed != debt("Zoë 李")
    assert re.fullmatch(r"[0-9a-f]{32}:[0-9a-f]{64}", owed)


NAMES = st.sampled_from(["ann", "bob", "carol"])
HASHES = st.sampled_from([f"{n:064x}" for n in range(4)])
BELONGS = st.sets(st.tuples(NAMES, HASHES))
THERE = st.lists(st.tuples(NAMES, HASHES, st.booleans()), max_size=12)


@given(BELONGS, THERE, st.sets(NAMES), st.sets(HASHES), st.booleans())
def test_after_a_complete_sync_there_is_no_difference(
    belongs: set[tuple[str, str]],
    there: list[tuple[str, str, bool]],
    users: set[str],
    refused: set[str],
    by_user: bool,  # noqa: FBT001
) -> None:
    wanted = [CollectionPhoto(name, sha256, "x.jpg", b"") for name, sha256 in sorted(belongs)]
    found = {
        str(number): Indexed(str(number), name, sha256, name if joined and name in users else None)
        for number, (name, sha256, joined) in enumerate(there)
    } | {"foreign": Indexed("foreign", None, None)}
    difference = differ(wanted, found.values(), users, refused, by_user=by_user)
    for change in difference.changes:
        if change.has_user and (change.gone or not by_user):
            users = users - {change.name}
        assert {*change.part} <= {*change.remove}
        for face in change.remove:
            del found[face]
        for photo in change.add:
            assert photo.sha256 not in refused
            found[f"new {photo.name} {photo.sha256}"] = Indexed("new", photo.name, photo.sha256)
    left = {(face.name, face.sha256) for face in found.values() if face.name}
    assert left <= belongs
    assert {sha256 for _, sha256 in belongs - left} <= refused
    assert len(left) == len(found) - 1
    joined = {key: face._replace(face_id=key, user=face.name if by_user else face.user) for key, face in found.items()}
    users = {name for name, _ in left} if by_user else users & {name for name, _ in belongs}
    assert not differ(wanted, joined.values(), users, refused, by_user=by_user).changes
    assert difference.foreign == 1
