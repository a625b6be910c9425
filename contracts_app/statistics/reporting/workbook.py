"""A report as a workbook for people who go on reckoning: every sum, share, growth and rank is a live formula.

Each formula carries its value, so that a program that only reads sees the same. Amounts are 万元. A text is written as
a text whatever it begins with.
"""

import io
from decimal import Decimal
from fractions import Fraction
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell as at

from contracts_app.contracts.counting.totals import Sums
from contracts_app.core.clock import local, now_utc
from contracts_app.statistics.sums import growth_of

from . import reports
from .extras import Extras
from .reports import Kind, Report, Row, Table, UnitLine
from .sheets import (
    COUNT,
    DAY,
    PLAIN,
    RANK,
    SHARE,
    TEXT,
    WAN,
    Book,
    Cells,
    Column,
    Formula,
    Sheet,
    Value,
    for_print,
    growth,
    put,
    ratio,
    share,
    wan,
)

TABLE, LIST = "总表", "合同清单"


class _ReportBook(Book):
    """The workbook of a report while it is written; `foot` is the row of the totals of 总表."""

    def __init__(self, book: Any, made: Report) -> None:
        super().__init__(book, f"{made.period.name}{made.region.name}")
        self.made, self.foot = made, 0


def workbook(made: Report, extras: Extras, by: str, *, is_demonstration: bool) -> bytes:
    """The workbook; ``by`` is who had it made."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": DAY})
    book.set_properties({"title": made.title, "author": by, "created": local(now_utc()).replace(tzinfo=None)})
    book.set_calc_mode("auto")
    written = _ReportBook(book, made)
    cover = book.add_worksheet("封面")
    _units(written)
    _months(written)
    for table in made.tables:
        _facet(written, table)
    _list(written)
    _extras(written, extras)
    _definitions(written)
    _cover(written, cover, by, is_demonstration)
    book.close()
    return content.getvalue()


# --- 总表 -------------------------------------------------------------------------------------------------------------

_UNITS = (
    Column("考核单元", width=16), Column("年度任务（万元）", WAN), Column("年初累计成交额（万元）", WAN),
    Column("完成率", SHARE, 9), Column("差额（万元）", WAN),
    Column("成交额名次", RANK, 8), Column("完成率名次", RANK, 8),
    Column("上年同期累计（万元）", WAN), Column("累计同比", SHARE, 9), Column("本期项数", COUNT, 9),
    Column("上年同期项数", COUNT, 9), Column("项数同比", SHARE, 9), Column("本期成交额（万元）", WAN),
    Column("上年同期成交额（万元）", WAN), Column("成交额同比", SHARE, 9), Column("占比", SHARE, 8),
    Column("本期技术交易额（万元）", WAN), Column("技术交易额占比", SHARE, 9), Column("本期到账额（万元）", WAN),
    Column("本期核定技术性收入（万元）", WAN),
)  # fmt: skip
TASK, RUNNING, DONE, GAP, BY_AMOUNT, BY_DONE, RUNNING_BEFORE = 1, 2, 3, 4, 5, 6, 7
CONTRACTS, AMOUNT, TECHNOLOGY = 9, 12, 16


def _units(written: _ReportBook) -> None:
    made = written.made
    sheet = written.sheet(
        TABLE,
        "分考核单元总表",
        _UNITS,
        f"本期 {made.span}，上年同期 {made.span_before}{made.on_last_year}；金额单位万元；{made.caliber.label}",
    )
    foot = sheet.first + max(len(made.units), 1)
    for line in made.units:
        sheet.add(_unit_cells(sheet, line, made.total, foot))
    if not made.units:
        sheet.line += 1
    total = made.total
    sheet.add(_total_cells(sheet, total, is_own=made.has_own_task), "foot")
    sheet.page.conditional_format(
        sheet.first,
        DONE,
        foot,
        DONE,
        {
            "type": "data_bar",
            "bar_color": "#9cc9c4",
            "bar_solid": True,
            "min_type": "num",
            "min_value": 0,
            "max_type": "num",
            "max_value": 1.5,
        },
    )
    written.foot = foot


def _unit_cells(sheet: Sheet, line: UnitLine, total: UnitLine, foot: int) -> Cells:
    def cell(number: int) -> str:
        return at(sheet.line, number)

    def fixed(number: int) -> str:
        return f"{at(sheet.first, number, True, True)}:{at(foot - 1, number, True, True)}"

    return [
        line.name,
        None if line.target is None else wan(line.target),
        wan(line.running.total_amount),
        # Rounded far behind what is shown: of 0.1/0.7 and 0.3/2.1 a program that reckons anew would rank one before.
        Formula(f'=IF({cell(TASK)}>0,ROUND({cell(RUNNING)}/{cell(TASK)},12),"")', line.completion),
        Formula(f'=IF({cell(TASK)}>0,{cell(TASK)}-{cell(RUNNING)},"")', None if line.gap is None else wan(line.gap)),
        *_ranks(line, cell(RUNNING), fixed(RUNNING), cell(TASK), cell(DONE), fixed(DONE)),
        wan(line.running_before.total_amount),
        growth(cell(RUNNING), cell(RUNNING_BEFORE), line.running_growth),
        *_counted(sheet, line),
        share(cell(AMOUNT), at(foot, AMOUNT, True, True), line.share_of(total.now)),
        *_rest(sheet, line),
    ]


def _ranks(line: UnitLine, amount: str, amounts: str, task: str, done: str, every_done: str) -> Cells:
    """Live also where there is no place yet: whoever fills in an amount gets one."""
    if not line.is_ranked:
        return [None, None]
    return [
        Formula(f'=IF({amount}>0,RANK({amount},{amounts}),"")', line.rank_by_amount),
        Formula(f'=IF({task}*{amount}>0,RANK({done},{every_done}),"")', line.rank_by_completion),
    ]


def _counted(sheet: Sheet, line: UnitLine) -> Cells:
    cells = [at(sheet.line, number) for number in range(CONTRACTS, AMOUNT + 2)]
    return [
        line.now.contracts,
        line.before.contracts,
        growth(cells[0], cells[1], line.growth_in_number),
        wan(line.now.total_amount),
        wan(line.before.total_amount),
        growth(cells[3], cells[4], line.growth),
    ]


def _rest(sheet: Sheet, line: UnitLine) -> Cells:
    technology, amount = at(sheet.line, TECHNOLOGY), at(sheet.line, AMOUNT)
    return [
        wan(line.now.technology_amount),
        share(technology, amount, ratio(line.now.technology_amount, line.now.total_amount)),
        wan(line.received),
        wan(line.verified),
    ]


def _total_cells(sheet: Sheet, total: UnitLine, *, is_own: bool) -> Cells:
    def cell(number: int) -> str:
        return at(sheet.line, number)

    def added(number: int, amount: Decimal) -> Formula:
        return sheet.sum(number, wan(amount))

    measured = cell(RUNNING) if is_own else f'SUMIF({sheet.column(TASK)},">0",{sheet.column(RUNNING)})'
    target = Decimal(0) if total.target is None else total.target
    now, before = total.now, total.before
    return [
        total.name,
        (None if total.target is None else wan(target)) if is_own else added(TASK, target),
        added(RUNNING, total.running.total_amount),
        Formula(f'=IF({cell(TASK)}>0,{measured}/{cell(TASK)},"")', total.completion),
        Formula(f'=IF({cell(TASK)}>0,{cell(TASK)}-{measured},"")', None if total.gap is None else wan(total.gap)),
        None,
        None,
        added(RUNNING_BEFORE, total.running_before.total_amount),
        growth(cell(RUNNING), cell(RUNNING_BEFORE), total.running_growth),
        sheet.sum(CONTRACTS, now.contracts),
        sheet.sum(CONTRACTS + 1, before.contracts),
        growth(cell(CONTRACTS), cell(CONTRACTS + 1), total.growth_in_number),
        added(AMOUNT, now.total_amount),
        added(AMOUNT + 1, before.total_amount),
        growth(cell(AMOUNT), cell(AMOUNT + 1), total.growth),
        share(cell(AMOUNT), cell(AMOUNT), total.share_of(now)),
        added(TECHNOLOGY, now.technology_amount),
        share(cell(TECHNOLOGY), cell(AMOUNT), ratio(now.technology_amount, now.total_amount)),
        added(TECHNOLOGY + 2, total.received),
        added(TECHNOLOGY + 3, total.verified),
    ]


# --- 分月 and the facets ----------------------------------------------------------------------------------------------

_MONTHS = (
    Column("月份", width=9), Column("项数", COUNT, 9), Column("成交额（万元）", WAN), Column("技术交易额（万元）", WAN),
    Column("累计项数", COUNT, 10), Column("累计成交额（万元）", WAN), Column("上年当月项数", COUNT, 10),
    Column("上年当月成交额（万元）", WAN), Column("当月同比", SHARE, 9), Column("上年累计（万元）", WAN),
    Column("累计同比", SHARE, 9),
)  # fmt: skip


def _months(written: _ReportBook) -> None:
    made = written.made
    sheet = written.sheet("分月", "分月情况", _MONTHS, "年初至期末；最后一个月未满时，上年只计同样几天；金额单位万元")
    for line in made.months:
        here = sheet.line
        sheet.add(
            [
                line.name,
                line.now.contracts,
                wan(line.now.total_amount),
                wan(line.now.technology_amount),
                _running(sheet, 1, 4, line.running.contracts),
                _running(sheet, 2, 5, wan(line.running.total_amount)),
                line.before.contracts,
                wan(line.before.total_amount),
                growth(at(here, 2), at(here, 7), line.growth),
                _running(sheet, 7, 9, wan(line.running_before.total_amount)),
                growth(
                    at(here, 5),
                    at(here, 9),
                    growth_of(line.running.total_amount, line.running_before.total_amount),
                ),
            ]
        )
    now, before = made.total.running, made.total.running_before
    here = sheet.line
    sheet.add(
        [
            "合计",
            sheet.sum(1, now.contracts),
            sheet.sum(2, wan(now.total_amount)),
            sheet.sum(3, wan(now.technology_amount)),
            None,
            None,
            sheet.sum(6, before.contracts),
            sheet.sum(7, wan(before.total_amount)),
            growth(at(here, 2), at(here, 7), made.total.running_growth),
            None,
            None,
        ],
        "foot",
    )
    chart = written.book.add_chart({"type": "column"})
    chart.add_series(
        {
            "name": "成交额（万元）",
            "categories": [sheet.name, sheet.first, 0, here - 1, 0],
            "values": [sheet.name, sheet.first, 2, here - 1, 2],
            "fill": {"color": "#2f8f86"},
        }
    )
    chart.add_series(
        {
            "name": "上年当月（万元）",
            "categories": [sheet.name, sheet.first, 0, here - 1, 0],
            "values": [sheet.name, sheet.first, 7, here - 1, 7],
            "fill": {"color": "#b8c4ce"},
        }
    )
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 300})
    sheet.page.insert_chart(here + 2, 0, chart)


def _running(sheet: Sheet, own: int, total: int, value: Decimal | int) -> Formula:
    """The month's cell on top of what stands above."""
    before = "" if sheet.line == sheet.first else f"{at(sheet.line - 1, total)}+"
    return Formula(f"={before}{at(sheet.line, own)}", value)


