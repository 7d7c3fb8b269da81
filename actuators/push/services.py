"""The push services; the only file that imports apprise."""

import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from nerves.errors import SettingsError

__all__ = [
    "AttachedPicture",
    "Notification",
    "check_service_url",
    "deliver",
    "masked_url",
    "replaces",
    "resolve_secrets",
    "service_key",
    "shows_silently",
    "url_of",
]

REFERENCE = re.compile(r"\$\{(\w+)\}")
SCHEME = re.compile(r"([\w.+-]+)://")
ERROR = re.compile(r"error=(\d{3})")
TIMEOUTS = "cto=5&rto=15"
# What a receiver of one's own is told besides: by `tag` it replaces a notification by its update, and `ring` says
# whether the update is to be heard.
OWN_RECEIVERS = frozenset({"json", "jsons", "form", "forms", "xml", "xmls"})
OWN_FIELDS = ":tag={tag}&:ring={ring}"
# How each service shows a message without a sound, by its own documentation. ntfy: low has neither sound nor vibration.
# Pushover: -1. Telegram: disable_notification. Gotify for Android: 1 to 3 are an icon alone. Matrix: no push rule rings
# for m.notice. Discord: the flag SUPPRESS_NOTIFICATIONS, 1 << 12.
SILENT_PARAMETERS = {
    "ntfy": "priority=low",
    "ntfys": "priority=low",
    "pover": "priority=-1",
    "tgram": "silent=yes",
    "gotify": "priority=moderate",
    "gotifys": "priority=moderate",
    "matrix": "msgtype=notice",
    "matrixs": "msgtype=notice",
    "discord": "flags=4096",
}
# Services that take several pictures in one message. The others would send a message for each: they get the newest one.
TAKE_SEVERAL_PICTURES = OWN_RECEIVERS | {"mailto", "mailtos", "discord"}


class AttachedPicture(NamedTuple):
    """A picture that goes along with a notification."""

    jpeg: bytes
    name: str
    """The name of its file, without `.jpg`."""


class Notification(NamedTuple):
    """One message to one service."""

    title: str
    text: str
    pictures: tuple[AttachedPicture, ...] = ()
    """The newest first."""
    tag: str = ""
    """The same for all messages of an alert."""
    is_silent: bool = False
    """Whether it must not ring."""


def resolve_secrets(url: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a url with each `${NAME}` replaced by its secret.

    Raises:
        ValueError: A secret is not set; the error names it.
    """
    return REFERENCE.sub(lambda found: _secret(found[1], environ), url)


def check_service_url(url: str, *, in_file: bool) -> None:
    """Check that a url can be used, and that one from a settings file (`in_file`) has no secret in it.

    Raises:
        ValueError: It says what to do.
    """
    whole = resolve_secrets(url)
    service = _service(whole)
    if service is None:
        raise ValueError(_why_not(url))
    if in_file and not REFERENCE.search(url) and _address(service, whole=False) != _address(service, whole=True):
        why = (
            f"{_address(service, whole=False)} has a secret in it, and a file is no place for one: "
            "write ${NAME} for it and set NAME in the environment"
        )
        raise ValueError(why)


def masked_url(url: str) -> str:
    """Return a url without its secrets, for logs."""
    service = _service(url)
    return _address(service, whole=False) if service else "a service"


def service_key(url: str) -> str:
    """Return the name of a service in the ledger: a hash of its url, which holds secrets."""
    return sha256(resolve_secrets(url).encode()).hexdigest()[:16]


def replaces(url: str) -> bool:
    """Whether the receiver of a url can replace a notification by its update."""
    return _scheme(url) in OWN_RECEIVERS


def shows_silently(url: str) -> bool:
    """Whether a service can show a message without a sound."""
    return replaces(url) or _scheme(url) in SILENT_PARAMETERS


def deliver(url: str, notification: Notification, folder: Path) -> str:
    """Send a notification; return why it failed, or an empty text. Its pictures are in `folder` meanwhile."""
    apprise = _apprise()
    one = apprise.Apprise()
    one.add(url_of(url, notification))
    with ExitStack() as stack:
        pictures = notification.pictures if _scheme(url) in TAKE_SEVERAL_PICTURES else notification.pictures[:1]
        attach = [_attached(stack, picture, folder) for picture in pictures] or None
        kind = apprise.NotifyType.INFO if notification.is_silent else apprise.NotifyType.WARNING
        text, title = notification.text, notification.title
        with closing(one.notify(body=text, title=title, notify_type=kind, attach=attach)) as result:
            return "" if result else _reason(entry.message for entry in result.logs())


def _attached(stack: ExitStack, picture: AttachedPicture, folder: Path) -> Any:  # noqa: ANN401 - apprise has no types
    """Return a picture as a service wants it; its file is deleted when the stack is closed."""
    from apprise.attachment.file import AttachFile  # noqa: PLC0415

    make: Any = AttachFile
    # Some services open the file by its path, so a picture in memory does not reach them.
    file = stack.enter_context(tempfile.NamedTemporaryFile(dir=folder, suffix=".jpg"))  # noqa: SIM115 - the stack closes it
    file.write(picture.jpeg)
    file.flush()
    return make(file.name, name=f"{picture.name}.jpg")


def url_of(url: str, notification: Notification) -> str:
    """Return the url with what it says of one notification: timeouts, the tag, and that it is silent."""
    more = [] if "cto=" in url else [TIMEOUTS]
    if _scheme(url) in OWN_RECEIVERS:
        more.append(OWN_FIELDS.format(tag=notification.tag, ring="no" if notification.is_silent else "yes"))
    elif notification.is_silent:
        silent = SILENT_PARAMETERS[_scheme(url)]
        url = _without(url, silent.partition("=")[0])
        more.append(silent)
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(more)}" if more else url


def _without(url: str, parameter: str) -> str:
    """Return a url without one parameter."""
    base, _, query = url.partition("?")
    left = [each for each in query.split("&") if each and each.partition("=")[0].lower() != parameter]
    return f"{base}?{'&'.join(left)}" if left else base


def _scheme(url: str) -> str:
    found = SCHEME.match(url)
    return found[1].lower() if found else ""


def _reason(lines: Iterable[str]) -> str:
    found = ERROR.search(" ".join(lines))
    return f"answers {found[1]}" if found else "no answer"


def _secret(name: str, environ: Mapping[str, str]) -> str:
    folder = environ.get("KINWATCH_SECRETS_DIR")
    if value := environ.get(name):
        return value
    if folder and (file := Path(folder) / name).is_file():
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as error:
            why = f"{file}: {error.strerror}: check who may read it"
            raise ValueError(why) from error
    why = f"${{{name}}} is not set: put {name} into the environment, or a file of that name into KINWATCH_SECRETS_DIR"
    raise ValueError(why)


def _service(url: str) -> Any:  # noqa: ANN401 - apprise makes a class for each service
    """Return the service that a url names, or None; nothing is sent."""
    return _apprise().Apprise.instantiate(url, suppress_exceptions=True)


def _address(service: Any, *, whole: bool) -> str:  # noqa: ANN401
    return str(service.url(privacy=not whole)).partition("?")[0]


def _why_not(url: str) -> str:
    """Return what is wrong with a url that names no service; the text has none of its secrets."""
    found = SCHEME.match(url)
    if not found:
        return "a url has the form service://..., such as ntfy://a-name-that-nobody-guesses"
    _apprise()
    from apprise.manager_plugins import NotificationManager  # noqa: PLC0415

    manager: Any = NotificationManager  # it has no types
    known = manager().schemas()
    scheme = found[1].lower()
    if scheme in known:
        return f"{scheme}://... is not complete: see https://appriseit.com/services for what {scheme} needs"
    close = get_close_matches(scheme, sorted(known), n=1, cutoff=0.5)
    return f"no service is called {scheme}://: {f'did you mean {close[0]}://?' if close else 'see kinwatch docs push'}"


def _apprise() -> ModuleType:
    try:
        import apprise  # noqa: PLC0415
    except ModuleNotFoundError as error:
        message = "push needs the package apprise: pip install 'kinwatch[push]'"
        raise SettingsError(message) from error
    # Its log lines hold whole urls with their secrets. What matters in them is in its results too.
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return apprise
