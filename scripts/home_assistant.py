#!/usr/bin/env python3
"""Make a virtual environment with Home Assistant, for the tests that need a real one.

    python3.13 scripts/home_assistant.py FOLDER

Takes the newest release that this Python can run, held to that release's own constraints, and what the integrations
used by the tests require. Does nothing where it was done before.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

DOMAINS = ("api", "automation", "config", "http", "mobile_app", "mqtt", "script")


def main() -> None:
    """Do it; a failure is one line."""
    folder = Path(sys.argv[1])
    mark = folder / "home-assistant.txt"
    if mark.exists():
        return
    if sys.version_info < (3, 13):
        sys.exit(f"Home Assistant needs Python 3.13 or newer, this is {sys.version.split()[0]}")
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    run(python, "-m", "pip", "install", "--quiet", "uv")
    install(python, "--no-deps", "homeassistant")
    # Found and not imported: what it imports is not there yet.
    find = "from importlib.util import find_spec as f; print(f('homeassistant').submodule_search_locations[0])"
    home = Path(run(python, "-c", find).strip())
    release = run(python, "-c", "from importlib.metadata import version; print(version('homeassistant'))").strip()
    limits = ("-c", str(home / "package_constraints.txt"))
    install(python, *limits, f"homeassistant=={release}")
    usual = run(python, "-c", "from homeassistant.bootstrap import DEFAULT_INTEGRATIONS as d; print(*d)").split()
    install(python, *limits, f"homeassistant=={release}", *requirements(home / "components", [*DOMAINS, *usual]))
    mark.write_text(f"{release}\n")
    sys.stderr.write(f"Home Assistant {release} is in {folder}\n")


def requirements(components: Path, domains: list[str]) -> list[str]:
    """Return what integrations, and those that they build on, require."""
    todo, seen, wanted = list(domains), set(), set()
    while todo:
        domain = todo.pop()
        manifest = components / domain / "manifest.json"
        if domain in seen or not manifest.exists():
            continue
        seen.add(domain)
        told = json.loads(manifest.read_text(encoding="utf-8"))
        wanted.update(told.get("requirements", []))
        todo += told.get("dependencies", []) + told.get("after_dependencies", [])
    return sorted(wanted)


def install(python: Path, *what: str) -> None:
    """Install packages."""
    run(python, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), *what)


def trusting() -> dict[str, str]:
    """Return an environment in which uv trusts what pip does: the system's certificates, or the file pip is given."""
    env = {"UV_NATIVE_TLS": "1", "UV_SYSTEM_CERTS": "1", **os.environ}
    return env | ({"SSL_CERT_FILE": env["PIP_CERT"]} if "PIP_CERT" in env else {})


def run(python: Path, *words: str) -> str:
    """Run the environment's Python; end with its last line of complaint if it fails."""
    done = subprocess.run([python, *words], env=trusting(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"Home Assistant cannot be installed: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}")
    return done.stdout


if __name__ == "__main__":
    main()
