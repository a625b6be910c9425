"""What came in for the contracts of the demonstration, and what of it was verified.

Drawn by the contract's own number, so that nothing else of the demonstration changes with it.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import select

from contracts_app.accounts.models import User
from contracts_app.contracts.books.ledger import Cause, month_of
from contracts_app.contracts.models import Contract, DeductionKind
from contracts_app.contracts.states import State
from contracts_app.core.clock import as_if, local
from contracts_app.core.db import db
from contracts_app.tracking import actions, queries
from contracts_app.tracking.models import Receipt, Verification
from contracts_app.tracking.royalties import Bounds, royalty
from contracts_app.tracking.workflow import VERIFICATION

from .days import WorkDays
from .people import People
from .plan import JINJIANG

NOTHING = Decimal(0)
_NEVER, _NOT_YET, _IN_PART = 0.06, 0.05, 0.04  # contracts nobody reports on; instalments not paid, or paid by half


def receipts_of(paper: Any, filer: User, as_of: date) -> Iterator[dict[str, Any]]:
    """Rows of what came in for a registered contract up to a day, as its filer wrote it down."""
    rng = Random(paper.id * 7_919)  # noqa: S311  (made-up money, nothing secret)
    if paper.case.story or rng.random() < _NEVER:
        return
    registered = local(paper.case.moves[-1][1])
    for line in paper.payments:
        chance, late = rng.random(), int(rng.random() ** 2 * 24) - 3
        # Not in a year before the registration's: what years that are over received depends on no later contract.
        day = max(line.due_on + timedelta(days=late), date(registered.year, 1, 5))
        recorded = max(registered + timedelta(days=1), registered.replace(year=day.year, month=day.month, day=day.day))
        recorded += timedelta(days=int(rng.random() * 3), minutes=int(rng.random() * 30))
        if chance < _NOT_YET or recorded.date() >= as_of:
            continue
        half = (line.amount / 2).quantize(Decimal(1))
        yield {
            "contract_id": paper.id,
            "received_on": day,
            "counts_on": day,
            "amount": half if chance < _NOT_YET + _IN_PART and half > 0 else line.amount,
            "payer": paper.buyer.name,
            "voucher_number": f"HD{day:%Y%m%d}{rng.randrange(10_000):04}",
            "invoice_numbers": f"{day:%y}35{rng.randrange(10**16):016}",
            "invoiced_on": day - timedelta(days=int(rng.random() * 6)),
            "note": "",
            "is_for_plan": True,
            "reason": "",
            "recorded_by_id": filer.id,
            "recorded_at": recorded,
        }


def counted(receipt: dict[str, Any], registration: dict[str, Any]) -> dict[str, Any]:
    """The entry of the ledger for a receipt: where the registration counts."""
    return registration | {
        "cause": Cause.RECEIPT,
        "counts_on": receipt["counts_on"],
        "month": month_of(receipt["counts_on"]),
        "recorded_at": receipt["recorded_at"],
        "contracts": 0,
        "total_amount": NOTHING,
        "technology_amount": NOTHING,
        "received_amount": receipt["amount"],
    }


def tell(people: People, days: WorkDays, last: int, write_before: Callable[[datetime], None]) -> None:
    """What the broker who signs in did about the money on the last afternoon, and what became of it.

    Made by the real acts. ``write_before`` puts down what others did before a moment.
    """
    broker = next(user for user in people.sign_ins if user.username == "jj-broker")
    write_before(days.moment(last, 14 * 60 + 40))
    with as_if(days.moment(last, 14 * 60 + 40)):
        _state_royalties(broker, days.days[last])
        db.session.flush()  # so that the log has this moment too
    _ask(people, broker, days, last, write_before)


def _state_royalties(broker: User, day: date) -> None:
    """Two statements of last year: one is paid, one overdue."""
    wanted = (
        select(Contract)
        .where(
            Contract.filed_by_id == broker.id,
            Contract.state == State.REGISTERED,
            Contract.royalty_rate.is_not(None),
            Contract.royalty_begins_on < date(day.year, 1, 1),
            Contract.royalty_ends_on >= date(day.year, 1, 1),
        )
        .order_by(Contract.id)
        .limit(2)
    )
    for place, contract in enumerate(db.session.scalars(wanted).all()):
        base = Decimal(1_860_000 + 240_000 * place)
        found = royalty(contract, base, Bounds.YEAR, last=False)
        kept = {"year": day.year - 1, "base_amount": base, "amount": found.amount, "reasoning": found.reasoning}
        due = {"due_on": day - timedelta(days=30), "note": "买方年度销售报告（演示）"}
        statement = actions.record_royalty(contract, broker, kept | due)
        if place == 0:
            paid = {"received_on": day - timedelta(days=26), "amount": statement.amount, "is_for_plan": False}
            payer = contract.buyer.name if contract.buyer else ""
            actions.record_receipt(contract, broker, paid | {"payer": payer}, royalty=statement)


def _ask(people: People, broker: User, days: WorkDays, last: int, write_before: Callable[[datetime], None]) -> None:
    """Four requests for what came in: two are approved, one is checked, one waits."""
    registrar, reviewer = people.registrars[JINJIANG][-1], people.reviewers[JINJIANG][-1]
    wanted = (
        select(Contract)
        .join(Receipt, Receipt.contract_id == Contract.id)
        .where(Contract.filed_by_id == broker.id, Contract.state == State.REGISTERED)
        .group_by(Contract.id)
        .order_by(Contract.id.desc())
        .limit(4)
    )
    for place, contract in enumerate(db.session.scalars(wanted).all()):
        minute = 15 * 60 + 20 * place
        ways: list[tuple[User, str, dict[str, Any]]] = [(broker, "submit", {})]
        if place != 1:
            opinion = "凭证、发票与到账相符，扣除合理。"
            ways.append((registrar, "check", {"checked_amount": None, "opinion": opinion}))
        if place > 1:
            ways.append((reviewer, "approve", {"opinion": "同意核定。"}))
        asked: Verification | None = None
        for step, (person, name, answers) in enumerate(ways):
            at = days.moment(last, minute + 5 * step)
            write_before(at)
            with as_if(at):
                asked = asked or _asked(contract, broker)
                if "checked_amount" in answers:
                    answers["checked_amount"] = asked.income
                VERIFICATION.offer(name, asked, person).make(answers)


def _asked(contract: Contract, broker: User) -> Verification:
    """A request for all that came in, less the share of goods in the price."""
    found = queries.performance_of(contract, broker)
    assert found is not None
    receipts = found.standing_receipts
    share = (contract.total_amount - contract.technology_amount) / contract.total_amount
    goods = (found.received * share).quantize(Decimal(1)) + (1 if share else 0)
    days = [one.received_on for one in receipts]
    answers = {"begins_on": min(days), "ends_on": max(days), "note": "按合同约定的设备费比例扣除。" if goods else ""}
    taken = {DeductionKind.EQUIPMENT: goods} if goods else {}
    return actions.request_verification(contract, broker, receipts, taken, answers)
