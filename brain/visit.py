"""One visit while it lasts: what was seen of it, what is held of it, what was said of it."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from uuid6 import uuid7

from brain.follow import Speed, Trail, speed
from brain.judge import Evidence, Judgement
from brain.observe import Observation
from nerves.messages import Box, Phase, Verdict, Visit

__all__ = ["OpenVisit"]

# A person must be found this often, this surely altogether, to be a visit: one lucky pattern in one frame is nobody.
HITS, SURE = 2, 1.2


@dataclass
class OpenVisit:
    """A visit that has not ended; the brain's loop changes it, `message` tells of it."""

    place: str
    first: datetime
    last: datetime
    box: Box
    id: UUID = field(default_factory=uuid7)
    face: Box | None = None
    speed: Speed | None = None
    hits: int = 0
    score: float = 0.0
    seq: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    verdict: Verdict = "identifying"
    who: str | None = None
    reasons: tuple[str, ...] = ()
    alerted: bool = False
    missing: datetime | None = None
    """Since when frames show nobody there."""
    looked: datetime | None = None
    """When the face was last compared."""
    best: float = 0.0
    """How good the picture is, in the same unit as `merit`."""
    picture: bytes | None = None

    @property
    def confirmed(self) -> bool:
        """Whether it is a visit at all."""
        return self.seq > 0 or (self.hits >= HITS and self.score >= SURE)

    @property
    def decided(self) -> bool:
        """Whether a verdict was given."""
        return self.verdict != "identifying"

    def trail(self, at: datetime) -> Trail:
        """Return where the person was last seen."""
        return Trail(self.box, self.face, max((at - self.last).total_seconds(), 0.0), self.speed)

    def see(self, observation: Observation, at: datetime) -> None:
        """Note that the person is in a frame."""
        self.speed = speed(self.speed, self.box, observation.box, (at - self.last).total_seconds())
        self.box, self.last, self.missing = observation.box, at, None
        self.face = observation.face.box if observation.face else self.face
        self.hits += 1
        self.score += observation.score

    def miss(self, at: datetime) -> None:
        """Note that a frame does not show the person."""
        self.missing = self.missing or at

    def hold(self, judgement: Judgement) -> Phase | None:
        """Take a judgement; return the phase to tell of if it changes what is held."""
        if judgement.verdict == "identifying" or (
            self.decided and (judgement.verdict == "unidentified" or self._same(judgement))
        ):
            return None
        phase: Phase = "corrected" if self.decided else "decided"
        self.verdict, self.who, self.reasons = judgement.verdict, judgement.who, judgement.reasons
        return phase

    def message(self, phase: Phase, at: datetime, *, frame: int | None = None, alert: bool = False) -> Visit:
        """Return the next message about this visit."""
        self.seq += 1
        self.alerted |= alert
        return Visit(
            place=self.place,
            at=at,
            visit=self.id,
            seq=self.seq,
            frame=frame,
            phase=phase,
            verdict=self.verdict,
            who=self.who,
            alert=alert,
            reasons=self.reasons,
            since=self.first,
            last=self.last,
            box=self.box,
            picture=self._encoded(),
        )

    def _same(self, judgement: Judgement) -> bool:
        return (self.verdict, self.who) == (judgement.verdict, judgement.who)

    def _encoded(self) -> bytes | None:
        return b64encode(self.picture) if self.picture else None
