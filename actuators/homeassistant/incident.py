"""Pure: what is known of an incident after a message."""

from nerves.messages import Incident

__all__ = ["newest_incident"]


def newest_incident(old: Incident | None, new: Incident | None) -> Incident | None:
    """Return the incident that began last, with all that is known of it.

    A visit may carry what was known of its incident some time ago.
    """
    if old is None or new is None:
        return old or new
    if old.id != new.id:
        return max(old, new, key=lambda each: each.since)
    places = max(old.places, new.places, key=len)
    newest = {"places": places, "people": max(old.people, new.people), "rings": max(old.rings, new.rings)}
    return old.model_copy(update=newest)
