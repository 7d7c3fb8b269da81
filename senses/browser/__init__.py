"""The browser sense: a phone, tablet or laptop becomes a camera, a speaker and, if its user wants, a microphone.

A small server serves the page, and talks with it, or with any other client, over one websocket.
"""

from collections.abc import Iterator

from nerves.messages import Fact, Frame
from nerves.services import Context, Sense
from senses.browser.settings import BrowserSettings, browser_topics

__all__ = ["BrowserSettings", "sense", "watch"]


def watch(settings: BrowserSettings, context: Context, heard: Iterator[Fact]) -> Iterator[Frame | Fact]:
    """Yield the pictures and facts that pages send, for ever; send the facts `heard` on the bus to the pages."""
    from senses.browser.serving import served  # noqa: PLC0415 - the web server takes half a second to load

    return served(settings, context, heard)


sense = Sense(BrowserSettings, watch, browser_topics)
