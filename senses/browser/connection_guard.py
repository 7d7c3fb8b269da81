"""Close connections that are too many, or that send no request."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ConnectionGuard"]

MAX_OPEN_CONNECTIONS = 256
FIRST_REQUEST_S = 10.0

logger = logging.getLogger(__name__)


class ConnectionGuard(H11Protocol):
    """uvicorn's HTTP protocol with a limit of open connections and a timeout for the first request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection; close it if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_OPEN_CONNECTIONS:
            self._refuse("crowd")
        self._waits = self.loop.call_later(FIRST_REQUEST_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout of a connection that ended."""
        self._waits.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        # A websocket has its own protocol object by now, which has replaced this one in `connections`.
        asked: object = self.scope
        if asked is None and self in self.connections:
            self._refuse("idle")

    def _refuse(self, why: str) -> None:
        refuse: Any = self.app_state.get("refuse")
        if refuse:
            refuse(why)
        self.transport.close()
