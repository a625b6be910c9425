"""Reports: what they add up to, on the screen, in the workbook, which is reckoned again cell by cell, and as pages."""

import io
import re
import zipfile
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from contracts_app.accounts.models import Onlooker
from contracts_app.accounts.roles import Role
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.regions.models import Region
from contracts_app.statistics.periods import Period
from contracts_app.statistics.reporting import reports
from contracts_app.statistics.reporting.extras import extras
from contracts_app.statistics.reporting.reports import Kind, kind_of, masked, periods_to_report, report
from contracts_app.statistics.reporting.workbook import workbook
from tests.factories import JINJIANG, QUANZHOU, SHISHI

from .pages import foot_of, numbers_on

ON = date(2026, 11, 20)


@pytest.fixture
def two_years(register, task, make):
    """Three units in two years with uneven amounts, two with a task, one contract struck off."""
    register(JINJIANG, "2024-03-05", Decimal("120.5"))
    register(JINJIANG, "2024-05-31", Decimal("33.33"), "FW1")
    register(SHISHI, "2024-02-29", 71, "ZR1")
    register(JINJIANG, "2025-01-01", Decimal("150.07"), technology=Decimal("90.01"))
    register(JINJIANG, "2025-03-28", 88, "FW1", technology=44)
    register(SHISHI, "2025-03-03", 20, "ZX1")
    register("3505K1", "2025-11-21", 60, "XK1")
    make.contract(state=State.REVOKED, unit=SHISHI, registered_on=date(2025, 2, 3), amount=70_000)
    task(JINJIANG, 2025, 200)
    task(SHISHI, 2025, 50)


@pytest.fixture
def made(app, two_years):
    def of(code, key):
        region = db.session.get(Region, code)
        return report(region, Period.parse(key), Onlooker(region), ON)

    return of


# --- which reports there are -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("2025", Kind.YEARLY), ("2026", Kind.PROGRESS), ("2025-H1", Kind.HALF),
        ("2025-H2", Kind.SECOND_HALF), ("2025-M9", Kind.THREE_QUARTERS),
        ("2025-Q2", Kind.QUARTERLY), ("2025-M2", Kind.JOINT), ("2025-10", Kind.MONTHLY), ("2025-M5", Kind.RUNNING),
    ],
)  # fmt: skip
def test_a_period_has_its_kind_of_report(key, kind):
    assert kind_of(Period.parse(key), ON) is kind


def test_only_what_has_begun_is_reported():
    assert [one.key for one in periods_to_report(2026, date(2026, 2, 3))] == [
        "2026", "2026-H1", "2026-M9", "2026-Q1", "2026-M2", "2026-01", "2026-02"
    ]  # fmt: skip
    assert len(periods_to_report(2025, ON)) == 21
    assert periods_to_report(2027, ON) == []


def test_of_a_natural_person_only_the_surname_leaves():
    assert (masked("张三丰", "500"), masked("晋江甲公司", "150")) == ("张**", "晋江甲公司")


# --- what they say ---------------------------------------------------------------------------------------------------


def test_a_month_is_compared_with_its_own_days_and_the_task_with_the_whole_year_so_far(made):
    march = made(QUANZHOU, "2025-03")
    jinjiang = next(line for line in march.units if line.key == JINJIANG)
    assert (jinjiang.now.contracts, jinjiang.now.total_amount, jinjiang.before.total_amount) == (1, 880_000, 1_205_000)
    assert jinjiang.completion == Fraction(23807, 20000)
    assert (jinjiang.rank_by_amount, jinjiang.rank_by_completion) == (1, 1)
    assert march.total.completion == Fraction(2_650_700, 2_500_000)  # the units that have a task, against their tasks
    assert march.total.running.contracts == sum(month.now.contracts for month in march.months)
    for table in march.tables:
        assert table.total == march.total.now, table.dimension.code


