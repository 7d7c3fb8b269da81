"""A trained layer with its extractor: writes the files of the model and measures its quality."""

import hashlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brain.models.litert import Network
from brain.models.retrained import EXTRACTOR_FILE, HEAD_FILE, LABELS_FILE, MANIFEST_FILE, Manifest
from brain.retrain.backbone import Backbone
from brain.retrain.dataset.features import PictureFeatures
from brain.retrain.faces import Compared
from brain.retrain.marks import Marks, Mistake, mark, worst
from brain.retrain.plan import RetrainPlan
from brain.retrain.report import Findings, write
from brain.retrain.training_data import Fitted
from brain.vision.boxes import Floats
from nerves.messages import now, stamp

__all__ = ["Result"]

MOST_MISTAKES = 12


@dataclass(frozen=True, slots=True)
class Result:
    """The product of a retraining, before it is written."""

    folder: Path
    """The folder of the labelled pictures."""
    plan: RetrainPlan
    labels: tuple[str, ...]
    backbone: Backbone
    seen: Sequence[PictureFeatures]
    """The pictures of all three sets."""
    fitted: Fitted
    head: bytes
    """The layer as a LiteRT file."""

    @property
    def test(self) -> list[PictureFeatures]:
        """The test pictures."""
        return [one for one in self.seen if one.sample.set == "test"]

    def chances(self) -> Floats:
        """Return the probabilities of each test picture, pictures x labels, by the LiteRT file that will be used."""
        head = Network(self.head, HEAD_FILE)
        rows = [head.run(one.row[None]) for one in self.test]
        return np.stack(rows) if rows else np.zeros((0, len(self.labels)), np.float32)

    def called(self, chances: Floats) -> dict[Path, str]:
        """Return the label that each test picture got, by its path."""
        best = [self.labels[at] for at in chances.argmax(axis=1)]
        return {one.sample.path: label for one, label in zip(self.test, best, strict=True)}

    def write(self, new: Path, chances: Floats, compared: Compared | str, warnings: Sequence[str]) -> Marks:
        """Write the model and the report into a folder; return the quality of the model."""
        truth = [self.labels.index(one.sample.label) for one in self.test]
        marks = mark(truth, chances)
        mistakes = [
            Mistake(
                self.test[row].sample.path,
                self.labels[truth[row]],
                self.labels[int(chances[row].argmax())],
                float(chances[row].max()),
            )
            for row in worst(truth, chances, MOST_MISTAKES)
        ]
        write(
            Findings(
                folder=self.folder,
                backbone=self.backbone.name,
                labels=self.labels,
                samples=[one.sample for one in self.seen],
                fitted=self.fitted,
                marks=marks,
                mistakes=mistakes,
                compared=compared,
                warnings=warnings,
                options=self.plan.facts(),
            ),
            new,
        )
        self._write_model(new, marks)
        return marks

    def _write_model(self, new: Path, marks: Marks) -> None:
        labels = "".join(f"{label}\n" for label in self.labels).encode()
        files = {EXTRACTOR_FILE: self.backbone.content, HEAD_FILE: self.head, LABELS_FILE: labels}
        for name, content in files.items():
            (new / name).write_bytes(content)
        manifest = Manifest(
            pixels=self.backbone.pixels,
            files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            made=stamp(now()),
            folder=str(self.folder.absolute()),
            backbone=self.backbone.name,
            pictures={label: sum(one.sample.label == label for one in self.seen) for label in self.labels},
            test_accuracy=marks.right.as_json(),
            packages={name: importlib.metadata.version(name) for name in ("tensorflow", "numpy")},
        )
        (new / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n")
