"""The charts of a year, for its page and for the big screen. ``link`` makes the address of a list."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.drawing import charts, column_chart

from .year import YearOverview

Link = Callable[[ContractQuery], str]


@dataclass(frozen=True)
class Heights:
    """Of the wide drawings, to their width of 760."""

    line: int = 286
    months: int = 220


PAGE = Heights()
# 大屏: what the cards leave between 16:9 and 16:10; of one unit they are larger, for there is no ranking.
WALL, WALL_OF_ONE = Heights(300, 350), Heights(384, 410)


def charts_of(year: YearOverview, link: Link, heights: Heights = PAGE) -> dict[str, object]:
    """By name, ready for the template's components."""
    return {
        "line": running_total(year, heights.line),
        "months": by_month(year, link, heights.months),
        "ring": charts.donut([(line.name, line.counted.total_amount, None) for line in year.types]),
        "bars": charts.bars([(unit.counted.total_amount, unit.target) for unit in year.ranked], year.pace),
        "progress": charts.progress(year.total.completion, year.pace if year.is_running else None),
        "pace": charts.progress(year.pace),
        "technology": charts.progress(year.technology_share),
        "map": tiles(year, link),
    }


def running_total(year: YearOverview, height: int) -> charts.LineChart:
    """The year's running total against its task, last year and what it may end with."""
    ahead = year.forecast
    return charts.cumulative(
        year.year,
        year.until,
        [month.running.total_amount for month in year.months],
        year.last_year_running,
        year.total.target,
        charts.Forecast(ahead.value, ahead.low, ahead.high) if ahead else None,
        height=height,
    )


def by_month(year: YearOverview, link: Link, height: int) -> column_chart.ColumnChart:
    """Each month beside last year's; a column leads to its list."""
    now = [
        (month.counted.total_amount, link(year.query(first=month.first_day, last=month.last_day)))
        for month in year.months
    ]
    last = year.months[-1] if year.months else None
    running = last.month if last and year.is_running and year.until < last.last_day else None
    before = [month.total_amount for month in year.last_year_months]
    return column_chart.monthly(year.year, now, before, running, height=height)


def tiles(year: YearOverview, link: Link) -> charts.TileMap:
    """Where the units stand with their tasks."""
    return charts.tile_map(
        [(unit.code, unit.name, unit.completion, link(year.query(unit=unit.code))) for unit in year.units], year.pace
    )
