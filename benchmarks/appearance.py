"""Do clothes tell people apart? Descriptors of the body on the labelled clips, and the odds against the truth.

    KINWATCH_MODELS=... KINWATCH_TEST_MEDIA=... python benchmarks/appearance.py [--json] [--out plot.png]

Ten looks of each of the 8 people of three clips, with boxes of the detector and the brain's own tracking. There is one
real camera a person, so other cameras (gamma, casts, noise, blur, JPEG, size) and rooms (a darker, brighter or coloured
background) are simulated. "Alike" are the three who wear black. Copies are changed in colour as well: a person in the
colours of another one, a person in other clothes, and a grey picture. Eight people are few, so odds are also fitted
without one clip and judged on it ("bits" is what a pair costs by such odds: 1 for a coin, 0 for an oracle). In the
calibration the odds are those that the brain uses.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.appearance_odds import MEAN_OF, calibration, measured, pairs, spread
from benchmarks.appearance_scenes import CAMERAS, LOOKS, ROOMS, Floats, Moment, colour_of, people, recoloured, views
from benchmarks.appearance_scenes import jpeg as as_jpeg
from brain.models import packs
from brain.models.litert import Extractor, Network
from brain.models.local import LocalBackend
from brain.retrain.backbone import MOBILENET_V1
from brain.verdict.clothes import same_clothes_log_odds
from brain.vision.appearance import (
    DIRECTION_BINS,
    GRADIENT_BINS,
    LEGS_HEIGHT_PER_WIDTH,
    Appearance,
    describe_appearance,
)
from brain.vision.picture import Picture
from kinwatch.commands.plots import require_matplotlib
from kinwatch.files import write_private
from nerves.messages import Box

OURS = "colour and texture (ours)"


def mobilenet(extractor: Extractor, picture: Picture, box: Box) -> Floats:
    """Return the features of the body without the head, scaled to length 1."""
    body = picture.crop(Box(box.x, box.y + 0.15 * box.h, box.w, 0.85 * box.h))
    features = np.sqrt(np.maximum(extractor.features(np.ascontiguousarray(body)), 0)).astype(np.float64)
    return np.asarray(features / np.linalg.norm(features))


def ours(picture: Picture, box: Box) -> Appearance:
    """Return the brain's descriptor; a box of the clips is never too small."""
    look = describe_appearance(picture, box)
    if look is None:
        message = f"no appearance in {box}"
        raise ValueError(message)
    return look


def part(vectors: Floats, *, texture: bool) -> Floats:
    """Return the colours or the texture of our numbers alone, scaled to length 1."""
    half, width = vectors.shape[-1] // 2, GRADIENT_BINS + DIRECTION_BINS
    is_texture = np.arange(vectors.shape[-1]) % half >= half - width
    chosen = vectors[..., is_texture == texture]
    return np.asarray(chosen / np.linalg.norm(chosen, axis=-1, keepdims=True))


def copies(moments: Sequence[Sequence[Moment]]) -> dict[str, Any]:
    """Return distances and the brain's mean odds where colours were changed, or a half is hidden, in one camera."""
    colours = [np.mean([colour_of(moment) for moment in one], axis=0) for one in moments]
    plain = [[seen(moment) for moment in one] for one in moments]
    everybody = range(len(moments))
    found: dict[str, list[tuple[float, float]]] = {}
    for one in everybody:
        grey = [seen(Moment(greyed(moment), moment.box)) for moment in moments[one]]
        half = [seen(Moment(moment.pixels, upper(moment.box))) for moment in moments[one] if stands(moment)]
        other = [seen(recoloured(moment, opposite(colours[one]))) for moment in moments[one]]
        found.setdefault("the same person, in other clothes", []).extend(compared(plain[one], other))
        found.setdefault("the same person, lower half hidden", []).extend(compared(plain[one], half))
        found.setdefault("the same person, one of both infrared", []).extend(compared(plain[one], grey))
        found.setdefault("the same person, both infrared", []).extend(compared(grey, grey))
        for two in everybody:
            if one != two:
                dressed = [seen(recoloured(moment, colours[one])) for moment in moments[two]]
                found.setdefault("two people, one recoloured like the other", []).extend(compared(plain[one], dressed))
                night = [seen(Moment(greyed(moment), moment.box)) for moment in moments[two]]
                found.setdefault("two people, both infrared", []).extend(compared(grey, night))
    return {
        name: spread(np.array([apart for apart, _ in values]))
        | {"log_odds": round(float(np.mean([odds for _, odds in values])), 2)}
        for name, values in found.items()
    }


def seen(moment: Moment) -> Appearance:
    """Return how the brain describes a moment."""
    return ours(Picture(as_jpeg(moment.pixels, 90)), moment.box)


def stands(moment: Moment) -> bool:
    """Return whether a box is of a whole person; half of head and shoulders would be a head."""
    high, wide = moment.pixels.shape[:2]
    return bool(moment.box.h * high >= LEGS_HEIGHT_PER_WIDTH * moment.box.w * wide)


def upper(box: Box) -> Box:
    """Return the box of somebody behind a table."""
    return Box(box.x, box.y, box.w, 0.55 * box.h)


