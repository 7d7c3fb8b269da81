"""Pure: what the name of a training label says about its pictures."""

import re
from typing import Literal

from brain.models.yolox import YOLOX_LABELS

__all__ = ["Kind", "kind"]

Kind = Literal["nobody", "animal", "strangers", "somebody"]

NOBODY_WORDS = {"nobody", "none", "empty", "background", "nothing", "noone"}
ANIMAL_WORDS = {
    *YOLOX_LABELS[1:],
    "animal",
    "hamster",
    "kitten",
    "mouse",
    "parrot",
    "pet",
    "puppy",
    "rabbit",
    "tortoise",
}
STRANGER_WORDS = {"people", "person", "other", "stranger", "unknown", "visitor"}


def kind(label: str) -> Kind:
    """Return what a label means; a label without a known word is the name of somebody.

    The last word decides, in any case, singular or plural: `black_cats` is an animal, `dog walker` is somebody.
    """
    words = re.findall(r"\w+", label.casefold().replace("_", " "))
    forms = {words[-1], words[-1].removesuffix("s")} if words else set()
    if forms & NOBODY_WORDS:
        return "nobody"
    if forms & ANIMAL_WORDS:
        return "animal"
    return "strangers" if forms & STRANGER_WORDS else "somebody"
