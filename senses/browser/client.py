"""One connected client: a page or another program at the other end of a websocket."""

import asyncio
import json
from collections import deque
from typing import Any

from starlette.websockets import WebSocket, WebSocketState

from senses.browser import wire
from senses.browser.devices import Device
from senses.browser.limits import TokenBucket
from senses.browser.settings import BrowserSettings

__all__ = ["PROTOCOL", "Client"]

PROTOCOL = "kinwatch"
MAX_UNSENT_MESSAGES = 64
TEXTS_PER_S, TEXTS_BURST = 5, 20
SOUND_PER_S, SOUND_BURST = 1.1, 3  # seconds of sound; more than 1 a second, because clocks differ and networks pause
MIN_SOUND_S = 0.02  # a shorter piece of sound counts as this long
MAX_REFUSALS = 200
CLOSE_POLICY_VIOLATION, CLOSE_TOO_SLOW = 1008, 1013


class Client:
    """A connected device: the messages that wait to be sent to it, and the limits of what it may send.

    Our page asks for the subprotocol `kinwatch` and gets JSON. Any other client gets only the words to speak.
    """

    def __init__(self, socket: WebSocket, device: Device, settings: BrowserSettings) -> None:
        self.socket, self.device = socket, device
        self.is_page = PROTOCOL in socket.scope.get("subprotocols", [])
        self.pictures = TokenBucket(settings.fps, burst=max(settings.fps, 2))
        self.closer_pictures = TokenBucket(settings.closest_fps, burst=max(settings.closest_fps, 2))
        self.texts = TokenBucket(TEXTS_PER_S, burst=TEXTS_BURST)
        self.sound = TokenBucket(SOUND_PER_S, burst=SOUND_BURST)
        self.refused = 0
        self._detections: str | None = None
        self._waiting: deque[str] = deque()
        self._filled = asyncio.Event()

    def is_within_limits(self, asked: wire.Asked | wire.PagePicture | wire.Sound, *, is_closer: bool = False) -> bool:
        """Return whether the client may send this now, and count it. `is_closer`: a closer look is wanted."""
        if isinstance(asked, wire.Sound):
            return self.sound.allows(max(asked.seconds, MIN_SOUND_S))
        if not isinstance(asked, wire.PagePicture):
            return self.texts.allows()
        return (self.closer_pictures if is_closer else self.pictures).allows()

    def send_json(self, message: dict[str, Any]) -> None:
        """Send a message if the client is our page; only the newest detections are sent."""
        if not self.is_page:
            return
        text = json.dumps(message)
        if "detections" in message:
            self._detections = text
            self._filled.set()
        else:
            self._put(text)

    def send_speech(self, say: dict[str, Any]) -> None:
        """Ask the client to say something."""
        if self.is_page:
            self.send_json({"say": say})
        else:
            self._put(str(say["words"]))

    async def send_waiting(self) -> None:
        """Send what waits until the connection ends; close it if the client does not read."""
        while len(self._waiting) < MAX_UNSENT_MESSAGES:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                await self.socket.send_text(self._waiting.popleft())
            detections, self._detections = self._detections, None
            if detections:
                await self.socket.send_text(detections)
        await self.close(CLOSE_TOO_SLOW)

    async def close(self, code: int = CLOSE_POLICY_VIOLATION) -> None:
        """Close the connection."""
        if self.socket.application_state is WebSocketState.CONNECTED:
            await self.socket.close(code)

    def _put(self, text: str) -> None:
        if len(self._waiting) < MAX_UNSENT_MESSAGES:
            self._waiting.append(text)
        self._filled.set()
