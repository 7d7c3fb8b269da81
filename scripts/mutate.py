#!/usr/bin/env python3
"""Judge a mutation run: at least 95 % of the mutants are killed, and each survivor has a reason.

    python scripts/mutate.py RESULTS SURVIVORS

RESULTS is what `mutmut results --all true` prints. SURVIVORS has a line for each mutant that may survive: its function,
what changes (`mutmut show`), and why no test can or should see it.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

LEAST_KILLED = 0.95
RESULT = re.compile(r"^\s*(\S+__mutmut_\d+): (.+)$")
KILLED = frozenset({"killed", "timeout", "segfault", "suspicious", "caught by type check"})


def main() -> int:
    """Print the share of killed mutants and every survivor without a reason; 1 if either is wrong."""
    results, reasons = Path(sys.argv[1]).read_text(), Path(sys.argv[2]).read_text()
    found = {match[1]: match[2] for line in results.splitlines() if (match := RESULT.match(line))}
    tried = {name: result for name, result in found.items() if result != "not checked"}
    alive = sorted(name for name, result in tried.items() if result not in KILLED)
    known = Counter(line.partition("  # ")[0].strip() for line in reasons.splitlines() if line and line[0] != "#")
    new = []
    for name in alive:
        change = f"{name.rpartition('__mutmut_')[0]}: {shown(name)}"
        if known[change]:
            known[change] -= 1
        else:
            new.append(change)
    killed = 1 - len(alive) / max(len(tried), 1)
    sys.stdout.write(f"{len(tried)} mutants, {len(alive)} survive: {killed:.1%} killed\n")
    sys.stdout.writelines(f"no reason: {change}\n" for change in new)
    return int(not tried or killed < LEAST_KILLED or bool(new))


def shown(name: str) -> str:
    """Return what a mutant changes, as `new line` without its indent."""
    done = subprocess.run(["mutmut", "show", name], capture_output=True, text=True, check=True)  # noqa: S607
    added = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("+") and line[1:2] == " "]
    return " ".join(added)


if __name__ == "__main__":
    raise SystemExit(main())
