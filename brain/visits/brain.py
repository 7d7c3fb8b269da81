"""The loop: the newest frame of each place -> visits."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import numpy as np

from brain.album.not_a_person import NegativeGallery
from brain.album.strangers import RecogniseStranger, Strangers
from brain.people.gallery import Gallery
from brain.people.records import LabelRecord
from brain.settings.brain import BrainSettings
from brain.verdict.evidence import FaceSample, KnownPerson, add_answer, add_face, face_weight
from brain.verdict.guesses import judge_guesses
from brain.verdict.judge import Judgement, judge
from brain.verdict.policy import alerts
from brain.vision.backend import PERSON, DetectedObject, VisionBackend
from brain.vision.geometry import area
from brain.vision.snapshot import snapshot
from brain.visits.face_search import FaceSearch
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.observe import ObservedPerson, observe
from brain.visits.second_opinion import MAX_ASKED_FACES as ASKED
from brain.visits.second_opinion import SecondOpinionProvider, SecondOpinions
from brain.visits.tracking import match
from brain.visits.visit import OpenVisit
from nerves.errors import BadPicture
from nerves.messages import Detection, Detections, Fact, Frame, Mode, Phase, Visit

__all__ = ["Brain"]

log = logging.getLogger(__name__)

# Someone not yet confirmed who is missed this long was never there.
UNCONFIRMED_GONE_S = 1.5
# A new picture replaces the best one when it is this much better.
BETTER_PICTURE_FACTOR = 1.15
# A face whose visit has a verdict is compared this many times more seldom: enough to correct it.
DECIDED_PAUSE_FACTOR = 4
CLOCK_SET_BACK = timedelta(seconds=5)


class Brain:
    """What is held of every place. It knows no bus and no clock: time is that of the frames."""

    def __init__(
        self,
        vision: VisionBackend,
        gallery: Gallery,
        settings: BrainSettings,
        *,
        visits: Iterable[OpenVisit] = (),
        meet: RecogniseStranger | None = None,
        second: SecondOpinionProvider | None = None,
    ) -> None:
        self.mode: Mode = "home"
        self.counts = {"frames": 0, "bad": 0, "visits": 0, "alerts": 0}
        self._vision, self._gallery, self._settings = vision, gallery, settings
        self._visits: list[OpenVisit] = list(visits)
        self._alerted: dict[tuple[str, str], datetime] = {}
        self._analyses: dict[str, FrameAnalysis] = {}
        self._face_search = FaceSearch()
        self._negatives, self._meet = NegativeGallery(gallery), meet or Strangers().recognise
        self._labels_version: object = None
        self._frames: dict[str, datetime] = {}
        self._second_opinions = SecondOpinions(second, timedelta(seconds=settings.timing.deadline_s))
        self._cloud_only_names = settings.cloud_only_names

    @property
    def visits(self) -> list[OpenVisit]:
        """The visits that have begun and not ended."""
        return [visit for visit in self._visits if visit.confirmed]

    @property
    def ended_visits(self) -> list[OpenVisit]:
        """The visits that have ended and may still be corrected by a second opinion."""
        return self._second_opinions.over

    def see(self, frame: Frame) -> Iterator[Fact]:
        """Look at a frame; a picture that cannot be used is counted, logged and dropped."""
        if self._is_too_soon(frame):
            return
        try:
            yield from self._see(frame, self._analysis(frame))
        except BadPicture as error:
            self.counts["bad"] += 1
            log.warning("%s: frame dropped: %s", frame.place, error)

    def tick(self, place: str, at: datetime) -> Iterator[Visit]:
        """Let time pass at a place: verdicts fall due and visits end though no frame comes."""
        yield from self._apply_new_labels(at)
        for visit in [visit for visit in self._visits if visit.place == place]:
            if at - visit.last >= timedelta(seconds=self._settings.timing.silent_s):
                visit.miss(visit.last)
                yield from self._end(visit, at)
            elif visit.confirmed:
                yield from self._judge(visit, at)

    def finish(self, at: datetime) -> Iterator[Visit]:
        """End every visit: the recording is over."""
        for visit in list(self._visits):
            yield from self._end(visit, at)
        for _ in range(ASKED + 1):  # an answer may be followed by the next question
            yield from self.answered(lambda _: at)

    def answered(self, clock: Callable[[str], datetime]) -> Iterator[Visit]:
        """Take the second opinions that have come, also on visits that are over; `clock` gives the time at a place."""
        for visit, likeness in self._second_opinions.answered(self._visits):
            visit.evidence = add_answer(visit.evidence, likeness)
            yield from self._judge(visit, clock(visit.place), last=visit.decided)

    def apply_label(self, visit: OpenVisit, label: LabelRecord | None, at: datetime) -> Iterator[Visit]:
        """Apply a human's label to an open visit at once. None: it was taken back, and the faces count again."""
        yield self._message(visit, visit.apply_label(label), at, None)

    def _apply_new_labels(self, at: datetime) -> Iterator[Visit]:
        """Apply the labels that humans have given to open visits since, or taken back."""
        if self._gallery.version == self._labels_version:
            return
        self._labels_version = self._gallery.version
        is_any = self._visits or self._second_opinions.over
        labels = {label.visit: label for label in self._gallery.labels()} if is_any else {}
        self._second_opinions.drop(labels)
        for visit in self.visits:
            label = labels.get(visit.id)
            if (label and label.at) != (visit.label and visit.label.at):
                yield from self.apply_label(visit, label, at)

    def _is_too_soon(self, frame: Frame) -> bool:
        """Whether the place's last analysed frame is more recent than the settings allow."""
        last, pause = self._frames.get(frame.place), timedelta(seconds=self._settings.pause_s)
        if last is not None and timedelta() <= frame.at - last < pause:
            return True
        self._frames[frame.place] = frame.at
        return False

    def _analysis(self, frame: Frame) -> FrameAnalysis:
        """Return the analysis of a frame; the last one if the picture is the same."""
        last = self._analyses.get(frame.place)
        if last is None or last.picture.jpeg != frame.jpeg:
            last = self._analyses[frame.place] = FrameAnalysis(self._vision, frame.jpeg)
        return last

    def _see(self, frame: Frame, analysis: FrameAnalysis) -> Iterator[Fact]:
        observations = observe(
            analysis.detected, self._face_search.faces(frame, analysis), sure=self._vision.min_person_score
        )
        yield from self._set_back(frame)
        yield from self._apply_new_labels(frame.at)
        here = [visit for visit in self._visits if visit.place == frame.place]
        present = self._follow(frame, observations, here)
        self.counts["frames"] += 1
        for observation, visit in present:
            self._compare(visit, observation, analysis, frame.at)
            visit.not_a_person_reason = self._negatives.compare(visit, frame.at)
            if visit.confirmed:
                yield from self._report_visit(visit, frame)
        for visit in here:
            if visit.last != frame.at:
                visit.miss(frame.at)
                yield from self._missed(visit, frame.at, frame.number)
        analysis.picture.drop_pixels()
        yield _seen(frame, analysis.detected, present)

    def _set_back(self, frame: Frame) -> Iterator[Visit]:
        """End what began at a later time than now: a clock was set back, and would keep it open until it caught up."""
        for visit in [visit for visit in self._visits if visit.place == frame.place]:
            if visit.last - frame.at > CLOCK_SET_BACK:
                yield from self._end(visit, frame.at, frame.number)

    def _follow(
        self, frame: Frame, observations: list[ObservedPerson], here: list[OpenVisit]
    ) -> list[tuple[ObservedPerson, OpenVisit]]:
        found = match(observations, [visit.trail(frame.at) for visit in here])
        present = []
        for number, observation in enumerate(observations):
            if number in found:
                visit = here[found[number]]
            else:
                visit = OpenVisit(place=frame.place, first=frame.at, last=frame.at, box=observation.box)
                self._visits.append(visit)
            visit.see(observation, frame.at)
            present.append((observation, visit))
        return present

    def _compare(self, visit: OpenVisit, observation: ObservedPerson, analysis: FrameAnalysis, at: datetime) -> None:
        """Compare the face if a comparison is due, and store the best picture."""
        merit = observation.score * (0.2 + area(observation.box))
        if observation.face and self._is_due(visit, at):
            visit.compared_at = at
            guess = analysis.guess(observation.face)
            if guess is not None:
                visit.evidence = add_answer(visit.evidence, guess)
            embedding = analysis.embedding(observation.face)
            counts = face_weight(embedding.width, embedding.sharpness, embedding.yaw) if embedding else 0.0
            self._second_opinions.propose(visit, analysis, observation.face, counts, at)
            if embedding:
                visit.collect(analysis.picture, observation.face, embedding, counts, at)
                visit.evidence = add_face(
                    visit.evidence, FaceSample(embedding.vector, counts, embedding.face_confidence)
                )
                merit += 2 * counts
        if merit > BETTER_PICTURE_FACTOR * visit.best:
            visit.best, visit.picture = merit, snapshot(analysis.picture, observation.box)

    def _is_due(self, visit: OpenVisit, at: datetime) -> bool:
        """Whether a face may be compared again; seldom once it has a name or is a stranger's."""
        pause = timedelta(seconds=self._settings.timing.look_s)
        settled = visit.decided and (visit.verdict != "unidentified" or visit.is_not_a_person)
        return visit.compared_at is None or at - visit.compared_at >= (
            DECIDED_PAUSE_FACTOR * pause if settled else pause
        )

    def _report_visit(self, visit: OpenVisit, frame: Frame) -> Iterator[Visit]:
        if not visit.seq:
            self.counts["visits"] += 1
            yield visit.message("started", frame.at, frame=frame.number)
        yield from self._judge(visit, frame.at, frame.number)

    def _judge(
        self, visit: OpenVisit, at: datetime, number: int | None = None, *, last: bool = False
    ) -> Iterator[Visit]:
        last = last or at - visit.first >= timedelta(seconds=self._settings.timing.deadline_s)
        phase = visit.hold(self._opinion(visit, at, last=last))
        if phase:
            yield self._message(visit, phase, at, number)
        if self._second_opinions.is_due(visit, at, ending=last) and self._is_uncertain(visit, at):
            self._second_opinions.ask(visit)

    def _is_uncertain(self, visit: OpenVisit, at: datetime) -> bool:
        """Whether nothing would be known of the visit if it ended now."""
        return self._opinion(visit, at, last=True).verdict == "unidentified"

    def _opinion(self, visit: OpenVisit, at: datetime, *, last: bool) -> Judgement:
        """Return the judgement of a visit: by its faces, or by the guesses of a backend that names people."""
        if visit.evidence.guesses:
            people = self._gallery.people()
            groups = {person.name: person.group for person in people}
            expired = [person.name for person in people if person.expired(at)]
            return judge_guesses(visit.evidence.guesses, groups, expired=expired, last=last)
        return judge(visit.evidence, self._known(at), held=visit.verdict, match=self._settings.match, last=last)

    def _known(self, at: datetime) -> list[KnownPerson]:
        """Return everybody we know, and those of whom only the cloud has pictures."""
        known = self._gallery.known(at)
        if not self._cloud_only_names:
            return known
        named, people = {one.name for one in known}, {person.name: person for person in self._gallery.people()}
        for name in self._cloud_only_names:
            person = people.get(name)
            if name not in named and not (person and person.expired(at)):
                known.append(KnownPerson(name, person.group if person else "family", np.zeros((0, 128), np.float32)))
        return known

    def _message(self, visit: OpenVisit, phase: Phase, at: datetime, number: int | None) -> Visit:
        self._recognise(visit)
        alert = not (visit.alerted or visit.quiet) and alerts(
            self._settings.policy,
            visit.verdict,
            at,
            mode=self.mode,
            company=[
                other.last for other in self._visits if other.place == visit.place and other.who and other is not visit
            ],
            alerted=self._alerted.get((visit.place, visit.who)) if visit.who else None,
        )
        if alert:
            self.counts["alerts"] += 1
            if visit.who:
                self._alerted[visit.place, visit.who] = at
        return visit.message(phase, at, frame=number, alert=alert)

    def _recognise(self, visit: OpenVisit) -> None:
        """Recognise a stranger who was here before."""
        if visit.verdict == "stranger" and visit.weighted_vectors:
            vectors, weights = zip(*visit.weighted_vectors, strict=True)
            visit.met = self._meet(visit.id, vectors, weights, visit.first) or visit.met

    def _missed(self, visit: OpenVisit, at: datetime, number: int | None) -> Iterator[Visit]:
        gone = timedelta(seconds=self._settings.timing.gone_s if visit.confirmed else UNCONFIRMED_GONE_S)
        if visit.missing and at - visit.missing >= gone:
            yield from self._end(visit, at, number)
        elif visit.confirmed:
            yield from self._judge(visit, at, number)

    def _end(self, visit: OpenVisit, at: datetime, number: int | None = None) -> Iterator[Visit]:
        self._visits.remove(visit)
        if visit.confirmed:
            yield from self._judge(visit, at, number, last=True)
            self._recognise(visit)
            yield visit.message("ended", at, frame=number)
            self._second_opinions.bury(visit, at)


def _seen(frame: Frame, detected: list[DetectedObject], present: list[tuple[ObservedPerson, OpenVisit]]) -> Detections:
    people = [
        Detection(
            label=PERSON,
            box=observation.box,
            score=min(observation.score, 1.0),
            visit=visit.id if visit.confirmed else None,
            verdict=visit.verdict if visit.confirmed else None,
            who=visit.who,
        )
        for observation, visit in present
    ]
    animals = [Detection(label=one.label, box=one.box, score=one.score) for one in detected if one.label != PERSON]
    return Detections(place=frame.place, at=frame.at, detections=(*people, *animals))
