"""The charts of a year, for its page and for the big screen. ``link`` makes the address of a list."""

from collections.abc import Callable

from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.drawing import charts, column_chart

from .year import YearOverview

Link = Callable[[ContractQuery], str]


def charts_of(year: YearOverview, link: Link) -> dict[str, object]:
    """By name, ready for the template's components."""
    return {
        "line": running_total(year),
        "months": by_month(year, link),
        "ring": charts.donut([(line.name, line.counted.total_amount, None) for line in year.types]),
        "bars": charts.bars([(unit.counted.total_amount, unit.target) for unit in year.ranked], year.pace),
        "progress": charts.progress(year.total.completion, year.pace if year.is_running else None),
        "pace": charts.progress(year.pace),
        "technology": charts.progress(year.technology_share),
        "map": tiles(year, link),
    }


def running_total(year: YearOverview) -> charts.LineChart:
    """The year's running total against its task, last year and what it may end with."""
    ahead = year.forecast
    return charts.cumulative(
        year.year,
        year.until,
        [month.running.total_amount for month in year.months],
        year.last_year_running,
        year.total.target,
        charts.Forecast(ahead.value, ahead.low, ahead.high) if ahead else None,
    )


def by_month(year: YearOverview, link: Link) -> column_chart.ColumnChart:
    """Each month beside last year's; a column leads to its list."""
    now = [
        (month.counted.total_amount, link(year.query(first=month.first_day, last=month.last_day)))
        for month in year.months
    ]
    last = year.months[-1] if year.months else None
    running = last.month if last and year.is_running and year.until < last.last_day else None
    return column_chart.monthly(year.year, now, [month.total_amount for month in year.last_year_months], running)


def tiles(year: YearOverview, link: Link) -> charts.TileMap:
    """Where the units stand with their tasks."""
    return charts.tile_map(
        [(unit.code, unit.name, unit.completion, link(year.query(unit=unit.code))) for unit in year.units], year.pace
    )
