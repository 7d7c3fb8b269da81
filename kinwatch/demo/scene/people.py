"""The people of the scene, cut out of pictures that come with scikit-image.

The astronaut, Eileen Collins, is NASA's (public domain); the man with the camera is CC0 by Lav Varshney.
"""

from pathlib import Path

import cv2
import numpy as np

from kinwatch.demo.scene.outlines import Cutout, Mask, Outline, bundled, feathered, filled, moved, segmented, soft

__all__ = ["filmer", "woman", "write_portrait"]

WOMAN_OUTLINE: Outline = [
    (20, 511), (28, 440), (20, 400), (25, 340), (40, 290), (55, 250), (90, 218), (110, 208), (115, 188),
    (128, 160), (150, 150), (180, 148), (180, 130), (170, 118), (158, 102), (153, 75), (160, 50), (188, 36),
    (205, 22), (235, 15), (270, 25), (292, 50), (301, 85), (295, 115), (275, 135), (262, 140), (258, 172),
    (285, 195), (302, 230), (304, 240), (330, 250), (345, 275), (355, 300), (362, 347), (375, 344), (410, 344),
    (445, 357), (470, 385), (490, 420), (497, 455), (508, 470), (511, 511),
]  # fmt: skip
FILMER_OUTLINE: Outline = [
    (-60, 640), (-60, 380), (-45, 310), (-20, 268), (20, 238), (45, 210), (60, 170), (80, 145), (105, 128),
    (130, 123), (150, 106), (162, 105), (172, 85), (200, 65), (225, 68), (250, 85), (270, 115), (268, 132),
    (262, 139), (320, 138), (326, 150), (322, 168), (332, 178), (332, 200), (322, 215), (310, 228), (303, 245),
    (303, 275), (290, 285), (245, 312), (205, 295), (180, 335), (142, 380), (148, 430), (150, 640),
]  # fmt: skip
# His face, which is covered with hair so that he turns his back to the camera.
FACE_OUTLINE: Outline = [
    (170, 112), (200, 118), (262, 118), (266, 140), (258, 165), (245, 190), (225, 203), (185, 205), (160, 150),
]  # fmt: skip
# Lawn between his knees, darkened to the shade of his coat.
KNEES_OUTLINE: Outline = [(97, 440), (125, 475), (150, 511), (85, 511)]
HAIR_PATCH = (slice(70, 125), slice(165, 260))
# The picture ends at his back and his knees; his coat is continued there, mirrored.
COAT_LEFT_PX, COAT_BELOW_PX = 70, 130


def woman() -> Cutout:
    """Return an astronaut who looks at the camera, from the chest up, with her helmet in front of her."""
    picture = bundled("astronaut")
    return feathered(picture, segmented(picture, WOMAN_OUTLINE, band=5))


def write_portrait(file: Path) -> None:
    """Write the woman's portrait, from which she is enrolled."""
    cv2.imwrite(str(file), bundled("astronaut"))


def filmer() -> Cutout:
    """Return a man in a coat who holds a camera; only the back of his head can be seen."""
    grey = cv2.copyMakeBorder(
        _from_behind(bundled("camera")[..., 0].astype(np.float32)),
        0,
        COAT_BELOW_PX,
        COAT_LEFT_PX,
        0,
        cv2.BORDER_REFLECT,
    )
    warm = cv2.merge([grey * 0.97, grey * 0.98, grey * 1.04])
    picture = np.clip(warm, 0, 255).astype(np.uint8)
    return feathered(picture, segmented(picture, moved(FILMER_OUTLINE, COAT_LEFT_PX), band=4))


def _from_behind(grey: Mask) -> Mask:
    hair = grey[HAIR_PATCH]
    strands = cv2.resize(np.tile(np.vstack([hair, hair[::-1]]), (3, 1)), (95, 330))[:140]
    covered = grey.copy()
    covered[90:230, 165:260] = strands
    face = soft(filled(grey.shape, FACE_OUTLINE), 3)
    knees = soft(filled(grey.shape, KNEES_OUTLINE), 2) * 0.7
    whole: Mask = (grey * (1 - face) + covered * face) * (1 - knees)
    return whole
