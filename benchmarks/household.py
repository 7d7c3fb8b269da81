"""Days of a household through the real brain: how many false alarms, how many intruders missed?

    KINWATCH_TEST_MEDIA=... KINWATCH_MODELS=... python benchmarks/household.py [--days 28] [--seed 0] [--faces 0.21]
        [--presence] [--preset bold] [--without continuity,appearance] [--scenario "terrace"] [--explain 20] [--jobs 2]
        [--json]

Four family members, a guest and a cleaner live in a house with cameras in entrance, hall, kitchen and living room.
Intruders come about 1.5 times a day. `household_life.py` and `household_intruders.py` say who is where, and which
numbers are assumed. Faces are real photos as room cameras would have taken them; everything else is invented. Only the
brain is real. A share `--faces` of the moments shows a usable face; about four moments make a pass.

A ring is a visit message with `alert`. It is about the person whom most detections of the visit show, and about whoever
was seen before and is joined by the brain to the same incident. It is a false alarm if it is about no intruder, and no
other ring of the incident is. An intruder is missed if no ring is about her, and late if the first one comes more than
60 seconds after her first detection. She has a face if two frames show a usable one.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmarks.household_faces import MIN_MOMENT_WEIGHT, Cast, Looks, cast, read_faces, weight
from benchmarks.household_intruders import KINDS, Intrusion, Modes, intrusions
from benchmarks.household_life import DAY_S, DOORS, FAMILY, HOUR_S, PLACES, Life, Phone, family_life, phones
from benchmarks.household_script import Script, script
from benchmarks.household_sight import ScriptedSight
from benchmarks.household_tally import Ring, Tally, explanations, figures, table
from brain.measure.embeddings import Progress
from brain.people.gallery import Entry, Gallery, KnownPerson, Photo
from brain.settings.brain import BrainSettings
from brain.settings.policy import PRESETS, PolicySettings
from brain.verdict.evidence import Evidence
from brain.verdict.judge import Judgement, judge
from brain.visits import judgement
from brain.visits.brain import Brain
from kinwatch.console import progress
from nerves import messages
from nerves.messages import Detections, Fact, Frame, Visit

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
STEP_S = 1.0  # simulated time between two ticks while something is open
QUIET_STEP_S, FRESH_S = 5.0, 20.0  # between two ticks if every visit is decided and no frame came for so long
REMEMBERED_JUDGEMENTS = 200
MODE_EVERY_S = 30.0
NIGHT_HOURS = "23:00-06:30"  # as `household_intruders.Modes` has it
LIFE, FACES, INTRUDERS, PHONES = 1, 2, 3, 4  # each purpose has its own random generator


@dataclass(frozen=True)
class Plan:
    """What is simulated."""

    days: int = 28
    seed: int = 0
    faces: float = 0.21
    """The share of the moments that show a usable face."""
    presence: bool = False
    """Whether the phones of the family say who is at home."""
    without: tuple[str, ...] = ()
    """Parts of the brain's context that are switched off."""
    preset: str = "balanced"
    """The preset of the brain's policy."""
    hours: float | None = None
    """If given, the simulation ends after so many hours."""
    scenario: str | None = None
    """The only kind of intruder; `none` for none; None for all kinds."""


class DayProgress:
    """Shows each new day once."""

    def __init__(self, days: int, show: Progress) -> None:
        self._days, self._show, self._day = days, show, -1

    def __call__(self, at: float) -> None:
        """Show the day of a time, unless it is shown already."""
        if int(at / DAY_S) != self._day:
            self._day = int(at / DAY_S)
            self._show(self._day, self._days)


@contextmanager
def remembered_judgements() -> Iterator[None]:
    """Judge the same evidence only once.

    The judge is pure, and most frames and ticks bring no new face: this changes no verdict and saves most of the time.
    """
    answers = OrderedDict[object, tuple[object, Judgement]]()

    def remembered(evidence: Evidence, known: Sequence[KnownPerson], **options: Any) -> Judgement:  # noqa: ANN401
        key = (id(evidence), tuple(map(id, known)), tuple(sorted(options.items())))
        if key not in answers:
            # The evidence is stored too, so that its id is not used again meanwhile.
            answers[key] = (evidence, judge(evidence, known, **options))
            if len(answers) > REMEMBERED_JUDGEMENTS:
                answers.popitem(last=False)
        return answers[key][1]

    judgement.judge = remembered  # type: ignore[attr-defined]
    try:
        yield
    finally:
        judgement.judge = judge  # type: ignore[attr-defined]


