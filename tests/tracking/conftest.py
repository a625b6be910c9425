"""A registered contract with a plan, and its money told through the pages."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.filing.actions import keep_plan
from contracts_app.contracts.models import PlannedPayment
from contracts_app.contracts.states import State
from contracts_app.core.clock import today


def amount_in(page, label):
    """The figure in 万元 that stands under a label in the four amounts of a page."""
    return Decimal(re.search(rf">{label}</abbr></dt><dd><span class=\"big\">([\d,.]+)", page.text)[1].replace(",", ""))


class Office:
    """One office with who files, checks and approves, and what they do at their browsers."""

    def __init__(self, make, sign_in):
        self.make, self.sign_in = make, sign_in
        self.filer = make.user(Role.BROKER)
        self.registrar, self.other = make.user(Role.REGISTRAR), make.user(Role.REGISTRAR)
        self.reviewer = make.user(Role.REVIEWER)
        self._visitors = {}

    def at(self, person):
        if person.id not in self._visitors:
            self._visitors[person.id] = self.sign_in(person)
        return self._visitors[person.id]

    def contract(self, *parts, days=(-40, -10, 30), **facts):
        """Registered, with instalments of these 元 due so many days from today."""
        parts = parts or (300_000, 300_000, 400_000)
        facts = {"state": State.REGISTERED, "filed_by": self.filer, "amount": sum(parts)} | facts
        contract = self.make.contract(**facts)
        lines = [
            PlannedPayment(position=place, due_on=today() + timedelta(days=day), condition="", amount=Decimal(part))
            for place, (part, day) in enumerate(zip(parts, days, strict=False), 1)
        ]
        keep_plan(contract, lines)
        self.make.save(contract)
        return contract

    def receive(self, contract, amount, person=None, *, days_ago=0, status=302, **more):
        data = {
            "received_on": str(today() - timedelta(days=days_ago)),
            "amount": str(amount),
            "pays": "plan",
            "payer": "买方",
        }
        page = self.at(person or self.filer).post(f"/contracts/{contract.id}/receipts/new", data=data | more)
        assert page.status_code == status, page.text[:3000]
        return page

    def strike(self, contract, receipt_id, person=None, reason="金额多记一位"):
        address = f"/contracts/{contract.id}/receipts/{receipt_id}/strike"
        return self.at(person or self.filer).post(address, data={"version": "", "reason": reason})  # as its page has it

    def request(self, contract, receipts, *, status=302, **more):
        data = {"version": "", "begins_on": str(today() - timedelta(days=400)), "ends_on": str(today())}
        data["receipts"] = receipts
        page = self.at(self.filer).post(f"/contracts/{contract.id}/verifications/new", data=data | more)
        assert page.status_code == status, page.text[:3000]
        return page.location if status == 302 else page

    def step(self, person, place, name, **answers):
        """Make a move with the version its own page shows; the bare answer where it shows none."""
        shown = self.at(person).get(f"{place}/{name}")
        if shown.status_code != 200:
            return shown
        version = re.search(r'name="version"[^>]*value="(\d+)"', shown.text)[1]
        return self.at(person).post(f"{place}/{name}", data={"version": version} | answers)

    def page(self, contract, person=None):
        return self.at(person or self.filer).get(f"/contracts/{contract.id}/performance")


@pytest.fixture
def office(make, sign_in):
    return Office(make, sign_in)
