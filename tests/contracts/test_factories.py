"""What the factories make is what the office could have made."""

import pytest

from contracts_app.contracts.books import ledger
from contracts_app.contracts.checking import checks
from contracts_app.contracts.states import State
from contracts_app.core.clock import today


@pytest.mark.parametrize("state", list(State))
def test_a_contract_of_any_state_stands_before_constraints_and_checks(make, session, state):
    contract = make.contract(state=state)

    session.expire_all()
    assert contract.state is state
    assert checks.errors(contract, today()) == []
    assert [line.target for line in contract.history][-1:] == ([] if state is State.DRAFT else [state])
    assert ledger.verify() == []
