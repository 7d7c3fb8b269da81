"""Who was that visit? Our rule and others', on the same faces.

    KINWATCH_MODELS=... python benchmarks/visits.py PEOPLE_FOLDER [--swap | --both] [--refit STRANGERS_FOLDER]
                                                                  [--jobs 2] [--out plot.png]

PEOPLE_FOLDER has a folder of photos a person. Half of the people are to tune on, half to judge (by a hash of the
folder's name). Families of 3 or 4 people with 8 clean photos each, which no visit shows; everybody else of the half is
a stranger. Shapes of a visit: clean = 6 to 12 photos; cam = the same as a room camera gives them (face 28 to 64 pixels
wide, movement blur, noise, JPEG 50 to 80); cam 1-3 = one to three of those; burst = 7 camera-like pictures of one
photo; long = 20 to 41 camera-like faces. A cell is strangers called family / family not named, in %; then what the
interval of the difference says of ours (95 %, people drawn anew): better, level, worse, or mixed where the two columns
disagree.

Ours knows how faces scatter (`brain/face_space.npz`). On the people on whom that was measured use --refit: it is then
measured on the half to tune on, and on the strangers' photos (one of each), as `benchmarks/face_space.py` does.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import face_space
from benchmarks.peers import FIXED, SOMEBODY, STRANGER, Family, LogLikelihood, Rule, Tunable, tunables
from benchmarks.shapes import SHAPES, People, families, found, halves, visits
from brain.measure.cache import EmbeddingCache
from brain.measure.embeddings import EmbeddingReader, PictureVariant, Progress, model
from brain.measure.visits import KnownPerson
from brain.models import packs
from brain.models.local import LocalBackend
from brain.verdict import odds
from brain.verdict.proportion import Proportion, paired
from brain.vision.backend import FaceEmbedding
from kinwatch.commands import plots
from kinwatch.console import progress
from nerves.settings import load

OURS = "ours"
COLUMNS = {"strangers_called_family": "strangers called family, %", "family_not_named": "family not named, %"}

RULES: dict[str, Rule] = dict(FIXED)
"""Put a rule of your own in here, or name it with --try module:function."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A visit as a rule gets it."""

    shape: str
    who: str
    member: bool
    family: Family
    embeddings: tuple[FaceEmbedding, ...]


def trials(people: People, reader: EmbeddingReader, count: int, seed: int, show: Progress) -> list[Trial]:
    """Return the visits of one half, looked at."""
    rng = np.random.default_rng(seed)
    homes = families(people, rng)
    planned = list(visits(people, homes, count, rng))
    enrolled = [PictureVariant(photo) for home in homes for photos in home.values() for photo in photos]
    embeddings = reader.embeddings([*enrolled, *(view for visit in planned for view in visit.views)], show)

    def seen(views: Iterable[PictureVariant]) -> tuple[FaceEmbedding, ...]:
        return tuple(embedding for view in views if (embedding := embeddings.get(view)))

    known = [
        Family(
            tuple(
                KnownPerson(
                    name, "family", np.stack([embedding.vector for embedding in seen(map(PictureVariant, photos))])
                )
                for name, photos in home.items()
            )
        )
        for home in homes
    ]
    return [Trial(one.shape, one.who, one.member, known[one.family], seen(one.views)) for one in planned]


@dataclass(frozen=True)
class Marks:
    """What a rule did on some trials: for each, who came and whether it was wrong."""

    strangers: tuple[tuple[str, bool], ...]
    """Strangers: called by a name?"""
    family: tuple[tuple[str, bool], ...]
    """Family: not called by the own name?"""
    wrong: int
    """Family called by another's name."""


def marks(rule: Rule, judged: Sequence[Trial]) -> Marks:
    """Return a rule's marks."""
    answers = [(trial, rule(trial.embeddings, trial.family)) for trial in judged]
    called = [(trial, None if answer == STRANGER else answer) for trial, answer in answers]
    return Marks(
        tuple((trial.who, name is not None) for trial, name in called if not trial.member),
        tuple((trial.who, name != trial.who) for trial, name in called if trial.member),
        sum(name not in (None, SOMEBODY, trial.who) for trial, name in called if trial.member),
    )


