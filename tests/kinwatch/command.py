"""The command as a person runs it: in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.paths import ROOT

PACKS = ("standard", "built-in")


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("KINWATCH_CONFIG")}
    return subprocess.run(
        [sys.executable, "-m", "kinwatch", *words],
        cwd=folder,
        env=inherited | {"KINWATCH_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a person gets; it is never a traceback."""
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("kinwatch: ")]
    assert len(lines) == 1, done.stderr
    return lines[0].removeprefix("kinwatch: ")


def summaries(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = [line["summary"] for line in lines if "summary" in line]
    return {Path(summary["clip"]).name: summary for summary in found}
