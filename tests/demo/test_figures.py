"""The published figures come out to the 分, and every contract would stand in an office."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import pytest
from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from contracts_app.accounts.models import User
from contracts_app.codes.models import Measure
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.checking import checks
from contracts_app.contracts.checking.lookups import Lookups
from contracts_app.contracts.checking.predicates import Context
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.models import Contract, ContractRight, HistoryLine, NumberCounter
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import local, year_edges
from contracts_app.core.codes import parse_uscc
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import ABROAD
from contracts_app.rules.models import Level
from contracts_app.rules.queries import limits_on, rule_set_named, rules_of, work_calendar
from contracts_app.targets.cascade import Verdict, places_under
from contracts_app.targets.models import Target, TargetKind
from contracts_app.targets.pages import cascade_of
from contracts_app.tracking import queries as money
from contracts_app.tracking.models import Receipt, Verification
from tests.demo.conftest import AS_OF
from tests.factories import JINJIANG

WAITING = (State.SUBMITTED, State.CORRECTION, State.ACCEPTED, State.REVIEWED)


def by_unit(year):
    """Contracts and amount of each unit, from the ledger."""
    rows = db.session.execute(
        select(LedgerEntry.unit_code, func.sum(LedgerEntry.contracts), func.sum(LedgerEntry.total_amount))
        .where(LedgerEntry.counts_on.between(*year_edges(year)))
        .group_by(LedgerEntry.unit_code)
    )
    return {unit: (int(count), amount) for unit, count, amount in rows}


def everything():
    """All contracts with what the tests look at: read by the first of them, and belonging to no session."""
    kept = current_app.extensions
    if "everything" not in kept:
        kept["everything"] = _read_everything()
        db.session.expunge_all()
    return kept["everything"]


def _read_everything():
    to_one = ("seller", "buyer", "filed_by", "type", "ip", "goal", "field", "plan_source", "industry", "currency")
    to_one += ("unit", "town", "broker", "platform", "payment_model", "licence_mode")
    wanted = select(Contract).options(
        *(joinedload(getattr(Contract, name)) for name in to_one),
        selectinload(Contract.deductions),
        selectinload(Contract.rights).joinedload(ContractRight.ip),
        selectinload(Contract.payments),
        selectinload(Contract.attachments),
        selectinload(Contract.history),
        selectinload(Contract.corrections),
    )
    return db.session.scalars(wanted.order_by(Contract.id)).all()


@pytest.mark.parametrize(("year", "count", "amount"), [(2024, 180, "500367000.00"), (2025, 217, "601000000.00")])
def test_jinjiang_has_the_published_figures_and_is_first(demonstration, year, count, amount):
    units = by_unit(year)
    assert len(units) == 13
    assert units[JINJIANG] == (count, Decimal(amount))
    next_largest = max(amount for unit, (_, amount) in units.items() if unit != JINJIANG)
    assert next_largest < units[JINJIANG][1] * Decimal("0.9")


def test_the_list_of_contracts_sums_to_the_same(demonstration):
    person = db.session.scalar(select(User).where(User.username == "jj-manager"))
    found = sums(ContractQuery(year=2025, unit=JINJIANG), person)
    assert (found.contracts, found.total_amount) == (217, Decimal("601000000.00"))


def test_about_as_many_as_asked_in_every_state(demonstration):
    states = Counter(db.session.scalars(select(Contract.state)))
    assert set(states) == set(State)
    assert sum(states.values()) == demonstration.report.contracts == 1500


def test_the_summary_equals_a_count_from_scratch(demonstration):
    assert ledger.verify() == []


def test_most_money_came_in_some_is_overdue_and_some_was_verified(demonstration):
    assert money.verify() == []
    broker, manager = (
        db.session.scalar(select(User).where(User.username == name)) for name in ("jj-broker", "qz-manager")
    )
    registered = db.session.scalar(select(func.sum(Contract.total_amount)).where(Contract.registered_on.is_not(None)))
    received = db.session.scalar(select(func.sum(Receipt.amount)))
    assert registered / 2 < received < registered
    late = money.overdue(broker)
    assert 0 < late.page.total < money.overdue(manager).page.total
    states = Counter(db.session.scalars(select(Verification.state)))
    assert states == {"approved": 2, "checked": 1, "submitted": 1}


def test_every_submitted_contract_passes_the_checks_of_its_filing_day(demonstration):
    wrong = []
    filed = [contract for contract in everything() if contract.state is not State.DRAFT]
    for start in range(0, len(filed), 200):
        together = filed[start : start + 200]
        lookups = Lookups(together)  # three questions for all of them
        for contract in together:
            rule_set = rule_set_named(contract.rule_set_code)
            for day in {local(line.at).date() for line in contract.history if line.target is State.SUBMITTED}:
                found = checks.found_by(rules_of(rule_set.code), contract, Context(day, rule_set, lookups))
                wrong += [(contract.id, one.sentence) for one in found if one.level is Level.ERROR]
    assert filed
    assert wrong == []


def test_plan_lines_add_up(demonstration):
    for contract in everything():
        if contract.payments:
            assert sum(line.amount for line in contract.payments) == contract.total_amount


def test_the_sellers_office_is_in_charge_of_an_import_the_buyers(demonstration):
    filed = [contract for contract in everything() if contract.state != State.DRAFT]
    imports = [contract for contract in filed if contract.seller.region_code == ABROAD]
    assert imports
    assert all(contract.buyer.region_code == contract.unit_code for contract in imports)
    assert all(contract.seller.region_code == contract.unit_code for contract in filed if contract not in imports)


def test_registered_by_two_deciders_who_did_not_file_in_order_on_working_days(demonstration):
    calendar = work_calendar()
    for contract in everything():
        if contract.state is State.REGISTERED:
            assert len({contract.filed_by_id, contract.reviewed_by_id, contract.decided_by_id}) == 3
            assert (
                contract.signed_on <= contract.accepted_on <= contract.registered_on <= min(AS_OF, date(2026, 12, 31))
            )
            assert calendar.is_workday(contract.registered_on)
            assert contract.registration_number[:8] == f"{contract.registered_on.year}3505"


def test_histories_follow_the_workflow_in_office_hours(demonstration):
    calendar = work_calendar()
    for contract in everything():
        state, before = State.DRAFT, contract.created_at
        for line in contract.history:
            move, at = CONTRACT.moves[line.move], local(line.at)
            assert line.source == state
            assert state in move.sources
            assert line.target in move.ends(state)
            assert line.at >= before
            assert calendar.is_workday(at.date())
            assert 8 <= at.hour < 18
            assert at.date() <= AS_OF
            assert line.role
            state, before = line.target, line.at
        assert contract.state == state
        assert contract.updated_at >= before


def test_acceptance_numbers_have_no_gap_and_the_counters_go_on(demonstration):
    given = defaultdict(list)
    wanted = select(Contract.acceptance_number, func.min(HistoryLine.at)).join(Contract.history)
    wanted = wanted.where(HistoryLine.move == "accept").group_by(Contract.acceptance_number)
    for number, _ in sorted(db.session.execute(wanted).all(), key=lambda row: row[1]):
        prefix, _, year, serial = number.split("-")
        given[prefix, int(year)].append(int(serial))
    assert all(serials == list(range(1, len(serials) + 1)) for serials in given.values())
    counters = db.session.execute(
        select(Unit.number_prefix, NumberCounter.year, NumberCounter.last).join(
            Unit, Unit.code == NumberCounter.unit_code
        )
    )
    assert {(prefix, year): last for prefix, year, last in counters} == {key: len(had) for key, had in given.items()}


def test_corrections_wait_for_answers_or_have_them(demonstration):
    for contract in everything():
        if contract.state is State.CORRECTION:
            assert contract.open_corrections
            assert contract.due_on is None
        elif contract.state is not State.WITHDRAWN:
            assert not contract.open_corrections
    assert any(contract.corrections and contract.state is State.REGISTERED for contract in everything())


def test_the_queues_of_jinjiang_are_green_amber_and_red(demonstration):
    calendar, colours = work_calendar(), Counter()
    for contract in everything():
        if contract.unit_code == JINJIANG and contract.state in WAITING and contract.due_on:
            submitted = local(contract.submitted_at).date()
            limit = calendar.workdays_between(submitted, contract.due_on)
            used = calendar.workdays_between(submitted, AS_OF)
            amber = limits_on(submitted).amber_share
            colours["red" if used > limit else "amber" if used >= amber * limit else "green"] += 1
    assert colours["green"] > colours["amber"] > colours["red"] > 0


def test_targets_are_marked_as_made_up_and_one_is_missing(demonstration):
    every = db.session.scalars(select(Target).where(Target.kind == TargetKind.TASK)).all()
    assert all(task.is_demo and "演示" in task.document for task in every)
    unit_codes = {unit.code for unit in db.session.scalars(select(Unit))}
    tasks = [task for task in every if task.measure_code == "total_amount" and task.region_code in unit_codes]
    assert len(tasks) == 13 * 3 - 1
    units, share = by_unit(2025), {}
    for task in tasks:
        if task.year == 2025:
            share[task.region_code] = units[task.region_code][1] / task.value
    assert min(share.values()) > Decimal("0.6")
    assert max(share.values()) < Decimal("1.25")
    assert share[JINJIANG] > 1
    assert "3505T1" not in share


@pytest.mark.parametrize("measure", ["total_amount", "technology_amount", "contracts"])
@pytest.mark.parametrize("year", [2025, 2026])
def test_made_up_tasks_add_up(demonstration, year, measure):
    city = db.session.get(Region, "350500")
    cascade = cascade_of(city, places_under(city), year, db.session.get(Measure, measure), None)
    assert cascade.whole.division.verdict is Verdict.EQUAL
    (jinjiang,) = (line for line in cascade.parts if line.place.code == JINJIANG)
    towns = Verdict.EQUAL if measure == "total_amount" else Verdict.NOT_DIVIDED
    assert jinjiang.division.verdict is towns


def test_firms_do_not_exist_and_their_codes_say_so(demonstration):
    firms = db.session.scalars(select(Enterprise)).all()
    known = {
        name for row in db.session.execute(select(Platform.name, Platform.short_name, Platform.host)) for name in row
    }
    assert not known & {firm.name for firm in firms}
    assert len({firm.name_key for firm in firms}) == len(firms)
    for firm in firms:
        assert parse_uscc(firm.code) == firm.code
        assert firm.code[8:12] == "DEM0"


def test_words_in_titles_and_names_are_found(demonstration):
    contract = everything()[700]
    person = db.session.scalar(select(User).where(User.username == "qz-manager"))
    for words in (contract.title, contract.seller.name, contract.buyer.code):
        assert sums(ContractQuery(q=words), person).contracts >= 1


def test_few_titles_repeat(demonstration):
    titles = Counter(db.session.scalars(select(Contract.title)))
    assert len(titles) > 1500 * 0.8
    assert titles.most_common(1)[0][1] <= 6
