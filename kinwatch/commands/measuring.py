"""`kinwatch measure`: false and missed alarms on labelled pictures or on the own gallery, and the safe threshold."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from brain.measure import folders, household, own, pairs
from brain.measure.advice import Advice, Nearest, advise
from brain.measure.cache import EmbeddingCache
from brain.measure.curves import best, correct, roc, within
from brain.measure.embeddings import EmbeddingReader, Progress, model
from brain.measure.household import Figures, HouseholdPlan
from brain.measure.visits import compose
from brain.models import packs
from brain.people.resemblance import resemblance_lines
from brain.settings.matching import MATCH_DISTANCE, STRANGER_DISTANCE
from brain.verdict.evidence import KnownPerson
from brain.verdict.proportion import Proportion
from brain.vision.backend import VisionBackend
from kinwatch.commands import plots
from kinwatch.console import emit, err, print_line, progress
from kinwatch.files import write_private
from kinwatch.opening import brain_settings, open_gallery, open_local_vision
from nerves.errors import GalleryError
from nerves.settings import HouseSettings

__all__ = ["REPORT_FOLDER", "MeasureOptions", "run_measure"]

REPORT_FOLDER = Path("kinwatch-measure")
ROWS = {
    "strangers_called_family": "a stranger called family",
    "family_called_stranger": "family called a stranger",
    "wrong_name": "family by another's name",
    "named": "family by their own name",
    "decided": "decided at all",
}

MISTAKE_RATES = ("strangers_called_family", "family_called_stranger", "wrong_name")
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class MeasureOptions:
    """The options of `kinwatch measure`."""

    strangers: tuple[Path, ...] = ()
    """Folders of people who are nobody's family."""
    plan: HouseholdPlan = field(default_factory=HouseholdPlan)
    out: Path | None = None
    """The folder for the report; None for `./kinwatch-measure`."""
    jobs: int = 1
    """Processes that look at pictures."""
    json: bool = False


@dataclass(frozen=True)
class Measured:
    """The result as JSON, as a table, in sentences and as plots."""

    facts: dict[str, Any]
    table: Table
    lines: tuple[str, ...]
    """Sentences for a person, below the table."""
    draw: Callable[[Path], list[str]]
    """Draws into a folder and returns the files' names."""


