"""The words that names, titles and texts of the demonstration are put together from: seeds/demo."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts_app.core.settings import ROOT

FOLDER = ROOT / "seeds" / "demo"


@dataclass(frozen=True)
class Trade:
    """A trade of the region: what its contracts are about, and how much dearer they are than others."""

    name: str
    field_code: str
    industry_code: str
    goal_code: str
    factor: float
    weights: Mapping[str, int]  # unit code -> how much of the unit's contracts
    company_words: tuple[str, ...]
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """All word lists."""

    trades: tuple[Trade, ...]
    phrases: Mapping[str, tuple[str, ...]]
    syllables: tuple[str, ...]  # three sets of characters that together make a name nobody has
    surnames: str
    given_names: str


def read() -> Words:
    """The word lists as they lie in seeds/demo."""
    subjects, phrases = defaultdict(list), defaultdict(list)
    for line in _lines("subjects.csv"):
        subjects[line["trade"]].append(line["subject"])
    for line in _lines("phrases.csv"):
        phrases[line["kind"]].append(line["text"])
    names = {line["part"]: line["characters"] for line in _lines("names.csv")}
    return Words(
        trades=tuple(_trade(line, tuple(subjects[line["trade"]])) for line in _lines("trades.csv")),
        phrases={kind: tuple(texts) for kind, texts in phrases.items()},
        syllables=tuple(line["characters"] for line in _lines("syllables.csv")),
        surnames=names["surname"],
        given_names=names["given"],
    )


def _trade(line: dict[str, str], subjects: tuple[str, ...]) -> Trade:
    weights = (pair.split(":") for pair in line["units"].split())
    return Trade(
        name=line["trade"],
        field_code=line["field"],
        industry_code=line["industry"],
        goal_code=line["goal"],
        factor=float(line["factor"]),
        weights={code: int(weight) for code, weight in weights},
        company_words=tuple(line["company_words"].split()),
        subjects=subjects,
    )


def _lines(name: str) -> Iterator[dict[str, str]]:
    with Path(FOLDER, name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
