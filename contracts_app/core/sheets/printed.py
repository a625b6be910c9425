"""Tables as a terminal prints them: Markdown, which can be pasted, with columns that stand under each other."""

from collections.abc import Sequence
from unicodedata import east_asian_width


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """The rows under their heads. The first ``texts`` columns begin at the left, the others are numbers; — for none."""
    lines = [[_cell(text) for text in row] for row in (heads, *rows)]
    widths = [max(3, *(_width(line[place]) for line in lines)) for place in range(len(heads))]
    padded = [
        [text + gap if place < texts else gap + text for place, (text, gap) in enumerate(_with_gaps(line, widths))]
        for line in lines
    ]
    rule = ["-" * width if place < texts else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))


def _with_gaps(line: Sequence[str], widths: Sequence[int]) -> list[tuple[str, str]]:
    return [(text, " " * (width - _width(text))) for text, width in zip(line, widths, strict=True)]


def _cell(text: str) -> str:
    return text.replace("|", "｜") or "—"


def _width(text: str) -> int:
    """In columns of a terminal: a Chinese sign takes two."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