def _facet(written: _ReportBook, table: Table) -> None:
    label = table.dimension.label
    columns = (
        Column(label, width=30), Column("项数", COUNT, 9), Column("上年同期项数", COUNT, 10),
        Column("项数同比", SHARE, 9), Column("成交额（万元）", WAN), Column("上年同期成交额（万元）", WAN),
        Column("成交额同比", SHARE, 9), Column("占比", SHARE, 8), Column("技术交易额（万元）", WAN),
        Column("平均每项（万元）", WAN),
    )  # fmt: skip
    made = written.made
    sheet = written.sheet(label, f"按{label}", columns, f"本期 {made.span}；金额单位万元；{made.caliber.label}")
    foot = sheet.first + max(len(table.lines), 1)
    for line in table.lines:
        sheet.add([line.name, *_line_cells(sheet.line, foot, line.now, line.before, table.total)])
    if not table.lines:
        sheet.line += 1
    now, before = table.total, table.total_before
    sums = _line_cells(sheet.line, foot, now, before, now)
    values: dict[int, Decimal | int] = {1: now.contracts, 2: before.contracts}
    values |= {4: wan(now.total_amount), 5: wan(before.total_amount)}
    values[8] = wan(now.technology_amount)
    cells = [sheet.sum(number, values[number]) if number in values else cell for number, cell in enumerate(sums, 1)]
    sheet.add(["合计", *cells], "foot")
    _check(written, sheet, foot, 1, 4, 8, now)


