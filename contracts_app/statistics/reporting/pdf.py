"""A report as one to three pages for those who decide."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import get_template_attribute

from contracts_app.core.clock import local, now_utc
from contracts_app.core.drawing import charts
from contracts_app.core.drawing.typesetting import typeset
from contracts_app.core.installation import is_demonstration
from contracts_app.core.web.filters import growth, money_wan, number, percent
from contracts_app.regions.queries import office_of
from contracts_app.statistics.publishing.sentences import amount_words
from contracts_app.statistics.sums import growth_of

from .reports import Kind, Line, Report, Table, UnitLine, definitions
from .sheets import ratio

TEMPLATE = Path(__file__).parents[1] / "templates" / "report.typ"
SHOWN = ("type", "flow", "field", "band", "seller_kind", "buyer_kind")  # facets, side by side; all are in the workbook
LONGEST = 9  # lines of a facet; the others as one
# The stylesheet's colours, for where no stylesheet reaches.
LOOKS = """
text { font-family: "Noto Sans SC"; font-size: 12px; fill: #465563; }
.c-grid { stroke: #e6ebef; } .c-axis { stroke: #b9c4ce; } .c-now { stroke: #5b6a77; stroke-dasharray: 2 3; }
.c-actual { fill: none; stroke: #0a6b67; stroke-width: 2.5; }
.c-last { fill: none; stroke: #8593a0; stroke-width: 1.5; }
.c-target { fill: none; stroke: #154d78; stroke-width: 1.5; stroke-dasharray: 6 4; }
.c-dot { fill: #0a6b67; stroke: #fff; stroke-width: 2; }
.c-t-teal, .c-t-blue { paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round; }
.c-t-teal { fill: #08524f; font-weight: 700; } .c-t-blue { fill: #154d78; }
"""


def pdf(made: Report) -> bytes:
    """The pages, as PDF/A-2b."""
    printed = f"{local(now_utc()):%Y-%m-%d %H:%M}"
    data = {
        "title": made.title,
        "office": office_of(made.region),
        "printed": f"{printed} 由登记系统生成",
        "under": f"{made.span} · {made.caliber.label} · 金额单位万元 · {made.rules}",
        "is_demonstration": is_demonstration(),
        "sentence": made.sentence.text,
        "key": _key(made),
        "chart_title": "累计成交额" if made.months else "",
        "chart_note": _chart_note(made),
        "wide": [_units(made)],
        "narrow": [_facet(table) for table in made.tables if table.dimension.code in SHOWN and table.lines],
        "definitions": [list(pair) for pair in definitions(made)],
    }
    return typeset(TEMPLATE, data, {"chart": chart(made)})


def line_chart(made: Report) -> charts.LineChart:
    """The year up to the report's last day, against the task and last year."""
    until = made.until
    return charts.cumulative(
        made.period.year,
        until,
        [month.running.total_amount for month in made.months],
        made.last_year,
        made.total.target,
    )


def chart(made: Report) -> str:
    """The same drawing as on the page, as an SVG that stands alone."""
    plot = get_template_attribute("components/charts.html", "plot")
    drawn = line_chart(made)
    svg = str(plot(drawn.wide, drawn.words, "chart-wide"))
    start = svg.index(">") + 1
    return svg[: start - 1].replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1) + (
        f"><style>{LOOKS}</style>{svg[start:]}"
    )


def _chart_note(made: Report) -> str:
    drawn = line_chart(made)
    task = "各单元任务合计" if made.is_of_parts else "年度任务"
    target = f"；虚线：{task} {drawn.target_words}" if drawn.target_words else ""
    before = f"；灰线：{made.period.year - 1} 年" if drawn.wide.last_year else ""
    return f"{drawn.unit}，按计入日期{target}{before}"


def _key(made: Report) -> list[dict[str, str]]:
    total = made.total
    now = total.now
    shown = [
        ("本期项数", number(now.contracts), "项", _number_before(made)),
        ("本期成交额", money_wan(now.total_amount), "万元", f"同比 {growth(total.growth)}"),
        ("本期技术交易额", money_wan(now.technology_amount), "万元", f"到账 {money_wan(total.received)} 万元"),
        (
            "各单元任务合计完成率" if made.is_of_parts else "年度任务完成率",
            percent(total.completion),
            "",
            _against_the_task(made),
        ),
    ]
    return [dict(zip(("name", "value", "unit", "below"), each, strict=True)) for each in shown]


def _number_before(made: Report) -> str:
    """同比 +6.3%，上年 397."""
    if not made.knows_last_year:
        return "上年没有数，不作比较"
    return f"同比 {growth(made.total.growth_in_number)}，上年 {made.total.before.contracts:,}"


def _against_the_task(made: Report) -> str:
    """序时 74.8%，任务 5.50亿元; at mid-year 已过半，期末任务 6.39亿元: the task that was in force on 30 June."""
    total = made.total
    if total.target is None or total.completion is None:
        return "没有有效的年度任务"
    task = "".join(amount_words(total.target))
    if made.kind is Kind.HALF:
        return f"{'已过半' if total.completion * 2 >= 1 else '未过半'}，期末任务 {task}"
    return f"序时 {percent(made.pace)}，任务 {task}"


def _units(made: Report) -> dict[str, Any]:
    several = len(made.units) > 1
    columns = [one for one in _columns(made) if several or one[0] != RANKS]
    lines = [*made.ranked, made.total] if several else made.ranked
    return {
        "title": "各考核单元" if several else "任务完成情况",
        "note": "万元" + ("；名次：成交额 / 完成率，按年初累计" if several else ""),
        "head": [head for head, _, _ in columns],
        "rows": [[cell(line) for _, _, cell in columns] for line in lines],
        "widths": [width for _, width, _ in columns],
        "foot": several,
    }


RANKS = "名次"
UnitColumn = tuple[str, int, Callable[[UnitLine], str]]  # head, share of the width, cell


def _columns(made: Report) -> list[UnitColumn]:
    """What is said of a unit. Where the period begins the year, it is all that was counted since January."""
    always: list[UnitColumn] = [
        ("考核单元", 15, lambda line: line.name),
        ("年度任务", 12, lambda line: money_wan(line.target)),
        ("年初累计", 12, lambda line: money_wan(line.running.total_amount)),
        ("完成率", 8, lambda line: percent(line.completion)),
        (RANKS, 7, _ranks),
        ("同比" if made.period.begins_the_year else "累计同比", 9, lambda line: growth(line.running_growth)),
        ("项数", 6, lambda line: number(line.now.contracts)),
    ]
    period: list[UnitColumn] = [
        ("本期成交额", 12, lambda line: money_wan(line.now.total_amount)),
        ("同比", 9, lambda line: growth(line.growth)),
    ]
    year: list[UnitColumn] = [
        ("技术交易额", 12, lambda line: money_wan(line.now.technology_amount)),
        ("到账额", 12, lambda line: money_wan(line.received)),
    ]
    share: UnitColumn = ("占比", 7, lambda line: percent(line.share_of(made.total.now)))
    return [*always, *(year if made.period.begins_the_year else period), share]


def _ranks(line: UnitLine) -> str:
    """1 / 2; nothing in the line of all units."""
    if not line.key:
        return ""
    return f"{line.rank_by_amount} / {line.rank_by_completion or '—'}" if line.rank_by_amount else "—"


def _facet(table: Table) -> dict[str, Any]:
    lines = sorted(table.lines, key=lambda line: -line.now.total_amount)
    shown, rest = (lines, []) if len(lines) <= LONGEST else (lines[: LONGEST - 1], lines[LONGEST - 1 :])
    rows = [_line_cells(line, table) for line in shown]
    if rest:
        rows.append(_sum_cells(f"其他 {len(rest)} 类", rest, table))
    return {
        "title": f"按{table.dimension.label}",
        "note": "万元",
        "head": [table.dimension.label, "项数", "成交额", "同比", "占比"],
        "rows": [*rows, _sum_cells("合计", lines, table)],
        "widths": [29, 8, 18, 16, 12],
        "foot": True,
    }


def _line_cells(line: Line, table: Table) -> list[str]:
    amount = money_wan(line.now.total_amount)
    return [line.name, number(line.now.contracts), amount, growth(line.growth), percent(line.share_of(table.total))]


def _sum_cells(name: str, lines: Sequence[Line], table: Table) -> list[str]:
    now, before = (sum((one.total_amount for one in each), Decimal(0)) for each in _sides(lines))
    contracts, whole = sum(line.now.contracts for line in lines), table.total.total_amount
    share = percent(ratio(now, whole))
    return [name, number(contracts), money_wan(now), growth(growth_of(now, before)), share]


def _sides(lines: Sequence[Line]) -> tuple[list[Any], list[Any]]:
    return [line.now for line in lines], [line.before for line in lines]