def test_figures_are_those_of_the_list_behind_them(made):
    year = made(QUANZHOU, "2025")
    assert sums(year.total.query, year.facts.reader) == year.total.now
    for line in (*year.units, *year.months, *(line for table in year.tables for line in table.lines)):
        assert sums(line.query, year.facts.reader) == line.now, line.name
        assert sums(line.query_before, year.facts.reader) == line.before, line.name
    # A list that is cut says what it leaves out.
    every, first = reports.rows(year), reports.rows(year, most=2)
    assert len(every) == year.total.now.rows
    assert reports.left_out(year, every) == reports.NOTHING
    assert year.last_year[-1] == sum(line.before.total_amount for line in year.units)  # the chart's, to December
    rest = reports.left_out(year, first)
    assert rest.total_amount + sum(row.total_amount for row in first) == year.total.now.total_amount
    assert rest.rows == len(every) - 2


# --- the workbook ----------------------------------------------------------------------------------------------------


class Reckoned:
    """A workbook read back: its values by cell, its formulas, and a small calculator for them."""

    def __init__(self, content):
        self.sheets = {}
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            self.sheets[name] = {
                f"{letters(column)}{row}": cell
                for row, cells in enumerate(rows, 1)
                for column, cell in enumerate(cells)
            }
        self.xml = {}
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for number, name in enumerate(book.sheet_names, 1):
                self.xml[name] = packed.read(f"xl/worksheets/sheet{number}.xml").decode()

    def formulas(self, sheet):
        found = re.findall(r'<c r="([A-Z]+[0-9]+)"[^>]*><f>([^<]*)</f>', self.xml[sheet])
        return [(cell, text.replace("&gt;", ">").replace("&lt;", "<").replace("&quot;", '"')) for cell, text in found]

    def value(self, sheet, cell):
        return self.sheets[sheet].get(cell.replace("$", ""), "")

    def range(self, sheet, first, last):
        (left, top), (right, bottom) = (re.fullmatch(r"([A-Z]+)([0-9]+)", one).groups() for one in (first, last))
        assert left == right
        return [self.value(sheet, f"{left}{row}") for row in range(int(top), int(bottom) + 1)]

    def reckon(self, sheet, text):
        text = re.sub(r"'([^']+)'!\$?([A-Z]+)\$?([0-9]+)", r'at("\1","\2\3")', text.replace("$", ""))
        text = re.sub(r"\b([A-Z]{1,2}[0-9]+):([A-Z]{1,2}[0-9]+)", r'cells("\1","\2")', text)
        text = re.sub(r'(?<!["\w])([A-Z]{1,2}[0-9]+)(?!["\w])', r'own("\1")', text)
        text = re.sub(r'own\(("\w+")\)=""', r"blank(\1)", text)

        def number(value):
            return value if value != "" else 0

        scope = {
            "blank": lambda cell: self.value(sheet, cell) == "",
            "own": lambda cell: number(self.value(sheet, cell)),
            "at": lambda other, cell: self.value(other, cell),
            "cells": lambda first, last: self.range(sheet, first, last),
            "SUM": lambda cells: sum(number(cell) for cell in cells if not isinstance(cell, str)),
            "SUMIF": lambda cells, _, amounts: sum(
                amount for cell, amount in zip(cells, amounts, strict=True) if cell != "" and cell > 0
            ),
            "RANK": lambda value, cells: 1 + sum(cell > value for cell in cells if not isinstance(cell, str)),
            "ROUND": round,
        }
        if text.startswith("IF("):
            condition, then, otherwise = arguments(text[3:-1])
            text = then if eval(condition, {}, scope) else otherwise
        return eval(text, {}, scope)


