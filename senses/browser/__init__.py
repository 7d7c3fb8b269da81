"""A web page as a sense: a phone, tablet or laptop becomes an eye and a voice, and an ear where its user wants.

A small server gives the page out, and speaks with it, and with anybody else, over one websocket.
"""

from collections.abc import Iterator

from nerves.messages import Fact, Frame
from nerves.services import Context, Sense
from senses.browser.settings import BrowserSettings, browser_topics

__all__ = ["BrowserSettings", "sense", "watch"]


def watch(settings: BrowserSettings, context: Context, heard: Iterator[Fact]) -> Iterator[Frame | Fact]:
    """Yield the pictures and words that pages send, for ever; what is `heard` on the bus goes to the pages."""
    from senses.browser.serving import served  # noqa: PLC0415 - the web server takes half a second to load

    return served(settings, context, heard)


sense = Sense(BrowserSettings, watch, browser_topics)
