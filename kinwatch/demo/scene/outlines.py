"""Figures cut from pictures: an outline by hand, the true edge by grabCut, soft borders."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

__all__ = ["Cutout", "Mask", "Outline", "Pixels", "bundled", "feathered", "filled", "moved", "segmented", "soft"]

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]
Outline = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Cutout:
    """A figure with soft edges."""

    picture: Pixels
    """Height x width x 3, BGR."""
    alpha: Mask
    """Height x width, 0 (nothing) to 1 (solid)."""


def bundled(name: str) -> Pixels:
    """Return a picture of scikit-image's in BGR; of a stereo pair, the left one."""
    loaded = getattr(data, name)()
    picture = np.asarray(loaded[0] if isinstance(loaded, tuple) else loaded, np.uint8)
    if picture.ndim == 2:  # noqa: PLR2004 - rows and columns: grey
        return np.stack([picture] * 3, axis=-1)
    return np.ascontiguousarray(picture[:, :, ::-1])


def moved(outline: Outline, right: int, down: int = 0) -> Outline:
    """Return the outline elsewhere."""
    return [(x + right, y + down) for x, y in outline]


def filled(shape: tuple[int, ...], outline: Outline) -> Pixels:
    """Return 1 inside the outline and 0 outside."""
    mask = np.zeros(shape[:2], np.uint8)
    return cv2.fillPoly(mask, [np.array(outline, np.int32)], 1).astype(np.uint8, copy=False)


def soft(mask: Pixels | Mask, sigma: float) -> Mask:
    """Return the mask with its edge spread over about four sigma pixels."""
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma).astype(np.float32, copy=False)


def segmented(picture: Pixels, outline: Outline, *, band: int) -> Pixels:
    """Return 1 on the figure: sure deep inside the outline, grabCut's choice within `band` pixels of it."""
    inside = filled(picture.shape, outline)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    labels = np.full(inside.shape, cv2.GC_BGD, np.uint8)
    labels[cv2.dilate(inside, kernel) > 0] = cv2.GC_PR_BGD
    labels[inside > 0] = cv2.GC_PR_FGD
    labels[cv2.erode(inside, kernel, borderValue=1) > 0] = cv2.GC_FGD
    cv2.setRNGSeed(1)
    cv2.grabCut(picture, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)


def feathered(picture: Pixels, mask: Pixels) -> Cutout:
    """Return the figure with a soft edge, drawn in by a pixel so that no old background shows."""
    smooth = (soft(mask, 2) > 0.5).astype(np.uint8)  # noqa: PLR2004 - halfway
    return Cutout(picture, soft(cv2.erode(smooth, np.ones((3, 3), np.uint8)).astype(np.uint8), 1.2))