def arguments(text):
    """What stands between the commas that no bracket holds."""
    parts, depth = [""], 0
    for sign in text:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def letters(column):
    return (chr(64 + column // 26) if column >= 26 else "") + chr(65 + column % 26)


def test_every_formula_of_the_workbook_gives_what_stands_in_its_cell_and_all_sheets_the_same(made):
    for key in ("2025-H1", "2025"):
        of = made(QUANZHOU, key)
        book = Reckoned(workbook(of, extras(of), "测试", is_demonstration=False))
        assert reckoned_again(book) > 150
    adds_up(of, book)


def test_a_task_of_the_city_is_its_own_also_where_it_is_the_sum_of_the_units(made, task):
    task(QUANZHOU, 2025, 250)
    of = made(QUANZHOU, "2025-12")
    assert of.total.measured == of.total.running.total_amount > sum(line.measured for line in of.units if line.target)
    assert reckoned_again(Reckoned(workbook(of, extras(of), "测试", is_demonstration=False))) > 150


def reckoned_again(book):
    """How many formulas give what stands in their cells; one that does not fails."""
    reckoned = 0
    for sheet in book.sheets:
        for cell, text in book.formulas(sheet):
            value, again = book.value(sheet, cell), book.reckon(sheet, text)
            if isinstance(again, str) or value == "":
                assert again == value, (sheet, cell, text)
            else:
                assert again == pytest.approx(value, abs=1e-9), (sheet, cell, text)
            reckoned += 1
    return reckoned


def adds_up(year, book):
    """Table, months, facets and list come to the same; the sheets are set for A4."""
    assert {
        "封面",
        "总表",
        "分月",
        "合同类型",
        "技术流向",
        "金额区间",
        "合同清单",
        "七个一",
        "规划指标",
        "口径与定义",
    } <= set(book.sheets)
    wan = float(year.total.now.total_amount / 10_000)
    totals = [
        sum(row[10] for row in body(book, "合同清单")),
        sum(row[4] for row in body(book, "合同类型")),
        sum(row[12] for row in body(book, "总表")),
        sum(row[2] for row in body(book, "分月")),
    ]
    assert totals == [pytest.approx(wan)] * 4
    assert sum(row[9] for row in body(book, "合同清单")) == year.total.now.contracts
    for sheet in book.sheets:
        differs = [row[1:] for row in lines(book, sheet) if row[0] == "与总表相差"]
        assert all(cell in ("", 0) for row in differs for cell in row), sheet
    for sheet in ("总表", "合同清单", "口径与定义"):
        assert 'paperSize="9"' in book.xml[sheet]
        assert 'state="frozen"' in book.xml[sheet]


def lines(book, sheet):
    cells = book.sheets[sheet]
    width = max(len(re.sub(r"[0-9]", "", cell)) * 26 for cell in cells)
    rows = sorted({int(re.sub(r"[A-Z]", "", cell)) for cell in cells})
    return [[cells.get(f"{letters(column)}{row}", "") for column in range(width)] for row in rows]


def body(book, sheet):
    """The rows between the header and 合计."""
    every = lines(book, sheet)
    head = next(number for number, row in enumerate(every) if row[0] != "" and row[1] != "")
    foot = next(number for number, row in enumerate(every) if row[0] == "合计")
    return every[head + 1 : foot]


def test_a_text_is_never_a_formula(app, register):
    register(JINJIANG, "2025-06-01", 5).title = "=HYPERLINK(1)"
    db.session.flush()
    region = db.session.get(Region, JINJIANG)
    year = report(region, Period.parse("2025-06"), Onlooker(region), ON)
    book = Reckoned(workbook(year, extras(year), "测试", is_demonstration=False))
    assert [row[4] for row in body(book, "合同清单")] == ["=HYPERLINK(1)"]
    assert all(not text.startswith("HYPERLINK") for _, text in book.formulas("合同清单"))


# --- pages and files -------------------------------------------------------------------------------------------------


def test_every_number_of_the_page_leads_to_its_list(make, sign_in, two_years):
    visitor = sign_in(make.user(Role.MANAGER, region=QUANZHOU))
    page = visitor.get("/statistics/reports?period=2025-03").text
    assert "2025年3月泉州市技术合同认定登记月度快报" in page
    places = re.findall(r'data-label="名次"><span>(.*?)</span></td>', page)
    assert [re.sub("<[^>]*>", "", place) for place in places][:4] == ["1 / 1", "2 / 2", "—", "—"], "registered nothing"
    numbers = [number for number in numbers_on(page) if number.measure in ("contracts", "total_amount")]
    assert len(numbers) > 60
    first = visitor.get("/statistics/reports?period=2024").text
    assert "系统没有那一年的数" in first
    assert not [number for number in numbers_on(first) if "year=2023" in number.href], "nothing is no nought"
    for number in numbers[::23]:
        assert number.value == foot_of(visitor.get(number.href).text)[number.measure], number


def test_files_are_taken_and_written_down(make, sign_in, two_years):
    visitor = sign_in(make.user(Role.MANAGER))
    form = {"period": "2025-H1", "region": JINJIANG}
    book = visitor.post("/statistics/reports/file", data=form | {"format": "xlsx"})
    assert "封面" in CalamineWorkbook.from_filelike(io.BytesIO(book.data)).sheet_names
    assert "; filename=reports-2025.xlsx; filename*=UTF-8''2025%E5" in book.headers["Content-Disposition"]
    pages = visitor.post("/statistics/reports/file", data=form | {"format": "pdf"})
    document = pypdfium2.PdfDocument(pages.data)
    text = "".join(document[number].get_textpage().get_text_range() for number in range(len(document)))
    assert 1 <= len(document) <= 3
    assert "未过半" not in text
    assert "已过半" in text
    assert "口径与定义" in text
    entries = db.session.query(AuditEntry).filter_by(action="make_report").order_by(AuditEntry.id).all()
    assert [entry.details["file"] for entry in entries] == [".xlsx", ".pdf"]
    assert visitor.post("/statistics/reports/file", data=form | {"format": "exe"}).status_code == 400
    theirs = form | {"region": SHISHI, "format": "xlsx"}
    assert visitor.post("/statistics/reports/file", data=theirs).status_code == 404
    assert visitor.get(f"/statistics/reports?region={SHISHI}").status_code == 404


def test_a_period_that_nobody_can_read_is_told_and_no_other_is_handed_out(make, sign_in, two_years):
    visitor = sign_in(make.user(Role.MANAGER))
    page = visitor.get("/statistics/reports?period=zz&year=abc").text
    assert "期间“zz”没有读懂" in page
    assert "年度“abc”没有读懂" in page
    for wrong in ({"period": "zz"}, {"period": "2025", "year": "99999"}):
        asked = wrong | {"region": JINJIANG, "format": "pdf"}
        assert visitor.post("/statistics/reports/file", data=asked).status_code == 400
    assert db.session.query(AuditEntry).filter_by(action="make_report").count() == 0


def test_a_town_and_a_year_without_contracts_are_told_so(make, sign_in):
    town = sign_in(make.user(Role.MANAGER, region="350582103"))
    assert "报表按考核单元统计" in town.get("/statistics/reports").text
    county = sign_in(make.user(Role.MANAGER))
    empty = county.get("/statistics/reports?period=2024-02").text
    assert "没有登记技术合同" in empty
    assert 'action="/statistics/reports/file"' not in empty
    form = {"period": "2024-02", "region": JINJIANG, "format": "xlsx"}
    assert county.post("/statistics/reports/file", data=form).status_code == 200
    assert "还没有开始" in county.get(f"/statistics/reports?period={today().year + 1}").text


def test_a_report_asks_the_database_as_often_for_many_contracts_as_for_few(made, register, count_queries):
    asked = []
    extras(made(QUANZHOU, "2025"))  # what is read once for good
    for _ in range(2):
        with count_queries() as queries:
            of = made(QUANZHOU, "2025")
            workbook(of, extras(of), "测试", is_demonstration=False)
        asked.append(len(queries))
        for month in range(1, 4):
            register(SHISHI, f"2025-{month:02d}-04", 10 * month, "FW1")
    assert asked[1] <= asked[0]


def test_the_command_writes_a_file(app, two_years, tmp_path):
    run = app.test_cli_runner().invoke
    file = tmp_path / "报表.xlsx"
    done = run(args=["report", "--year", "2025", "--period", "Q1", "--region", JINJIANG, "--out", str(file)])
    assert (done.exit_code, "2025年一季度晋江市" in done.output) == (0, True)
    assert "总表" in CalamineWorkbook.from_path(str(file)).sheet_names
    for wrong in (["--period", "X"], ["--region", "999999"], ["--year", "2099"]):
        assert run(args=["report", *wrong, "--out", str(file)]).exit_code == 2
    assert run(args=["report", "--out", "x.doc"]).exit_code == 2
