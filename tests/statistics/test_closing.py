"""A closed period can be neither edited nor silently shifted, whatever is done and whoever does it at the same time."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts_app.accounts.models import Onlooker
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import closings, ledger
from contracts_app.contracts.books.ledger import Cause
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.counting.totals import totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db, unit_of_work
from contracts_app.core.errors import Refused
from contracts_app.regions.models import Unit
from contracts_app.statistics.periods import Period
from contracts_app.statistics.publishing import snapshots
from contracts_app.statistics.publishing.snapshots import Frozen, Publication
from tests.factories import JINJIANG, SHISHI

END = date(2025, 12, 31)
BY = [DIMENSIONS[name] for name in ("unit", "type", "month")]


def close(until=END, unit=JINJIANG):
    return closings.close([db.session.get(Unit, unit)], until, "年报", None)


def closed_figures():
    """Every figure of the closed year: registrations, receipts and verifications, by unit, type and month."""
    queries = [
        ContractQuery(year=2025, unit=JINJIANG, cause=cause) for cause in (None, Cause.RECEIPT, Cause.VERIFICATION)
    ]
    return [totals(query, Onlooker.of_all(), BY) for query in queries]


def test_nothing_counts_on_a_closed_day_and_the_next_day_is_open(register):
    assert close() == [JINJIANG]
    with pytest.raises(Refused, match="已经封账"):
        register(JINJIANG, "2025-12-31", 5)
    db.session.rollback()
    register(JINJIANG, "2026-01-01", 5)
    register(SHISHI, "2025-12-31", 5)


def test_a_closing_is_never_taken_back(app):
    close()
    assert close(date(2025, 6, 30)) == []
    assert closings.closed_until([JINJIANG]) == {JINJIANG: END}
    with pytest.raises(Refused, match="没有过完"):
        close(today())


def test_the_day_is_refused_beside_its_field_before_anything_is_decided(make, sign_in):
    contract = make.contract(state=State.REVIEWED, submitted_on=END - timedelta(days=9))
    close()
    reviewer = sign_in(make.user(Role.REVIEWER))
    assert "2025-12-31 及以前已经封账" in reviewer.get(f"/contracts/{contract.id}/register").text
    asked = {"version": str(contract.version), "registration_number": "2026350500000001", "registered_on": "2025-12-30"}
    page = reviewer.post(f"/contracts/{contract.id}/register", data=asked)
    assert page.status_code == 422
    assert "填 2025-12-31 以后的日期" in page.text
    assert contract.state is State.REVIEWED
    done = reviewer.post(f"/contracts/{contract.id}/register", data=asked | {"registered_on": "2026-01-02"})
    assert done.status_code == 302


_days = st.dates(date(2025, 11, 1), date(2026, 2, 28))
_acts = st.lists(
    st.tuples(st.sampled_from(["register", "change", "move", "strike", "receive", "verify"]), _days), max_size=6
)


def test_no_sequence_of_acts_alters_a_closed_period(make, register):
    """Whatever is registered, changed, struck off or received, on whatever day, and whether it is refused or not."""
    contracts = [register(JINJIANG, day, 50) for day in ("2025-11-03", "2025-11-20")]
    close()
    before = closed_figures()

    @settings(max_examples=10)
    @given(_acts)
    def example(acts):
        whole = db.session.begin_nested()
        refused = 0
        for number, (act, day) in enumerate(acts):
            try:
                with db.session.begin_nested():
                    do(act, day, contracts[number % 2])
            except Refused:
                refused += 1
        assert refused == sum(day <= END for _, day in acts)
        assert closed_figures() == before
        whole.rollback()

    example()


def do(act, day, contract):
    before = ledger.dimensions_of(contract)
    if act == "register":
        ledger.append(
            ledger.entries(contract, Cause.CHANGE, day, {before: ledger.Figures(1, contract.total_amount + 1)}, {})
        )
    elif act == "change":
        contract.total_amount += Decimal(100)
        ledger.count_change(contract, before, day)
    elif act == "move":
        contract.type_code = "FW1" if contract.type_code == "KF1" else "KF1"
        ledger.count_change(contract, before, day)
    elif act == "strike":
        ledger.append(ledger.entries(contract, Cause.REVOCATION, day, {before: ledger.Figures(-1)}, {}))
    elif act == "receive":
        ledger.count_receipt(contract, Decimal(7), day, now_utc())
    else:
        ledger.count_verification(contract, Decimal(7), day, now_utc())


def test_nothing_lands_in_a_period_that_is_closed_while_others_count(live):
    """Several who count and a closing at once: what the closing saw is what the period holds for ever."""
    make, app = live.make, live.app
    filers = [make.contract(state=State.REGISTERED, registered_on=date(2026, 1, 5)) for _ in range(4)]
    ids = [contract.id for contract in filers]
    db.session.commit()
    db.session.remove()
    start, seen, refused, done = Barrier(len(ids) + 1), [], [], []

    def count(contract_id):
        with app.app_context():
            start.wait()
            for step in range(6):
                try:
                    with unit_of_work() as work:
                        contract = work.get(ledger.Contract, contract_id)
                        ledger.count_receipt(contract, Decimal(1 + step), END, now_utc())
                    done.append(contract_id)
                except Refused:
                    refused.append(contract_id)

    def closing():
        with app.app_context():
            start.wait()
            with unit_of_work():
                frozen = Frozen(
                    snapshots.freeze(
                        db.session.get(Unit, JINJIANG).region, Period(2025, 1, 12), Publication("年报"), None
                    )
                )
                snapshots.close(frozen, None)
                seen.append(frozen.content["figures"]["registered"]["whole"]["received_amount"])

    threads = [*(Thread(target=count, args=(key,)) for key in ids), Thread(target=closing)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    received = totals(ContractQuery(year=2025, unit=JINJIANG, cause=Cause.RECEIPT), Onlooker.of_all()).get(())
    assert [f"{received.received_amount if received else Decimal(0):.2f}"] == seen
    assert len(refused) + len(done) == 24
    assert [verdict.faults for verdict in snapshots.verdicts()] == [()]
    with pytest.raises(Refused):
        ledger.count_receipt(db.session.get(ledger.Contract, ids[0]), Decimal(1), END, now_utc())