class StillGallery(Gallery):
    """A gallery that nobody changes once `is_still` is set, so it need not look at the file again."""

    is_still = False

    def _refresh(self) -> None:
        if not self.is_still:
            super()._refresh()


def brain_settings(plan: Plan) -> BrainSettings:
    """Return the settings of the brain, with what it knows about places and context if it has such settings."""
    fields: dict[str, Any] = {
        "places": {
            place: {"next_to": [room for room in DOORS[place] if room in PLACES]}
            | ({"entrance": True} if place == "entrance" else {})
            for place in PLACES
        },
        "policy": {"night": NIGHT_HOURS, "preset": plan.preset} if "night" in PolicySettings.model_fields else {},
        "context": dict.fromkeys(plan.without, False),
    }
    return BrainSettings(**{name: value for name, value in fields.items() if name in BrainSettings.model_fields})


class Simulation:
    """The brain in the invented house."""

    def __init__(self, plan: Plan, gallery: Gallery, modes: Modes) -> None:
        self.tally = Tally()
        self._sight = ScriptedSight(plan.seed)
        # A brain that does not compare bodies has no such argument.
        more: dict[str, Any] = {"describe": self._sight.appearance} if "describe" in signature(Brain).parameters else {}
        self._brain = Brain(self._sight, gallery, brain_settings(plan), **more)
        self._is_told_presence = plan.presence
        self._modes, self._mode, self._mode_from = modes, "", -1.0
        self._now = self._last_frame = 0.0

    def run(self, frames: Iterable[Script], facts: Sequence[Phone], show: Callable[[float], None]) -> Tally:
        """Live through all frames and return what happened."""
        waiting = list(facts)[::-1]
        for one in frames:
            show(one.at)
            while waiting and waiting[-1].at <= one.at:
                self._hear(waiting.pop())
            self._pass_time(one.at)
            self._see(one)
        self._take(self._brain.finish(_time(self._now + 60)))
        return self.tally

    def _see(self, one: Script) -> None:
        self._now = self._last_frame = one.at
        self._set_mode(one.at)
        self._take(self._brain.see(Frame(one.place, self._sight.picture(one), _time(one.at))), one)
        for shown in one.shown:
            self.tally.first_seen.setdefault(shown.who, one.at)
            self.tally.faces[shown.who] += bool(shown.embedding and weight(shown.embedding) >= MIN_MOMENT_WEIGHT)

    def _hear(self, phone: Phone) -> None:
        """Give the brain what a phone says, if it can use it."""
        presence, hear = getattr(messages, "Presence", None), getattr(self._brain, "receive_presence", None)
        if presence is None or hear is None:
            return
        self._pass_time(phone.at)
        fact = presence(place=f"phone of {phone.who}", at=_time(phone.at), person=phone.who, home=phone.home)
        self._take(hear(fact) or ())

    def _pass_time(self, until: float) -> None:
        """Tick while a visit is open or something is pending."""
        while self._brain.visits or getattr(self._brain, "pending", False):
            step = self._step()
            if self._now + step >= until:
                return
            self._now += step
            self._set_mode(self._now)
            for place in self._busy_places():
                self._take(self._brain.tick(place, _time(self._now)))

    def _busy_places(self) -> set[str]:
        """Return the places for which time has to pass."""
        open_places = {visit.place for visit in self._brain.visits}
        return getattr(self._brain, "busy_places", open_places) or set(PLACES)

    def _step(self) -> float:
        """Return the seconds to the next tick: more if all open visits are decided and nothing else is pending."""
        visits = self._brain.visits
        is_calm = self._now - self._last_frame > FRESH_S and all(visit.decided for visit in visits)
        return QUIET_STEP_S if is_calm and self._busy_places() <= {visit.place for visit in visits} else STEP_S

    def _set_mode(self, at: float) -> None:
        """Set the mode of the house, at most every half minute: finding it takes time."""
        if at - self._mode_from < MODE_EVERY_S and self._mode:
            return
        self._mode, self._mode_from = self._modes.at(at), at
        is_auto = self._is_told_presence and "auto" in get_args(messages.Mode)
        self._brain.mode = "auto" if is_auto else self._mode  # type: ignore[assignment]

    def _take(self, facts: Iterable[Fact], frame: Script | None = None) -> None:
        for fact in facts:
            if isinstance(fact, Visit):
                self._take_visit(fact)
            elif isinstance(fact, Detections) and frame:
                owners = {shown.box: shown.who for shown in frame.shown}
                for one in fact.detections:
                    if one.visit and one.box in owners:
                        self.tally.votes[one.visit][owners[one.box]] += 1

    def _take_visit(self, visit: Visit) -> None:
        if visit.phase == "decided":
            self.tally.decided_s.append((visit.at - visit.since).total_seconds())
        if visit.phase in ("decided", "corrected") and visit.who:
            self.tally.names.append((visit.visit, visit.who))
        incident = getattr(visit, "incident", None)
        if incident is not None:
            self.tally.joined[incident.id].add(visit.visit)
        if visit.alert:
            text = f"{visit.verdict}; {'; '.join(visit.reasons)}"
            at = (visit.at - MIDNIGHT).total_seconds()
            self.tally.rings.append(
                Ring(visit.visit, incident and incident.id, at, visit.place, self._modes.at(at), text)
            )


