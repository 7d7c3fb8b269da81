"""Pure: what may be dropped first while nothing can be stored."""

from nerves.messages import Visit

__all__ = ["worth"]

FAMILY, UNDECIDED, UNKNOWN, ALERT = range(4)


def worth(visit: Visit) -> int:
    """Return how much a message matters: those we know least, then what is not decided, alerts most."""
    if visit.alert:
        return ALERT
    if visit.verdict == "identifying":
        return UNDECIDED
    return FAMILY if visit.verdict in ("family", "guest") else UNKNOWN
