"""The judgement of one open visit, from its evidence and the people we know."""

from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np

from brain.people.gallery import Gallery
from brain.settings.brain import BrainSettings
from brain.verdict.evidence import KnownPerson
from brain.verdict.guesses import judge_guesses
from brain.verdict.judge import Judgement, judge
from brain.visits.visit import OpenVisit

__all__ = ["judge_visit"]


def judge_visit(  # noqa: PLR0913 - what a judgement depends on
    visit: OpenVisit,
    gallery: Gallery,
    settings: BrainSettings,
    at: datetime,
    *,
    last: bool,
    expected: bool = False,
    patient: bool = False,
    elsewhere: Collection[str] = (),
) -> Judgement:
    """Return the judgement of a visit: by its guesses if the backend names people, else by its faces.

    Args:
        visit: The visit, with its evidence.
        gallery: The people we know.
        settings: The settings of the brain.
        at: The current time; it decides who has expired.
        last: Whether the verdict is due now.
        expected: Whether it is probably somebody of the house, by all but the faces.
        patient: Whether a stranger may wait for more faces.
        elsewhere: Who is elsewhere, as far as is known.
    """
    if visit.evidence.guesses:
        people = gallery.people()
        groups = {person.name: person.group for person in people}
        expired = [person.name for person in people if person.expired(at)]
        return judge_guesses(visit.evidence.guesses, groups, expired=expired, last=last)
    known = _known_people(gallery, settings.cloud_only_names, at)
    return judge(
        visit.evidence,
        known,
        held=visit.verdict,
        match=settings.match,
        last=last,
        expected=expected,
        patient=patient,
        elsewhere=elsewhere,
    )


def _known_people(gallery: Gallery, cloud_only_names: Sequence[str], at: datetime) -> list[KnownPerson]:
    """Return everybody we know. People of whom only the cloud has pictures are included, without vectors."""
    known = gallery.known(at)
    if not cloud_only_names:
        return known
    named, people = {one.name for one in known}, {person.name: person for person in gallery.people()}
    for name in cloud_only_names:
        person = people.get(name)
        if name not in named and not (person and person.expired(at)):
            known.append(KnownPerson(name, person.group if person else "family", np.zeros((0, 128), np.float32)))
    return known