def _line_cells(here: int, foot: int, now: Sums, before: Sums, whole: Sums) -> Cells:
    return [
        now.contracts,
        before.contracts,
        growth(at(here, 1), at(here, 2), growth_of(now.contracts, before.contracts)),
        wan(now.total_amount),
        wan(before.total_amount),
        growth(at(here, 4), at(here, 5), growth_of(now.total_amount, before.total_amount)),
        share(at(here, 4), at(foot, 4, True, True), ratio(now.total_amount, whole.total_amount)),
        wan(now.technology_amount),
        share(at(here, 4), at(here, 1), ratio(wan(now.total_amount), now.contracts)),
    ]


def _check(written: _ReportBook, sheet: Sheet, foot: int, count: int, amount: int, technology: int, own: Sums) -> None:
    """A line that says by how much the sheet differs from 总表: nought, or somebody has changed a cell."""
    total, whole = written.foot, written.made.total.now

    def differs(number: int, in_table: int, value: Decimal | int) -> Formula:
        return Formula(f"=ROUND({at(foot, number)}-'{TABLE}'!{at(total, in_table)},6)", value)

    cells: list[Value | Formula] = [None] * len(sheet.columns)
    cells[0] = "与总表相差"
    cells[count] = differs(count, CONTRACTS, own.contracts - whole.contracts)
    cells[amount] = differs(amount, AMOUNT, wan(own.total_amount - whole.total_amount))
    cells[technology] = differs(technology, TECHNOLOGY, wan(own.technology_amount - whole.technology_amount))
    sheet.add(cells, "check")


