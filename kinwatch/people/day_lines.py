"""Pure: a day in words: lines, cells of a table, and JSON."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from brain.album.day import CalmedGroup, DayIncident, DaySummary, DayVisit, calmed_groups, count_by_name
from kinwatch.people.day_entries import ReadDay, day_title
from nerves.messages import Group, stamp

__all__ = ["DayRow", "day_facts", "headline", "hint_lines", "incident_rows", "silent_lines", "silent_rows"]

GROUP_TEXTS: dict[Group, str] = {"family": "family", "guest": "guests", "known": "people who are known"}


@dataclass(frozen=True, slots=True)
class DayRow:
    """One row of the table of a day."""

    cells: tuple[str, str, str, str, str]
    """Time, place, who, the visit's id, why."""
    kind: str
    """What decides its colour: `ring` for an incident, else the kind of the visit."""


def headline(read: ReadDay) -> str:
    """Return the day in one line."""
    summary = read.summary
    rings = f"rang {_times(summary.rings)}" if summary.rings else "did not ring"
    return f"{day_title(read.day)}: {_counted(len(summary.visits), 'visit')}, {rings}"


def incident_rows(incidents: Iterable[DayIncident]) -> list[DayRow]:
    """Return a row for each incident, and under it one for each of its visits."""
    rows = []
    for incident in incidents:
        times = [f"{at.astimezone():%H:%M:%S}" for at in incident.rings]
        title = f"RANG {times[0]}" if times else "rang the day before"
        visits = _counted(len(incident.visits), "visit")
        why = f"rang {_times(len(times))}: {', '.join(times)}" if len(times) > 1 else ""
        rows.append(DayRow((title, ", ".join(incident.places), visits, "", why), "ring"))
        rows += [_row(visit, visit.reasons) for visit in incident.visits]
    return rows


def silent_lines(summary: DaySummary) -> list[str]:
    """Return what did not ring: a line for each group of people, for calmed visits, and for all others."""
    lines = []
    for kind, whose in GROUP_TEXTS.items():
        some = [visit for visit in summary.recognised if visit.kind == kind]
        names = ", ".join(f"{name} {count}" for name, count in count_by_name(some))
        lines += [f"{_counted(len(some), 'visit')} of {whose}: {names}"] if some else []
    if summary.calmed:
        groups = ", ".join(_group(group) for group in calmed_groups(summary.calmed))
        lines.append(f"{_counted(len(summary.calmed), 'unidentified visit')} {_were(summary.calmed)} calmed: {groups}")
    if summary.others:
        lines.append(f"{_counted(len(summary.others), 'other visit')} did not ring")
    return lines


def silent_rows(summary: DaySummary) -> list[DayRow]:
    """Return a row for each visit that did not ring and is nobody's whom the faces named: calmed ones first."""
    calmed = [_row(visit, visit.past.context_reasons or visit.reasons) for visit in summary.calmed]
    return [*calmed, *(_row(visit, visit.reasons) for visit in summary.others)]


def hint_lines(summary: DaySummary) -> list[str]:
    """Return which rings were family, and the commands that name them."""
    found = summary.were_family
    if not found:
        return []
    named = [visit for visit, _ in found if visit.past.named]
    faceless = [visit for visit, _ in found if not visit.past.named and not visit.faces]
    wanted = [(visit, name) for visit, name in found if not visit.past.named and visit.faces]
    rings = "This ring was" if len(found) == 1 else f"These {len(found)} rings were"
    doubts = [bool(visit.probably) for visit, _ in found]
    whose = "probably family" if all(doubts) else "family or probably family" if any(doubts) else "family"
    them, they = ("it", "it") if len(wanted) == 1 else ("them", "they")
    lines = [f"{rings} {whose}{f': name {them} and {they} will not ring again' if wanted else ''}."]
    if wanted:
        lines.append(f"  kinwatch album show {' '.join(visit.short for visit, _ in wanted)}    # look first")
    lines += [f"  {_command(visit, name)}{_doubt(visit, name)}" for visit, name in wanted]
    if named:
        lines.append(f"  {len(named)} named already")
    if faceless:
        lines.append(f"  {len(faceless)} without a good face: there is nothing to learn from {_short(faceless)}")
    return lines


def day_facts(read: ReadDay) -> dict[str, Any]:
    """Return the day for JSON."""
    summary = read.summary
    return {
        "day": read.day.isoformat(),
        "begin": stamp(read.begin),
        "end": stamp(read.end),
        "visits": len(summary.visits),
        "rings": summary.rings,
        "incidents": [
            {
                "incident": str(one.id) if one.id else None,
                "since": stamp(one.since),
                "places": one.places,
                "rings": [stamp(at) for at in one.rings],
                "visits": [_facts(visit) for visit in one.visits],
            }
            for one in summary.incidents
        ],
        "recognised": [_facts(visit) for visit in summary.recognised],
        "calmed": [_facts(visit) for visit in summary.calmed],
        "others": [_facts(visit) for visit in summary.others],
        "were_family": [
            {
                "visit": str(visit.past.visit),
                "who": name,
                "named": visit.past.named,
                "faces": visit.faces,
                "command": _command(visit, name) if visit.faces and not visit.past.named else None,
            }
            for visit, name in summary.were_family
        ],
        "remark": read.remark,
    }


def _row(visit: DayVisit, reasons: Sequence[str]) -> DayRow:
    past, rang = visit.past, visit.rang_at
    at = f"  {past.since.astimezone():%H:%M:%S}-{past.last.astimezone():%H:%M:%S}"
    why = "; ".join((*((f"rang {rang.astimezone():%H:%M:%S}",) if rang else ()), *reasons))
    return DayRow((at, past.place, _who(visit), visit.short, why), visit.kind)


def _who(visit: DayVisit) -> str:
    if visit.probably:
        return f"probably {visit.probably}{f' {visit.past.odds:,}:1' if visit.past.odds else ''}"
    return f"{visit.name} (you said)" if visit.labelled else visit.name


def _group(group: CalmedGroup) -> str:
    reasons = {reason for visit in group.visits for reason in visit.past.context_reasons}
    more = " ..." if len(reasons) > 1 else ""
    return f"{len(group.visits)} {group.name}{f' ({group.reason}{more})' if group.reason else ''}"


def _command(visit: DayVisit, name: str) -> str:
    is_named = name != "family"
    return f"kinwatch album name {visit.short} {shlex.quote(name) if is_named else 'NAME'}"


def _doubt(visit: DayVisit, name: str) -> str:
    if not visit.probably:
        return ""
    odds = f", {visit.past.odds:,}:1" if visit.past.odds else ""
    return f"    # if it was {'one of the family' if name == 'family' else name}: probably{odds}"


def _facts(visit: DayVisit) -> dict[str, Any]:
    past = visit.past
    return {
        "visit": str(past.visit),
        "short": visit.short,
        "place": past.place,
        "since": stamp(past.since),
        "last": stamp(past.last),
        "verdict": past.verdict,
        "kind": visit.kind,
        "name": visit.name,
        "labelled": visit.labelled,
        "alert": past.alert,
        "alerted_at": stamp(past.alerted_at) if past.alerted_at else None,
        "probably": visit.probably,
        "odds": past.odds if visit.probably else None,
        "calm": past.is_calm,
        "reasons": list(visit.reasons),
    }


def _short(visits: Sequence[DayVisit]) -> str:
    return ", ".join(visit.short for visit in visits)


def _were(some: Sequence[object]) -> str:
    return "was" if len(some) == 1 else "were"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