def run_measure(house: HouseSettings, folder: Path | None, options: MeasureOptions) -> None:
    """Do `kinwatch measure`."""
    plots.require_matplotlib()
    out = options.out or REPORT_FOLDER
    settings = brain_settings(house)
    backend = open_local_vision(house, settings)
    pack = packs.choose_pack(settings.pack, packs.model_folders(house.data_dir))
    with EmbeddingCache(house.data_dir / "cache" / "embeddings.db") as cache, progress("looking at pictures") as show:
        reader = EmbeddingReader(_opener(house, backend, options.jobs), model(pack), cache, options.jobs)
        if folder is None:
            measured = _gallery(house, reader, options, show)
        elif (folder / pairs.PAIRS_FILE).is_file():
            measured = _pairs(folder, reader, show)
        else:
            measured = _labelled(folder, reader, options, show)
    left_out = [{"file": str(file), "why": why} for file, why in sorted(reader.bad.items())]
    facts = measured.facts | {"left_out": left_out, "pack": pack}
    _make_folder(out)
    drawn = measured.draw(out)
    write_private(out / "report.json", (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode())
    _print_report(facts, measured, options)
    if not options.json:
        print_line(f"written to {out}: report.json, {', '.join(drawn)}")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"{out}: cannot be made: {error.strerror}; choose another folder with --out"
        raise folders.Unusable(message) from error


def _opener(house: HouseSettings, backend: VisionBackend, jobs: int) -> Callable[[], VisionBackend]:
    """Return how to get a vision backend: this process has one open, other processes open their own."""
    if jobs == 1:
        return lambda: backend
    from brain.models.local import LocalBackend  # noqa: PLC0415 - it takes a second and 100 MB

    settings = brain_settings(house)
    return partial(LocalBackend, settings.pack, packs.model_folders(house.data_dir), settings.threads)


def _pairs(folder: Path, reader: EmbeddingReader, show: Progress) -> Measured:
    found = pairs.measure_pairs(folder, reader, show)
    same, different = found.same, found.different
    middle = best(same, different)
    table = Table(title=f"{len(same)} pairs of one person, {len(different)} of two")
    for heading in ("at a distance of at most", "right", "one person recognised", "two people taken for one"):
        table.add_column(heading)
    for name, limit in (
        ("a match", MATCH_DISTANCE),
        ("one to one", STRANGER_DISTANCE),
        ("best here", middle.threshold),
    ):
        cells = (correct(same, different, limit), within(same, limit), within(different, limit))
        table.add_row(f"{limit:.2f} ({name})", *map(str, cells))
    lines = [f"{found.no_face} pairs have a picture without a face; they count as two people" if found.no_face else ""]
    few = [f"1 in {round(1 / false):,}" for false in pairs.FALSE_ACCEPT_RATES if false * len(different) < 1]
    lines += [f"{len(different)} pairs of two people are too few to show {' or '.join(few)}" if few else ""]

    def draw(out: Path) -> list[str]:
        limits = {
            f"match {MATCH_DISTANCE:.2f}": MATCH_DISTANCE,
            f"one to one {STRANGER_DISTANCE:.2f}": STRANGER_DISTANCE,
        }
        limits[f"best here {middle.threshold:.2f}"] = middle.threshold
        return _curves(out, same, {"one person": same, "two people": different}, limits, folder.name)

    return Measured({"pairs": found.as_json()}, table, tuple(filter(None, lines)), draw)


def _labelled(folder: Path, reader: EmbeddingReader, options: MeasureOptions, show: Progress) -> Measured:
    labelled = folders.labelled(folder)
    for more in options.strangers:
        labelled = labelled.visited_by(folders.strangers(more))
    found = household.measure_household(labelled, reader, options.plan, show)
    advice = advise(found.family, found.strangers)
    table = _figures({"one picture alone": found.pictures, "a visit": found.visits})
    table.title = f"{len(found.people)} people known by {sum(found.people.values())} photos"
    shown = len({one.file for one in found.family})
    lines = [*labelled.notes, f"visits by family are composed of {shown} photos of {len(labelled.tests)} people"]
    lines += resemblance_lines(found.resemblances)
    facts = {
        "pictures": found.pictures.as_json(),
        "visits": found.visits.as_json(),
        "recommended": advice.as_json(),
        "people": found.people,
        "resemblance": [one.as_json() for one in found.resemblances],
        "notes": list(labelled.notes),
        "seed": options.plan.seed,
    }
    return Measured(facts, table, (*lines, _advised(advice)), partial(_draw_figures, found, advice, folder.name))


def _gallery(house: HouseSettings, reader: EmbeddingReader, options: MeasureOptions, show: Progress) -> Measured:
    with open_gallery(house) as gallery:
        known = [KnownPerson(one.name, one.group, one.vectors, one.limit) for one in gallery.known(datetime.now(UTC))]
    if not known:
        message = "nobody is enrolled yet: kinwatch enroll NAME PHOTO..., or name a folder of labelled pictures"
        raise GalleryError(message)
    visitors = {name: files for folder in options.strangers for name, files in folders.strangers(folder).items()}
    views = {
        name: next(compose(files, 1, seed=options.plan.seed, room=options.plan.room))
        for name, files in visitors.items()
    }
    embeddings = reader.embeddings([view for some in views.values() for view in some], show) if views else {}
    visits = {name: [embedding for view in some if (embedding := embeddings.get(view))] for name, some in views.items()}
    found = own.measure_gallery(known, [(name, seen) for name, seen in visits.items() if seen])
    advice = advise(found.family, found.strangers)
    table = _people(found)
    rates = {"each photo by the others": found.pictures} | ({"a visit": found.visits} if visits else {})
    lines = [
        f"{ROWS[key]}, {name}: {rate}"
        for name, figures in rates.items()
        for key, rate in vars(figures).items()
        if rate.of and key != "decided"
    ]
    lines += resemblance_lines(found.resemblances)
    facts = {
        "pictures": found.pictures.as_json(),
        "visits": found.visits.as_json(),
        "recommended": advice.as_json(),
        "people": [one.as_json() for one in found.people],
        "resemblance": [one.as_json() for one in found.resemblances],
    }
    return Measured(facts, table, (*lines, _advised(advice)), partial(_draw_figures, found, advice, "the gallery"))


def _figures(columns: Mapping[str, Figures]) -> Table:
    table = Table()
    table.add_column("")
    for heading in columns:
        table.add_column(heading)
    for key, text in ROWS.items():
        rates: list[Proportion] = [getattr(figures, key) for figures in columns.values()]
        style = (
            "bold red"
            if key in ("strangers_called_family", "wrong_name") and any(rate.count for rate in rates)
            else None
        )
        table.add_row(text, *map(str, rates), style=style)
    return table


def _people(found: own.Own) -> Table:
    table = Table(title="distances between the photos of the gallery")
    for heading in ("who", "photos", "nearest of the own (median)", "the farthest", "nearest of another"):
        table.add_column(heading)
    for one in found.people:
        cells = ["-" if value is None else f"{value:.2f}" for value in (one.own, one.farthest, one.other)]
        table.add_row(one.name, str(one.photos), *cells[:2], f"{cells[2]} ({one.whose})" if one.whose else cells[2])
    return table


def _advised(advice: Advice) -> str:
    if advice.threshold is None:
        return f"no threshold is recommended: {advice.why}"
    named = f"family called by their name at it: {advice.named}"
    return f"recommended for a match: at most {advice.threshold:.2f} ({advice.why}); {named}"


def _draw_figures(found: household.HouseholdResult | own.Own, advice: Advice, title: str, out: Path) -> list[str]:
    def column(some: Sequence[Nearest], what: str) -> Floats:
        return np.array([getattr(one, what) for one in some], np.float64)

    same = column(found.family, "own")
    near = {
        "to the own photos": same,
        "strangers": column(found.strangers, "other"),
        "to others of the household": column(found.family, "other"),
    }
    limits = {f"match {MATCH_DISTANCE:.2f}": MATCH_DISTANCE, f"stranger {STRANGER_DISTANCE:.2f}": STRANGER_DISTANCE}
    if advice.threshold not in (None, MATCH_DISTANCE):
        limits[f"recommended {advice.threshold:.2f}"] = float(advice.threshold or MATCH_DISTANCE)
    drawn = _curves(out, same, near, limits, title)
    groups = {"one picture alone": found.pictures, "a visit": found.visits}
    panels = {
        heading: {ROWS[key]: {name: getattr(figures, key) for name, figures in groups.items()} for key in keys}
        for heading, keys in (("mistakes", MISTAKE_RATES), ("the rest", ("named", "decided")))
    }
    plots.draw_rates(out / "visits.png", panels, f"{title}: what was said, with 95 % intervals")
    return [*drawn, "visits.png"]


def _curves(
    out: Path, same: Floats, groups: Mapping[str, Floats], limits: Mapping[str, float], title: str
) -> list[str]:
    """Draw the distances and, if both sides have pairs, the two curves; return the files' names."""
    plots.draw_distances(out / "distances.png", groups, limits, f"{title}: distances between faces")
    different = next((found for name, found in groups.items() if found is not same and np.isfinite(found).any()), None)
    if different is None or not np.isfinite(same).any():
        return ["distances.png"]
    rows = roc(same, different)
    marks = [
        (name, within(different, limit).rate or 0.0, within(same, limit).rate or 0.0) for name, limit in limits.items()
    ]
    plots.draw_roc(out / "roc.png", rows, marks, f"{title}: receiver operating characteristic")
    plots.draw_detection_errors(out / "det.png", rows, marks, f"{title}: detection-error trade-off")
    return ["distances.png", "roc.png", "det.png"]


def _print_report(facts: Mapping[str, Any], measured: Measured, options: MeasureOptions) -> None:
    for one in facts["left_out"]:
        err.print(f"left out: {one['file']}: {one['why']}", markup=False, style="yellow", soft_wrap=True)
    if options.json:
        emit(dict(facts))
        return
    Console(highlight=False).print(measured.table)
    for line in measured.lines:
        print_line(line)
