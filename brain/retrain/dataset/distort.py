"""Pure: makes distorted copies of a picture, the same ones every time."""

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from brain.vision.picture import Pixels

__all__ = ["Distortion"]


@dataclass(frozen=True, slots=True)
class Distortion:
    """How far the copies of a training picture may differ from it."""

    copies: int = 4
    """The number of copies of each picture."""
    flip: bool = False
    """Whether half of the copies are mirrored."""
    crop: int = 0
    """By how much every copy is enlarged and cut at its edges, in percent."""
    scale: int = 0
    """By how much a copy is enlarged at most, in percent."""
    brightness: int = 0
    """By how much a copy is brighter or darker at most, in percent."""
    seed: int = 0

    @property
    def count(self) -> int:
        """The number of copies of each picture; 0 if no option makes them differ."""
        return self.copies if self.flip or self.crop or self.scale or self.brightness else 0

    def key(self, number: int) -> str:
        """Return a text that identifies a copy, for cache keys."""
        parts = {key: value for key, value in asdict(self).items() if key != "copies"}
        return f"{number} of {parts}"

    def apply(self, pixels: Pixels, picture: str, number: int) -> Pixels:
        """Return one copy of a picture.

        Args:
            pixels: The picture, height x width x 3.
            picture: Its sha256, in hexadecimal. With the seed and the number, it alone decides the random values.
            number: The number of the copy, from 0.
        """
        random = np.random.default_rng([self.seed, number, int(picture[:16], 16)])
        mirrored, zoom, x, y, light = random.random(5)
        shown = _window(pixels, (1 + self.crop / 100) * (1 + zoom * self.scale / 100), x, y)
        if self.flip and mirrored < 1 / 2:
            shown = shown[:, ::-1]
        gain = 1 + (2 * light - 1) * self.brightness / 100
        return cv2.convertScaleAbs(np.ascontiguousarray(shown), alpha=gain).astype(np.uint8, copy=False)


def _window(pixels: Pixels, zoom: float, x: float, y: float) -> Pixels:
    """Return the part of a picture that a zoom of 1 or more shows. x and y, 0 to 1, say where it is."""
    height, width = pixels.shape[:2]
    high, wide = max(1, round(height / zoom)), max(1, round(width / zoom))
    top, left = round(y * (height - high)), round(x * (width - wide))
    return pixels[top : top + high, left : left + wide]
