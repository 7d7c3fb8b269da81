"""The pictures of visits that may still alert, on disk: a restarted brain alerts with them."""

from collections.abc import Iterable
from uuid import UUID

from brain.visits.visit import OpenVisit
from nerves.database import Database

__all__ = ["VisitPictures"]

PICTURE_TABLES = (("CREATE TABLE pictures (visit TEXT PRIMARY KEY, jpeg BLOB NOT NULL)",),)


class VisitPictures:
    """Stores the best picture of each visit, at most 75 KB, once it is taken and again when a better one is.

    Args:
        database: The file of the brain's state.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stored: dict[UUID, bytes] = {}
        database.migrate("pictures", PICTURE_TABLES)

    def store(self, visits: Iterable[OpenVisit]) -> None:
        """Store the pictures of the visits that may still alert, and drop all others."""
        pictures = {visit.id: visit.picture for visit in visits if visit.picture and _may_alert(visit)}
        new = {visit: jpeg for visit, jpeg in pictures.items() if self._stored.get(visit) != jpeg}
        gone = self._stored.keys() - pictures.keys()
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?)", [(str(visit), jpeg) for visit, jpeg in new.items()]
            )
            connection.executemany("DELETE FROM pictures WHERE visit = ?", [(str(visit),) for visit in gone])
        self._stored = pictures

    def restore(self, visits: Iterable[OpenVisit]) -> None:
        """Give visits of an earlier process their pictures back. Without one, the next picture is the best one."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT visit, jpeg FROM pictures").fetchall()
        self._stored = {UUID(visit): jpeg for visit, jpeg in rows}
        for visit in visits:
            visit.picture = self._stored.get(visit.id)
            visit.best = visit.best if visit.picture else 0.0


def _may_alert(visit: OpenVisit) -> bool:
    return not visit.alerted and visit.verdict in ("identifying", "unidentified")
