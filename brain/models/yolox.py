"""YOLOX-Nano finds people and animals. This is the only file that runs onnxruntime."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from brain.models.libraries import library
from brain.vision.boxes import Floats, RawDetection, letterbox, suppress
from brain.vision.picture import Pixels

__all__ = ["YOLOX_LABELS", "Yolox"]

# From the exported network: Megvii-BaseDetection/YOLOX, ONNX demo.
YOLOX_SIDE_PX = 416
YOLOX_PADDING_GREY = 114
GRID_STRIDES = (8, 16, 32)
YOLOX_OVERLAP = 0.45
# COCO's classes 0 and 14 to 23. Its other classes do not matter to a household.
YOLOX_LABELS = (
    "person",
    *("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
)
SCORE_COLUMNS = np.array([5, *range(5 + 14, 5 + 24)])  # 0 to 3 are the box, 4 is the objectness


class Yolox:
    """Finds people and animals in BGR pixels.

    Args:
        path: `yolox_nano.onnx`: 1 x 3 x 416 x 416 BGR 0..255 in, 1 x 3549 x 85 out.
        threads: Processor threads of one inference.
    """

    def __init__(self, path: Path, threads: int) -> None:
        runtime = library("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._grid, self._stride = _grid()

    def find(self, pixels: Pixels, floors: Mapping[str, float]) -> list[RawDetection]:
        """Return the detections that score at least the floor of their label, the highest score first.

        Args:
            pixels: Height x width x 3, BGR.
            floors: A minimum score (0 to 1) for each label. Labels without one are not returned.
        """
        box = letterbox(pixels, YOLOX_SIDE_PX, fill=YOLOX_PADDING_GREY, centred=False)
        batch = np.ascontiguousarray(box.pixels.transpose(2, 0, 1)[None], np.float32)
        rows: Floats = self._session.run(None, {self._input: batch})[0][0]
        scores = rows[:, SCORE_COLUMNS] * rows[:, 4:5]
        best, label = scores.max(axis=1), scores.argmax(axis=1)
        kept = np.flatnonzero(best >= np.array([floors.get(name, np.inf) for name in YOLOX_LABELS])[label])
        corners = box.undo(self._corners(rows[kept], kept)).tolist()
        found = [
            RawDetection(YOLOX_LABELS[label[row]], float(best[row]), *corner)
            for row, corner in zip(kept.tolist(), corners, strict=True)
        ]
        return suppress(found, YOLOX_OVERLAP)

    def _corners(self, rows: Floats, kept: npt.NDArray[np.intp]) -> Floats:
        centre = (rows[:, :2] + self._grid[kept]) * self._stride[kept]
        half = np.exp(np.minimum(rows[:, 2:4], 10)) * self._stride[kept] / 2
        return np.concatenate([centre - half, centre + half], axis=1)


def _grid() -> tuple[Floats, Floats]:
    """Return 3549 x 2 cell positions and 3549 x 1 strides, in the order of the network's rows."""
    cells, strides = [], []
    for stride in GRID_STRIDES:
        y, x = np.mgrid[: YOLOX_SIDE_PX // stride, : YOLOX_SIDE_PX // stride]
        cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
