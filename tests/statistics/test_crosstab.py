"""Whatever two dimensions are asked for: each number on the page is the foot of the list it leads to."""

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from random import Random

import pytest
from sqlalchemy import select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import Cause
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc, today
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.platforms.models import Platform
from contracts_app.statistics.measures import MEASURES
from contracts_app.statistics.totals.question import Show
from tests.factories import JINJIANG, QINGYANG, QUANZHOU, SHISHI

from .pages import foot_of, numbers_on


@pytest.fixture
def years(make, session):
    """Two counties, three years: registered, changed, struck off, paid; with and without platform and town."""
    rng = Random(7)
    parties = [make.enterprise(region=place) for place in (JINJIANG, SHISHI, "350200", "990000")]
    platform = session.scalar(select(Platform.id).limit(1))
    for number in range(16):
        day = date(rng.choice((2024, 2025, 2026)), rng.randint(1, 10), rng.randint(1, 28))
        seller, buyer = rng.sample(parties, 2)
        contract = make.contract(
            state=State.REGISTERED,
            registered_on=day,
            unit=rng.choice((JINJIANG, SHISHI)),
            seller=seller,
            buyer=buyer,
            amount=Decimal(rng.randint(2, 10**9)).scaleb(-2),
            technology=Decimal("0.01"),
            type_code=rng.choice(("KF1", "KF2", "FW1")),
            platform_id=rng.choice((platform, None)),
            town_code=rng.choice((QINGYANG, None)),
            ip_code=rng.choice(("0201", "03", None)),
        )
        if number % 4 == 0:
            before = ledger.dimensions_of(contract)
            contract.total_amount += Decimal(10_000)
            ledger.count_change(contract, before, date(2026, 11, 2))
        elif number % 4 == 1:
            contract.state = State.CANCELLED
            ledger.strike_off(contract, Cause.CANCELLATION, date(2026, 11, 3))
        elif number % 4 == 2:
            ledger.count_receipt(contract, Decimal("12345.67"), date(2026, 11, 4), now_utc())
            ledger.count_verification(contract, Decimal("2345.67"), date(2026, 11, 5), now_utc())
    session.commit()


@dataclass
class Worked:
    """A figure that was worked out: where it leads, and how it says it was."""

    href: str
    code: str
    told: str
    text: str = ""


