"""Which way a contract takes to the register: with or without experts, with two persons or three; and its time limit.

Which contracts experts hear is a matter of the rule set of the filing day: those filed under rules that know no large
contracts (the 2001 set) keep the old way. A third person is the office's own arrangement and holds for all.
"""

from datetime import date

from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import local
from contracts_app.rules.queries import Limits, limits_on, reaches, work_calendar


def limits_of(contract: Contract, day: date) -> Limits:
    """The limits of the rule set in force on the day of the first filing; ``day`` is that day while there is none."""
    return limits_on(next((local(line.at).date() for line in contract.history if line.target is State.SUBMITTED), day))


def start_anew(contract: Contract) -> None:
    """Forget what was found on the way so far: a new submission is looked at as a whole."""
    contract.expert_on, contract.checked_by, contract.extended_days = None, None, 0


def find(contract: Contract, limits: Limits) -> None:
    """Say which way the contract takes with the amounts it has now."""
    amounts = {"total_amount": contract.total_amount, "technology_amount": contract.technology_amount}
    contract.needs_expert = limits.large_amount is not None and reaches("expert", **amounts)
    contract.needs_third = reaches("third_person", **amounts)


def due_with_experts(contract: Contract, limits: Limits) -> date | None:
    """The last day of the longer limit from the same start, and never an earlier one than there is."""
    if contract.submitted_at is None or contract.due_on is None:
        return contract.due_on
    calendar = work_calendar()
    longer = limits.due_on(local(contract.submitted_at).date(), calendar, is_large=True)
    return max(contract.due_on, calendar.add_workdays(longer, contract.extended_days))
