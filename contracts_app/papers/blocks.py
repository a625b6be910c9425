"""What a paper is made of, whatever prints it: the same blocks become a PDF and a Word file."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

# Label and answer, or two of them side by side. An answer that is not there is an empty box.
Row = Sequence[str]


@dataclass(frozen=True)
class Line:
    """A line of its own without indent: whom the paper is addressed to."""

    kind: ClassVar[str] = "line"
    text: str


@dataclass(frozen=True)
class Words:
    """A paragraph of running text."""

    kind: ClassVar[str] = "words"
    text: str


@dataclass(frozen=True)
class Note:
    """Small print."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Heading:
    """The title of a part; never left alone at the foot of a page."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Facts:
    """Labels and answers in boxes: two in a row, or one over the whole width."""

    kind: ClassVar[str] = "facts"
    rows: Sequence[Row]


@dataclass(frozen=True)
class Table:
    """Lines under headings. ``widths`` are shares of the width; ``right``: the columns of amounts, from 0."""

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]
    right: Sequence[int] = ()


@dataclass(frozen=True)
class Long:
    """A long text in a frame, over as many pages as it takes."""

    kind: ClassVar[str] = "long"
    text: str


@dataclass(frozen=True)
class Signature:
    """Who seals the paper, and its day in words; without a day there is room for one."""

    kind: ClassVar[str] = "signature"
    who: str
    day: str = ""


@dataclass(frozen=True)
class Boxes:
    """Boxes to sign in, one for each label."""

    kind: ClassVar[str] = "boxes"
    labels: Sequence[str]


Block = Line | Words | Note | Heading | Facts | Table | Long | Signature | Boxes


@dataclass(frozen=True)
class Sheet:
    """A whole paper. ``numbers`` stand small under the title; ``across``: what is printed across every page."""

    title: str
    office: str
    printed_at: str
    number: str
    is_demonstration: bool
    numbers: Sequence[str] = ()
    blocks: Sequence[Block] = field(default_factory=list)
    across: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # what only one template prints

    def as_data(self) -> dict[str, Any]:
        """The paper as JSON can hold it."""
        return {**vars(self), "blocks": [{"kind": block.kind, **asdict(block)} for block in self.blocks]}


def pairs(facts: Sequence[tuple[str, str]], *, wide: Sequence[str] = ()) -> list[Row]:
    """Facts two in a row; one whose label is in ``wide``, or whose answer is long, gets the whole width."""
    rows: list[Row] = []
    waiting: tuple[str, str] | None = None
    for label, answer in facts:
        if label in wide or len(answer) > LONGEST_IN_HALF:
            rows += [waiting] if waiting else []
            rows.append((label, answer))
            waiting = None
        elif waiting:
            rows.append((*waiting, label, answer))
            waiting = None
        else:
            waiting = (label, answer)
    return [*rows, waiting] if waiting else rows


LONGEST_IN_HALF = 24  # signs: two lines of half a page
