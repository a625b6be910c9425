"""Whether the installation is well: a list of named checks, each with a sentence that says what to do.

``CHECKS`` is all there is. A check reads and never writes, takes no lock, and one that breaks down is a finding itself,
so that the others are still told. The slow ones, which go through everything, are asked for with ``--deep``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter

from contracts_app.core import logs
from contracts_app.core.words import Word


class Level(Word):
    """How bad it is."""

    OK = "ok", "正常"
    WARN = "warn", "注意"
    FAIL = "fail", "不正常"


@dataclass(frozen=True)
class Finding:
    """What a check found. The sentence says what to do unless all is well."""

    level: Level
    sentence: str


def ok(sentence: str) -> Finding:
    """Nothing is to be done."""
    return Finding(Level.OK, sentence)


def warn(sentence: str) -> Finding:
    """Something is to be done soon."""
    return Finding(Level.WARN, sentence)


def fail(sentence: str) -> Finding:
    """Something is to be done now."""
    return Finding(Level.FAIL, sentence)


@dataclass(frozen=True)
class Check:
    """One thing to look at: its name for programs, what people call it, and how it is found out."""

    name: str
    label: str
    find: Callable[[], Finding]
    is_deep: bool = False
    needs: str | None = "migrations"  # the check without whose success this one cannot be made


@dataclass(frozen=True)
class Examined:
    """A check that was made, and how long it took in milliseconds."""

    check: Check
    finding: Finding
    ms: float

    def plain(self) -> dict[str, object]:
        """For programs."""
        found = {"level": self.finding.level.value, "sentence": self.finding.sentence}
        return {"name": self.check.name, "label": self.check.label, **found, "ms": self.ms}


def examine(checks: Iterable[Check], tidy: Callable[[], None]) -> list[Examined]:
    """Make these checks, one after the other, but those that need one which has failed; ``tidy`` after each."""
    examined: list[Examined] = []
    failed: set[str] = set()
    for check in checks:
        if check.needs not in failed:
            examined.append(_examined(check))
            tidy()
        if check.needs in failed or examined[-1].finding.level is Level.FAIL:
            failed.add(check.name)
    return examined


def worst(examined: Iterable[Examined]) -> Level:
    """The worst of what was found."""
    levels = list(Level)
    return max((one.finding.level for one in examined), key=levels.index, default=Level.OK)


def _examined(check: Check) -> Examined:
    began = perf_counter()
    try:
        finding = check.find()
    except Exception as error:  # whatever it is: it is told, and the next check is made
        finding = fail(f"没有查成（{logs.told(error)}）。先处理上面不正常的各项，再运行一次。")
    return Examined(check, finding, round((perf_counter() - began) * 1000, 1))