def greyed(moment: Moment) -> Any:  # noqa: ANN401 - pixels
    """Return a grey picture."""
    return cv2.cvtColor(cv2.cvtColor(moment.pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def opposite(colour: Floats) -> Floats:
    """Return another colour of clothes, Lab: light for dark, blue for yellow, and never grey."""
    return np.array([100 - colour[0], 25 - colour[1], (30 if colour[2] < 0 else -30) - colour[2]])


def compared(ones: Sequence[Appearance], others: Sequence[Appearance]) -> list[tuple[float, float]]:
    """Return distance and log odds of each pair of different looks."""
    return [
        (float(np.linalg.norm(one.vector - other.vector)), same_clothes_log_odds(one, other, hours=0.0))
        for i, one in enumerate(ones)
        for j, other in enumerate(others)
        if i != j
    ]


def tables(result: Mapping[str, Any]) -> str:
    """Return the result as text."""
    lines = [f"{'':28} looks   one camera  other camera    different      alike        AUC   alike  bits"]
    for name, counts in result["descriptors"].items():
        for looks, one in counts.items():
            groups = [one[group] for group in ("same_one_camera", "same_other_camera", "different", "alike")]
            cells = "  ".join(f"{group['mean']:.2f} +- {group['sd']:.2f}" for group in groups)
            rates = f"{one['auc']:.3f} {one['auc_alike']:.3f} {one['bits_held_out']:.2f}"
            lines.append(f"{name:28} {looks.split('_')[0]:>5}  {cells}  {rates}")
    lines += ["", "colours changed, one camera, one look: distance, and the mean of the brain's log odds"]
    lines += [
        f"  {name:44} {one['mean']:.2f} +- {one['sd']:.2f} {one['log_odds']:+.2f}"
        for name, one in result["copies"].items()
    ]
    for looks, one in result["calibration"].items():
        lines += ["", f"{looks}: fit {one['fit']}", "  the brain's log odds, the truth, pairs of one, of two people"]
        lines += [
            f"  {row['log_odds']:+6.2f} {row['truth']:+6.2f} {row['same']:8} {row['different']:8}"
            for row in one["bins"]
        ]
        lines += [f"  {group}: {one[group]}" for group in ("one_person", "two_people", "two_people_in_black")]
        lines += [f"  without {clip}: {held}" for clip, held in one["without_clip"].items()]
    return "\n".join(lines)


def draw(path: Path, vectors: Floats, result: Mapping[str, Any]) -> None:
    """Draw the distances, and the odds against the truth."""
    figure = require_matplotlib()(figsize=(11, 4.2), dpi=120, layout="constrained")
    distances, odds = figure.subplots(1, 2)
    found = pairs(vectors)
    groups = {
        "one person, one camera": found.same & found.one_camera,
        "one person, other camera": found.same & ~found.one_camera,
        "two people": ~found.same & ~found.alike,
        "two people in black": found.alike,
    }
    for (name, chosen), colour in zip(groups.items(), ("#56b4e9", "#0072b2", "#d55e00", "#777777"), strict=True):
        share = np.full(int(chosen.sum()), 1 / chosen.sum())
        bins = [float(edge) for edge in np.arange(0, 1.2, 0.02)]
        distances.hist(
            found.apart[chosen], bins, weights=share, histtype="step", linewidth=1.6, color=colour, label=name
        )
    distances.set(
        xlabel="distance of two looks", ylabel="share of the pairs", title="8 people, simulated cameras and rooms"
    )
    distances.legend(frameon=False, fontsize=8)
    odds.plot([-6, 6], [-6, 6], color="black", linewidth=0.8, linestyle="--", label="exact")
    for (looks, one), colour in zip(result["calibration"].items(), ("#0072b2", "#d55e00"), strict=True):
        rows = one["bins"]
        odds.plot(
            [row["log_odds"] for row in rows],
            [row["truth"] for row in rows],
            marker="o",
            color=colour,
            label="one look" if looks == "looks_1" else f"mean of {MEAN_OF} looks",
        )
    odds.set(
        xlabel="log odds that the brain gives", ylabel="log odds in truth", title="odds for one person", xlim=(-4, 4)
    )
    odds.legend(frameon=False, fontsize=8)
    for axes in (distances, odds):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    write_private(path, out.getvalue())


def model_file(folders: Sequence[Path]) -> Path:
    """Return MobileNet's file. It belongs to retraining, not to a pack."""
    return next(folder / MOBILENET_V1 for folder in folders if (folder / MOBILENET_V1).is_file())


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print everything as JSON in the last line")
    parser.add_argument("--out", type=Path, help="a PNG of the distances and of the odds against the truth")
    given = parser.parse_args()
    folders = packs.model_folders(Path("data"))
    clips, moments = zip(
        *people(Path(os.environ["KINWATCH_TEST_MEDIA"]) / "clips", LocalBackend(packs.STANDARD, folders)), strict=True
    )
    extractor = Extractor(Network(model_file(folders).read_bytes(), MOBILENET_V1), MOBILENET_V1, (0, 1))
    pictures = [[(moment.box, list(views(moment))) for moment in one] for one in moments]
    vectors, features = (
        np.array([[[describe(view, box) for view in seen_] for box, seen_ in one] for one in pictures])
        .astype(np.float64)
        .swapaxes(1, 2)
        for describe in (lambda view, box: ours(view, box).vector, partial(mobilenet, extractor))
    )
    descriptors = {
        OURS: vectors,
        "colour alone": part(vectors, texture=False),
        "texture alone": part(vectors, texture=True),
        "MobileNet v1 of the body": features,
    }
    result = {
        "people": len(moments),
        "looks": LOOKS,
        "cameras": [*CAMERAS, *ROOMS],
        "descriptors": {name: measured(values, list(clips)) for name, values in descriptors.items()},
        "copies": copies(moments),
        "calibration": calibration(vectors, list(clips)),
    }
    print(tables(result))
    if given.out:
        draw(given.out, vectors, result)
    if given.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
