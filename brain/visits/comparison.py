"""What a picture adds to a visit: the face, the clothes, and the picture itself if it is the best so far."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from brain.settings.brain import TimingSettings
from brain.verdict.clothes import same_clothes_log_odds
from brain.verdict.evidence import FaceSample, add_answer, add_face, face_weight
from brain.vision.appearance import Appearance
from brain.vision.geometry import area
from brain.vision.picture import Picture
from brain.vision.snapshot import snapshot
from brain.visits.frame_analysis import FrameAnalysis
from brain.visits.observe import ObservedPerson
from brain.visits.second_opinion import SecondOpinions
from brain.visits.visit import OpenVisit
from nerves.messages import Box

__all__ = ["Comparison"]

# A new picture replaces the best one if its merit is this many times higher.
BETTER_PICTURE_FACTOR = 1.15
# After a verdict, faces are compared this many times less often: still often enough to correct it.
DECIDED_PAUSE_FACTOR = 4
# Somebody without a face who appears this long after a visit with faces was seen last continues it only if the clothes
# agree: at odds of 3:1 if frames without anybody lie between, else if they do not disagree by more than 1:5.
MAX_BLINK = timedelta(seconds=0.5)
SAME_BODY_LOG_ODDS, OTHER_BODY_LOG_ODDS = math.log(3), -math.log(5)


class Comparison:
    """Compares what a picture shows of a person with their visit.

    Args:
        settings: How often faces are compared.
        second_opinions: Who is told of each face that may be asked about.
        describe: Describes the clothes and the build of the person in a box of a picture.
    """

    def __init__(
        self,
        settings: TimingSettings,
        second_opinions: SecondOpinions,
        describe: Callable[[Picture, Box], Appearance | None],
    ) -> None:
        self._settings, self._second_opinions, self._describe = settings, second_opinions, describe

    def may_continue(
        self, observation: ObservedPerson, visit: OpenVisit, analysis: FrameAnalysis, at: datetime
    ) -> bool:
        """Whether a person without a face may continue a visit that has faces: a name does not pass to another body."""
        has_name = visit.who is not None or visit.evidence.faces > 0
        if observation.face or not has_name or at - visit.last <= MAX_BLINK:
            return True
        needed = SAME_BODY_LOG_ODDS if visit.missing else OTHER_BODY_LOG_ODDS
        look = self._describe(analysis.picture, observation.box)
        if look is None or visit.appearance is None:
            return needed <= 0
        return same_clothes_log_odds(visit.appearance, look, hours=0) >= needed

    def compare(self, visit: OpenVisit, observation: ObservedPerson, analysis: FrameAnalysis, at: datetime) -> None:
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
        if visit.is_look_due(at):
            visit.look(self._describe(analysis.picture, observation.box), at)
        if merit > BETTER_PICTURE_FACTOR * visit.best:
            visit.best, visit.picture = merit, snapshot(analysis.picture, observation.box)

    def _is_due(self, visit: OpenVisit, at: datetime) -> bool:
        """Whether the face may be compared again. It is due less often once the visit is settled."""
        pause = timedelta(seconds=self._settings.look_s)
        settled = visit.decided and (visit.verdict != "unidentified" or visit.is_not_a_person)
        return visit.compared_at is None or at - visit.compared_at >= (
            DECIDED_PAUSE_FACTOR * pause if settled else pause
        )
