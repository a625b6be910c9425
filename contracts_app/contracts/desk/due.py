"""How much of the office's time limit is used, in the words and colours of 待办."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from contracts_app.core.clock import WorkCalendar, local, today
from contracts_app.core.words import Word
from contracts_app.rules.queries import setting, work_calendar


class Level(Word):
    """Green, amber from the warning share of the limit on, red on the last day and after it."""

    OK = "ok", "期限内"
    WARN = "warn", "即将到期"
    BAD = "bad", "超期与今天到期"


@dataclass(frozen=True)
class Due:
    """Where a time limit stands. ``share`` is the used part of it, 0 to 1; ``is_estimate`` when the holidays of a year
    it runs through have not been announced, so that only weekends are left out."""

    on: date
    level: Level
    words: str
    share: float
    is_estimate: bool

    @property
    def note(self) -> str:
        """What has to be said about a day that may still move."""
        return "按周末推算" if self.is_estimate else ""


Dues = Callable[[datetime | None, date | None], Due | None]


def dues(on: date | None = None) -> Dues:
    """A reader of limits as of a day (today when none is said): (moment of submission, last day) -> Due.

    Reads the calendar and the warning share once, however many limits are asked for. No last day, no limit: None.
    """
    day, calendar, amber = on or today(), work_calendar(), setting("amber_share")

    def read(submitted_at: datetime | None, due_on: date | None) -> Due | None:
        if due_on is None:
            return None
        begun = local(submitted_at).date() if submitted_at else min(day, due_on)
        return due(begun, due_on, day, calendar, amber)

    return read


def due(begun: date, due_on: date, on: date, calendar: WorkCalendar, amber_share: Decimal) -> Due:
    """The limit that began after ``begun`` and ends with ``due_on``, as it stands on the day ``on``."""
    left = calendar.workdays_between(on, due_on)
    limit = calendar.workdays_between(begun, due_on)
    share = Fraction(limit - left, limit) if limit > 0 else Fraction(1)
    return Due(
        due_on,
        _level(due_on, on, left, share, amber_share),
        _words(due_on, on, left),
        float(min(max(share, Fraction(0)), Fraction(1))),
        not (calendar.is_known(begun) and calendar.is_known(due_on)),
    )


def _level(due_on: date, on: date, left: int, share: Fraction, amber_share: Decimal) -> Level:
    if due_on <= on or left == 0:
        return Level.BAD
    return Level.WARN if share >= Fraction(amber_share) else Level.OK


def _words(due_on: date, on: date, left: int) -> str:
    if due_on == on:
        return "今天到期"
    if left > 0:
        return f"剩 {left} 个工作日"
    if left < 0:
        return f"超期 {-left} 个工作日"
    return "超期不足 1 个工作日" if due_on < on else f"{due_on:%m-%d} 到期，其间没有工作日"