class _Worked(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.inside = [], None

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        if tag == "a" and "data-figure" in facts:
            self.inside = Worked(facts["href"], facts["data-figure"], facts["title"])
            self.found.append(self.inside)

    def handle_endtag(self, tag):
        if tag == "a":
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.inside.text += data


def worked_on(html):
    reader = _Worked()
    reader.feed(html)
    return reader.found


ASKED = ("", "", "type=KF1", "ip=0201", "lacking=platform", "unit=350582", "date_to=2026-06-15", "flow=out", "q=测试")


def pages_at_random(rng):
    """Addresses of the totals page: any dimensions, measures, calibers, years and filters."""
    while True:
        rows, columns = rng.sample(sorted(DIMENSIONS), 2)
        yield "&".join(
            (
                f"rows={rows}&columns={rng.choice((columns, columns, ''))}&year=2026&{rng.choice(ASKED)}",
                f"caliber={rng.choice(('registered', 'registered', 'output', 'absorbed'))}",
                f"measure={rng.choice(sorted(MEASURES))}&show={rng.choice(list(Show)).value}",
                f"order={rng.choice(('list', 'amount'))}&since={rng.choice(('', '2024'))}",
            )
        )


def test_every_number_is_the_foot_of_its_list(make, sign_in, years):
    rng = Random(3)
    visitors = [sign_in(make.user(Role.MANAGER, region=region)) for region in (QUANZHOU, JINJIANG)]
    asked, checked = pages_at_random(rng), 0
    for _ in range(8):
        visitor, address = rng.choice(visitors), f"/statistics/totals/?{next(asked)}"
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        numbers, worked = numbers_on(answer.text), worked_on(answer.text)
        for number in rng.sample(numbers, min(4, len(numbers))):
            assert number.value == foot_of(visitor.get(number.href).text)[number.measure], (address, number)
            checked += 1
        for one in rng.sample(worked, min(2, len(worked))):
            assert_is_worked_out_as_it_says(visitor, one)
    assert checked > 15


def assert_is_worked_out_as_it_says(visitor, one):
    """The title holds the figures it was made of; the first is the list's; the result is what the page shows."""
    amounts = [Decimal(text.replace(",", "")) for text in re.findall(r"-?[0-9,]+(?:\.[0-9]+)?", one.told)]
    foot = foot_of(visitor.get(one.href).text)
    average = (foot["total_amount"] / foot["contracts"]).quantize(Decimal("0.01")) if foot.get("contracts") else 0
    assert amounts[0] in (*foot.values(), average), one
    if not one.text.endswith("%"):  # an average
        assert abs(Decimal(one.text.replace(",", "")) - amounts[0] / amounts[1]) <= Decimal("0.01"), one
    elif amounts[-1] > 1_000:  # of smaller ones the two decimals that are shown do not give the share exactly
        part = amounts[0] - amounts[1] if "−" in one.told else amounts[0]
        share = (part / amounts[-1] * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
        assert abs(Decimal(one.text.rstrip("%").replace(",", "")) - share) <= Decimal("0.1"), one


def test_sums_are_of_everything_also_on_the_second_page(make, sign_in, session, monkeypatch):
    monkeypatch.setattr("contracts_app.statistics.totals.crosstab.ROWS", 3)
    monkeypatch.setattr("contracts_app.statistics.totals.crosstab.COLUMNS", 2)
    for month in range(1, 6):
        make.contract(state=State.REGISTERED, registered_on=date(2025, month, 5), amount=10_000 * month)
    visitor = sign_in(make.user(Role.MANAGER, region=QUANZHOU))
    address = "/statistics/totals/?rows=month&columns=quarter&year=2025"
    first, last = visitor.get(address).text, visitor.get(f"{address}&page=4&across=2").text
    assert "第 1–3 行，共 12 行" in first
    assert "第 1–2 列，共 4 列" in first
    assert "第 10–12 行，共 12 行" in last
    assert "三季度" in last
    for page in (first, last):
        foot = page[page.index("<tfoot>") : page.index("</tfoot>")]
        assert "15.00" in [number.text for number in numbers_on(foot)]
        assert "全部 12 行、4 列" in foot
    assert visitor.get(f"{address}&page=99&across=99").status_code == 200


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ("rows=nonsense", "行从列表里选一项"),
        ("rows=unit&columns=unit", "行和列选两个不同的维度"),
        ("measure=1", "指标从列表里选一项"),
        ("measure=average&show=row", "平均每项不能算占比，换一个指标"),
        ("year=20x5", "年度写成四位数字，例如 2025"),
        ("caliber=mine", "统计口径从列表里选一项"),
        ("year=2025&date_to=2024-12-31", "截至日期早于 2025-01-01，核对年度后重新填写"),
        ("date_kind=signed&date_from=2025-01-01", "统计按登记日期计入；按签订、提交日期筛选到合同列表里办"),
        ("unit=000000", "考核单元从列表里选一项"),
        ("year=2025&date_to=2025-02-30", "2025 年 2 月"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(make, sign_in, args, sentence):
    answer = sign_in(make.user(Role.MANAGER)).get(f"/statistics/totals/?{args}")
    assert answer.status_code == 200
    assert sentence in answer.text


def test_a_year_that_runs_is_compared_with_the_same_days(make, sign_in):
    year = today().year
    make.contract(state=State.REGISTERED, registered_on=date(year, 1, 1), amount=30_000)
    make.contract(state=State.REGISTERED, registered_on=date(year - 1, 1, 1), amount=20_000)
    make.contract(state=State.REGISTERED, registered_on=date(year - 1, 12, 31), amount=70_000)
    page = sign_in(make.user(Role.MANAGER)).get(f"/statistics/totals/?rows=unit&columns=&year={year}").text
    assert "+50.0%" in page or today() == date(year, 12, 31)


def test_a_click_on_a_row_goes_one_step_down(make, sign_in):
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), town_code=QINGYANG)
    visitor = sign_in(make.user(Role.MANAGER, region=QUANZHOU))
    page = visitor.get("/statistics/totals/?rows=unit&columns=type&year=2025").text
    assert 'title="按镇街细分">晋江市<' in page
    below = re.search(r'href="([^"]+)" title="按镇街细分"', page)[1].replace("&amp;", "&")
    assert "青阳街道" in visitor.get(below).text


def test_files_hold_the_whole_table_and_are_written_down(make, sign_in, session, monkeypatch):
    monkeypatch.setattr("contracts_app.statistics.totals.crosstab.ROWS", 2)
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=1_234_567, type_code="KF1")
    visitor = sign_in(make.user(Role.MANAGER, region=QUANZHOU, name="=局长"))
    address = "/statistics/totals/file?rows=month&columns=type&year=2025"
    lines = list(csv.reader(io.StringIO(visitor.post(address, data={"format": "csv"}).data.decode("utf-8-sig"))))
    assert len(lines) == 14
    assert lines[0][0] == "月份"
    assert lines[5][:2] == ["2025年5月", "1234567.00"]
    assert lines[-1][0] == "合计"
    with zipfile.ZipFile(io.BytesIO(visitor.post(address, data={"format": "xlsx"}).data)) as book:
        sheets = [book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2)]
        words = "".join(sheets)
    assert "<v>123.4567</v>" in sheets[0]
    assert "=局长" in words
    assert "<f>" not in words
    assert "按登记机构所在的考核单元" in words
    assert visitor.post(address, data={"format": "exe"}).status_code == 400
    told = session.scalars(select(AuditEntry).where(AuditEntry.action == "export_totals")).all()
    assert [entry.details["file"] for entry in told] == ["csv", "xlsx"]
    data = json.loads(visitor.get("/statistics/totals/?rows=month&columns=type&year=2025&format=json").text)
    assert len(data["rows"]) == 12
    assert data["rows"][4]["values"][0] == "1234567.00"
    assert data["total"][0] == "1234567.00"
    file = visitor.post(address, data={"format": "json"})
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.get_json() | {"generated_at": ""} == data | {"generated_at": ""}
    assert visitor.post(f"{address}&page=x&across=0", data={"format": "csv"}).status_code == 200, "has all pages"
    assert visitor.post(f"{address}&measure=zz", data={"format": "csv"}).status_code == 409