# --- 合同清单 ---------------------------------------------------------------------------------------------------------

_LIST = (
    Column("序号", RANK, 6), Column("计入日期", DAY, 11), Column("事由", width=7), Column("合同登记编号", width=20),
    Column("合同名称", width=40), Column("类型", width=18), Column("卖方", width=30), Column("买方", width=30),
    Column("登记单元", width=14), Column("项数", COUNT, 7), Column("成交额（万元）", WAN),
    Column("技术交易额（万元）", WAN),
)  # fmt: skip


def _list(written: _ReportBook) -> None:
    made = written.made
    listed = reports.rows(made)
    rest = reports.left_out(made, listed)
    notes = ["变更按差额计入，注销、撤销减去；自然人只列姓；金额单位万元"]
    if rest.rows > 0:
        notes.append(f"只列前 {len(listed):,} 行，其余 {rest.rows:,} 行合并为一行；全部在系统的合同列表里。")
    sheet = written.sheet(LIST, "合同清单", _LIST, *notes, frozen=2)
    for number, row in enumerate(listed, 1):
        sheet.add([number, *_row(row)])
    if rest.rows > 0:
        amounts = (rest.contracts, wan(rest.total_amount), wan(rest.technology_amount))
        sheet.add([None, None, None, None, f"其余 {rest.rows:,} 行", None, None, None, None, *amounts])
    if listed:
        sheet.page.autofilter(sheet.header, 0, sheet.last, len(_LIST) - 1)
    else:
        sheet.line += 1
    foot, whole = sheet.line, made.total.now
    sums = (
        sheet.sum(9, whole.contracts),
        sheet.sum(10, wan(whole.total_amount)),
        sheet.sum(11, wan(whole.technology_amount)),
    )
    sheet.add(["合计", *[None] * 8, *sums], "foot")
    _check(written, sheet, foot, 9, 10, 11, whole)