def simulate(
    plan: Plan, people: Cast, folder: Path, show: Callable[[float], None]
) -> tuple[Tally, Life, list[Intrusion]]:
    """Live through the days and return what happened, the family's days and the intrusions."""
    life = family_life(plan.days, [plan.seed, LIFE])
    came = intrusions(life, np.random.default_rng([plan.seed, INTRUDERS]))
    came = [one for one in came if plan.scenario in (None, one.kind)]
    faces: dict[str, Sequence[Looks]] = dict(people.shown)
    shuffled = np.random.default_rng([plan.seed, FACES]).permutation(len(people.strangers))
    for number, one in enumerate(came):
        faces[one.who] = people.strangers[shuffled[number % len(shuffled)]]
    stretches = [*life.stretches, *(stretch for one in came for stretch in one.stretches)]
    stretches = [one for one in stretches if plan.hours is None or one.start < plan.hours * HOUR_S]
    facts = list(phones(life, np.random.default_rng([plan.seed, PHONES]))) if plan.presence else []
    with StillGallery(folder / "gallery.db") as gallery:
        enrol(gallery, people)
        simulation = Simulation(plan, gallery, Modes(life))
        return simulation.run(script(stretches, faces, plan.faces, plan.seed), facts, show), life, came


def enrol(gallery: StillGallery, people: Cast) -> None:
    """Teach the gallery who is family and who is a guest."""
    gallery.learn_all(
        [
            Entry(
                name,
                tuple(Photo(vector, f"{name} {number}", f"{number}.jpg") for number, vector in enumerate(vectors)),
                "family" if name in FAMILY else "guest",
            )
            for name, vectors in people.enrolled.items()
        ]
    )
    gallery.people()
    gallery.is_still = True


def main() -> int:
    """Measure and print."""
    given = arguments()
    plan = given_plan(given)
    with progress("reading faces") as show:
        everybody = read_faces(given.people, given.jobs, show)
    people = cast(everybody, np.random.default_rng([plan.seed, FACES]))
    with progress("living") as show, tempfile.TemporaryDirectory() as folder, remembered_judgements():
        tally, life, came = simulate(plan, people, Path(folder), DayProgress(plan.days, show))
    asked = {name: getattr(plan, name) for name in ("seed", "faces", "presence", "preset", "without")}
    found = asked | figures(tally, came, plan.days, len(life.stretches))
    print(*explanations(tally, came, given.explain), sep="\n")
    print(table(found))
    if given.json:
        print(json.dumps({"household": found}))
    return 0


def given_plan(given: argparse.Namespace) -> Plan:
    """Return the plan that the command line asks for."""
    return Plan(
        given.days, given.seed, given.faces, given.presence, tuple(given.without), given.preset, scenario=given.scenario
    )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    media = os.environ.get("KINWATCH_TEST_MEDIA")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--people", type=Path, default=media and Path(media) / "people", help="a folder of photos a person"
    )
    parser.add_argument("--seed", type=int, default=0, help="chooses the family and its days")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--faces", type=float, default=0.21, help="share of the moments with a usable face")
    parser.add_argument("--presence", action=argparse.BooleanOptionalAction, default=False, help="phones say who is in")
    parser.add_argument(
        "--without", type=lambda text: text.split(","), default=[], help="parts of the context to leave out"
    )
    parser.add_argument("--preset", choices=PRESETS, default="balanced", help="how easily the context calms")
    parser.add_argument("--scenario", choices=[*KINDS, "none"], help="only this kind of intruder")
    parser.add_argument("--explain", type=int, default=0, help="show so many false alarms and misses")
    parser.add_argument("--jobs", type=int, default=1, help="processes that look at pictures")
    parser.add_argument("--json", action="store_true", help="figures as JSON on the last line")
    given = parser.parse_args()
    if given.people is None:
        parser.error("where are the photos? set KINWATCH_TEST_MEDIA or give --people FOLDER")
    return given


def _time(at: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=at)


if __name__ == "__main__":
    sys.exit(main())
