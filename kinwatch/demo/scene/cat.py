"""The cat of the scene: Chelsea, CC0 by Stefan van der Walt, from scikit-image.

Her picture shows a face; ears, back and tail are drawn by hand and wear her fur.
"""

import cv2
import numpy as np

from kinwatch.demo.scene.outlines import Cutout, Mask, Outline, Pixels, bundled, feathered, filled, moved, soft

__all__ = ["cat"]

CAT_LEFT_PX, CAT_ABOVE_PX, CAT_BELOW_PX = 400, 130, 80
HEAD_OUTLINE: Outline = [
    (38, 60), (38, 30), (26, -52), (118, -10), (160, -18), (215, -22), (270, -18), (322, -6), (398, -50), (392, 5),
    (361, 72), (363, 110), (358, 150), (345, 182), (328, 205), (314, 232), (302, 258), (285, 275), (285, 380),
    (70, 380), (50, 230), (60, 130), (48, 100),
]  # fmt: skip
BODY_OUTLINE: Outline = [
    (100, 30), (30, 35), (-40, 50), (-130, 28), (-220, 30), (-285, 70), (-320, 140), (-335, 240),
    (-340, 380), (150, 380),
]  # fmt: skip
TAIL_POINTS = ((-300, 170), (-345, 110), (-365, 30), (-350, -50), (-322, -95))
TAIL_WIDTH_PX = 42
# Her forehead: short fur with dark stripes.
FOREHEAD_PATCH = (slice(4, 74), slice(120, 320))


def cat() -> Cutout:
    """Return a tabby that walks to the right."""
    face = cv2.copyMakeBorder(bundled("chelsea"), CAT_ABOVE_PX, CAT_BELOW_PX, CAT_LEFT_PX, 0, cv2.BORDER_REFLECT)
    head, body = filled(face.shape, moved(HEAD_OUTLINE, CAT_LEFT_PX, CAT_ABOVE_PX)), _body(face.shape)
    blend = soft(head, 5)[..., None]
    picture = face * blend + _fur(np.maximum(body, head)) * (1 - blend)
    return feathered(picture.astype(np.uint8), np.maximum(head, body))


def _body(shape: tuple[int, ...]) -> Pixels:
    body = filled(shape, moved(BODY_OUTLINE, CAT_LEFT_PX, CAT_ABOVE_PX))
    tail = np.array(moved(TAIL_POINTS, CAT_LEFT_PX, CAT_ABOVE_PX), np.int32)
    return cv2.polylines(body, [tail], isClosed=False, color=1, thickness=TAIL_WIDTH_PX).astype(np.uint8, copy=False)


def _fur(body: Pixels) -> Mask:
    """Return fur as large as the body, with the stripes of a tabby, darker towards the edges."""
    patch = bundled("chelsea")[FOREHEAD_PATCH].astype(np.float32)
    hairs = _repeated(patch, body.shape, (1.3, 1.3))
    stripes = _bent(_repeated(patch, body.shape, (1.8, 6.0)))
    fur = cv2.GaussianBlur(stripes, (0, 0), 5) + 0.8 * (hairs - cv2.GaussianBlur(hairs, (0, 0), 6))
    depth = cv2.distanceTransform(body, cv2.DIST_L2, 5)
    light = 0.5 + 0.45 * np.clip(depth / 90, 0, 1) ** 0.6
    return np.clip(fur * light[..., None], 0, 255).astype(np.float32)


def _repeated(patch: Mask, shape: tuple[int, ...], scale: tuple[float, float]) -> Mask:
    large = cv2.resize(patch, None, fx=scale[0], fy=scale[1])
    rows, columns = large.shape[:2]
    height, width = max(shape[0], rows), max(shape[1], columns)
    padded = np.pad(large, ((0, height - rows), (0, width - columns), (0, 0)), mode="symmetric")
    return np.ascontiguousarray(padded[: shape[0], : shape[1]])


def _bent(stripes: Mask) -> Mask:
    """Return the stripes curved around the ribs."""
    y, x = np.mgrid[: stripes.shape[0], : stripes.shape[1]].astype(np.float32)
    bent: Mask = (x + 40 * ((y - 330) / 200) ** 2 + 7 * np.sin(x / 31 + y / 47)).astype(np.float32)
    turned = cv2.remap(stripes, bent, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return turned.astype(np.float32, copy=False)