def _row(row: Row) -> Cells:
    return [
        row.counts_on, row.cause.label, row.number, row.title, row.type, row.seller, row.buyer, row.unit,
        row.contracts, wan(row.total_amount), wan(row.technology_amount),
    ]  # fmt: skip


# --- what a yearly report has besides --------------------------------------------------------------------------------

_SEVEN = (
    Column("序号", RANK, 6), Column("事项", width=18), Column("规划表述", width=22), Column("本系统计数", COUNT, 11),
    Column("单位", width=6), Column("成交额（万元）", WAN), Column("计数办法", "@", 46),
    Column("文件公布数", "@", 46), Column("说明", "@", 40),
)  # fmt: skip
_INDICATORS = (
    Column("序号", RANK, 6), Column("指标", width=34), Column("单位", width=8), Column("性质", width=10),
    Column("基期年", RANK, 8), Column("基期", PLAIN, 9), Column("目标年", RANK, 8), Column("比较", width=6),
    Column("目标", PLAIN, 9), Column("增量", PLAIN, 9), Column("最近公布年", RANK, 9), Column("最近公布数", PLAIN, 11),
    Column("进度", SHARE, 9), Column("判断", width=11), Column("口径与疑点", "@", 50),
)  # fmt: skip
_FIGURES = (
    Column("地区", width=14), Column("指标", width=36), Column("原文", width=30), Column("比较", width=6),
    Column("数值", PLAIN, 12), Column("单位", width=10), Column("期间", width=14), Column("待核与缺失", width=14),
    Column("口径", width=22),
    Column("出处", width=40), Column("说明与疑点", "@", 50),
)  # fmt: skip


def _extras(written: _ReportBook, extras: Extras) -> None:
    if extras.counters:
        sheet = written.sheet(
            "七个一",
            "“七个一”计数",
            _SEVEN,
            "合同按报表期间，登记册按生成时的状况；没有登记册的只列文件公布数，都没有的写明",
        )
        for cells in extras.seven_cells():
            sheet.add(cells, "wrap")
    if extras.indicators:
        sheet = written.sheet(
            "规划指标",
            "规划指标（表1—1）",
            _INDICATORS,
            "进度：水平数（现值−基期）÷（目标−基期），当年流量÷目标",
            place=f"{written.made.period.name}{extras.plans}",
        )
        for line in extras.indicators:
            sheet.add(extras.indicator_cells(line, sheet.line), "wrap")
    if extras.figures:
        sheet = written.sheet(
            "公布数", "本地区和各考核单元的公布数", _FIGURES, "照录原文；缺的不补，待核的不用来计算；不与系统合计相加"
        )
        for cells in extras.figure_cells():
            sheet.add(cells, "wrap")


# --- 封面, 口径与定义 -------------------------------------------------------------------------------------------------


def _definitions(written: _ReportBook) -> None:
    columns = (Column("名称", width=18), Column("定义", width=100))
    sheet = written.sheet("口径与定义", "口径与定义", columns)
    for name, meaning in reports.definitions(written.made):
        sheet.add([name, meaning], "wrap")


