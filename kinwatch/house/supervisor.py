"""Keep processes running: start each, start it again when it ends, and end all in order."""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Event, Thread
from typing import IO

from nerves import children

__all__ = ["PrintLine", "ServiceProcess", "supervise"]

SUPERVISION_POLL_S = 0.1
RESTART_PAUSES_S = (1.0, 30.0)
STABLE_AFTER_S = 60.0
STOP_TIMEOUT_S = 10.0
WRONG_SETTINGS = 2
# A line of a service carries its time and name already.
LINE_TITLE = re.compile(r"\d\d:\d\d:\d\d (?P<name>[^:]+): ")

PrintLine = Callable[[str, str], None]
"""Called with a part's name and a line, from several threads."""


@dataclass(frozen=True)
class ServiceProcess:
    """One process of the house."""

    name: str
    command: tuple[str, ...]
    stop_turn: int = 0
    """Parts with a lower turn are ended first."""
    may_end: bool = False
    """Status 0 is the end, as of a clip; else it is started again."""


class _Supervised:
    """One part, its process, and when it is to be started."""

    def __init__(self, part: ServiceProcess, env: Mapping[str, str], print_line: PrintLine) -> None:
        self.part, self._env, self._print_line = part, env, print_line
        self.child: children.Child | None = None
        self.status: int | None = None
        """How it ended for good."""
        self._since, self._due, self._pause_s = 0.0, 0.0, RESTART_PAUSES_S[0]
        self._reader: Thread | None = None

    def look(self) -> None:
        """Start what is due, and see what has ended."""
        now = time.monotonic()
        if self.status is not None:
            return
        if self.child is None:
            if now >= self._due:
                self._start(now)
        elif self.child.poll() is not None:
            self._ended(self.child.returncode, now)

    def hang_up(self) -> None:
        """Wait until all that it said has been passed on."""
        if self._reader:
            self._reader.join(1)
        self.child = None

    def _start(self, now: float) -> None:
        read, write = os.pipe()
        with os.fdopen(write, "wb") as output:
            self.child = children.start(self.part.command, env=self._env, output=output)
        lines = os.fdopen(read, encoding="utf-8", errors="replace")
        self._since = now
        self._reader = Thread(target=self._pass_on, args=[lines], name=f"lines of {self.part.name}", daemon=True)
        self._reader.start()

    def _pass_on(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                titled = LINE_TITLE.match(line)
                own = titled and titled["name"] == self.part.name
                self._print_line(self.part.name, (line[titled.end() :] if titled and own else line).rstrip())

    def _ended(self, status: int, now: float) -> None:
        self.hang_up()
        if status == WRONG_SETTINGS or (status == 0 and self.part.may_end):
            self.status = status
            self._print_line(
                self.part.name, "has ended" if status == 0 else "stays off until its settings are corrected"
            )
            return
        if now - self._since > STABLE_AFTER_S:
            self._pause_s = RESTART_PAUSES_S[0]
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        self._print_line(self.part.name, f"ended {how}: starting it again in {self._pause_s:g} s")
        self._due = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, RESTART_PAUSES_S[1])


def supervise(
    parts: Iterable[ServiceProcess], *, stop: Event, print_line: PrintLine, env: Mapping[str, str] | None = None
) -> int:
    """Run the parts until told to stop, or until none is left; return the worst status of those that ended.

    Call it from a thread that stays: on Linux the parts end with it, however it ends.
    """
    kept = [_Supervised(part, os.environ if env is None else env, print_line) for part in parts]
    try:
        while any(each.status is None for each in kept) and not stop.is_set():
            for each in kept:
                each.look()
            stop.wait(SUPERVISION_POLL_S)
    finally:
        _end(kept)
    return max((each.status or 0 for each in kept), default=0)


def _end(kept: Sequence[_Supervised]) -> None:
    """End the parts turn by turn; those of one turn together."""
    running = sorted((each for each in kept if each.child), key=lambda each: each.part.stop_turn)
    for _, group in groupby(running, key=lambda each: each.part.stop_turn):
        together = list(group)
        for each in together:
            if each.child:
                each.child.terminate()
        until = time.monotonic() + STOP_TIMEOUT_S
        for each in together:
            if each.child:
                children.end(each.child, max(0.1, until - time.monotonic()))
                each.hang_up()
