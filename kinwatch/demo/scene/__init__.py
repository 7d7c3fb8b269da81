"""The pictures of `kinwatch demo`: a garage, a cat, a woman, and a man whose face nobody sees.

Everything is made of pictures that scikit-image brings along; nothing is downloaded.
"""

from kinwatch.demo.scene.acts import ACTS, SCENE_FPS, Act, act_frames
from kinwatch.demo.scene.outlines import Pixels
from kinwatch.demo.scene.room import SCENE_SIZE_PX

__all__ = ["ACTS", "SCENE_FPS", "SCENE_SIZE_PX", "Act", "Pixels", "act_frames"]