def _cover(written: _ReportBook, page: Any, by: str, is_demonstration: bool) -> None:
    made, look = written.made, written.look
    page.set_column(0, 0, 18)
    page.set_column(1, 1, 22)
    page.set_column(2, 2, 64)
    page.write_string(0, 0, made.title, look(kind="title"))
    line = 1
    if is_demonstration:
        page.write_string(line, 0, "演示数据：合同、单位、人员均为虚构，数据不作统计依据。", look(kind="note"))
        line += 1
    if made.sentence.text:
        page.merge_range(line, 0, line, 2, "", look(kind="plain"))
        page.write_string(line, 0, made.sentence.text, look(kind="plain"))
        page.set_row(line, 18 * (len(made.sentence.text) // 52 + 1))
        line += 2
    facts = (
        ("地区", made.region.name),
        ("本期", made.span + ("（本期未结束）" if made.is_running else "")),
        (
            "上年同期",
            made.span_before + made.on_last_year,
        ),
        ("口径", f"{made.caliber.label}：{made.caliber.definition}"),
        ("规则版本", made.rules),
        ("任务文件", "、".join(made.documents) or "没有有效的年度任务"),
        ("生成", f"{local(now_utc()):%Y-%m-%d %H:%M} {by}"),
    )
    for name, words in facts:
        page.write_string(line, 0, name, look(kind="label"))
        page.merge_range(line, 1, line, 2, "", look(kind="plain"))
        page.write_string(line, 1, words, look(kind="plain"))
        page.set_row(line, 16 * (len(words) // 45 + 1))
        line += 1
    line = _key_figures(written, page, line + 1)
    page.write_string(line, 0, "目录", look(kind="heading"))
    for number, (name, holds) in enumerate(written.contents, line + 1):
        page.write_url(number, 0, f"internal:'{name}'!A1", look(kind="link"), name)
        page.write_string(number, 1, holds, look(kind="plain"))
    for_print(page, is_wide=False)


def _key_figures(written: _ReportBook, page: Any, line: int) -> int:
    """The figures of the first page, read live from 总表; gives the line below them."""
    made, total, foot = written.made, written.made.total, written.foot

    def there(number: int) -> str:
        return f"='{TABLE}'!{at(foot, number)}"

    shown: list[tuple[str, str, Formula]] = [
        ("本期项数", COUNT, Formula(there(CONTRACTS), total.now.contracts)),
        ("本期成交额（万元）", WAN, Formula(there(AMOUNT), wan(total.now.total_amount))),
        ("成交额同比", SHARE, Formula(there(AMOUNT + 2), total.growth)),
        ("本期技术交易额（万元）", WAN, Formula(there(TECHNOLOGY), wan(total.now.technology_amount))),
        ("年初累计成交额（万元）", WAN, Formula(there(RUNNING), wan(total.running.total_amount))),
    ]
    if total.target is not None:
        shown += [
            ("年度任务（万元）", WAN, Formula(there(TASK), wan(total.target))),
            ("完成率", SHARE, Formula(there(DONE), total.completion)),
        ]
    page.write_string(line, 0, "主要数字", written.look(kind="heading"))
    for number, (name, look, formula) in enumerate(shown, line + 1):
        page.write_string(number, 0, name, written.look(kind="cell"))
        put(page, number, 1, formula, written.look(look))
    if made.kind is Kind.HALF and total.completion is not None:
        number = line + len(shown) + 1
        words = "过半" if total.completion >= Fraction(1, 2) else "未过半"
        cell = at(line + len(shown), 1)
        page.write_string(number, 0, "双过半（成交额）", written.look(kind="cell"))
        page.write_formula(number, 1, f'=IF({cell}>=0.5,"过半","未过半")', written.look(), words)
        shown.append(("", TEXT, formula))
    return line + len(shown) + 2
