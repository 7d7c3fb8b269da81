"""The address of a broker: `mqtt://[user[:password]@]host[:port]`, `mqtts://...?ca=file&cert=file&key=file`."""

import socket
import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from nerves.errors import SettingsError

__all__ = ["Address"]

PORTS = {"mqtt": 1883, "mqtts": 8883}
URL_FORM = "mqtt://[user[:password]@]host[:port]"
FILE_OPTIONS = ("ca", "cert", "key")


@dataclass(frozen=True)
class Address:
    """The parts of a broker's url; printing it never shows the password."""

    tls: bool
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @classmethod
    def parse(cls, url: str, password: str | None = None) -> Self:
        """Split `url` into its parts; `password` replaces the one inside. Raises `SettingsError`."""
        parts, port = _split(url)
        files = _files(parts)
        if parts.password is not None and password is None:
            password = unquote(parts.password)
        user = unquote(parts.username) if parts.username else None
        if password is not None and user is None:
            message = f"mqtt.url has no user for the password: it has the form {URL_FORM}"
            raise SettingsError(message)
        return cls(parts.scheme == "mqtts", str(parts.hostname), port, user, password, **files)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{'mqtts' if self.tls else 'mqtt'}://{user}{host}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Return the TLS context with its certificates. Raises `SettingsError` if a file cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.cert:
                context.load_cert_chain(self.cert, self.key)
        except OSError as error:
            message = f"mqtt.url: a file of ?ca=, ?cert= or ?key= cannot be used: {error}"
            raise SettingsError(message) from error
        return context

    def explain(self, error: OSError) -> str:
        """Return in one line why the broker was not reached, and what to check."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate of {self} is not trusted ({error.verify_message}): check ?ca= in mqtt.url"
        if isinstance(error, ssl.SSLError | ConnectionResetError):
            return f"what answers at {self} hangs up: is this its port for {'mqtts' if self.tls else 'mqtt'}?"
        if isinstance(error, socket.gaierror):
            return f"no machine is called {self.host}: check mqtt.url ({self})"
        if isinstance(error, TimeoutError):
            return f"no broker answers at {self}: is the machine on, and does a firewall let us through?"
        return f"no broker answers at {self}: is it running? Check mqtt.url ({error.strerror or error})"


def _split(url: str) -> tuple[SplitResult, int]:
    """Return the parts of `url` and its port. No error shows a part that may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        message = f"mqtt.url is not of the form {URL_FORM}: write / ? # @ : in a password as %2F %3F %23 %40 %3A"
        raise SettingsError(message) from None
    if "://" not in url:
        message = f"mqtt.url is not of the form {URL_FORM}"
        raise SettingsError(message)
    if parts.scheme not in PORTS:
        message = f"mqtt.url: {parts.scheme!r} is no MQTT: it has the form {URL_FORM}, or mqtts:// for TLS"
        raise SettingsError(message)
    if not parts.hostname or parts.path.strip("/") or parts.fragment or port == 0:
        message = f"mqtt.url is not of the form {URL_FORM}"
        raise SettingsError(message)
    return parts, port or PORTS[parts.scheme]


def _files(parts: SplitResult) -> dict[str, str]:
    files = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(files) - set(FILE_OPTIONS))
    if unknown or (files and parts.scheme != "mqtts") or ("key" in files and "cert" not in files):
        wrong = ", ".join(unknown) or "?" + "=&".join(files) + "="
        message = f"mqtt.url: {wrong} cannot be used here: only mqtts:// takes ?ca=, ?cert= and, with a cert, ?key="
        raise SettingsError(message)
    return files
