"""What the pages show is true: settings are accepted, services run, messages fit."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
import yaml

from brain.settings.brain import BrainSettings
from kinwatch.commands.docs import documents
from nerves import plugins
from nerves.errors import KinwatchError
from nerves.messages import Heard, Say, Visit, now, read_fact
from nerves.plugins import read_actuator, read_sense
from nerves.settings import HouseSettings, load, read_table
from nerves.topics import WORD_TOPICS
from tests.paths import ROOT

PAGES = sorted(
    page for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "deploy/README.md") if page.exists()
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PUBLISHED = re.compile(r"mosquitto_pub .*-t (\S+) -m '(.*)'")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text()) if found == language]


def example(page: Path, name: str) -> str:
    """Return the file that a page calls by this name, in its first line or, of a shell's, its second."""
    found = [
        text for _, text in BLOCK.findall(page.read_text()) if re.match(rf"(#!.*\n)?(#|//) {re.escape(name)}\b", text)
    ]
    assert len(found) == 1, f"{page.name} has {len(found)} files {name}"
    return found[0]


def points(page: Path) -> list[EntryPoint]:
    """Return the entry points that a page's pyproject.toml declares."""
    projects = [tomllib.loads(text).get("project", {}) for text in blocks(page, "toml")]
    return [
        EntryPoint(name, value, group)
        for project in projects
        for group, table in project.get("entry-points", {}).items()
        for name, value in table.items()
    ]


def install(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the services of a page as if its package were installed."""
    for module in {point.module for point in points(page)}:
        (folder / f"{module}.py").write_text(example(page, f"{module}.py"))
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(folder)
    shown = points(page)
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [*entry_points(group=group), *(p for p in shown if p.group == group)]
    )


def equip(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the secrets and the voices that a page's settings name, and the programs that its services start."""
    monkeypatch.setenv("HOME", str(folder))
    for voice in re.findall(r"voice: ~/([\w/.-]+)", page.read_text()):
        (folder / voice).parent.mkdir(parents=True, exist_ok=True)
        (folder / voice).touch()
    for name in re.findall(r"\$\{(\w+)\}", page.read_text()):
        monkeypatch.setenv(name, "x" * 30)
    for program in ("aplay", "espeak-ng", "piper"):
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def houses(page: Path, folder: Path) -> Iterator[HouseSettings]:
    """Yield what the page's kinwatch.yaml say."""
    for text in blocks(page, "yaml"):
        table = yaml.safe_load(text)
        if isinstance(table, dict) and {*table} & {*HouseSettings.model_fields} and "esphome" not in table:
            (folder / "kinwatch.yaml").write_text(text)
            yield load(folder / "kinwatch.yaml", environ={"KINWATCH_DATA_DIR": str(folder / "data")})


def test_the_written_pages_are_as_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@by_page
def test_every_kinwatch_yaml_is_accepted(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(page, tmp_path, monkeypatch)
    equip(page, tmp_path, monkeypatch)
    for house in houses(page, tmp_path):
        read_table(BrainSettings, "brain", house.brain, house.where("brain"))
        for name in house.senses:
            read_sense(house, name)
        for name in house.actuators:
            read_actuator(house, name)


@by_page
def test_every_python_block_compiles(page: Path) -> None:
    for text in blocks(page, "python"):
        compile(text, page.name, "exec")


@by_page
def test_every_message_that_is_published_fits(page: Path) -> None:
    for text in blocks(page, "sh"):
        for topic, payload in PUBLISHED.findall(text):
            assert topic in WORD_TOPICS or read_fact(topic, payload.encode())


def texts(file: Path) -> Iterator[str]:
    """Yield what a module can print: its string constants, whole, and the texts of its f-strings."""
    tree = ast.parse(file.read_text())
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


OURS = ("nerves", "senses", "brain", "actuators", "kinwatch")
MODULES = [file for package in OURS for file in sorted((ROOT / package).rglob("*.py"))]
PAGE_READER = ROOT / "kinwatch" / "commands" / "docs.py"


def test_no_message_names_a_file_that_only_a_checkout_has() -> None:
    paths = re.compile(r"\b(?:deploy|docs|scripts|tests)/[\w./*-]*\.\w+|README")
    found = {
        f"{file.relative_to(ROOT)}: {text!r:.120}"
        for file in MODULES
        if file != PAGE_READER
        for text in texts(file)
        if paths.search(text)
    }
    assert found == set()


def test_every_page_that_a_message_names_is_shown_by_kinwatch_docs() -> None:
    named = {
        (str(file.relative_to(ROOT)), page)
        for file in MODULES
        if file != PAGE_READER
        for text in texts(file)
        for page in re.findall(r"kinwatch docs ([a-z][\w./-]*[\w])", text)
    }
    assert len(named) > 10
    assert {page for _, page in named} <= documents().keys(), named


@by_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings have on GitHub."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@by_page
def test_every_link_into_a_page_finds_its_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)", page.read_text()):
        assert anchor in anchors(page.parent / target if target else page), f"{page.name}: {target}#{anchor}"


def test_the_doorbell_rings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "add-a-sense.md"
    install(page, tmp_path, monkeypatch)
    (house,) = (house for house in houses(page, tmp_path) if "door" in house.senses)
    sense, settings = read_sense(house, "door")
    (tmp_path / "button").write_text("\n\n")
    rung = list(islice(sense.watch(settings.model_copy(update={"source": str(tmp_path / "button")})), 2))
    assert [(type(fact), fact.place) for fact in rung] == [(Heard, "door")] * 2


class Siren(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        POSTED.append(Visit.read("kinwatch/hall/visit", body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


POSTED: list[Visit] = []


def visit(*, alert: bool) -> Visit:
    at = now()
    known = {"visit": uuid4(), "seq": 1, "phase": "decided", "verdict": "stranger", "since": at, "last": at}
    return Visit.model_validate({"place": "hall", "alert": alert} | known)


def test_the_webhook_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "add-an-actuator.md"
    install(page, tmp_path, monkeypatch)
    (house,) = houses(page, tmp_path)
    actuator, settings = read_actuator(house, "siren")
    visits = [visit(alert=False), visit(alert=True)]
    with HTTPServer(("127.0.0.1", 0), Siren) as server:
        here = settings.model_copy(update={"url": f"http://127.0.0.1:{server.server_port}/alert"})
        Thread(target=server.handle_request, daemon=True).start()
        said = list(actuator.act(here, iter(visits)))
    assert [fact.id for fact in POSTED] == [visits[1].id]
    assert [type(fact) for fact in said] == [Say]
    with pytest.raises(KinwatchError, match="does it answer"):
        list(actuator.act(here, iter(visits)))
