"""A contact sheet for a phone: small pictures with a line or two under each."""

import io
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

__all__ = ["Cell", "contact_sheet"]

# A phone shows a width of about 1100 pixels, in which four pictures side by side stay readable.
PICTURE_SIDE_PX, CELL_GAP_PX, CELL_FRAME_PX = 240, 16, 6
HEADING_PX, TITLE_PX, NOTE_PX = 34, 24, 20
TITLE_LINES, NOTE_LINES, MAX_COLUMNS = 2, 4, 4
PAPER_COLOUR, INK_COLOUR, FAINT_COLOUR, NO_PICTURE_COLOUR = "#ffffff", "#1a1a1a", "#5a5a5a", "#d9d9d9"

# The font inside PIL has no accents; these have most alphabets, if the system has one of them.
FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial Unicode.ttf", "Arial.ttf")

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet."""

    jpeg: bytes | None
    """The picture; None draws a grey square."""
    title: str
    note: str = ""
    """Smaller, below the title."""
    colour: str | None = None
    """The frame's colour as CSS writes it, such as `#c62828`; None for no frame."""


def contact_sheet(cells: Sequence[Cell], *, heading: str, columns: int | None = None) -> bytes:
    """Return a PNG with all cells, row by row, under a heading; `columns` in a row, four if it is None."""
    across = max(1, columns or min(MAX_COLUMNS, len(cells)))
    width = CELL_GAP_PX + max(across, 2) * (PICTURE_SIDE_PX + CELL_GAP_PX)
    rows = [[_drawn(cell) for cell in cells[start : start + across]] for start in range(0, len(cells), across)]
    head = _text(heading, HEADING_PX, INK_COLOUR, width - 2 * CELL_GAP_PX, TITLE_LINES)
    height = (
        CELL_GAP_PX + head.height + CELL_GAP_PX + sum(max(cell.height for cell in row) + CELL_GAP_PX for row in rows)
    )
    sheet = Image.new("RGB", (width, height), PAPER_COLOUR)
    sheet.paste(head, (CELL_GAP_PX, CELL_GAP_PX))
    top = CELL_GAP_PX + head.height + CELL_GAP_PX
    for row in rows:
        for column, cell in enumerate(row):
            sheet.paste(cell, (CELL_GAP_PX + column * (PICTURE_SIDE_PX + CELL_GAP_PX), top))
        top += max(cell.height for cell in row) + CELL_GAP_PX
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _drawn(cell: Cell) -> Image.Image:
    parts = [_picture(cell), _text(cell.title, TITLE_PX, INK_COLOUR, PICTURE_SIDE_PX, TITLE_LINES)]
    if cell.note:
        parts.append(_text(cell.note, NOTE_PX, cell.colour or FAINT_COLOUR, PICTURE_SIDE_PX, NOTE_LINES))
    drawn = Image.new("RGB", (PICTURE_SIDE_PX, sum(part.height for part in parts)), PAPER_COLOUR)
    top = 0
    for part in parts:
        drawn.paste(part, (0, top))
        top += part.height
    return drawn


def _picture(cell: Cell) -> Image.Image:
    square = Image.new("RGB", (PICTURE_SIDE_PX, PICTURE_SIDE_PX), NO_PICTURE_COLOUR)
    image = _decoded(cell.jpeg) if cell.jpeg else None
    if image is None:
        middle = (PICTURE_SIDE_PX // 2, PICTURE_SIDE_PX // 2)
        ImageDraw.Draw(square).text(middle, "no picture", fill=FAINT_COLOUR, font=_font(NOTE_PX), anchor="mm")
    else:
        fitted = ImageOps.contain(image, (PICTURE_SIDE_PX, PICTURE_SIDE_PX), Image.Resampling.LANCZOS)
        square.paste(fitted, ((PICTURE_SIDE_PX - fitted.width) // 2, (PICTURE_SIDE_PX - fitted.height) // 2))
    if cell.colour:
        ImageDraw.Draw(square).rectangle(
            (0, 0, PICTURE_SIDE_PX - 1, PICTURE_SIDE_PX - 1), outline=cell.colour, width=CELL_FRAME_PX
        )
    return square


def _decoded(jpeg: bytes) -> Image.Image | None:
    """Return the picture; None if it is damaged: the sheet then has an empty square."""
    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            return image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None


def _text(text: str, size: int, colour: str, width: int, most: int) -> Image.Image:
    font = _font(size)
    lines = _wrapped(_shown(text, font), font, width - 4, most)
    step = round(size * 1.25)
    image = Image.new("RGB", (width, step * len(lines) + size // 4), PAPER_COLOUR)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((2, number * step + 2), line, fill=colour, font=font)
    return image


@cache
def _font(size: int) -> Font:
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:  # this system does not have it
            continue
    return ImageFont.load_default(size)


def _shown(text: str, font: Font) -> str:
    """Return the text on one line. A letter that the font lacks loses its accent, or becomes `?`."""
    spaced = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join("".join(_letter(letter, font) for letter in spaced).split()) or " "


def _letter(letter: str, font: Font) -> str:
    plain = unicodedata.normalize("NFKD", letter)[0]
    return next((shape for shape in (letter, plain) if shape == " " or _has(font, shape)), "?")


@cache
def _has(font: Font, letter: str) -> bool:
    """Return whether a font has a letter: whether it looks different from U+FFFF, which no font has."""
    return letter.isascii() or bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))


def _wrapped(text: str, font: Font, width: int, most: int) -> list[str]:
    """Return the text in lines that fit, broken at spaces if possible; cut with … after the last line allowed."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most:
        line = _fitting(rest, font, width)
        lines.append(line.strip())
        rest = rest[len(line) :].lstrip()
    if rest:
        lines[-1] = _fitting(lines[-1], font, width - font.getlength("…")).rstrip() + "…"
    return lines


def _fitting(text: str, font: Font, width: float) -> str:
    """Return as much of the text's beginning as fits, up to a space if there is one."""
    if font.getlength(text) <= width:
        return text
    end = max(1, bisect_right(range(len(text)), width, key=lambda end: font.getlength(text[:end])) - 1)
    space = text.rfind(" ", 0, end + 1)
    return text[:space] if space > 0 else text[:end]
