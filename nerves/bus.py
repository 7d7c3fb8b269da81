"""Open the bus at an address."""

from urllib.parse import urlsplit

from nerves.errors import SettingsError
from nerves.link import Link
from nerves.loopback import Loopback, LoopbackLink

__all__ = ["open_link"]

_loopbacks: dict[str, Loopback] = {}


def open_link(
    url: str,
    name: str,
    *,
    durable: bool,
    last_will: tuple[str, bytes] | None = None,
    birth_message: tuple[str, bytes] | None = None,
    password: str | None = None,
) -> Link:
    """Return the link to `url`, to be opened by `with`: `mqtt://`, `mqtts://`, or inside one process `loopback://name`.

    Raises `SettingsError` for any other address.
    """
    scheme = url.partition(":")[0].lower()
    if scheme == "loopback":
        bus = _loopbacks.setdefault(urlsplit(url).netloc, Loopback())
        return LoopbackLink(bus, name, durable=durable, birth_message=birth_message)
    if scheme not in ("mqtt", "mqtts") or "://" not in url:
        message = "mqtt.url must begin with mqtt://, mqtts:// or loopback://"
        raise SettingsError(message)
    from nerves.mqtt import MqttLink  # noqa: PLC0415  (a replay over loopback:// needs no paho)

    return MqttLink(url, name, durable=durable, last_will=last_will, birth_message=birth_message, password=password)
