"""`kinwatch docs`: the pages of the documentation, the policies for AWS and the files for deployment."""

import sys
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from kinwatch.console import print_line
from nerves.errors import SettingsError
from nerves.sources import did_you_mean

__all__ = ["documents", "run_docs"]

PACKAGE = Path(__file__).resolve().parent.parent
# The files of deploy/ by pattern, and what they are. Others that lie there, such as passwords, are not shown.
DEPLOY_FILES = {
    "kinwatch.yaml.example": "settings to begin with",
    "kinwatch.service": "a unit for systemd",
    "Dockerfile": "an image for Docker",
    "compose.yaml": "a house in containers",
    ".env.example": "the settings of compose.yaml",
    "mosquitto.conf": "settings for mosquitto",
    "mosquitto.acl": "who may publish and read what: for mosquitto",
    "home-assistant/*.yaml": "for Home Assistant",
    "iam/*.json": "a policy for AWS (IAM)",
}


def run_docs(name: str | None) -> None:
    """Do `kinwatch docs`: list all, or show one; `SettingsError` names the nearest if there is none of that name."""
    found = documents()
    if name is None:
        _list(found)
        return
    wanted = name.removeprefix("docs/").removeprefix("deploy/").removesuffix(".md")
    if wanted not in found:
        message = f"docs {name}: no such page: {did_you_mean(wanted, found)} (`kinwatch docs` lists them)"
        raise SettingsError(message)
    file = found[wanted][0]
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md" and sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        sys.stdout.write(text)


def documents() -> dict[str, tuple[Path, str]]:
    """Return the pages and files, from the wheel or from a checkout: where each is, and its heading or what it is.

    Their names are those that `kinwatch docs` takes: `camera`, `deploy`, `iam/store.json`.
    """
    docs, deploy = _folder("docs"), _folder("deploy")
    pages = {page.stem: page for page in sorted(docs.glob("*.md"))} | {"deploy": deploy / "README.md"}
    return {name: (page, _heading(page)) for name, page in pages.items()} | {
        str(file.relative_to(deploy)): (file, about)
        for pattern, about in DEPLOY_FILES.items()
        for file in sorted(deploy.glob(pattern))
    }


def _folder(name: str) -> Path:
    """Return where a folder is: inside this package if it was installed from a wheel, else in the checkout."""
    inside = PACKAGE / name
    folder = inside if inside.is_dir() else PACKAGE.parent / name
    if not folder.is_dir():
        message = f"{folder} is absent: was kinwatch installed whole? pip install --force-reinstall --no-deps kinwatch"
        raise SettingsError(message)
    return folder


def _list(found: dict[str, tuple[Path, str]]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, (_, about) in found.items():
        table.add_row(name, about)
    Console(highlight=False, soft_wrap=True).print(table)
    print_line("`kinwatch docs NAME` shows one of them")


def _heading(page: Path) -> str:
    lines = page.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), "")