def tuned(tunable: Tunable, grid: Sequence[float], learned: Sequence[Trial], most: float) -> float:
    """Return the threshold at which family is missed least while at most a share of strangers pass, on all shapes."""
    scored = [(value, marks(tunable(value), learned)) for value in grid]
    strict = [(value, one) for value, one in scored if _share(one.strangers) <= most]
    best = min(strict or scored[:1], key=lambda pair: _share(pair[1].family))
    return best[0]


def tuned_rules(learned: Sequence[Trial], most: float) -> tuple[dict[str, Rule], dict[str, float]]:
    """Return the rules that have a threshold, tuned strictly, and their thresholds."""
    pairs = [(embedding, trial.family, trial.who) for trial in learned for embedding in trial.embeddings]
    values = {
        name: (tunable, tuned(tunable, grid, learned, most))
        for name, (tunable, grid) in tunables(LogLikelihood.fitted(pairs)).items()
    }
    return (
        {name: tunable(value) for name, (tunable, value) in values.items()},
        {name: value for name, (_, value) in values.items()},
    )


def _share(found: Sequence[tuple[str, bool]]) -> float:
    return sum(wrong for _, wrong in found) / max(1, len(found))


Scores = dict[str, dict[str, Marks]]
"""By shape, then by rule."""


def scores(rules: Mapping[str, Rule], judged: Sequence[Trial]) -> Scores:
    """Return every rule's marks in every shape."""
    return {
        shape: {name: marks(rule, [trial for trial in judged if trial.shape == shape]) for name, rule in rules.items()}
        for shape in SHAPES
    }


def joined(one: Scores, other: Scores) -> Scores:
    """Return the marks of two halves as one."""
    return {
        shape: {
            name: Marks(
                mine.strangers + other[shape][name].strangers,
                mine.family + other[shape][name].family,
                mine.wrong + other[shape][name].wrong,
            )
            for name, mine in rules.items()
        }
        for shape, rules in one.items()
    }


def against(mine: Marks, theirs: Marks) -> dict[str, Any]:
    """Return ours minus theirs in both columns with 95 % intervals, and what that says."""
    columns = {
        column: paired([(who, a - b) for (who, a), (_, b) in zip(ours, other, strict=True)])
        for column, ours, other in (
            ("strangers", mine.strangers, theirs.strangers),
            ("family", mine.family, theirs.family),
        )
    }
    better = any(high < 0 for _, _, high in columns.values())
    worse = any(low > 0 for _, low, _ in columns.values())
    says = "mixed" if better and worse else "better" if better else "worse" if worse else "level"
    return {column: [round(100 * value, 2) for value in values] for column, values in columns.items()} | {"says": says}


def as_json(found: Scores) -> dict[str, Any]:
    """Return the scores with intervals, by shape and rule."""
    return {
        shape: {
            name: {
                "strangers_called_family": _rate(one.strangers).as_json(),
                "family_not_named": _rate(one.family).as_json(),
                "wrong_name": Proportion(one.wrong, len(one.family)).as_json(),
            }
            | ({} if name == OURS else {"ours_minus_this": against(rules[OURS], one)})
            for name, one in rules.items()
        }
        for shape, rules in found.items()
    }


def _rate(found: Sequence[tuple[str, bool]]) -> Proportion:
    return Proportion(sum(wrong for _, wrong in found), len(found))


def table(shapes: Mapping[str, Any]) -> str:
    """Return the table of strangers called family / family not named, %, and what the intervals say of ours."""
    names = list(next(iter(shapes.values())))
    wide = max(map(len, names))
    lines = [f"{'':{wide}} " + "".join(f"{shape:>21}" for shape in shapes)]
    for name in names:
        cells = [_cell(rules[name]) for rules in shapes.values()]
        lines.append(f"{name:{wide}} " + "".join(f"{cell:>21}" for cell in cells))
    return "\n".join(lines)


