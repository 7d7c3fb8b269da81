"""Pure: what the household was told, against what was true."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks.household_intruders import Intrusion
from benchmarks.household_life import DAY_S

__all__ = ["MODES", "Ring", "Tally", "clock", "explanations", "figures", "table"]

MODES = ("away", "night", "home")
MIN_FACE_FRAMES = 2  # somebody has a face if so many frames show a usable one
LATE_S = 60.0  # an alert that comes later after the intruder is first seen is late
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Ring:
    """One message that alerts."""

    visit: UUID
    incident: Any
    """What the brain says belongs together; None if it says nothing."""
    at: float
    place: str
    mode: str
    text: str
    """Verdict and reasons."""


@dataclass(slots=True)
class Tally:
    """What happened in one simulation."""

    rings: list[Ring] = field(default_factory=list)
    joined: dict[object, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    """By incident: the visits that the brain joins to it, whether they rang or not."""
    votes: dict[UUID, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """For each visit, how many detections show whom."""
    first_seen: dict[str, float] = field(default_factory=dict)
    """When each intruder was first detected."""
    faces: Counter[str] = field(default_factory=Counter)
    """How many frames showed a usable face of each person."""
    decided_s: list[float] = field(default_factory=list)
    names: list[tuple[UUID, str]] = field(default_factory=list)
    """Each name that was given to a visit."""

    def owner(self, visit: UUID) -> str:
        """Return whom most detections of a visit show."""
        votes = self.votes.get(visit)
        return votes.most_common(1)[0][0] if votes else "nobody"

    def about(self, ring: Ring) -> set[str]:
        """Return whom a ring is about: the owner of its visit, and of other visits of its incident, if seen by then."""
        others = map(self.owner, self.joined.get(ring.incident, ()))
        return {self.owner(ring.visit), *(who for who in others if self.first_seen.get(who, ring.at) < ring.at)}

    def incidents(self) -> list[list[Ring]]:
        """Return the rings that belong together; each ring alone if the brain does not say."""
        found: dict[object, list[Ring]] = defaultdict(list)
        for number, ring in enumerate(self.rings):
            found[ring.incident if ring.incident is not None else number].append(ring)
        return list(found.values())


def clock(at: float) -> str:
    """Return a time as day and hour: `day 3 07:15:02`."""
    day, rest = divmod(at, DAY_S)
    return f"day {day:.0f} {rest // 3600:02.0f}:{rest % 3600 // 60:02.0f}:{rest % 60:02.0f}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one intrusion."""

    intrusion: Intrusion
    seen: float
    rung: float | None
    """When it was first alerted; None if never."""
    has_face: bool
    """Whether a usable face was seen."""

    @property
    def is_late(self) -> bool:
        return self.rung is not None and self.rung - self.seen > LATE_S


def _outcomes(tally: Tally, intrusions: Sequence[Intrusion]) -> list[_Outcome]:
    """Return what became of each intruder whom a camera detected."""
    first: dict[str, float] = {}
    for ring in tally.rings:
        for who in tally.about(ring):
            first.setdefault(who, ring.at)
    return [
        _Outcome(one, tally.first_seen[one.who], first.get(one.who), tally.faces[one.who] >= MIN_FACE_FRAMES)
        for one in intrusions
        if one.who in tally.first_seen
    ]


def _sorted_rings(tally: Tally, intruders: frozenset[str]) -> tuple[list[Ring], int, list[int]]:
    """Return the false alarms, the rings of family during an intrusion, and the rings of each true incident."""
    false, during, lengths = [], 0, []
    alone: Counter[str] = Counter()
    for rings in tally.incidents():
        owners = [tally.owner(ring.visit) for ring in rings]
        guilty = [owner for ring in rings for owner in sorted(tally.about(ring) & intruders)[:1]]
        if not guilty:
            false.append(rings[0])
        elif rings[0].incident is None:
            alone[guilty[0]] += 1
        else:
            during += len(owners) - len(guilty)
            lengths.append(len(owners))
    return false, during, [*lengths, *alone.values()]


