"""Pure: which messages are dropped first while nothing can be stored."""

from nerves.messages import Visit

__all__ = ["spool_priority"]

FAMILY_PRIORITY, UNDECIDED_PRIORITY, UNKNOWN_PRIORITY, ALERT_PRIORITY = range(4)


def spool_priority(visit: Visit) -> int:
    """Return the priority of a message, from low to high: known people, undecided visits, unknown people, alerts."""
    if visit.alert:
        return ALERT_PRIORITY
    if visit.verdict == "identifying":
        return UNDECIDED_PRIORITY
    return FAMILY_PRIORITY if visit.verdict in ("family", "guest", "known") else UNKNOWN_PRIORITY
