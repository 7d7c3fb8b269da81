"""Pure: what the name of a label says about what its pictures show."""

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
    """Return what a label means; one of no known word is somebody's name.

    The last word decides, in any case and number: `black_cats` are an animal, a `dog walker` is somebody.
    """
    words = re.findall(r"\w+", label.casefold().replace("_", " "))
    forms = {words[-1], words[-1].removesuffix("s")} if words else set()
    if forms & NOBODY_WORDS:
        return "nobody"
    if forms & ANIMAL_WORDS:
        return "animal"
    return "strangers" if forms & STRANGER_WORDS else "somebody"
