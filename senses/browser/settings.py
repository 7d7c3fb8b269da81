"""The settings of the page."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from nerves import topics
from nerves.greeting import GreetingSettings
from nerves.hours import HoursText
from nerves.messages import CameraEnabled, Detections, LookCloser, People, Said, Say, Visit
from nerves.services import SenseSettings
from senses.hearing.settings import HearingSettings

__all__ = ["BrowserSettings", "browser_topics"]


def _word(value: object) -> object:
    """Return the word that was written: YAML reads a bare `off` as false."""
    return {False: "off", True: "own"}.get(value, value) if isinstance(value, bool) else value


class BrowserSettings(GreetingSettings, SenseSettings):
    """A page's table in `kinwatch.yaml`."""

    port: int = Field(default=8443, ge=0, le=65535)
    """The page is at https://<this machine>:8443; 0 takes any free port."""
    listen: str | None = None
    """The address to listen at. Default: all addresses of this machine; with `tls: off` only 127.0.0.1."""
    tls: Annotated[Literal["own", "off"], BeforeValidator(_word)] = "own"
    """own: HTTPS with a certificate made here. off: HTTP, for a reverse proxy that has a certificate."""
    names: tuple[str, ...] = ()
    """Further names and addresses of this machine, for the certificate."""
    origins: tuple[str, ...] = ()
    """Other pages that may connect, and the address in front of a proxy: https://home.example.org."""
    fps: float = Field(default=5, gt=0, le=30)
    """Accept at most this many pictures a second from one device; more are dropped."""
    closer_fps: float = Field(default=10, gt=0, le=30)
    """The same for a closer look: while it is undecided who is there, even if nothing moves."""
    sweep_s: float = Field(default=10, gt=0)
    """Send at least one frame in this many seconds, even if nothing moves."""
    linger_s: float = Field(default=4, ge=0)
    """Go on sending frames for this many seconds after the last motion, and after the start."""
    sensitivity: float = Field(default=0.5, ge=0, le=1)
    """The smallest motion that counts, 0 to 1: 2 % of the picture at 0, 0.2 % at 0.5, 0.02 % at 1."""
    width: int = Field(default=1280, ge=160, le=3840)
    """The width of the pictures that the page sends, in pixels, if the camera has so many."""
    closer_width: int = Field(default=1920, ge=160, le=3840)
    """The same for a closer look. The page asks the camera for the larger of the two."""
    quality: int = Field(default=80, ge=1, le=100)
    """JPEG quality of the page's pictures, 1 to 100."""
    max_mb: float = Field(default=2, gt=0, le=16)
    """A message of more megabytes ends the connection."""
    max_connections: int = Field(default=16, ge=1, le=200)
    """At most this many pages and other clients at a time; more are refused."""
    album: Literal["place", "house", "off"] = "place"
    """The last 20 visits that the page shows for labelling: those of this place, of the whole house, or none."""
    language: Literal["en", "fr"] = "en"
    """The language of the greetings. The page itself uses the browser's language, or the one chosen on the page."""
    quiet: HoursText | None = None
    """Local hours without greetings, such as 22:00-07:00; other sentences are spoken at any hour."""
    ear: HearingSettings = HearingSettings()
    in_background: bool = False
    """Keep the camera and the microphone on while the page is hidden, as far as the browser allows it."""

    @property
    def closest_fps(self) -> float:
        """The pictures a second for a closer look; never fewer than otherwise."""
        return max(self.fps, self.closer_fps)

    @property
    def pictures(self) -> dict[str, float]:
        """What the page is told about the pictures that it sends."""
        closest = {"closer_fps": self.closest_fps, "closer_width": max(self.width, self.closer_width)}
        return {"fps": self.fps, "width": self.width, "quality": self.quality / 100} | closest

    @property
    def address(self) -> str:
        """The address to listen at."""
        return self.listen or ("0.0.0.0" if self.tls == "own" else "127.0.0.1")  # noqa: S104 - paired devices only


def browser_topics(settings: BrowserSettings) -> tuple[str, ...]:
    """Return the page's subscriptions: what is seen and said at its place, and the visits and people of the house."""
    place = settings.place
    heard = (
        *(topics.to(place, fact.kind) for fact in (Detections, Say, Said, CameraEnabled, LookCloser)),
        topics.to("all", Say.kind),
    )
    visits = (Visit.pattern() if settings.album == "house" else topics.to(place, Visit.kind),)
    if settings.album == "off":
        return (*heard, *(visits if settings.greets else ()))
    return (*heard, *visits, topics.to("brain", People.kind), topics.status("brain"))
