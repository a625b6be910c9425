import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import delete, update

from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.counting.summaries import FacetTotal
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.regions.queries import units
from tests.factories import JINJIANG, SHISHI


def run(app, *arguments):
    db.session.commit()
    return app.test_cli_runner().invoke(args=["totals", *arguments])


def test_json_has_one_object_a_unit_in_office_order(app, register, task):
    register(JINJIANG, "2025-01-01", Decimal("96.1"), technology=80)
    register(JINJIANG, "2026-01-01", 5)
    register(SHISHI, "2025-12-31", 7)
    task(JINJIANG, 2025, 100)
    result = run(app, "--year", "2025", "--format", "json")
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = json.loads(result.stdout)
    assert [line["unit"] for line in lines] == [unit.name for unit in units()]
    by_unit = {line["unit"]: line for line in lines}
    assert by_unit["晋江市"] == {
        "unit": "晋江市",
        "contracts": 1,
        "total_amount": "961000.00",
        "technology_amount": "800000.00",
        "target": "1000000.00",
        "completion": "0.9610",
    }
    assert by_unit["石狮市"]["target"] is None
    assert by_unit["石狮市"]["completion"] is None
    assert by_unit["鲤城区"]["total_amount"] == "0.00"


def test_completion_is_rounded_half_up_and_not_capped(app, register, task):
    register(JINJIANG, "2025-01-01", Decimal("200.005"))
    task(JINJIANG, 2025, 100)
    (line,) = [line for line in json.loads(run(app, "--year", "2025", "--format", "json").stdout) if line["contracts"]]
    assert line["completion"] == "2.0001"


def test_csv_has_the_same_columns(app, register):
    register(JINJIANG, "2025-01-01", 100)
    lines = list(csv.DictReader(io.StringIO(run(app, "--year", "2025", "--format", "csv").stdout)))
    assert len(lines) == 13
    assert list(lines[0]) == ["unit", "contracts", "total_amount", "technology_amount", "target", "completion"]
    assert next(line for line in lines if line["unit"] == "晋江市")["total_amount"] == "1000000.00"


def test_the_table_is_for_people(app, register, task):
    register(JINJIANG, "2025-01-01", 100)
    task(JINJIANG, 2025, 120)
    table = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in run(app, "--year", "2025").stdout.splitlines()
    ]
    assert ["晋江市", "1", "1,000,000.00", "1,000,000.00", "1,200,000.00", "83.3%"] in table
    assert table[-1] == ["合计", "1", "1,000,000.00", "1,000,000.00", "1,200,000.00", "83.3%"]
    assert table[2][-2:] == ["—", "—"]


def test_average_share_last_year_and_growth_are_shown_on_demand(app, register):
    register(JINJIANG, "2024-03-01", 50, "KF1")
    register(JINJIANG, "2025-03-01", 60, "KF1")
    register(JINJIANG, "2025-04-01", 30, "KF1")
    register(SHISHI, "2025-05-01", 10, "FW1")
    more = [word for name in ("average", "share", "before", "growth") for word in ("--show", name)]
    by_unit = json.loads(run(app, "--year", "2025", *more, "--format", "json").stdout)
    by_type = json.loads(run(app, "--year", "2025", "--by", "type", *more, "--total", "--format", "json").stdout)
    shown = {"average": "450000.00", "share": "0.9000", "before": "500000.00", "growth": "0.8000"}
    assert shown.items() <= next(line for line in by_unit if line["unit"] == "晋江市").items()
    assert shown.items() <= by_type[0].items()
    nothing_before = {"average": "100000.00", "share": "0.1000", "before": None, "growth": None}
    assert nothing_before.items() <= next(line for line in by_type if line["type"] == "FW").items()
    whole = {"type": "", "type_name": "合计", "contracts": 3, "share": "1.0000", "growth": "1.0000"}
    assert whole.items() <= by_type[-1].items()
    assert "+80.0%" in run(app, "--year", "2025", "--by", "type", "--show", "growth").stdout


def test_a_year_that_is_none_is_refused(app):
    assert run(app, "--year", "20x5").exit_code == 2
    assert run(app, "--year", "12").exit_code == 2


def test_verify_says_what_it_compared(app, register, session):
    register(JINJIANG, "2025-01-01", 100)
    result = run(app, "verify")
    assert (result.exit_code, result.stdout) == (
        0,
        "一致：比较了登记过的合同 1 份、台账 1 条、还没有汇总（条数少，直接从台账相加）。\n",
    )
    fold = app.test_cli_runner().invoke(args=["totals", "fold"])
    assert fold.exit_code == 0
    assert " 个汇总。" in run(app, "verify").stdout
    session.execute(delete(FacetTotal))
    lost = run(app, "verify")
    assert lost.exit_code == 1, "what was folded is not there any more"


def test_verify_names_every_cell_that_differs(app, register, session):
    register(JINJIANG, "2025-01-01", 100)
    session.execute(update(LedgerEntry).values(total_amount=Decimal(999_999)))
    result = run(app, "verify")
    assert result.exit_code == 1
    assert "台账 1 项 999999.00 元" in result.stdout
    assert "合同 1 项 1000000.00 元" in result.stdout
    assert "1 处" in result.stderr


def test_by_two_dimensions_there_are_keys_names_and_the_four_amounts(app, register, session):
    contract = register(JINJIANG, "2025-03-01", 100, "KF1", technology=60)
    register(SHISHI, "2025-05-01", 7, "FW1")
    register(SHISHI, "2025-12-01", 9, "FW1")
    ledger.count_receipt(contract, Decimal("1234.50"), date(2025, 4, 1), now_utc())
    result = run(app, "--year", "2025", "--by", "unit,quarter", "--as-of", "2025-06-30", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = json.loads(result.stdout)
    assert [(line["unit_name"], line["quarter"]) for line in lines] == [
        ("石狮市", "2025-Q2"),
        ("晋江市", "2025-Q1"),
        ("晋江市", "2025-Q2"),
    ]
    assert lines[1] == {
        "unit": JINJIANG,
        "unit_name": "晋江市",
        "quarter": "2025-Q1",
        "quarter_name": "2025年一季度",
        "contracts": 1,
        "total_amount": "1000000.00",
        "technology_amount": "600000.00",
        "verified_income": "0.00",
        "received_amount": "0.00",
    }
    assert lines[2]["received_amount"] == "1234.50"
    table = run(app, "--year", "2025", "--by", "type").stdout
    cells = [cell.strip() for cell in table.splitlines()[2].split("|")]
    assert cells[1:-1] == ["KF", "技术开发", "1", "1,000,000.00", "600,000.00", "0.00", "1,234.50"]
    lines = run(
        app, "--year", "2026", "--since", "2025", "--by", "platform", "--unit", SHISHI, "--format", "csv"
    ).stdout
    assert lines.splitlines()[1] == ",没有创新平台,2,160000.00,160000.00,0.00,0.00"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--by", "unit,colour"), "没有维度“colour”。可用：year、half、quarter、month、unit、town、type"),
        (("--by", "unit,unit"), "写一个或两个不同的维度"),
        (("--by", "unit", "--unit", "1"), "考核单元从列表里选一项"),
        (("--by", "unit", "--since", "2026"), "起始年度不能晚于登记年度"),
        (("--as-of", "2024-12-31"), "截至日期早于 2025-01-01"),
        (("--caliber", "mine"), "mine"),
    ],
)
def test_what_cannot_be_asked_is_told(app, arguments, sentence):
    result = run(app, "--year", "2025", *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
