from datetime import date
from decimal import Decimal

import pytest

from contracts_app.contracts.states import State
from contracts_app.targets.models import Target

WAN = Decimal(10_000)


@pytest.fixture
def register(make):
    """``register("350582", "2025-03-01", 120)`` registers a contract of 120 万元 there on that day."""

    def registered(unit, day, wan, type_code="KF1", technology=None):
        return make.contract(
            state=State.REGISTERED,
            unit=unit,
            registered_on=date.fromisoformat(day),
            amount=wan * WAN,
            technology=None if technology is None else technology * WAN,
            type_code=type_code,
        )

    return registered


@pytest.fixture
def task(make):
    """``task("350582", 2025, 200)`` gives the unit a yearly task of 200 万元."""

    def given(unit, year, wan, version=1):
        return make.save(
            Target(
                region_code=unit,
                year=year,
                measure_code="total_amount",
                version=version,
                value=wan * WAN,
                document="泉科〔2025〕1号",
                issued_on=date(2025, 1, 2),
                source="测试",
            )
        )

    return given
