"""The server's first line: connections that are too many, or that ask for nothing, end."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ConnectionGuard"]

MAX_OPEN_CONNECTIONS = 256
FIRST_REQUEST_S = 10.0

logger = logging.getLogger(__name__)


class ConnectionGuard(H11Protocol):
    """uvicorn's own protocol, with a limit of connections and a time to ask within."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or end it."""
        super().connection_made(transport)
        if len(self.connections) > MAX_OPEN_CONNECTIONS:
            self._refuse("crowd")
        self._waits = self.loop.call_later(FIRST_REQUEST_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._waits.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        # A websocket has a protocol of its own by now, which has taken this one's place among the connections.
        asked: object = self.scope
        if asked is None and self in self.connections:
            self._refuse("idle")

    def _refuse(self, why: str) -> None:
        refuse: Any = self.app_state.get("refuse")
        if refuse:
            refuse(why)
        self.transport.close()
