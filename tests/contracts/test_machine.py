"""Anybody does anything in any order: whatever was drawn, what must hold holds after each step."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.books import ledger
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.checking.checks import Section
from contracts_app.contracts.filing import actions
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import today
from contracts_app.core.db import constraint_of, db
from contracts_app.core.errors import Refused
from contracts_app.enterprises.models import Enterprise
from tests.factories import JINJIANG, QUANZHOU, SHISHI

ROLES = [
    (Role.BROKER,),
    (Role.BROKER,),
    (Role.REGISTRAR,),
    (Role.REVIEWER,),
    (Role.REGISTRAR, Role.REVIEWER),
    (Role.REGISTRAR, Role.REVIEWER),
    (Role.BROKER, Role.REGISTRAR, Role.REVIEWER),
    (Role.MANAGER,),
    (Role.ADMIN,),
    (Role.AUDITOR,),
]
FORWARD = {
    *("submit", "resubmit", "accept", "review", "register"),
    *("check", "register_large", "send_to_expert", "record_expert"),
}
REGISTERING = ("register", "register_large")
TRIED = {  # what follows the registration is tried with the cases
    *FORWARD,
    *("refuse", "return_review", "ask_correction", "ask_correction_second", "withdraw"),
    *("return_check", "not_accept", "extend", "undo", "archive"),
}
FILERS_MOVES = {"submit", "resubmit", "withdraw"}
numbers = st.integers(1, 12).map(lambda number: f"2026350500{number:06}")  # few, so that they meet
fen = st.integers(1, 10**9)


def taken_off(amount):
    return {"kind": "part", "name": "零件", "amount": amount, "is_subject": False, "note": ""}


@st.composite
def answers(draw, name, contract):
    """Valid answers to what a move asks."""
    if name == "review":
        share = draw(st.integers(0, int(contract.total_amount * 100)))
        return {
            "recognised_type": draw(st.sampled_from(["KF1", "ZR3", "FW1"])),
            "deductions": [taken_off(Decimal(share).scaleb(-2))] if share else [],
            "conclusion": draw(st.sampled_from(["register", "refuse"])),
            "opinion": draw(st.sampled_from(["", "属于技术合同。"])),
        }
    if name in REGISTERING:
        first = contract.accepted_on or today()
        return {
            "registration_number": draw(numbers),
            "registered_on": first + timedelta(days=draw(st.integers(0, max(0, (today() - first).days)))),
            "opinion": "",
        }
    return {
        "submit": {"undertaking": True},
        "resubmit": {"replies": ["已补。"] * len(contract.open_corrections)},
        "accept": {"complete_papers": True},
        "refuse": {"refusal_code": draw(st.sampled_from(["R01", "R04"])), "opinion": "标的不清楚。"},
        "return_review": {"reason": "重新核实。"},
        "withdraw": {"reason": "不再申请。"},
        "check": {"looked_through": True, "opinion": ""},
        "return_check": {"reason": "再核实。"},
        "send_to_expert": {"reason": "有争议。"},
        "record_expert": {"experts": 3, "expert_on": today(), "expert_conclusion": "register", "opinion": ""},
        "not_accept": {"non_acceptance_code": draw(st.sampled_from(["N01", "N03"])), "opinion": ""},
        "extend": {"days": draw(st.integers(1, 20)), "reason": "复杂。"},
        "undo": {"reason": "点错了。"},
        "archive": {"archive_number": "盒1", "archived_on": today()},
    }.get(name) or {"items": [{"section": "money", "request": "写明付款计划"}]}


class Office(RuleBasedStateMachine):
    """What people do to contracts. Beside the database stands what ought to be in it."""

    make = connection = None  # given by the test
    people_ids: list[int]
    party_ids: dict[str, list[int]]

    contracts = Bundle("contracts")

    def __init__(self):
        super().__init__()
        self.example = self.connection.begin_nested()
        self.paths: dict[int, list[tuple[str, State]]] = {}  # contract -> (move, where it led)
        self.versions: dict[int, int] = {}

    def teardown(self):
        db.session.remove()
        self.example.rollback()

    @property
    def people(self):
        return db.session.scalars(select(User).where(User.id.in_(self.people_ids)).order_by(User.id)).all()

    @initialize(target=contracts, data=st.data())
    def three_contracts_are_on_their_way(self, data):
        """So that no example is without any."""
        begun = [self.somebody_starts(place, unit) for place, unit in enumerate((JINJIANG, SHISHI, JINJIANG))]
        self.the_office_goes_on_with_it(begun[0], [2, 2, 4, 5], data)
        self.the_office_goes_on_with_it(begun[1], [12, 12, 14], data)
        return multiple(*begun)

    @rule(
        target=contracts,
        filer=st.integers(0, 100),
        unit=st.sampled_from([JINJIANG, SHISHI]),
        amount=fen,
        parties=st.permutations(range(4)),
    )
    def somebody_starts_a_contract(self, filer, unit, amount, parties):
        return self.somebody_starts(filer, unit, amount, parties)

    def somebody_starts(self, filer, unit, amount=100, parties=(0, 1)):
        filers = [person for person in self.people if person.has(Role.BROKER, Role.REGISTRAR)]
        contract = self.make.contract(
            filed_by=filers[filer % len(filers)],
            unit=unit,
            amount=Decimal(amount).scaleb(-2),
            seller=db.session.get(Enterprise, self.party_ids[unit][parties[0]]),
            buyer=db.session.get(Enterprise, self.party_ids[unit][parties[1]]),
        )
        self.paths[contract.id], self.versions[contract.id] = [], contract.version
        return contract.id

    @rule(
        number=contracts,
        place=st.integers(0, 100),
        name=st.sampled_from(sorted(TRIED)),
        data=st.data(),
    )
    def anybody_tries_anything(self, number, place, name, data):
        self.tries(number, self.people[place % len(self.people)], name, data)

    @rule(number=contracts, places=st.lists(st.integers(0, 100), min_size=1, max_size=5), data=st.data())
    def the_office_goes_on_with_it(self, number, places, data):
        """Who may, makes the next move on the way to the register."""
        for place in places:
            contract = db.session.get(Contract, number)
            people = self.people[place % len(self.people_ids) :] + self.people[: place % len(self.people_ids)]
            offers = (
                (person, offer.move.name)
                for person in people
                for offer in CONTRACT.offers(contract, person)
                if not offer.reasons and offer.move.name in FORWARD
            )
            if offered := next(offers, None):
                assert self.tries(number, *offered, data), "what is offered without a reason can be done"

    def tries(self, number, person, name, data):
        """Whether the move was made; a refused one must leave no trace."""
        contract = db.session.get(Contract, number)
        source, given = contract.state, data.draw(answers(name, contract))
        try:
            CONTRACT.offer(name, contract, person).make(given, version=contract.version)
            db.session.commit()
        except Refused:
            db.session.rollback()
            return False
        except IntegrityError as broken:  # offered, and the number was taken by another contract
            db.session.rollback()
            return name in REGISTERING and constraint_of(broken) == "uq_contracts_registration_number"
        assert contract.version > self.versions[number]
        assert (source, contract.state) in {
            (one, end) for one in CONTRACT.moves[name].sources for end in CONTRACT.moves[name].ends(one)
        }
        assert contract.extended_days <= 15
        self.versions[number] = contract.version
        self.paths[number].append((name, contract.state))
        return True

    @rule(number=contracts, place=st.integers(0, 100), amount=fen)
    def somebody_changes_the_amount(self, number, place, amount):
        contract, person = db.session.get(Contract, number), self.people[place % len(self.people)]
        total = Decimal(amount).scaleb(-2)
        given = {
            "total_amount": total,
            "deductions": [],
            "payment_model_code": "lump_sum",
            "payments": [(None, "验收后", total)],
            "payment_note": "",
        }
        before = contract.total_amount
        try:
            actions.fill_in(contract, Section.MONEY, given, person)
            db.session.commit()
        except Refused:
            db.session.rollback()
            assert contract.total_amount == before
            assert contract.filed_by_id != person.id or contract.state not in (State.DRAFT, State.CORRECTION)
            return
        assert contract.filed_by_id == person.id
        assert contract.state in (State.DRAFT, State.CORRECTION)
        self.versions[number] = contract.version

    @precondition(lambda self: self.paths)
    @rule(number=consumes(contracts), place=st.integers(0, 100))
    def somebody_throws_a_contract_away(self, number, place):
        contract, person = db.session.get(Contract, number), self.people[place % len(self.people)]
        try:
            actions.discard(contract, person)
            db.session.commit()
        except Refused:
            db.session.rollback()
            return
        assert self.paths.pop(number) == []
        self.versions.pop(number)

    # --- what holds ---

    @invariant()
    def what_must_hold_holds(self):
        fresh = select(Contract).options(selectinload(Contract.history)).execution_options(populate_existing=True)
        found = {contract.id: contract for contract in db.session.scalars(fresh)}
        assert found.keys() == self.paths.keys(), "nothing submitted is ever lost, nothing appears by itself"
        for number, contract in found.items():
            self.went_a_declared_way(contract, self.paths[number])
            assert contract.version == self.versions[number]
            if contract.state is State.REGISTERED:
                self.was_registered_properly(contract)
            else:
                assert contract.registration_number is None
            if contract.is_classified:
                assert (contract.title, contract.seller_id, contract.total_amount) == ("", None, 0)
                assert all(line.facts is None and line.before is None for line in contract.history)
        self.numbers_are_used_once(found.values())
        self.the_ledger_counts_the_registered(found.values())

    def went_a_declared_way(self, contract, path):
        assert [(line.move, line.target) for line in contract.history] == path
        assert contract.state is (path[-1][1] if path else State.DRAFT), "only a move changes a state"
        state = CONTRACT.initial
        for line in contract.history:
            move = CONTRACT.moves[line.move]
            assert line.source is state
            assert state in move.sources
            assert line.by.roles & move.roles
            state = line.target
            if line.move in FILERS_MOVES:
                assert line.by_id == contract.filed_by_id
            else:
                assert line.by_id != contract.filed_by_id, "nobody decides what they filed"
                assert line.by.region.covers(contract.unit.region), "nobody decides outside the region"

    def was_registered_properly(self, contract):
        assert len(contract.registration_number) == 16
        assert contract.acceptance_number
        assert contract.accepted_on <= contract.registered_on <= today()
        deciders = {contract.reviewed_by_id, contract.decided_by_id}
        if contract.needs_third:
            deciders.add(contract.checked_by_id)
        assert None not in deciders
        assert len(deciders) == (3 if contract.needs_third else 2)
        assert contract.filed_by_id not in deciders
        assert contract.expert_on is not None or not contract.needs_expert
        last_review = [line for line in contract.history if line.move == "review"][-1]
        (registered,) = [line for line in contract.history if line.move in REGISTERING]
        assert (last_review.by_id, registered.by_id) == (contract.reviewed_by_id, contract.decided_by_id)
        assert contract.technology_amount <= contract.total_amount

    def numbers_are_used_once(self, contracts):
        for column in ("acceptance_number", "registration_number"):
            given = [number for contract in contracts if (number := getattr(contract, column))]
            assert len(given) == len(set(given))
        for prefix, unit in (("JJ", JINJIANG), ("SS", SHISHI)):
            given = sorted(
                contract.acceptance_number
                for contract in contracts
                if contract.unit_code == unit and contract.acceptance_number
            )
            year = today().year
            assert given == [f"{prefix}-JSHT-{year}-{number:05}" for number in range(1, len(given) + 1)], "no gaps"

    def the_ledger_counts_the_registered(self, contracts):
        assert ledger.verify() == []
        registered = {
            contract.id: (contract.registered_on, contract.total_amount, contract.technology_amount)
            for contract in contracts
            if contract.state is State.REGISTERED
        }
        counted = {
            entry.contract_id: (entry.counts_on, entry.total_amount, entry.technology_amount)
            for entry in db.session.scalars(select(LedgerEntry))
        }
        assert counted == registered


@pytest.fixture
def office(app, make):
    """People of every role in two counties and in the city above them, and firms to make contracts with."""
    machine = type("ThisOffice", (Office,), {})
    machine.make = make
    machine.connection = app.extensions["sessions"].kw["bind"]
    machine.people_ids = [
        make.user(*roles, region=region).id for region in (JINJIANG, SHISHI, QUANZHOU) for roles in ROLES
    ]
    machine.party_ids = {unit: [make.enterprise(region=unit).id for _ in range(4)] for unit in (JINJIANG, SHISHI)}
    for unit in (JINJIANG, SHISHI):
        for role in (Role.BROKER, Role.REGISTRAR, Role.REVIEWER):
            make.somebody(role, unit)  # whom the factory names; made here, so that no example's end takes them away
    return machine


def test_whatever_people_do_what_must_hold_holds(office):
    on_sqlite = office.connection.dialect.name == "sqlite"
    run_state_machine_as_test(
        office,
        settings=settings(
            max_examples=8 if on_sqlite else 4,  # the same steps take three times as long on the other
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )
