"""The push services; the only file that imports apprise."""

import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from nerves.errors import SettingsError

__all__ = ["Notification", "check_service_url", "deliver", "masked_url", "resolve_secrets"]

REFERENCE = re.compile(r"\$\{(\w+)\}")
SCHEME = re.compile(r"([\w.+-]+)://")
ERROR = re.compile(r"error=(\d{3})")
TIMEOUTS = "cto=5&rto=15"


class Notification(NamedTuple):
    """One message to one service."""

    title: str
    text: str
    picture: bytes | None = None
    name: str = "picture"
    """The name of the picture's file, without `.jpg`."""


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


def deliver(url: str, notification: Notification, folder: Path) -> str:
    """Send a notification; return why it failed, or an empty text. Its picture is in `folder` meanwhile."""
    apprise = _apprise()
    from apprise.attachment.file import AttachFile  # noqa: PLC0415

    make: Any = AttachFile  # it has no types
    one = apprise.Apprise()
    one.add(url if "cto=" in url else f"{url}{'&' if '?' in url else '?'}{TIMEOUTS}")
    with ExitStack() as stack:
        attach = None
        if notification.picture:
            # Some services open the file by its path, so a picture in memory does not reach them.
            file = stack.enter_context(tempfile.NamedTemporaryFile(dir=folder, suffix=".jpg"))
            file.write(notification.picture)
            file.flush()
            attach = make(file.name, name=f"{notification.name}.jpg")
        kind = apprise.NotifyType.WARNING
        text, title = notification.text, notification.title
        with closing(one.notify(body=text, title=title, notify_type=kind, attach=attach)) as result:
            return "" if result else _reason(entry.message for entry in result.logs())


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