def test_data_come_out_under_the_same_limit_as_files(make, sign_in):
    visitor = sign_in(make.user(Role.MANAGER))
    address = "/statistics/totals/?rows=month&year=2031"
    for _ in range(20):
        assert visitor.get(f"{address}&format=json").status_code == 200
    assert visitor.get(f"{address}&format=json").status_code == 429
    assert visitor.post("/statistics/totals/file?year=2031", data={"format": "csv"}).status_code == 429
    assert visitor.get(address).status_code == 200


def test_a_page_that_there_is_not_is_told_and_years_are_chosen_from_those_there_are(make, sign_in):
    make.contract(state=State.REGISTERED, registered_on=date(2024, 5, 5))
    visitor = sign_in(make.user(Role.MANAGER))
    page = visitor.get("/statistics/totals/?rows=month&year=2025&page=999&across=x").text
    assert "行没有第 999 页，共 1 页" in page
    assert "页码写成数字" in page
    offered = re.findall(r'<option value="(\d{4})"', page[page.index('id="year"') : page.index('id="since"')])
    assert offered == [str(year) for year in range(today().year, 2023, -1)]
    assert '<option value="2019" selected>' in visitor.get("/statistics/totals/?year=2019").text


def test_columns_that_no_sheet_holds_follow_in_a_second_table_on_paper(make, sign_in):
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=1_234_567)
    visitor = sign_in(make.user(Role.MANAGER))
    page = visitor.get("/statistics/totals/?rows=type&columns=month&year=2025&since=2024").text
    first, second = page.split("</table>")[:2]
    heads = [re.findall(r'<th scope="col" class="num[^>]*>(?:<[^>]+>)?([^<]+)', part) for part in (first, second)]
    assert len(heads[0]) == 16 + 4, "on the screen all of the page"
    kept = int(re.search(r"cross-keep-(\d+)", first)[1]) - 1  # beside the name
    assert heads[0][kept:] == heads[1], "on paper the rest of them"
    assert "123.46" in second
    assert "（续）" not in visitor.get("/statistics/totals/?rows=type&columns=month&year=2025").text


def test_nothing_counted_says_what_to_do(make, sign_in):
    page = sign_in(make.user(Role.MANAGER)).get("/statistics/totals/?year=2031").text
    assert "这些条件下没有计入的合同。" in page
    assert "<table" not in page


def test_statements_do_not_grow_with_rows(make, sign_in, count_queries):
    visitor = sign_in(make.user(Role.MANAGER, region=QUANZHOU))

    def statements():
        with count_queries() as queries:
            visitor.get("/statistics/totals/?rows=broker&columns=subtype&year=2025&show=growth")
        return len(queries)

    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5), broker_id=make.broker().id)
    few = statements()
    for kind in ("KF2", "FW1", "ZR1"):
        make.contract(
            state=State.REGISTERED, registered_on=date(2025, 5, 5), broker_id=make.broker().id, type_code=kind
        )
    assert statements() == few


def test_what_is_asked_below_a_key_stays_asked(app):
    for code, asked, key in (("type", "KF1", "KF"), ("ip", "0201", "02")):
        query = ContractQuery(year=2025, **{code: asked})
        assert DIMENSIONS[code].narrowed(query, key) == query
    narrow = DIMENSIONS["subtype"].narrowed(ContractQuery(year=2025, type="KF"), "KF1")
    assert narrow.type == "KF1"
    assert DIMENSIONS["type"].narrowed(narrow, "KF").type == "KF1"
