"""The devices that may connect: each is paired once, by a code that only the household sees."""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from nerves.errors import SettingsError
from nerves.messages import now

__all__ = ["Device", "Devices", "clean"]

# Without 0, O, 1, I and L: a person reads the code in a log and types it on a phone. 31 ** 8 codes are 40 bits.
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_S = 15 * 60
MAX_CODES = 5
MAX_NAME_LENGTH = 40


class Device(BaseModel):
    """One paired device."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str
    since: datetime
    token_sha256: str


Stored = TypeAdapter(list[Device])


class Devices:
    """The paired devices, in a file that a person may edit: deleting a line revokes its device."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._lock = Lock()
        self._codes: dict[str, float] = {}
        self._read_at: tuple[int, int] | None = None
        self._devices: list[Device] = []
        self.all()

    def all(self) -> list[Device]:
        """Return the devices.

        Raises:
            SettingsError: The file cannot be read.
        """
        try:
            stat = self._path.stat()
            if (stat.st_mtime_ns, stat.st_size) != self._read_at:
                self._devices = Stored.validate_json(self._path.read_bytes())
                self._read_at = (stat.st_mtime_ns, stat.st_size)
        except FileNotFoundError:
            self._devices, self._read_at = [], None
        except (OSError, ValidationError) as error:
            message = f"{self._path}: not a list of devices: correct it, or delete it and pair again"
            raise SettingsError(message) from error
        return self._devices

    def code(self) -> str:
        """Return a new code; it pairs one device and expires after 15 minutes."""
        code = "".join(secrets.choice(LETTERS) for _ in range(8))
        with self._lock:
            self._codes[code] = self._clock() + CODE_S
            while len(self._codes) > MAX_CODES:
                del self._codes[next(iter(self._codes))]
        return f"{code[:4]}-{code[4:]}"

    def pair(self, code: str, name: str) -> str | None:
        """Return a token for a device that knows a code, and use up the code; None for a wrong code."""
        given = "".join(letter for letter in code.upper() if letter.isalnum())
        with self._lock:
            valid = [each for each, until in self._codes.items() if until > self._clock()]
            match = next((each for each in valid if secrets.compare_digest(each.encode(), given.encode())), None)
            if match is None:
                return None
            token = secrets.token_urlsafe(32)
            device = Device(id=secrets.token_hex(4), name=clean(name), since=now(), token_sha256=_hash(token))
            self._write([*self.all(), device])
            del self._codes[match]
        return token

    def find(self, token: str) -> Device | None:
        """Return the device with this token; None if there is none, or it was revoked."""
        wanted = _hash(token)
        return next((device for device in self.all() if secrets.compare_digest(device.token_sha256, wanted)), None)

    def revoke(self, which: str) -> bool:
        """Remove the device with this id; return False if there is none."""
        with self._lock:
            left = [device for device in self.all() if device.id != which]
            is_there = len(left) < len(self._devices)
            if is_there:
                self._write(left)
        return is_there

    def _write(self, devices: list[Device]) -> None:
        """Replace the file in one step, so that a power cut leaves either the old list or the new one."""
        lines = [device.model_dump(mode="json") for device in devices]
        text = "[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n"
        Stored.validate_json(text)  # a list that cannot be read again would lock out all devices
        new = self._path.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self.all()


def clean(name: str) -> str:
    """Return a device's name as it is shown: one line of valid characters, at most 40."""
    return " ".join(name.encode(errors="ignore").decode().split())[:MAX_NAME_LENGTH] or "device"


def _hash(token: str) -> str:
    """Return the hash that is stored. A token is 256 random bits, so it cannot be guessed from a plain hash."""
    return hashlib.sha256(token.encode()).hexdigest()
