"""What a person sees: progress bars on a terminal, plain lines elsewhere, and JSON on stdout."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nerves.messages import Visit

__all__ = ["emit", "err", "print_json", "print_line", "progress", "sentence"]

# Without a terminal, a line this often shows that the work goes on.
PLAIN_EVERY_S = 5.0

err = Console(stderr=True, highlight=False)
out = Console(highlight=False, soft_wrap=True)
_bars = 0

STYLES = {
    "family": "green",
    "guest": "cyan",
    "known": "cyan",
    "stranger": "bold red",
    "unidentified": "yellow",
    "identifying": "dim",
}


def emit(value: dict[str, Any]) -> None:
    """Print one JSON object on a line of stdout."""
    text = json.dumps(value, ensure_ascii=False)
    if _shows_bar():
        err.print(text, markup=False, soft_wrap=True)
        return
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_json(value: dict[str, Any]) -> None:
    """Print indented JSON on stdout, for a person or for a file."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_line(text: str, style: str | None = None) -> None:
    """Print a line for a person on stdout."""
    (err if _shows_bar() else out).print(text, style=style, markup=False, soft_wrap=True)


def _shows_bar() -> bool:
    """Return whether stdout is the terminal with the bar: then all output must go through the bar's console."""
    return _bars > 0 and out.is_terminal


def sentence(visit: Visit) -> tuple[str, str]:
    """Return a visit message as one line for a person, and the line's colour."""
    name = visit.who or {"stranger": "a stranger", "unidentified": "somebody whose face was not seen"}.get(
        visit.verdict, "somebody"
    )
    text = {
        "started": f"{visit.place}: somebody is there",
        "decided": f"{visit.place}: {name} ({visit.verdict})",
        "corrected": f"{visit.place}: it is {name} ({visit.verdict})",
        "ended": f"{visit.place}: {name} has left",
    }[visit.phase]
    why = f" [{'; '.join(visit.reasons[:3])}]" if visit.phase in ("decided", "corrected") else ""
    return f"{'ALERT ' if visit.alert else ''}{text}{why}", STYLES[visit.verdict]


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show on stderr how far a long task is; call the function this gives with the steps done and their total."""
    if not err.is_terminal:
        yield _plain(label)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    global _bars  # noqa: PLW0603 - there is one terminal
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=None)
        _bars += 1
        try:
            yield lambda done, total: bar.update(task, completed=done, total=total)
        finally:
            _bars -= 1


def _plain(label: str) -> Callable[[int, int | None], None]:
    shown = time.monotonic()

    def show(done: int, total: int | None) -> None:
        nonlocal shown
        if time.monotonic() - shown >= PLAIN_EVERY_S:
            shown = time.monotonic()
            err.print(f"{label}: {done}{f' of {total}' if total else ''}", markup=False)

    return show