def figures(tally: Tally, intrusions: Sequence[Intrusion], days: int, passes: int) -> dict[str, Any]:
    """Return the figures of the household, as the benchmark prints them."""
    outcomes = _outcomes(tally, intrusions)
    false, during, lengths = _sorted_rings(tally, frozenset(one.who for one in intrusions))
    waits = [one.rung - one.seen for one in outcomes if one.rung is not None]
    wrong = sum(tally.owner(visit) not in (name, "nobody") for visit, name in tally.names)
    return {
        "days": days,
        "passes": passes,
        "rings": len(tally.rings),
        "false_alarms": len(false),
        "false_alarms_a_day": round(len(false) / days, 2),
        "false_alarms_a_week": round(WEEK_DAYS * len(false) / days, 2),
        "rings_during_intrusion": during,
        **_counted(outcomes, "intruders"),
        "by": {mode: _of_mode(mode, outcomes, false) for mode in MODES},
        "by_kind": _of_kinds(outcomes),
        "by_who": dict(Counter(tally.owner(ring.visit) for ring in false).most_common()),
        "rings_an_incident": {"median": _quantile(lengths, 50), "p95": _quantile(lengths, 95)},
        "alerted_s": {"median": _quantile(waits, 50), "p95": _quantile(waits, 95)},
        "decided_s_p50": _quantile(tally.decided_s, 50),
        "names": len(tally.names),
        "wrong_names": wrong,
    }


def _counted(outcomes: Sequence[_Outcome], name: str) -> dict[str, int]:
    prefix = f"{name}_" if name == "intruders" else ""
    return {
        name: len(outcomes),
        f"{prefix}missed": sum(one.rung is None for one in outcomes),
        f"{prefix}late": sum(one.is_late for one in outcomes),
    }


def _of_mode(mode: str, outcomes: Sequence[_Outcome], false: Sequence[Ring]) -> dict[str, Any]:
    mine = [one for one in outcomes if one.intrusion.mode == mode]
    return {
        "faceless": _counted([one for one in mine if not one.has_face], "came"),
        "with_face": _counted([one for one in mine if one.has_face], "came"),
        "false_alarms": sum(ring.mode == mode for ring in false),
    }


def _of_kinds(outcomes: Sequence[_Outcome]) -> dict[str, Any]:
    kinds = sorted({one.intrusion.kind for one in outcomes})
    return {kind: _counted([one for one in outcomes if one.intrusion.kind == kind], "came") for kind in kinds}


def _quantile(values: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 1) if values else None


def table(found: Mapping[str, Any]) -> str:
    """Return the figures as a table for a person."""
    rings, waits = found["rings_an_incident"], found["alerted_s"]
    a_day, a_week = found["false_alarms_a_day"], found["false_alarms_a_week"]
    lines = [
        f"{found['days']} days, {found['passes']} passes of family, guest and cleaner; {found['rings']} rings",
        f"false alarms: {found['false_alarms']} ({a_day} a day, {a_week} a week)",
        f"rings of family during an intrusion: {found['rings_during_intrusion']}",
        "",
        f"{'':26}{'came':>6}{'missed':>8}{'late':>6}{'false alarms':>14}",
    ]
    for mode, one in found["by"].items():
        lines.append(f"{mode:50}{one['false_alarms']:>10}")
        lines += [_row(f"  {face.replace('_', ' ')}", one[face]) for face in ("faceless", "with_face")]
    lines += ["by kind", *(_row(f"  {kind}", one) for kind, one in found["by_kind"].items())]
    lines += [
        f"all intruders: {found['intruders']}, missed {found['intruders_missed']}, late {found['intruders_late']}",
        f"rings an incident: median {rings['median']}, p95 {rings['p95']}",
        f"seconds from first seen to the first ring: median {waits['median']}, p95 {waits['p95']}",
        f"seconds to a verdict: median {found['decided_s_p50']}",
        f"wrong names: {found['wrong_names']} of {found['names']}",
    ]
    return "\n".join(lines)


def _row(name: str, one: Mapping[str, int]) -> str:
    return f"{name:26}{one['came']:>6}{one['missed']:>8}{one['late']:>6}"


def explanations(tally: Tally, intrusions: Sequence[Intrusion], count: int) -> Iterator[str]:
    """Yield the first false alarms and the missed or late intruders, a line each."""
    false, _, _ = _sorted_rings(tally, frozenset(one.who for one in intrusions))
    for ring in sorted(false, key=lambda ring: ring.at)[:count]:
        yield f"false alarm, {clock(ring.at)}, {ring.place}, {ring.mode}: {tally.owner(ring.visit)}: {ring.text}"
    bad = [one for one in _outcomes(tally, intrusions) if one.rung is None or one.is_late]
    for one in bad[:count]:
        what = "missed" if one.rung is None else f"late by {one.rung - one.seen:.0f} s"
        face = "with face" if one.has_face else "no face"
        rooms = ", ".join(stretch.place for stretch in one.intrusion.stretches)
        yield f"{what}, {clock(one.seen)}, {one.intrusion.mode}: {one.intrusion.kind}, {face}, through {rooms}"
