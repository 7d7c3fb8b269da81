"""What a person sets of the page."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from nerves import topics
from nerves.greeting import GreetingSettings
from nerves.hours import HoursText
from nerves.messages import CameraEnabled, Detections, People, Said, Say, Visit
from nerves.services import SenseSettings
from senses.hearing.settings import HearingSettings

__all__ = ["BrowserSettings", "browser_topics"]


def _word(value: object) -> object:
    """Return what was written: YAML reads a bare off as false."""
    return {False: "off", True: "own"}.get(value, value) if isinstance(value, bool) else value


class BrowserSettings(GreetingSettings, SenseSettings):
    """A page's table in `kinwatch.yaml`."""

    port: int = Field(default=8443, ge=0, le=65535)
    """Where the page is: https://<this machine>:8443; 0 takes any free port."""
    listen: str | None = None
    """The address to listen at: every one of this machine; with `tls: off` only 127.0.0.1."""
    tls: Annotated[Literal["own", "off"], BeforeValidator(_word)] = "own"
    """own: HTTPS with a certificate made here; off: behind a reverse proxy that has one."""
    names: tuple[str, ...] = ()
    """More names and addresses by which this machine is reached, for the certificate."""
    origins: tuple[str, ...] = ()
    """Other pages that may connect, and the address seen from outside a proxy: https://home.example.org."""
    fps: float = Field(default=5, gt=0, le=30)
    """At most this many pictures a second are taken from one device; more are dropped."""
    sweep_s: float = Field(default=10, gt=0)
    """A picture travels at least every so many seconds, even if nothing moves."""
    linger_s: float = Field(default=4, ge=0)
    """Pictures go on for so many seconds after the last motion, and after the start."""
    sensitivity: float = Field(default=0.5, ge=0, le=1)
    """How small a motion counts, 0 to 1: 2 % of the picture at 0, 0.2 % at 0.5, 0.02 % at 1."""
    width: int = Field(default=1280, ge=160, le=3840)
    """How wide a picture the page asks the camera for, in pixels."""
    quality: int = Field(default=80, ge=1, le=100)
    """JPEG quality of the page's pictures, 1 to 100."""
    max_mb: float = Field(default=2, gt=0, le=16)
    """A larger message ends the connection."""
    max_connections: int = Field(default=16, ge=1, le=200)
    """So many pages and clients at a time; more are refused."""
    album: Literal["place", "house", "off"] = "place"
    """Whose last 20 visits the page shows and lets name: this place's, all, or none."""
    language: Literal["en", "fr"] = "en"
    """The language of its greetings; the page itself has its browser's, or the one that is chosen there."""
    quiet: HoursText | None = None
    """Local hours in which nobody is greeted, as 22:00-07:00; what is asked to be said is said all the same."""
    ear: HearingSettings = HearingSettings()
    in_background: bool = False
    """Let the camera and the microphone go on where the page is hidden, as far as the browser does."""

    @property
    def address(self) -> str:
        """Where to listen."""
        return self.listen or ("0.0.0.0" if self.tls == "own" else "127.0.0.1")  # noqa: S104 - paired devices only


def browser_topics(settings: BrowserSettings) -> tuple[str, ...]:
    """Return what the page wants to hear: of its place what is seen and said, and of the house visits and people."""
    place = settings.place
    heard = (
        *(topics.to(place, fact.kind) for fact in (Detections, Say, Said, CameraEnabled)),
        topics.to("all", Say.kind),
    )
    visits = (Visit.pattern() if settings.album == "house" else topics.to(place, Visit.kind),)
    if settings.album == "off":
        return (*heard, *(visits if settings.greets else ()))
    return (*heard, *visits, topics.to("brain", People.kind))
