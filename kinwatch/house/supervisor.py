"""Supervise processes: start each, start it again when it ends, and stop all in order."""

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
# A service begins its lines with the time and its name.
LINE_TITLE = re.compile(r"\d\d:\d\d:\d\d (?P<name>[^:]+): ")

PrintLine = Callable[[str, str], None]
"""Called with a process's name and a line of its output, from several threads."""


@dataclass(frozen=True)
class ServiceProcess:
    """A process of the house, and how to start it."""

    name: str
    command: tuple[str, ...]
    stop_turn: int = 0
    """Processes with a lower number are stopped first."""
    may_end: bool = False
    """Whether status 0 means that its work is done, as after a clip; otherwise it is started again."""


class _Supervised:
    """One process under supervision, and when it is to be started."""

    def __init__(self, process: ServiceProcess, env: Mapping[str, str], print_line: PrintLine) -> None:
        self.process, self._env, self._print_line = process, env, print_line
        self.child: children.Child | None = None
        self.status: int | None = None
        """The exit status with which it ended for good; None while it is supervised."""
        self._since, self._due, self._pause_s = 0.0, 0.0, RESTART_PAUSES_S[0]
        self._reader: Thread | None = None

    def check(self) -> None:
        """Start the process if it is due, and notice if it has ended."""
        now = time.monotonic()
        if self.status is not None:
            return
        if self.child is None:
            if now >= self._due:
                self._start(now)
        elif self.child.poll() is not None:
            self._ended(self.child.returncode, now)

    def hang_up(self) -> None:
        """Wait until all its output has been passed on."""
        if self._reader:
            self._reader.join(1)
        self.child = None

    def _start(self, now: float) -> None:
        read, write = os.pipe()
        with os.fdopen(write, "wb") as output:
            self.child = children.start(self.process.command, env=self._env, output=output)
        lines = os.fdopen(read, encoding="utf-8", errors="replace")
        self._since = now
        self._reader = Thread(target=self._pass_on, args=[lines], name=f"lines of {self.process.name}", daemon=True)
        self._reader.start()

    def _pass_on(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                titled = LINE_TITLE.match(line)
                own = titled and titled["name"] == self.process.name
                self._print_line(self.process.name, (line[titled.end() :] if titled and own else line).rstrip())

    def _ended(self, status: int, now: float) -> None:
        self.hang_up()
        if status == WRONG_SETTINGS or (status == 0 and self.process.may_end):
            self.status = status
            self._print_line(
                self.process.name, "has ended" if status == 0 else "stays off until its settings are corrected"
            )
            return
        if now - self._since > STABLE_AFTER_S:
            self._pause_s = RESTART_PAUSES_S[0]
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        self._print_line(self.process.name, f"ended {how}: starting it again in {self._pause_s:g} s")
        self._due = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, RESTART_PAUSES_S[1])


def supervise(
    processes: Iterable[ServiceProcess], *, stop: Event, print_line: PrintLine, env: Mapping[str, str] | None = None
) -> int:
    """Run the processes until `stop` is set or all have ended for good; return the highest exit status among those.

    Call it from a thread that lives as long as the processes: on Linux they end when that thread ends, for whatever
    reason.
    """
    supervised = [_Supervised(process, os.environ if env is None else env, print_line) for process in processes]
    try:
        while any(each.status is None for each in supervised) and not stop.is_set():
            for each in supervised:
                each.check()
            stop.wait(SUPERVISION_POLL_S)
    finally:
        _stop(supervised)
    return max((each.status or 0 for each in supervised), default=0)


def _stop(supervised: Sequence[_Supervised]) -> None:
    """Stop the processes turn by turn; those of one turn together."""
    running = sorted((each for each in supervised if each.child), key=lambda each: each.process.stop_turn)
    for _, group in groupby(running, key=lambda each: each.process.stop_turn):
        together = list(group)
        for each in together:
            if each.child:
                each.child.terminate()
        until = time.monotonic() + STOP_TIMEOUT_S
        for each in together:
            if each.child:
                children.end(each.child, max(0.1, until - time.monotonic()))
                each.hang_up()
