"""The web application: the page and its files, pairing, pictures, and /ws."""

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote, urlsplit

import segno
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from nerves.errors import KinwatchError
from nerves.nesting import read_json
from senses.browser.devices import Device, clean
from senses.browser.hub import Hub
from senses.browser.limits import AddressLimits

__all__ = ["Door", "app_of", "cookie_of", "invitation"]

COOKIE_AGE_S = 365 * 24 * 3600
MAX_BODY_BYTES = 4096
REVOCATION_CHECK_S = 2.0
UNREADABLE = "devices unreadable"  # the log names the file and says what to do
MEDIA_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob: mediastream:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    "Permissions-Policy": "camera=(self), microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Answer = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger(__name__)


class Door:
    """Decides who may connect, and answers the requests."""

    def __init__(self, hub: Hub, *, name: str, url: str, authority: Path | None) -> None:
        self.hub, self.url, self.authority = hub, url, authority
        self._cookie = cookie_of(name)
        self._tries = AddressLimits(1 / 12, burst=5)  # from one address: 5 codes at once, then one every 12 seconds
        self._calls = AddressLimits(1 / 30, burst=3)

    def is_ours(self, asked: HTTPConnection) -> bool:
        """Return whether a request comes from our own page, from an allowed one, or from no page at all."""
        origin = asked.headers.get("origin")
        if origin is None or origin in self.hub.settings.origins:
            return True
        return urlsplit(origin).netloc == asked.headers.get("host")

    def device(self, asked: HTTPConnection) -> Device | None:
        """Return the paired device that sent a request; None if it is not paired."""
        bearer = asked.headers.get("authorization", "").removeprefix("Bearer ")
        tokens = filter(None, (asked.cookies.get(self._cookie), bearer))
        return next(filter(None, map(self.hub.devices.find, tokens)), None)

    async def me(self, request: Request) -> Response:
        """Return whether this device is paired, and what the page needs for pairing."""
        facts = {"place": self.hub.settings.place, "paired": self.device(request) is not None}
        return JSONResponse(facts | {"authority": self.authority is not None})

    async def pair(self, request: Request) -> Response:
        """Give a device that knows a code its token: as a cookie for a page, in the answer for any other client."""
        if not self._tries.allows(_address(request)):
            return self._refuse("too many codes", 429)
        asked = await _body(request)
        name = clean(str(asked.get("name", "")))
        token = self.hub.devices.pair(str(asked.get("code", "")), name)
        if token is None:
            return self._refuse("wrong code", 403)
        logger.info("paired a new device: %s", name)
        answer = JSONResponse({"paired": True} if "origin" in request.headers else {"token": token})
        secure = self.url.startswith("https:")
        answer.set_cookie(self._cookie, token, max_age=COOKIE_AGE_S, httponly=True, samesite="strict", secure=secure)
        return answer

    async def call(self, request: Request) -> Response:
        """Write a new code to the log: whoever can read the log may pair a device."""
        if not self._calls.allows(_address(request)):
            return self._refuse("too many calls", 429)
        logger.info("%s", invitation(self.url, self.hub.devices.code()))
        return JSONResponse({"logged": True})

    async def invite(self, _: Request) -> Response:
        """Return a code for one more device, also as a QR code."""
        code = self.hub.devices.code()
        picture = io.BytesIO()
        segno.make(f"{self.url}#code={code}", error="m").save(picture, kind="svg", scale=5, border=2, light="white")
        return JSONResponse({"code": code, "url": self.url, "svg": picture.getvalue().decode()})

    async def devices(self, request: Request) -> Response:
        """Return the paired devices, and a count of what was refused since the start, by reason."""
        me = self.device(request)
        lines = [
            {"id": each.id, "name": each.name, "since": each.since.isoformat(), "me": each == me}
            for each in self.hub.devices.all()
        ]
        return JSONResponse({"devices": lines, "refused": dict(self.hub.refused)})

    async def revoke(self, request: Request) -> Response:
        """Revoke a device, and end its connections."""
        which = request.path_params["device"]
        if not self.hub.devices.revoke(which):
            return JSONResponse({"error": "no such device"}, 404)
        await self.hub.end(which)
        return JSONResponse({"revoked": which})

    async def picture(self, request: Request) -> Response:
        """Return the picture of a visit."""
        jpeg = self.hub.album.picture(request.path_params["visit"])
        return Response(jpeg, media_type="image/jpeg") if jpeg else JSONResponse({"error": "gone"}, 404)

    async def authority_file(self, _: Request) -> Response:
        """Return the certificate of the household's authority, for a phone to install."""
        if self.authority is None:
            return JSONResponse({"error": "tls is off"}, 404)
        name = "kinwatch.crt"
        return FileResponse(self.authority, media_type="application/x-x509-ca-cert", filename=name)

    async def talk(self, socket: WebSocket) -> None:
        """Serve the websocket of a paired client."""
        who = self._who(socket)
        if isinstance(who, Device):
            await self.hub.talk(socket, who)
        else:
            self.hub.refuse(who)
            await socket.close()

    def guarded(self, answer: Answer, *, paired: bool) -> Answer:
        """Wrap an answer so that it is given only to our own page, and, if `paired`, only to paired devices."""

        async def guard(request: Request) -> Response:
            if not self.is_ours(request):
                return self._refuse("wrong origin", 403)
            try:
                if paired and self.device(request) is None:
                    return self._refuse("not paired", 401)
                return await answer(request)
            except KinwatchError:
                return self._refuse(UNREADABLE, 503)
            except ValueError:
                return self._refuse("unreadable", 400)

        return guard

    def _who(self, socket: WebSocket) -> Device | str:
        """Return the device that opens a websocket, or the reason why it may not."""
        if not self.is_ours(socket):
            return "wrong origin"
        try:
            device = self.device(socket)
        except KinwatchError:
            return UNREADABLE
        if device is not None and self.hub.is_full:
            return "too many connections"
        return device or "not paired"

    def _refuse(self, why: str, status: int) -> Response:
        self.hub.refuse(why)
        return JSONResponse({"error": why}, status)


def app_of(door: Door, begin: Callable[[asyncio.AbstractEventLoop], None]) -> Starlette:
    """Return the web application; `begin` is called with its event loop."""

    @contextlib.asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[dict[str, object]]:
        begin(asyncio.get_running_loop())
        watch = asyncio.create_task(_check_regularly(door.hub))
        yield {"refuse": door.hub.refuse}
        watch.cancel()

    return Starlette(routes=list(_routes(door)), lifespan=living, middleware=[])


def _routes(door: Door) -> list[Route | WebSocketRoute]:
    def route(path: str, method: str, answer: Answer, *, paired: bool = True) -> Route:
        return Route(path, _with_headers(door.guarded(answer, paired=paired)), methods=[method])

    page = files("senses.browser") / "page"
    names = sorted(each.name for each in page.iterdir() if each.name.rpartition(".")[2] in MEDIA_TYPES)
    return [
        *(route(f"/{name}", "GET", partial(_file, (page / name).read_bytes(), name), paired=False) for name in names),
        route("/", "GET", partial(_file, (page / "index.html").read_bytes(), "index.html"), paired=False),
        route("/me", "GET", door.me, paired=False),
        route("/kinwatch.crt", "GET", door.authority_file, paired=False),
        route("/pair", "POST", door.pair, paired=False),
        route("/call", "POST", door.call, paired=False),
        route("/invite", "POST", door.invite),
        route("/devices", "GET", door.devices),
        route("/devices/{device}", "DELETE", door.revoke),
        route("/visits/{visit}.jpg", "GET", door.picture),
        WebSocketRoute("/ws", door.talk),
    ]


def cookie_of(name: str) -> str:
    """Return the name of a sense's own cookie: a browser sends a machine's cookies to all of its ports."""
    return f"kinwatch-{quote(name, safe='')}"


def invitation(url: str, code: str) -> str:
    """Return the text for the log that invites a device, with a QR code."""
    drawn = io.StringIO()
    segno.make(f"{url}#code={code}", error="l").terminal(drawn, compact=True, border=2)
    return f"you can pair a device within 15 minutes: open {url} and type {code}, or scan\n{drawn.getvalue()}"


async def _check_regularly(hub: Hub) -> None:
    """Every two seconds, disconnect devices that were revoked in the file, and report the status."""
    while True:
        await asyncio.sleep(REVOCATION_CHECK_S)
        await hub.end_revoked()
        hub.report_status()


async def _file(content: bytes, name: str, _: Request) -> Response:
    return Response(content, media_type=MEDIA_TYPES[name.rpartition(".")[2]])


def _with_headers(answer: Answer) -> Answer:
    async def add(request: Request) -> Response:
        response = await answer(request)
        response.headers.update(HEADERS)
        return response

    return add


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _body(request: Request) -> dict[str, object]:
    """Return what was asked; a `ValueError` for what is too long or no JSON object."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            message = f"more than {MAX_BODY_BYTES} bytes"
            raise ValueError(message)
    asked = read_json(body)
    if not isinstance(asked, dict):
        message = "not an object"
        raise ValueError(message)  # noqa: TRY004 - one error for all that cannot be read
    return asked
