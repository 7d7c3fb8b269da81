"""Where pages and the bus meet: what pages send becomes frames and facts, what the bus says goes to the pages."""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import ValidationError
from starlette.websockets import WebSocket

from nerves.errors import KinwatchError, MessageError
from nerves.greeting import greeting
from nerves.hours import read_hours
from nerves.messages import CameraEnabled, Detections, Fact, Frame, Heard, Label, People, Said, Say, Visit, now
from nerves.services import Context
from nerves.slots import NewestByPlace
from senses import privacy
from senses.browser import wire
from senses.browser.album import RecentVisits
from senses.browser.client import MAX_REFUSALS, PROTOCOL, Client
from senses.browser.devices import Device, Devices
from senses.browser.ear import Ear
from senses.browser.motion_filter import MotionFilter
from senses.browser.settings import BrowserSettings

__all__ = ["Hub"]

MAX_REMEMBERED_SAYS = 50
ENABLED_WAIT_S = 1.0  # in which the broker says whether the eyes of the place are closed
CLOSE_TOO_LARGE = 1009
SPOKEN_S, WORD_S = 1.0, 0.4  # about what a voice takes: a breath, and a word
MAX_GREETING_DELAY = timedelta(seconds=20)  # a late greeting is worse than none
Role = Literal["eye", "ear"]
STOP: dict[Role, str] = {"eye": "stop", "ear": "deaf"}  # what a page is told that is relieved

logger = logging.getLogger(__name__)


class Hub:
    """All that is connected; used in the server's own thread, except for `out`."""

    def __init__(self, settings: BrowserSettings, devices: Devices, context: Context) -> None:
        self.settings, self.devices = settings, devices
        self.out: NewestByPlace[Frame | Fact] = NewestByPlace()
        self.refused: Counter[str] = Counter()
        self.album = RecentVisits()
        self.motion_filter = MotionFilter(settings)
        folder = context.database.path.parent
        self.ear = Ear(settings.place, settings.ear, folder, lambda heard: self.out.put(str(heard.id), heard))
        self._context = context
        self._clients: set[Client] = set()
        self._roles: dict[Role, Client] = {}
        self._disabled_by = _who_disabled(privacy.stored_camera_enabled(context))
        self._pictures_from = time.monotonic() + ENABLED_WAIT_S
        self._people: list[dict[str, str]] = []
        self._says: OrderedDict[str, Say] = OrderedDict()
        self._can_read = True

    def refuse(self, why: str) -> None:
        """Count what was refused."""
        self.refused[why] += 1

    def report_status(self) -> None:
        """Have the sense's status say how many are connected and what was refused."""
        refused = ", ".join(f"{count} {why}" for why, count in sorted(self.refused.items()))
        eye = f"eye: {self._whose('eye')}" if "eye" in self._roles else "no eye"
        ear = f", ear: {self._whose('ear')}" if "ear" in self._roles else ""
        self._context.report(
            f"{len(self._clients)} connected, {eye}{ear}" + (f"; refused: {refused}" if refused else "")
        )

    # What the bus says.

    def deliver(self, fact: Fact) -> None:
        """Pass on what the bus says to whom it concerns."""
        if isinstance(fact, Detections):
            lines = [each.model_dump(mode="json", exclude_none=True) for each in fact.detections]
            self._all({"seen": lines})
        elif isinstance(fact, Say):
            self._speak(fact)
        elif isinstance(fact, Visit):
            self._show_visit(fact)
        elif isinstance(fact, People):
            self._people = [{"name": each.name, "group": each.group} for each in fact.people]
            self._all({"people": self._people})
        elif isinstance(fact, Said):
            self.ear.echoes.add(fact)
        elif isinstance(fact, CameraEnabled):
            self._disabled_by, self._pictures_from = _who_disabled(fact), 0
            self._all({"closed": self._disabled_by})
            privacy.store_camera_enabled(self._context, fact)

    def _show_visit(self, visit: Visit) -> None:
        """Greet whoever comes to this place, if wanted, and show the visit."""
        settings = self.settings
        words = greeting(settings, visit, settings.language) if visit.place == settings.place else ""
        if words and now() - visit.at <= MAX_GREETING_DELAY and not self._is_quiet():
            self._speak(Say(id=visit.id, place=visit.place, words=words, language=settings.language))
        if settings.album != "off" and (line := self.album.put(visit)):
            self._all({"visit": line})

    def _is_quiet(self) -> bool:
        quiet, local = self.settings.quiet, now().astimezone().replace(tzinfo=None)
        return quiet is not None and read_hours(quiet).cover(local)

    def _all(self, message: dict[str, Any]) -> None:
        for client in self._clients:
            client.send_json(message)

    def _speak(self, say: Say) -> None:
        key = str(say.id)
        if key in self._says:  # the broker may bring it twice
            return
        self._says[key] = say
        while len(self._says) > MAX_REMEMBERED_SAYS:
            self._says.popitem(last=False)
        for client in self._clients:
            client.send_speech({"id": key, "words": say.words, "language": say.language})

    # What a client says.

    async def talk(self, socket: WebSocket, device: Device) -> None:
        """Speak with a client until it goes."""
        client = Client(socket, device, self.settings)
        await socket.accept(PROTOCOL if client.is_page else None)
        self._clients.add(client)
        self._send_state(client)
        self.report_status()
        sender = asyncio.create_task(client.send_waiting())
        try:
            await self._listen(client)
        finally:
            sender.cancel()
            self._clients.discard(client)
            for role in [role for role, holder in self._roles.items() if holder is client]:
                self._switch(client, role, on=False)
            self.report_status()

    @property
    def is_full(self) -> bool:
        """Whether nobody more may connect."""
        return len(self._clients) >= self.settings.max_connections

    async def end(self, device: str) -> None:
        """End the connections of a device that was revoked."""
        for client in [each for each in self._clients if each.device.id == device]:
            await client.close()

    async def end_revoked(self) -> None:
        """End the connections of devices that are no longer in the file; of all, while it cannot be read."""
        for device in {client.device.id for client in self._clients} - self._paired():
            await self.end(device)

    def _paired(self) -> set[str]:
        try:
            paired = {device.id for device in self.devices.all()}
        except KinwatchError as error:
            if self._can_read:
                logger.warning("no device may come in: %s", error)
            self._can_read = False
            return set()
        self._can_read = True
        return paired

    def _send_state(self, client: Client) -> None:
        settings = self.settings
        client.send_json(
            {
                "hello": {
                    "place": settings.place,
                    "fps": settings.fps,
                    "width": settings.width,
                    "quality": settings.quality / 100,
                    "background": settings.in_background,
                    "album": self.album.lines() if settings.album != "off" else None,
                    "people": self._people,
                    "device": client.device.name,
                    "lacks": self.ear.trouble,
                    "closed": self._disabled_by,
                },
                "eye": self._whose("eye"),
                "ear": self._whose("ear"),
            }
        )

    async def _listen(self, client: Client) -> None:
        while client.refused < MAX_REFUSALS:
            message = await client.socket.receive()
            if message["type"] == "websocket.disconnect":
                if message.get("code") == CLOSE_TOO_LARGE:
                    self.refuse("too large")
                return
            why = self._take(client, message)
            if why:
                client.refused += 1
                self.refuse(why)
        await client.close()

    def _take(self, client: Client, message: Mapping[str, Any]) -> str:
        """Take one message, and return why it is refused, if it is."""
        body, text = message.get("bytes"), message.get("text")
        try:
            asked = wire.read_bytes(body) if body is not None else wire.read_text(text or "")
        except MessageError as error:
            if not client.refused:
                logger.warning("%s: left out: %s", client.device.name, error)
            return "unreadable"
        return self._do(client, asked) if client.is_within_limits(asked) else "too fast"

    def _do(self, client: Client, asked: wire.Asked | wire.PagePicture | wire.Sound) -> str:
        if isinstance(asked, wire.PagePicture):
            return self._take_picture(client, asked.jpeg)
        if isinstance(asked, wire.Sound):
            return self._take_sound(client, asked.pcm)
        if isinstance(asked, wire.PageCamera | wire.Microphone):
            return self._switch(client, "eye" if isinstance(asked, wire.PageCamera) else "ear", on=asked.on)
        if isinstance(asked, wire.Spoke):
            return self._spoke(client, asked)
        if isinstance(asked, wire.Named):
            return self._name(asked)
        heard = Heard(place=self.settings.place, words=asked.words, confidence=asked.confidence)
        self.out.put(str(heard.id), heard)
        return ""

    def _take_picture(self, client: Client, jpeg: bytes) -> str:
        """Pass a picture on: one place has one eye, and only its newest picture counts."""
        if self._disabled_by is not None:
            return "eyes closed"
        if time.monotonic() < self._pictures_from:
            return "too early"
        if not self._is(client, "eye"):
            return "second eye"
        self.out.put(Frame.kind, Frame(self.settings.place, jpeg, now()))
        return ""

    def _take_sound(self, client: Client, pcm: bytes) -> str:
        """Have the ear hear a piece of sound: one place has one ear."""
        if self.ear.trouble:
            client.send_json({"lacks": self.ear.trouble})
            return "no ear"
        if not self._is(client, "ear"):
            return "second ear"
        return "" if self.ear.take(pcm) else "too much sound"

    def _is(self, client: Client, role: Role) -> bool:
        """Return whether this client is the eye or ear of the place; who comes first is."""
        if role not in self._roles:
            self._switch(client, role, on=True)
        return self._roles[role] is client

    def _whose(self, role: Role) -> str | None:
        holder = self._roles.get(role)
        return holder.device.name if holder else None

    def _switch(self, client: Client, role: Role, *, on: bool) -> str:
        if on:
            self._roles[role] = client
        elif self._roles.get(role) is client:
            del self._roles[role]
        else:
            return ""
        if role == "ear":
            self.ear.end()
        elif on:
            self.motion_filter = MotionFilter(self.settings)
        else:
            self._all({"seen": []})
        self._all({role: self._whose(role)})
        for other in self._clients - {client}:
            if on:
                other.send_json({STOP[role]: client.device.name})
        self.report_status()
        return ""

    def _spoke(self, client: Client, spoke: wire.Spoke) -> str:
        say = self._says.get(spoke.id)
        if say is None:
            return "unasked"
        if spoke.failed:
            logger.warning("%s could not say %r: %s", client.device.name, say.words, spoke.failed)
            return ""
        until = now() + timedelta(seconds=SPOKEN_S + WORD_S * len(say.words.split()))
        said = Said(place=self.settings.place, words=say.words, until=until)
        self.out.put(str(said.id), said)
        return ""

    def _name(self, named: wire.Named) -> str:
        place = self.album.place(named.visit)
        if place is None:
            return "unasked"
        try:
            told = Label(place=place, visit=UUID(named.visit), who=named.who, group=named.group)
        except ValidationError:
            return "unreadable"
        self.out.put(str(told.id), told)
        self._all({"visit": self.album.add_label(told)})
        return ""


def _who_disabled(said: CameraEnabled | None) -> str | None:
    """Return by whom the eyes of a place are closed; None while they are open."""
    return None if said is None or said.enabled else said.by or ""