def _cell(one: Mapping[str, Any]) -> str:
    rates = f"{100 * one['strangers_called_family']['rate']:.1f} / {100 * one['family_not_named']['rate']:.1f}"
    says = one.get("ours_minus_this", {}).get("says", "")
    return f"{rates} {says:6}"


def differences(shapes: Mapping[str, Any]) -> str:
    """Return ours minus each peer in both columns, in percent points, with the intervals."""
    lines = [f"{'ours minus ...':40} {'shape':8} {'strangers called family':>26} {'family not named':>26}"]
    for name in next(iter(shapes.values())):
        for shape, rules in shapes.items():
            if found := rules[name].get("ours_minus_this"):
                columns = [
                    f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
                    for mean, low, high in (found["strangers"], found["family"])
                ]
                lines.append(f"{name:40} {shape:8} {columns[0]:>26} {columns[1]:>26}  {found['says']}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    given = _given()
    for name in given.attempt:
        module, function = name.split(":")
        RULES[name] = getattr(import_module(module), function)
    house = load()
    folders = packs.model_folders(house.data_dir)
    pack = packs.choose_pack(given.pack, folders)
    parts = halves(found(given.people))
    with EmbeddingCache(house.data_dir / "cache" / "embeddings.db") as cache, progress("looking") as show:
        reader = EmbeddingReader(partial(LocalBackend, pack, folders), model(pack), cache, given.jobs)
        both = [trials(half, reader, given.visits, given.seed, show) for half in parts]
    spaces = [
        face_space.measured(half, given.jobs, given.refit) if given.refit else odds.dlib_space() for half in parts
    ]
    orders = [(0, 1), (1, 0)] if given.both else [(1, 0)] if given.swap else [(0, 1)]
    result = judged([(both[tune], both[judge], spaces[tune]) for tune, judge in orders], given.most / 100)
    result = {"seed": given.seed, "pack": pack, "people": [len(half) for half in parts]} | result
    if given.out:
        plots.draw_rules(given.out, result["shapes"], COLUMNS)
    if given.json:
        print(json.dumps(result))
    else:
        print(table(result["shapes"]), differences(result["shapes"]), sep="\n\n")
        print(f"\ntuned on the other half, at most {given.most} % of strangers: {result['tuned']}")
    return 0


def judged(parts: Sequence[tuple[Sequence[Trial], Sequence[Trial], odds.FaceSpace]], most: float) -> dict[str, Any]:
    """Return the scores of each half to judge, by rules tuned on the other and by what is known of faces."""
    results, values = [], []
    for learned, rest, space in parts:
        strict, value = tuned_rules(learned, most)
        with scattered(space):
            results.append(scores(RULES | strict, rest))
        values.append(value)
    return {"tuned": values, "shapes": as_json(joined(*results) if len(results) > 1 else results[0])}


@contextmanager
def scattered(space: odds.FaceSpace) -> Iterator[None]:
    """Have our rule take faces to scatter like this."""
    shipped = odds.dlib_space
    odds.dlib_space = lambda: space
    try:
        yield
    finally:
        odds.dlib_space = shipped


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path, help="a folder of photos a person")
    parser.add_argument("--seed", type=int, default=0, help="chooses families and visits")
    parser.add_argument("--visits", type=int, default=210, help="of family, a shape; strangers come twice as often")
    parser.add_argument("--most", type=float, default=0.5, help="strangers called family when tuning, %%")
    halves_ = parser.add_mutually_exclusive_group()
    halves_.add_argument("--swap", action="store_true", help="judge the half that is tuned on otherwise")
    halves_.add_argument("--both", action="store_true", help="judge each half by rules tuned on the other")
    parser.add_argument("--try", dest="attempt", action="append", default=[], help="module:function, another rule")
    parser.add_argument("--pack", choices=("auto", "built-in", "standard"), default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="processes that look at pictures")
    parser.add_argument("--refit", type=Path, nargs="+", metavar="STRANGERS", help="measure how faces scatter anew")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, help="a PNG of both errors by shape and rule")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
