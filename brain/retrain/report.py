"""Writes the report of a retraining: a page for people, JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from brain.retrain.dataset.labelled import LabelledPicture
from brain.retrain.faces import Compared
from brain.retrain.marks import Marks, Mistake
from brain.retrain.training_data import Fitted

__all__ = ["HTML", "JSON", "Findings", "write"]

HTML, JSON = "report.html", "report.json"
CONFUSION, CURVES, MISTAKES = "confusion.png", "training.png", "mistakes.png"
STYLE = (
    "body{font:17px/1.5 system-ui,sans-serif;max-width:44rem;margin:1rem auto;padding:0 1rem;color:#222}"
    "img{max-width:100%;height:auto}table{border-collapse:collapse;margin:1rem 0}"
    "td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}.warn{color:#9a4a00}"
)
BRACKETS = (
    "The brackets hold the share, and the interval in which the true share lies with 95 % certainty "
    "(Clopper and Pearson). "
    "The test pictures were not used for training."
)
WHAT_AND_WHO = (
    "Retraining answers what a picture shows; face vectors answer who it is. A retrained layer must choose one of its "
    "labels, and for a stranger it often chooses somebody of the family: never let it alone decide who may come in."
)


@dataclass(frozen=True, slots=True)
class Findings:
    """The content of a report."""

    folder: Path
    backbone: str
    labels: tuple[str, ...]
    samples: Sequence[LabelledPicture]
    fitted: Fitted
    marks: Marks
    mistakes: Sequence[Mistake]
    compared: Compared | str
    """The comparison with face vectors, or a sentence that says why there is none."""
    warnings: Sequence[str]
    options: dict[str, Any]


def write(findings: Findings, folder: Path) -> None:
    """Write the report and its pictures into a folder."""
    from brain.retrain import plots  # noqa: PLC0415 - matplotlib takes a second

    plots.curves(findings.fitted, folder / CURVES)
    if findings.marks.right.of:
        plots.confusion(findings.marks.confusion, findings.labels, folder / CONFUSION)
    if findings.mistakes:
        plots.mistakes(findings.mistakes, folder / MISTAKES)
    (folder / JSON).write_text(json.dumps(_facts(findings), ensure_ascii=False, indent=2) + "\n")
    (folder / HTML).write_text(_page(findings))


def _counts(findings: Findings, label: str) -> dict[str, int]:
    sets = [sample.set for sample in findings.samples if sample.label == label]
    return {name: sum(one == name for one in sets) for name in ("training", "validation", "test")}


def _facts(findings: Findings) -> dict[str, Any]:
    marks = findings.marks
    return {
        "folder": str(findings.folder),
        "backbone": findings.backbone,
        "options": findings.options,
        "test_accuracy": marks.right.as_json(),
        "classes": {
            label: _counts(findings, label)
            | {"recall": marks.recall[at].as_json(), "precision": marks.precision[at].as_json()}
            for at, label in enumerate(findings.labels)
        },
        "confusion": marks.confusion.tolist(),
        "mistakes": [asdict(one) | {"path": str(one.path)} for one in findings.mistakes],
        "training": {"kept_step": findings.fitted.best, "curve": [asdict(point) for point in findings.fitted.curve]},
        "faces": _compared_facts(findings.compared),
        "warnings": list(findings.warnings),
    }


def _compared_facts(compared: Compared | str) -> dict[str, Any]:
    if isinstance(compared, str):
        return {"skipped": compared}
    return {
        "people": list(compared.people),
        "strangers": list(compared.strangers),
        "no_face": compared.no_face,
        "retrained": {
            "family_right": compared.family_by_layer.as_json(),
            "strangers_accepted": compared.strangers_by_layer.as_json(),
        },
        "vectors": {
            "family_right": compared.family_by_vectors.as_json(),
            "strangers_accepted": compared.strangers_by_vectors.as_json(),
        },
    }


def _page(findings: Findings) -> str:
    right = findings.marks.right
    parts = [
        f"<h1>{escape(', '.join(findings.labels))}</h1>",
        f"<p><b>Right: {right}</b> test pictures. {BRACKETS}</p>",
        f"<p>From {escape(str(findings.folder))}, on {escape(findings.backbone)}.</p>",
        *(f'<p class="warn">{escape(line)}</p>' for line in findings.warnings),
        _image(CONFUSION, "Which test pictures were called what") if right.of else "",
        _labels_table(findings),
        "<h2>What, not who</h2>",
        *_compared_html(findings.compared),
        *(["<h2>Mistakes</h2>", _image(MISTAKES, "The worst mistakes")] if findings.mistakes else []),
        "<h2>Training</h2>",
        _image(CURVES, "Accuracy and loss while the layer was trained"),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += f"<title>kinwatch retrain</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>\n" + "\n".join(parts) + "\n</body></html>\n"


def _image(name: str, text: str) -> str:
    return f'<img src="{name}" alt="{text}">'


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}" for cell in head)]
    lines += ["<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in row) for row in rows]
    return "<table>" + "\n".join(lines) + "</table>"


def _labels_table(findings: Findings) -> str:
    rows = [
        (label, *_counts(findings, label).values(), findings.marks.recall[at], findings.marks.precision[at])
        for at, label in enumerate(findings.labels)
    ]
    head = ("label", "training", "validation", "test", "its pictures called so", "called so and right")
    return _table(head, rows)


def _compared_html(compared: Compared | str) -> list[str]:
    if isinstance(compared, str):
        return [f"<p>{escape(WHAT_AND_WHO)}</p>", f"<p>{escape(compared)}</p>"]
    known = escape(", ".join(compared.people))
    rows = [
        ("family called by their name", compared.family_by_layer, compared.family_by_vectors),
        ("strangers taken for family", compared.strangers_by_layer, compared.strangers_by_vectors),
    ]
    return [
        f"<p>{escape(WHAT_AND_WHO)}</p>",
        f"<p>Family here: {known}. The same test pictures, by the layer and by the nearest enrolled face:</p>",
        _table(("", "this retrained layer", "face vectors"), rows),
        f"<p>{compared.no_face} of these pictures show no face that can be measured.</p>",
        "<p>To enrol a person: <code>kinwatch enroll NAME PHOTO...</code></p>",
    ]
