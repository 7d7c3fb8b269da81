"""Run the web server in a thread of its own, and yield what its clients send."""

import asyncio
import logging
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from threading import Event, Thread

import uvicorn

from nerves.errors import SettingsError
from nerves.messages import Fact, Frame
from nerves.services import Context
from senses.browser.app import Door, app_of, invitation
from senses.browser.certificate import Papers, certified, names_here
from senses.browser.connection_guard import ConnectionGuard
from senses.browser.devices import Devices
from senses.browser.hub import Hub
from senses.browser.settings import BrowserSettings

__all__ = ["served"]

OUTPUT_WAIT_S = 0.2
SERVER_STOP_S = 3.0
BYTES_PER_MB = 1_000_000
PING_S = 15.0
MAX_OPEN_FILES = 8192

logger = logging.getLogger(__name__)


def served(settings: BrowserSettings, context: Context, heard: Iterator[Fact]) -> Iterator[Frame | Fact]:
    """Yield what clients send until `heard` ends: every fact, and the newest picture if it is to be sent."""
    folder = context.database.path.parent
    hub = Hub(settings, Devices(folder / f"{context.name}.devices.json"), context)
    names = tuple(dict.fromkeys((*names_here(), *settings.names)))
    papers = certified(folder / "https", names) if settings.tls == "own" else None
    _make_room()
    with closing(_listening(settings)) as listener:
        url, authority = _url(settings, listener.getsockname()[1]), papers and papers.authority
        door = Door(hub, name=context.name, url=url, authority=authority)
        _announce(door, papers)
        ended = Event()
        server = _server(door, papers, heard, ended)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="server", daemon=True)
        thread.start()
        try:
            while thread.is_alive() and not ended.is_set():
                item = hub.out.take(OUTPUT_WAIT_S)
                if item is not None and (not isinstance(item, Frame) or _is_sent(item, hub)):
                    yield item
        finally:
            server.should_exit = True
            thread.join(SERVER_STOP_S)
    if not ended.is_set():
        message = "the page's server ended by itself"
        raise RuntimeError(message)


def _is_sent(frame: Frame, hub: Hub) -> bool:
    """Return whether a picture becomes a frame: all do for a closer look."""
    passes = hub.motion_filter.passes(frame.jpeg, time.monotonic())
    return passes or hub.closer.is_wanted()


def _make_room() -> None:
    """Allow file handles for thousands of idle connections: a TLS handshake may take a minute to fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listening(settings: BrowserSettings) -> socket.socket:
    address, port = settings.address, settings.port
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, dualstack_ipv6=address == "::", backlog=128)
    except OSError as error:
        message = f"{settings.place}: cannot listen at {address} port {port}: {error.strerror}: check listen and port"
        raise SettingsError(message) from error


def _url(settings: BrowserSettings, port: int) -> str:
    """Return the address of the page for a phone."""
    if settings.origins:
        return f"{settings.origins[0]}/"
    found = [name for name in names_here() if name[0].isdigit() and not name.startswith("127.")]
    host = (settings.names or tuple(found) or ("localhost",))[0] if settings.tls == "own" else "localhost"
    return f"{'https' if settings.tls == 'own' else 'http'}://{host}:{port}/"


def _announce(door: Door, papers: Papers | None) -> None:
    logger.info("the page of %s is at %s", door.hub.settings.place, door.url)
    if papers:
        logger.info("its authority's SHA-256 fingerprint: %s", papers.fingerprint)
    if not door.hub.devices.all():
        logger.info("%s", invitation(door.url, door.hub.devices.code()))


def _server(door: Door, papers: Papers | None, heard: Iterator[Fact], ended: Event) -> uvicorn.Server:
    def pass_on(loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop has ended
            for fact in heard:
                loop.call_soon_threadsafe(door.hub.deliver, fact)
        ended.set()

    def begin(loop: asyncio.AbstractEventLoop) -> None:
        Thread(target=pass_on, args=(loop,), name="heard", daemon=True).start()

    config = uvicorn.Config(
        app_of(door, begin),
        http=ConnectionGuard,
        ws="websockets-sansio",
        ws_max_size=int(door.hub.settings.max_mb * BYTES_PER_MB),
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=papers.certificate if papers else None,
        ssl_keyfile=papers.key if papers else None,
    )
    return uvicorn.Server(config)
