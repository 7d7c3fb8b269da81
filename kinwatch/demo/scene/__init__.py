"""The pictures of `kinwatch demo`: a garage, a cat, a woman, and a man whose face nobody sees.

Everything is made of pictures that scikit-image brings along; nothing is downloaded.
"""

from kinwatch.demo.scene.acts import ACTS, FPS, Act, frames
from kinwatch.demo.scene.outlines import Pixels
from kinwatch.demo.scene.stage import SIZE

__all__ = ["ACTS", "FPS", "SIZE", "Act", "Pixels", "frames"]
