"""The brain: takes the newest frame of each place and yields visit messages."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from brain.album.not_a_person import NegativeGallery
from brain.album.strangers import RecogniseStranger, Strangers
from brain.context.memory import HouseMemory
from brain.people.gallery import Gallery
from brain.people.records import LabelRecord
from brain.settings.brain import BrainSettings
from brain.verdict.evidence import add_answer
from brain.verdict.judge import Judgement
from brain.vision.appearance import Appearance, describe_appearance
from brain.vision.backend import VisionBackend
from brain.vision.picture import Picture
from brain.visits.alerting import TOGETHER_TIME, Alerting
from brain.visits.comparison import Comparison
from brain.visits.detections import detections_message
from brain.visits.face_search import FaceSearch
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.judgement import judge_visit
from brain.visits.observe import ObservedPerson, observe
from brain.visits.overhead import OverheadSearch
from brain.visits.rhythm import FrameRhythm
from brain.visits.second_opinion import MAX_ASKED_FACES as ASKED
from brain.visits.second_opinion import SecondOpinionProvider, SecondOpinions
from brain.visits.tracking import match
from brain.visits.visit import OpenVisit
from brain.visits.wishes import Wishes
from nerves.errors import BadPicture
from nerves.messages import Box, Fact, Frame, LookCloser, Mode, Phase, Presence, Visit

__all__ = ["Brain"]

log = logging.getLogger(__name__)

# A person who is not yet confirmed and is not seen for this long is dropped: probably nobody was there.
UNCONFIRMED_GONE_S = 1.5
# A visit was last seen this much later than the current frame: the clock was set back.
CLOCK_SET_BACK = timedelta(seconds=5)
# Whether an unidentified visit alerts is decided again after this time, because the context has changed.
DECIDE_AGAIN = timedelta(seconds=1)
# The same for a visit that the context calms: somebody may sit there for hours with their back to the camera.
CALM_AGAIN = timedelta(seconds=3)
# A visit with a name is judged again after this time, even if no picture comes: a guest's pass may have ended.
JUDGE_AGAIN = timedelta(seconds=10)
# An ended visit that the context calmed may still alert for this long.
PROBATION_TIME = timedelta(seconds=60)
# Whoever was seen within this time is in view.
JUST_NOW = timedelta(seconds=2)


class Brain:
    """Turns the frames of all places into visits, verdicts and alerts.

    It uses neither the bus nor a clock: the frames and the callers say what time it is.

    Args:
        vision: Finds people and faces in pictures.
        gallery: The people we know, and the labels.
        settings: The settings of the brain.
        visits: Open visits, stored by an earlier process.
        memory: What an earlier process knew of the house.
        meet: Recognises a stranger who was here before; by default, the strangers are remembered in memory only.
        second: Gives second opinions; None asks nobody.
        describe: Describes the clothes and the build of the person in a box of a picture.
    """

    def __init__(  # noqa: PLR0913 - each is one collaborator
        self,
        vision: VisionBackend,
        gallery: Gallery,
        settings: BrainSettings,
        *,
        visits: Iterable[OpenVisit] = (),
        memory: HouseMemory | None = None,
        meet: RecogniseStranger | None = None,
        second: SecondOpinionProvider | None = None,
        describe: Callable[[Picture, Box], Appearance | None] = describe_appearance,
    ) -> None:
        self.mode: Mode = "home"
        self.counts = {"frames": 0, "bad": 0, "visits": 0, "alerts": 0}
        self._vision, self._gallery, self._settings = vision, gallery, settings
        stored = list(visits)
        self._visits = [visit for visit in stored if visit.ended is None]
        self._waiting = [visit for visit in stored if visit.ended is not None]
        self._alerting = Alerting(settings, gallery, memory)
        self._wishes = Wishes(settings.policy)
        self._analyses: dict[str, FrameAnalysis] = {}
        self._face_search, self._overhead = FaceSearch(), OverheadSearch(settings.places)
        self._negatives, self._meet = NegativeGallery(gallery), meet or Strangers().recognise
        self._labels_version: object = None
        self._frames: dict[str, datetime] = {}
        self._rhythm = FrameRhythm(timedelta(seconds=settings.timing.deadline_s))
        self._second_opinions = SecondOpinions(second, timedelta(seconds=settings.timing.deadline_s))
        self._comparison = Comparison(settings.timing, self._second_opinions, describe)

    @property
    def visits(self) -> list[OpenVisit]:
        """The confirmed visits that have not ended."""
        return [visit for visit in self._visits if visit.confirmed]

    @property
    def waiting_visits(self) -> list[OpenVisit]:
        """The visits that have ended and may still alert: an entry delay runs, or the context may change."""
        return list(self._waiting)

    @property
    def pending(self) -> bool:
        """Whether time has to pass: a visit is open, or an ended one may still alert."""
        return bool(self._visits or self._waiting)

    @property
    def busy_places(self) -> set[str]:
        """The places for which `tick` has something to do."""
        return {visit.place for visit in (*self._visits, *self._waiting)}

    @property
    def ended_visits(self) -> list[OpenVisit]:
        """The visits that have ended and may still be corrected by a second opinion."""
        return self._second_opinions.over

    def see(self, frame: Frame) -> Iterator[Fact]:
        """Analyse a frame and yield what follows: messages of visits, then the frame's detections.

        A picture that cannot be used is counted, logged and dropped. A frame that comes too soon yields nothing.
        """
        self._rhythm.frame_arrived(frame.place, frame.at)
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
        silent = timedelta(seconds=self._settings.timing.silent_s)
        for visit in [visit for visit in self._visits if visit.place == place]:
            if not visit.confirmed and self._rhythm.was_sparse(place, at) and visit.accept_sparse():
                yield from self._report_visit(visit, at)
            elif at - visit.last >= (silent if visit.confirmed else max(silent, self._rhythm.wait)):
                visit.is_still = visit.missing is None and not self._rhythm.is_sparse(place)
                visit.miss(visit.last)
                yield from self._end(visit, at)
            elif visit.confirmed and not self._is_settled(visit, at):
                yield from self._judge(visit, at)
        yield from self._decide_ended(place, at)

    def wishes(self, at: datetime) -> list[LookCloser]:
        """Return the places to be seen more closely, `at` being the time by our own clock: somebody is undecided."""
        return self._wishes.due(self.visits, self._alerting.mode(self.mode, at), at)

    def receive_presence(self, presence: Presence) -> None:
        """Take whether somebody is at home, by a phone or another source."""
        self._alerting.receive_presence(presence)

    def memory(self, at: datetime) -> HouseMemory:
        """Return what is known of the house, for a later process."""
        return self._alerting.memory(at)

    def active_mode(self, at: datetime) -> Mode:
        """Return the mode in force; it differs from `mode` if that is `auto`."""
        return self._alerting.mode(self.mode, at)

    def finish(self, at: datetime) -> Iterator[Visit]:
        """End every visit because the recording is over, and take the second opinions that are ready."""
        for visit in list(self._visits):
            yield from self._end(visit, at)
        later = at + timedelta(seconds=self._settings.policy.delay_s + self._settings.timing.deadline_s)
        for place in {visit.place for visit in self._waiting}:
            yield from self._decide_ended(place, later)
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
        """Apply the labels that humans gave to visits, or took back, since the last call."""
        if self._gallery.version == self._labels_version:
            return
        self._labels_version = self._gallery.version
        labels = {label.visit: label for label in self._gallery.labels()}
        self._second_opinions.drop(labels)
        self._alerting.follow_gallery(labels)
        for visit in [*self.visits, *self._waiting]:
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
        detected = self._overhead.detected(frame.place, analysis, sure=self._vision.min_person_score)
        observations = observe(detected, self._face_search.faces(frame, analysis), sure=self._vision.min_person_score)
        self._alerting.follow_mode(self.mode, frame.at)
        yield from self._set_back(frame)
        yield from self._apply_new_labels(frame.at)
        here = [visit for visit in self._visits if visit.place == frame.place]
        present = self._follow(frame, observations, here, analysis)
        self.counts["frames"] += 1
        for observation, visit in present:
            self._comparison.compare(visit, observation, analysis, frame.at)
            visit.not_a_person_reason = self._negatives.compare(visit, frame.at)
            if visit.confirmed:
                yield from self._report_visit(visit, frame.at, frame.number)
        for visit in here:
            if visit.last != frame.at:
                visit.miss(frame.at)
                yield from self._missed(visit, frame.at, frame.number)
        analysis.picture.drop_pixels()
        yield detections_message(frame, detected, present)

    def _set_back(self, frame: Frame) -> Iterator[Visit]:
        """End the visits of this place that were last seen later than now: the clock was set back.

        Otherwise they would stay open until the clock catches up.
        """
        for visit in [visit for visit in self._visits if visit.place == frame.place]:
            if visit.last - frame.at > CLOCK_SET_BACK:
                yield from self._end(visit, frame.at, frame.number)

    def _follow(
        self, frame: Frame, observations: list[ObservedPerson], here: list[OpenVisit], analysis: FrameAnalysis
    ) -> list[tuple[ObservedPerson, OpenVisit]]:
        """Return each observed person with their visit: a visit of `here` that continues, or a new one."""
        found = match(
            observations,
            [visit.trail(frame.at) for visit in here],
            lambda number, index: self._comparison.may_continue(observations[number], here[index], analysis, frame.at),
        )
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

    def _report_visit(self, visit: OpenVisit, at: datetime, number: int | None = None) -> Iterator[Visit]:
        if not visit.seq:
            self.counts["visits"] += 1
            yield visit.message("started", at, frame=number)
        yield from self._judge(visit, at, number)

    def _judge(
        self, visit: OpenVisit, at: datetime, number: int | None = None, *, last: bool = False
    ) -> Iterator[Visit]:
        visit.judged_at = at
        last = last or at - visit.first >= timedelta(seconds=self._settings.timing.deadline_s)
        judgement = self._judgement(visit, at, last=last)
        visit.likely, visit.face_log_odds = judgement.likely, judgement.log_odds
        phase = visit.hold(judgement)
        if phase:
            yield self._message(visit, phase, at, number)
        elif self._is_decision_due(visit, at):
            yield from self._decide_again(visit, at, number)
        if self._second_opinions.is_due(visit, at, ending=last) and self._is_uncertain(visit, at):
            self._second_opinions.ask(visit)

    def _judgement(self, visit: OpenVisit, at: datetime, *, last: bool) -> Judgement:
        """Return the judgement. Where somebody of the house is expected, a stranger needs more evidence."""
        judgement = judge_visit(visit, self._gallery, self._settings, at, last=last)
        if judgement.who and judgement.who != visit.who and self._is_elsewhere(judgement.who, visit, at):
            elsewhere = (judgement.who,)
            judgement = judge_visit(visit, self._gallery, self._settings, at, last=last, elsewhere=elsewhere)
        if judgement.verdict != "stranger":
            return judgement
        if visit.expected_at is None or at - visit.expected_at >= DECIDE_AGAIN:
            visit.expected_at, visit.is_expected = at, self._alerting.expects(visit, at, self.mode)
        is_patient = visit.verdict != "stranger" and self._alerting.waits(visit, at)
        if not (visit.is_expected or is_patient):
            return judgement
        return judge_visit(
            visit, self._gallery, self._settings, at, last=last, expected=visit.is_expected, patient=is_patient
        )

    def _is_elsewhere(self, person: str, visit: OpenVisit, at: datetime) -> bool:
        """Whether a person is elsewhere, as far as is known: in view of another camera, or by the way of this visit."""
        in_view = any(
            one.who == person
            and one.place != visit.place
            and at - one.last <= JUST_NOW
            and at - max(one.first, visit.first) > TOGETHER_TIME
            for one in self._visits
        )
        return in_view or self._alerting.contradicts(visit, person)

    @staticmethod
    def _is_settled(visit: OpenVisit, at: datetime) -> bool:
        """Whether a visit with a name was judged a moment ago: without a new picture nothing changes but passes."""
        return bool(visit.who) and visit.judged_at is not None and at - visit.judged_at < JUDGE_AGAIN

    @staticmethod
    def _is_decision_due(visit: OpenVisit, at: datetime) -> bool:
        pause = CALM_AGAIN if visit.is_calm else DECIDE_AGAIN
        return visit.decided_at is None or at - visit.decided_at >= pause

    def _is_uncertain(self, visit: OpenVisit, at: datetime) -> bool:
        """Whether the verdict would be `unidentified` if the visit ended now."""
        return judge_visit(visit, self._gallery, self._settings, at, last=True).verdict == "unidentified"

    def _message(self, visit: OpenVisit, phase: Phase, at: datetime, number: int | None) -> Visit:
        return self._report(visit, phase, at, number, alert=self._decide(visit, at))

    def _report(self, visit: OpenVisit, phase: Phase, at: datetime, number: int | None, *, alert: bool) -> Visit:
        self._recognise(visit)
        if alert:
            self.counts["alerts"] += 1
            if visit.who:
                self._alerting.alerted[visit.place, visit.who] = at
        return visit.message(phase, at, frame=number, alert=alert)

    def _decide(self, visit: OpenVisit, at: datetime) -> bool:
        """Return whether the visit alerts now; what the context says of it is stored in the visit."""
        visit.decided_at, visit.is_sparse = at, self._rhythm.is_sparse(visit.place)
        self._alerting.record(visit)
        decision = self._alerting.decide(visit, at, self.mode)
        if visit.decided and not visit.quiet:
            visit.take_context(decision)
        if decision.incident:
            visit.incident = decision.incident.message()
        return decision.alert and not (visit.alerted or visit.quiet)

    def _decide_again(self, visit: OpenVisit, at: datetime, number: int | None = None) -> Iterator[Visit]:
        """Enter the visit into the log of the house. If it is unidentified, publish what the context has changed."""
        if visit.verdict != "unidentified":
            visit.decided_at = at
            self._alerting.record(visit)
            return
        before = visit.is_calm, visit.incident is None
        alert = self._decide(visit, at)
        if alert or (visit.is_calm, visit.incident is None) != before:
            yield self._report(visit, "corrected", at, number, alert=alert)

    def _decide_ended(self, place: str, at: datetime) -> Iterator[Visit]:
        """Let the time of the ended visits at a place pass: their alert may fall due."""
        for visit in [visit for visit in self._waiting if visit.place == place]:
            yield from self._decide_again(visit, at)
            ended = visit.ended or at
            is_over = not self._alerting.waits(visit, at) and at - ended >= PROBATION_TIME
            if is_over or visit.alerted or visit.quiet or visit.verdict != "unidentified":
                self._waiting.remove(visit)

    def _recognise(self, visit: OpenVisit) -> None:
        """If the visit is a stranger's with usable faces, find out whether this stranger was here before."""
        if visit.verdict == "stranger" and visit.weighted_vectors:
            vectors, weights = zip(*visit.weighted_vectors, strict=True)
            visit.met = self._meet(visit.id, vectors, weights, visit.first) or visit.met

    def _missed(self, visit: OpenVisit, at: datetime, number: int | None) -> Iterator[Visit]:
        if not visit.confirmed and self._rhythm.is_sparse(visit.place):
            return  # there may be no further frame
        gone = timedelta(seconds=self._settings.timing.gone_s if visit.confirmed else UNCONFIRMED_GONE_S)
        if visit.missing and at - visit.missing >= gone:
            yield from self._end(visit, at, number)
        elif visit.confirmed:
            yield from self._judge(visit, at, number)

    def _end(self, visit: OpenVisit, at: datetime, number: int | None = None) -> Iterator[Visit]:
        self._visits.remove(visit)
        visit.ended = at
        if visit.confirmed:
            yield from self._judge(visit, at, number, last=True)
            self._recognise(visit)
            self._alerting.record(visit)
            yield visit.message("ended", at, frame=number)
            if visit.verdict == "unidentified" and not visit.alerted:
                self._waiting.append(visit)
            self._second_opinions.bury(visit, at)
