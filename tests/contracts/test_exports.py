"""The contract list as a file: the same rows, all of them, for those who may see them, and written down."""

import csv
import io
import re
import zipfile
from datetime import date

from sqlalchemy import select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.states import State
from contracts_app.core.trail.audit import AuditEntry
from tests.factories import QUANZHOU, SHISHI


def exported(visitor, kind, **args):
    led = visitor.post("/contracts/export", query_string=args, data={"format": kind})
    assert led.status_code == 303, led.text
    return visitor.get(led.location)


def lines(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_a_file_holds_every_row_that_matches_in_the_lists_order(make, sign_in, session):
    person = make.enterprise("王小明", party_type_code="500")
    make.contract("=甲", state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=1_000_000)
    make.contract("乙", state=State.SUBMITTED, amount=30_000, seller=person)
    make.contract("丙", state=State.SUBMITTED, amount=20_000, unit=SHISHI)
    manager = make.user(Role.MANAGER, region=QUANZHOU)
    visitor = sign_in(manager)
    found = lines(exported(visitor, "csv", sort="-amount"))
    assert [row["合同名称"] for row in found] == ["'=甲", "乙", "丙"]
    assert found[0]["成交额（元）"] == "1000000.00"
    assert found[1]["卖方"] == "王**"
    assert [row["合同名称"] for row in lines(exported(visitor, "csv", unit=SHISHI))] == ["丙"]
    told = session.scalars(select(AuditEntry).where(AuditEntry.action == "export_contracts").order_by(AuditEntry.id))
    assert [(entry.details["rows"], entry.details["query"]) for entry in told] == [(3, "全部合同"), (1, "石狮市")]


def test_a_years_file_says_what_was_counted_and_adds_up_on_its_last_sheet(make, sign_in):
    contract = make.contract("甲", state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=1_234_567)
    before = ledger.dimensions_of(contract)
    contract.total_amount += 10
    ledger.count_change(contract, before, date(2025, 6, 1))
    visitor = sign_in(make.user(Role.MANAGER))
    found = lines(exported(visitor, "csv", year=2025))
    assert [(row["计入原因"], row["计入项数"], row["成交额（元）"]) for row in found] == [
        ("变更", "0", "10.00"),
        ("登记", "1", "1234567.00"),
    ]
    with zipfile.ZipFile(io.BytesIO(exported(visitor, "xlsx", year=2025).data)) as book:
        last = book.read("xl/worksheets/sheet2.xml").decode()
    assert "<v>123.4577</v>" in last
    assert "2025年登记" in last


def test_the_same_list_is_there_for_programs(make, sign_in, session):
    person = make.enterprise("王小明", party_type_code="500")
    make.contract("甲", state=State.REGISTERED, registered_on=date(2025, 5, 5), amount=1_234_567, seller=person)
    make.contract("乙", state=State.SUBMITTED, amount=20_000, unit=SHISHI)
    visitor = sign_in(make.user(Role.MANAGER))
    answer = exported(visitor, "json", year=2025)
    assert answer.mimetype == "application/json"
    found = answer.get_json()
    assert (found["query"], found["sentence"]) == ({"year": "2025"}, "2025年登记")
    assert found["caliber"] == {"code": "registered", "label": "登记口径"}
    assert found["total"].items() >= {"rows": 1, "contracts": 1, "total_amount": "1234567.00"}.items()
    (row,) = found["rows"]
    assert (row["title"], row["seller"], row["state"], row["total_amount"]) == (
        "甲",
        "王**",
        "registered",
        "1234567.00",
    )
    assert (row["cause"], row["contracts"], row["counted_on"]) == ("registration", 1, "2025-05-05")
    every = exported(visitor, "json")
    assert every.get_json()["caliber"] is None
    assert "乙" not in every.text
    told = session.scalars(select(AuditEntry).where(AuditEntry.action == "export_contracts")).all()
    assert [entry.details["file"] for entry in told] == ["json", "json"]
    assert exported(visitor, "json", q="没有这样的").get_json()["rows"] == []
    assert exported(visitor, "csv").headers["Content-Type"] == "text/csv; charset=utf-8"


def test_what_cannot_be_read_is_not_left_out_of_a_file(make, sign_in, session):
    make.contract(state=State.REGISTERED, registered_on=date(2025, 5, 5))
    visitor = sign_in(make.user(Role.MANAGER))
    for asked in ("year=abc", "year=2025&caliber=zz", "unit=000000", "date_from=2025-02-31", "cause=zz"):
        for address in (f"/contracts/export?{asked}", f"/statistics/totals/file?{asked}"):
            assert visitor.post(address, data={"format": "json"}).status_code == 409, address
        answer = visitor.get(f"/statistics/totals/?{asked}&format=json", headers={"Accept": "application/json"})
        assert answer.status_code == 409, asked
        assert answer.get_json()["message"].startswith("条件里有读不懂的")
    assert session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("export_"))).all() == []


def test_a_ticket_is_for_whom_it_was_given(make, sign_in):
    contract = make.contract("石狮的", state=State.REGISTERED, unit=SHISHI)
    manager, other = sign_in(make.user(Role.MANAGER, region=SHISHI)), sign_in(make.user(Role.MANAGER))
    ticket = manager.post("/contracts/export", data={"format": "csv"}).location
    assert contract.title in manager.get(ticket).text
    assert other.get(ticket).location == "/contracts/"
    assert other.get("/contracts/export?ticket=x").location == "/contracts/"
    assert lines(exported(other, "csv")) == []


def test_a_list_that_is_too_long_is_not_cut_in_silence(make, sign_in, monkeypatch):
    monkeypatch.setattr("contracts_app.contracts.desk.exports.MOST", 1)
    monkeypatch.setattr("contracts_app.contracts.views.MOST", 1)
    for _ in range(2):
        make.contract(state=State.REGISTERED)
    visitor = sign_in(make.user(Role.MANAGER))
    answer = visitor.post("/contracts/export", data={"format": "csv"})
    assert answer.status_code == 409
    assert "一次最多导出 1 行" in answer.text
    assert "一次最多导出 1 行" in visitor.get("/contracts/").text


def test_what_an_address_asks_can_be_seen_and_changed_in_the_bar(make, sign_in):
    make.contract(state=State.REGISTERED)
    asked = "year=2025&since=2024&ip=02&flow=within&band=from_100&caliber=output&seller_kind=150&lacking=platform"
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get(f"/contracts/?{asked}").text
    for value in ("02", "within", "from_100", "output", "150"):
        assert f'<option selected value="{value}">' in page, value
    assert re.search(r'name="since"[^>]* value="2024"', page)
    assert '<input type="hidden" name="lacking" value="platform">' in page
