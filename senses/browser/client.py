"""One page, or one program, at the other end of a websocket."""

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
SOUND_PER_S, SOUND_BURST = 1.1, 3  # seconds of sound: clocks differ, and a network pauses
MIN_SOUND_S = 0.02  # for which a shorter piece of sound counts
MAX_REFUSALS = 200
CLOSE_POLICY_VIOLATION, CLOSE_TOO_SLOW = 1008, 1013


class Client:
    """A connected device: what waits to be sent to it, and how much it may send.

    Our page asks for the subprotocol `kinwatch` and gets JSON; any other client gets the words to be spoken.
    """

    def __init__(self, socket: WebSocket, device: Device, settings: BrowserSettings) -> None:
        self.socket, self.device = socket, device
        self.is_page = PROTOCOL in socket.scope.get("subprotocols", [])
        self.pictures = TokenBucket(settings.fps, burst=max(settings.fps, 2))
        self.texts = TokenBucket(TEXTS_PER_S, burst=TEXTS_BURST)
        self.sound = TokenBucket(SOUND_PER_S, burst=SOUND_BURST)
        self.refused = 0
        self._seen: str | None = None
        self._waiting: deque[str] = deque()
        self._filled = asyncio.Event()

    def is_within_limits(self, asked: wire.Asked | wire.PagePicture | wire.Sound) -> bool:
        """Return whether this is not too much in too short a time, and count it."""
        if isinstance(asked, wire.Sound):
            return self.sound.allows(max(asked.seconds, MIN_SOUND_S))
        return (self.pictures if isinstance(asked, wire.PagePicture) else self.texts).allows()

    def send_json(self, message: dict[str, Any]) -> None:
        """Send our page a message; of what is seen only the newest."""
        if not self.is_page:
            return
        text = json.dumps(message)
        if "seen" in message:
            self._seen = text
            self._filled.set()
        else:
            self._put(text)

    def send_speech(self, say: dict[str, Any]) -> None:
        """Have the client say something."""
        if self.is_page:
            self.send_json({"say": say})
        else:
            self._put(str(say["words"]))

    async def send_waiting(self) -> None:
        """Send what waits, until the connection ends; one that takes nothing for long is ended."""
        while len(self._waiting) < MAX_UNSENT_MESSAGES:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                await self.socket.send_text(self._waiting.popleft())
            seen, self._seen = self._seen, None
            if seen:
                await self.socket.send_text(seen)
        await self.close(CLOSE_TOO_SLOW)

    async def close(self, code: int = CLOSE_POLICY_VIOLATION) -> None:
        """End the connection."""
        if self.socket.application_state is WebSocketState.CONNECTED:
            await self.socket.close(code)

    def _put(self, text: str) -> None:
        if len(self._waiting) < MAX_UNSENT_MESSAGES:
            self._waiting.append(text)
        self._filled.set()
