"""The brain: takes the newest frame of each place and yields visit messages."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from brain.album.not_a_person import NegativeGallery
from brain.album.strangers import RecogniseStranger, Strangers
from brain.people.gallery import Gallery
from brain.people.records import LabelRecord
from brain.settings.brain import BrainSettings
from brain.verdict.evidence import FaceSample, add_answer, add_face, face_weight
from brain.verdict.policy import alerts
from brain.vision.backend import VisionBackend
from brain.vision.geometry import area
from brain.vision.snapshot import snapshot
from brain.visits.detections import detections_message
from brain.visits.face_search import FaceSearch
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.judgement import judge_visit
from brain.visits.observe import ObservedPerson, observe
from brain.visits.second_opinion import MAX_ASKED_FACES as ASKED
from brain.visits.second_opinion import SecondOpinionProvider, SecondOpinions
from brain.visits.tracking import match
from brain.visits.visit import OpenVisit
from nerves.errors import BadPicture
from nerves.messages import Fact, Frame, Mode, Phase, Visit

__all__ = ["Brain"]

log = logging.getLogger(__name__)

# A person who is not yet confirmed and is not seen for this long is dropped: probably nobody was there.
UNCONFIRMED_GONE_S = 1.5
# A new picture replaces the best one if its merit is this many times higher.
BETTER_PICTURE_FACTOR = 1.15
# After a verdict, faces are compared this many times less often: still often enough to correct it.
DECIDED_PAUSE_FACTOR = 4
# A visit was last seen this much later than the current frame: the clock was set back.
CLOCK_SET_BACK = timedelta(seconds=5)


class Brain:
    """Turns the frames of all places into visits, verdicts and alerts.

    It uses neither the bus nor a clock: the frames and the callers say what time it is.

    Args:
        vision: Finds people and faces in pictures.
        gallery: The people we know, and the labels.
        settings: The settings of the brain.
        visits: Open visits, stored by an earlier process.
        meet: Recognises a stranger who was here before; by default, the strangers are remembered in memory only.
        second: Gives second opinions; None asks nobody.
    """

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

    @property
    def visits(self) -> list[OpenVisit]:
        """The confirmed visits that have not ended."""
        return [visit for visit in self._visits if visit.confirmed]

    @property
    def ended_visits(self) -> list[OpenVisit]:
        """The visits that have ended and may still be corrected by a second opinion."""
        return self._second_opinions.over

    def see(self, frame: Frame) -> Iterator[Fact]:
        """Analyse a frame and yield what follows: messages of visits, then the frame's detections.

        A picture that cannot be used is counted, logged and dropped. A frame that comes too soon yields nothing.
        """
        if self._is_too_soon(frame):
            return
        try:
            yield from self._see(frame, self._analysis(frame))
        except BadPicture as error:
            self.counts["bad"] += 1
            log.warning("%s: frame dropped: %s", frame.place, error)

    def tick(self, place: str, at: datetime) -> Iterator[Visit]:
        """Let time pass at a place: verdicts fall due and visits end even if no frame comes."""
        yield from self._apply_new_labels(at)
        for visit in [visit for visit in self._visits if visit.place == place]:
            if at - visit.last >= timedelta(seconds=self._settings.timing.silent_s):
                visit.miss(visit.last)
                yield from self._end(visit, at)
            elif visit.confirmed:
                yield from self._judge(visit, at)

    def finish(self, at: datetime) -> Iterator[Visit]:
        """End every visit because the recording is over, and take the second opinions that are ready."""
        for visit in list(self._visits):
            yield from self._end(visit, at)
        for _ in range(ASKED + 1):  # each answer may lead to another question
            yield from self.answered(lambda _: at)

    def answered(self, clock: Callable[[str], datetime]) -> Iterator[Visit]:
        """Take the second opinions that have arrived, also those on visits that have ended.

        Args:
            clock: Returns the current time at a place.
        """
        for visit, likeness in self._second_opinions.answered(self._visits):
            visit.evidence = add_answer(visit.evidence, likeness)
            yield from self._judge(visit, clock(visit.place), last=visit.decided)

    def apply_label(self, visit: OpenVisit, label: LabelRecord | None, at: datetime) -> Iterator[Visit]:
        """Apply a human's label to an open visit at once. None takes the label back: then the faces count again."""
        yield self._message(visit, visit.apply_label(label), at, None)

    def _apply_new_labels(self, at: datetime) -> Iterator[Visit]:
        """Apply the labels that humans gave to open visits, or took back, since the last call."""
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
        """Return the analysis of a frame. If the picture is the same as the last one, its analysis is used again."""
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
        yield detections_message(frame, analysis.detected, present)

    def _set_back(self, frame: Frame) -> Iterator[Visit]:
        """End the visits of this place that were last seen later than now: the clock was set back.

        Otherwise they would stay open until the clock catches up.
        """
        for visit in [visit for visit in self._visits if visit.place == frame.place]:
            if visit.last - frame.at > CLOCK_SET_BACK:
                yield from self._end(visit, frame.at, frame.number)

    def _follow(
        self, frame: Frame, observations: list[ObservedPerson], here: list[OpenVisit]
    ) -> list[tuple[ObservedPerson, OpenVisit]]:
        """Return each observed person with their visit: a visit of `here` that continues, or a new one."""
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
        """Compare the face if a comparison is due, and store the picture if it is the best so far."""
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
        """Whether the face may be compared again. It is due less often once the visit is settled."""
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
        phase = visit.hold(judge_visit(visit, self._gallery, self._settings, at, last=last))
        if phase:
            yield self._message(visit, phase, at, number)
        if self._second_opinions.is_due(visit, at, ending=last) and self._is_uncertain(visit, at):
            self._second_opinions.ask(visit)

    def _is_uncertain(self, visit: OpenVisit, at: datetime) -> bool:
        """Whether the verdict would be `unidentified` if the visit ended now."""
        return judge_visit(visit, self._gallery, self._settings, at, last=True).verdict == "unidentified"

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
        """If the visit is a stranger's with usable faces, find out whether this stranger was here before."""
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
