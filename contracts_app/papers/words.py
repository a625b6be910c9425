"""The small words that papers share: days, names, numbers as they are printed."""

from datetime import date
from typing import Any

from contracts_app.contracts.case_models import ContractCase
from contracts_app.contracts.deciding import route
from contracts_app.contracts.models import Contract, HistoryLine
from contracts_app.contracts.states import State
from contracts_app.core.clock import local, now_utc
from contracts_app.core.installation import is_demonstration
from contracts_app.rules.queries import Limits, work_calendar


def name(thing: Any) -> str:
    """The name of a party, a person, a code; empty where there is none."""
    return thing.name if thing else ""


def day(value: date | None) -> str:
    """2026-03-01."""
    return value.isoformat() if value else ""


def long_day(value: date) -> str:
    """2026 年 3 月 1 日."""
    return f"{value.year} 年 {value.month} 月 {value.day} 日"


def yes_no(answer: bool | None) -> str:
    return {True: "是", False: "否", None: ""}[answer]


def spaced(number: str) -> str:
    """A number in groups of four, as people read it out."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def title(contract: Contract) -> str:
    """《减震鞋垫开发》."""
    return f"《{contract.name}》"


def frame(contract: Contract) -> dict[str, Any]:
    """What every paper of a contract carries: whose it is, its number, when it was printed."""
    return {
        "office": contract.unit.office_name if contract.unit else "技术合同认定登记机构",
        "printed_at": local(now_utc()).strftime("%Y-%m-%d %H:%M"),
        "number": f"受理号 {contract.acceptance_number}" if contract.acceptance_number else "",
        "is_demonstration": is_demonstration(),
    }


def reached(contract: Contract, *states: State) -> HistoryLine | None:
    """The last move that led to one of these states."""
    return next((line for line in reversed(contract.history) if line.target in states), None)


def day_of(line: HistoryLine | None, contract: Contract) -> date:
    """The day in Shanghai of a move; of the contract's last change where nothing is recorded."""
    return local(line.at if line else contract.updated_at).date()


def limits_of(contract: Contract) -> Limits:
    """The limits under which the contract was first handed in."""
    return route.limits_of(contract, local(contract.created_at).date())


def limit_in_words(contract: Contract) -> str:
    """15个工作日."""
    limits = limits_of(contract)
    return (limits.large_review if _takes_longer(contract) else limits.review).words


def _takes_longer(contract: Contract) -> bool:
    amounts = {"total_amount": contract.total_amount, "technology_amount": contract.technology_amount}
    return contract.expert_on is not None or limits_of(contract).is_large(**amounts)


def review_due_on(contract: Contract) -> date | None:
    """The last day of the limit of the newest submission, with what it was extended by.

    The contract's own day while the office is at it; afterwards that day is gone, or another case's.
    """
    if contract.state in _AT_THE_OFFICE or contract.submitted_at is None:
        return contract.due_on
    calendar, begun = work_calendar(), local(contract.submitted_at).date()
    last = limits_of(contract).due_on(begun, calendar, is_large=_takes_longer(contract))
    return calendar.add_workdays(last, contract.extended_days)


_AT_THE_OFFICE = frozenset({State.SUBMITTED, State.ACCEPTED, State.REVIEWED, State.EXPERT, State.CHECKED})


def submitted_on(contract: Contract) -> date | None:
    """The day in Shanghai of the newest submission."""
    return local(contract.submitted_at).date() if contract.submitted_at else None


def closed_on(case: ContractCase) -> date:
    """The day of the decision."""
    assert case.closed_at is not None
    return local(case.closed_at).date()
