"""Connect clients with the bus: what clients send becomes frames and facts, and facts of the bus go to the clients."""

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
from nerves.messages import (
    CameraEnabled,
    Detections,
    Fact,
    Frame,
    Heard,
    Label,
    LookCloser,
    Mode,
    People,
    Said,
    Say,
    Status,
    Visit,
    now,
)
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
from senses.closer import CloserLook

__all__ = ["Hub"]

MAX_REMEMBERED_SAYS = 50
ENABLED_WAIT_S = 1.0  # by then the broker has sent whether the camera of the place is enabled
CLOSE_TOO_LARGE = 1009
SPOKEN_S, WORD_S = 1.0, 0.4  # about the time that speech takes: at the start, and for each word
MAX_GREETING_DELAY = timedelta(seconds=20)  # a late greeting is worse than none
Role = Literal["camera", "microphone"]

logger = logging.getLogger(__name__)


class Hub:
    """All connected clients; everything but `out` is used only in the server's thread."""

    def __init__(self, settings: BrowserSettings, devices: Devices, context: Context) -> None:
        self.settings, self.devices = settings, devices
        self.out: NewestByPlace[Frame | Fact] = NewestByPlace()
        self.refused: Counter[str] = Counter()
        self.album = RecentVisits()
        self.motion_filter, self.closer = MotionFilter(settings), CloserLook()
        folder = context.database.path.parent
        self.ear = Ear(settings.place, settings.ear, folder, lambda heard: self.out.put(str(heard.id), heard))
        self._context = context
        self._clients: set[Client] = set()
        self._roles: dict[Role, Client] = {}
        self._disabled_by = _who_disabled(privacy.stored_camera_enabled(context))
        self._pictures_from = time.monotonic() + ENABLED_WAIT_S
        self._people: list[dict[str, str]] = []
        self._mode: Mode | None = None
        self._says: OrderedDict[str, Say] = OrderedDict()
        self._can_read = True

    def refuse(self, why: str) -> None:
        """Count what was refused."""
        self.refused[why] += 1

    def report_status(self) -> None:
        """Report how many clients are connected and what was refused."""
        refused = ", ".join(f"{count} {why}" for why, count in sorted(self.refused.items()))
        camera = f"camera: {self._whose('camera')}" if "camera" in self._roles else "no camera"
        microphone = f", microphone: {self._whose('microphone')}" if "microphone" in self._roles else ""
        status = f"{len(self._clients)} connected, {camera}{microphone}"
        self._context.report(status + (f"; refused: {refused}" if refused else ""))

    # Messages from the bus.

    def deliver(self, fact: Fact) -> None:
        """Handle a fact of the bus: most are passed on to the clients."""
        if isinstance(fact, Detections):
            lines = [each.model_dump(mode="json", exclude_none=True) for each in fact.detections]
            self._all({"detections": lines})
        elif isinstance(fact, Say):
            self._speak(fact)
        elif isinstance(fact, Visit):
            self._show_visit(fact)
        elif isinstance(fact, People | Status):
            self._show_house(fact)
        elif isinstance(fact, Said):
            self.ear.echoes.add(fact)
        elif isinstance(fact, LookCloser):
            self.closer.want(fact)
            self._all({"look_closer": fact.seconds})
        elif isinstance(fact, CameraEnabled):
            self._disabled_by, self._pictures_from = _who_disabled(fact), 0
            self._all({"disabled_by": self._disabled_by})
            privacy.store_camera_enabled(self._context, fact)

    def _show_house(self, fact: People | Status) -> None:
        """Show on the pages whom the house knows, or the mode in force."""
        if isinstance(fact, People):
            self._people = [{"name": each.name, "group": each.group} for each in fact.people]
            self._all({"people": self._people})
        elif fact.mode != self._mode:
            self._mode = fact.mode
            self._all({"mode": self._mode})

    def _show_visit(self, visit: Visit) -> None:
        """Show a visit on the pages, and greet its person if the settings ask for it."""
        settings = self.settings
        words = greeting(settings, visit, settings.language) if visit.place == settings.place else ""
        if words and now() - visit.at <= MAX_GREETING_DELAY and not self._is_quiet():
            self._speak(Say(id=visit.id, place=visit.place, words=words, language=settings.language))
        if settings.album != "off" and (line := self.album.put(visit)):
            self._all({"visit": line})

    def _is_quiet(self) -> bool:
        quiet, local = self.settings.quiet, now().astimezone().replace(tzinfo=None)
        return quiet is not None and read_hours(quiet).contain(local)

    def _all(self, message: dict[str, Any]) -> None:
        for client in self._clients:
            client.send_json(message)

    def _speak(self, say: Say) -> None:
        key = str(say.id)
        if key in self._says:  # the broker may deliver it twice
            return
        self._says[key] = say
        while len(self._says) > MAX_REMEMBERED_SAYS:
            self._says.popitem(last=False)
        for client in self._clients:
            client.send_speech({"id": key, "words": say.words, "language": say.language})

    # Messages from clients.

    async def talk(self, socket: WebSocket, device: Device) -> None:
        """Serve a client until it disconnects."""
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
        """Whether no further client may connect."""
        return len(self._clients) >= self.settings.max_connections

    async def end(self, device: str) -> None:
        """Close the connections of a device that was revoked."""
        for client in [each for each in self._clients if each.device.id == device]:
            await client.close()

    async def end_revoked(self) -> None:
        """Close the connections of devices that are no longer in the file; of all devices while it cannot be read."""
        for device in {client.device.id for client in self._clients} - self._paired():
            await self.end(device)

    def _paired(self) -> set[str]:
        try:
            paired = {device.id for device in self.devices.all()}
        except KinwatchError as error:
            if self._can_read:
                logger.warning("no device may connect: %s", error)
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
                    **settings.pictures,
                    "background": settings.in_background,
                    "album": self.album.lines() if settings.album != "off" else None,
                    "people": self._people,
                    "mode": self._mode,
                    "device": client.device.name,
                    "missing": self.ear.trouble,
                    "disabled_by": self._disabled_by,
                },
                "camera": self._whose("camera"),
                "microphone": self._whose("microphone"),
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
        """Handle one message; return why it is refused, or an empty text."""
        body, text = message.get("bytes"), message.get("text")
        try:
            asked = wire.read_bytes(body) if body is not None else wire.read_text(text or "")
        except MessageError as error:
            if not client.refused:
                logger.warning("%s: ignored an invalid message: %s", client.device.name, error)
            return "unreadable"
        is_allowed = client.is_within_limits(asked, is_closer=self.closer.is_wanted())
        return self._do(client, asked) if is_allowed else "too fast"

    def _do(self, client: Client, asked: wire.Asked | wire.PagePicture | wire.Sound) -> str:
        if isinstance(asked, wire.PagePicture):
            return self._take_picture(client, asked.jpeg)
        if isinstance(asked, wire.Sound):
            return self._take_sound(client, asked.pcm)
        if isinstance(asked, wire.PageCamera | wire.Microphone):
            return self._switch(client, "camera" if isinstance(asked, wire.PageCamera) else "microphone", on=asked.on)
        if isinstance(asked, wire.Spoke):
            return self._spoke(client, asked)
        if isinstance(asked, wire.Named):
            return self._name(asked)
        heard = Heard(place=self.settings.place, words=asked.words, confidence=asked.confidence)
        self.out.put(str(heard.id), heard)
        return ""

    def _take_picture(self, client: Client, jpeg: bytes) -> str:
        """Pass on a picture: one place has one camera, and only its newest picture is used."""
        if self._disabled_by is not None:
            return "camera switched off"
        if time.monotonic() < self._pictures_from:
            return "too early"
        if not self._is(client, "camera"):
            return "second camera"
        self.out.put(Frame.kind, Frame(self.settings.place, jpeg, now()))
        return ""

    def _take_sound(self, client: Client, pcm: bytes) -> str:
        """Pass on a piece of sound to speech recognition: one place has one microphone."""
        if self.ear.trouble:
            client.send_json({"missing": self.ear.trouble})
            return "no speech recognition"
        if not self._is(client, "microphone"):
            return "second microphone"
        return "" if self.ear.take(pcm) else "too much sound"

    def _is(self, client: Client, role: Role) -> bool:
        """Return whether a client is the camera or microphone of the place; the first one to send becomes it."""
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
        if role == "microphone":
            self.ear.end()
        elif on:
            self.motion_filter = MotionFilter(self.settings)
        else:
            self._all({"detections": []})
        self._all({role: self._whose(role)})
        for other in self._clients - {client}:
            if on:
                other.send_json({f"{role}_taken": client.device.name})
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
            label = Label(place=place, visit=UUID(named.visit), who=named.who, group=named.group)
        except ValidationError:
            return "unreadable"
        self.out.put(str(label.id), label)
        self._all({"visit": self.album.add_label(label)})
        return ""


def _who_disabled(switch: CameraEnabled | None) -> str | None:
    """Return who switched off the camera of a place, "" if unknown; None while it is on."""
    return None if switch is None or switch.enabled else switch.by or ""
