"""Two counties with an example of everything and somebody of every role in each: what tests of every page walk.

Made once for a worker. Each request of a walk is undone before the next (`World.undone`), so that every one finds the
same world and a finding never depends on the order.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.orm import sessionmaker
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from contracts_app.accounts.models import Delegation, User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import Base, db
from contracts_app.core.web.limits import limiter
from contracts_app.operations.access import FILERS, STAFF
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region
from contracts_app.statistics.periods import Period
from contracts_app.statistics.publishing import snapshots
from contracts_app.statistics.totals.saved_views import SavedView
from contracts_app.tracking.models import Benefit, Party, Receipt, RoyaltyStatement, Verification
from tests.factories import JINJIANG, SHISHI, Make
from tests.visitors import Visitor, visitor

NOBODYS = 987_654_321  # a number that nothing has
# Variables of addresses that lead to what belongs to a region or a person: of others it is not there.
OF_A_REGION = {"contract_id", "broker_id", "user_id", "snapshot_id", "view_id", "delegation_id", "grant_id"}
# … and what is found only below a contract.
BELOW_A_CONTRACT = {"file_id", "receipt_id", "royalty_id", "benefit_id", "verification_id"}
# Variables that lead to what everybody may know of.
OF_ALL = {
    "year": 2025,
    "name": "contract-types",
    "code": "acceptance",
    "key": "A-2025-amount",
    "set_code": "2026",
    "other": "2001",
    "token": "x",
    "filename": "css/app.css",
    "form": "json",
    "kind": "csv",
    "step": "withdraw",
    "number": 1,
    "size": "thumbs",
    "section": "money",
    "move": "accept",
    "session_number": 1,
}
# What may be written whatever becomes of the request, also when it only reads: that it came, and from whom.
KEPT_BESIDES = {"audit_entries", "audit_head", "sign_in_sessions"}

_WRITES = re.compile(
    r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|REPLACE\s+INTO|CREATE|DROP|ALTER|TRUNCATE)\s+\W?(\w+)", re.I
)


class Place:
    """One county: its people, and of everything one example. Numbers only, because they outlive a session."""

    def __init__(self, make: Make, region: str) -> None:
        self.region = region
        self.people = {role: make.user(role, region=region).id for role in Role}
        self._make = make
        self._common = {
            "broker_id": make.broker(region=region).id,
            "user_id": make.user(Role.MANAGER, region=region).id,
            "platform_id": db.session.query(Platform.id).order_by(Platform.id).first()[0],
            "snapshot_id": self._snapshot().id,
            "grant_id": make.grant(make.user(Role.REVIEWER, region=region), Role.MANAGER).id,
        }
        self._delegations = {role: self._lent(role).id for role in STAFF}
        self._parties = {
            role: make.enterprise(region=region, created_by_id=who).id for role, who in self.people.items()
        }
        self._views = {role: self._view(who).id for role, who in self.people.items()}
        self.waiting = self._numbers_of(make.contract("别人申报的合同", state=State.SUBMITTED, unit=region))
        self._accepted = self._numbers_of(make.contract(state=State.ACCEPTED, unit=region))
        self._registered = self._with_money(None)
        self._of_filers = {role: self._filed(role) for role in FILERS}

    def values(self, endpoint: str, role: Role | None, *, own: bool = True) -> dict[str, Any]:
        """A value for every variable of an address, as somebody of the role would meet it.

        ``own`` false: where there is a choice, what a colleague filed or keeps.
        """
        who = role if role and own else Role.MANAGER
        values = OF_ALL | self._common | {"enterprise_id": self._parties[who], "view_id": self._views[who]}
        values["delegation_id"] = self._delegations.get(who, self._delegations[Role.REVIEWER])
        if own and role not in STAFF | {Role.ADMIN} and endpoint != "delegations.confirm":
            values["delegation_id"] = NOBODYS  # has lent nothing
        below = dict.fromkeys(BELOW_A_CONTRACT, NOBODYS)
        return values | below | self._contract(endpoint, role if own else None)

    def _contract(self, endpoint: str, role: Role | None) -> dict[str, int]:
        """The contract that fits a page, and what lies below it."""
        draft, submitted, accepted, registered = self._of_filers.get(role, ()) or (  # type: ignore[arg-type]
            self.waiting,
            self.waiting,
            self._accepted,
            self._registered,
        )
        if endpoint.startswith("filing."):
            return draft
        if endpoint.startswith("tracking.") or endpoint == "papers.income_sheet":
            return registered
        if endpoint.startswith("papers."):
            return accepted if role is Role.BROKER else self._accepted
        return submitted if role is Role.BROKER else self.waiting

    def _filed(self, role: Role) -> tuple[dict[str, int], ...]:
        person = db.session.get(User, self.people[role])
        made = [
            self._numbers_of(self._make.contract(state=state, filed_by=person, unit=self.region))
            for state in (State.DRAFT, State.SUBMITTED, State.ACCEPTED)
        ]
        return (*made, self._with_money(person))

    def _with_money(self, filer: User | None) -> dict[str, int]:
        """A registered contract with everything that can be written down about it."""
        royalty = {"payment_model_code": "entry_and_royalty", "royalty_base": RoyaltyBase.SALES}
        contract = self._make.contract(state=State.REGISTERED, unit=self.region, filed_by=filer, **royalty)
        day, amount = contract.registered_on, Decimal(5)
        by = {"contract_id": contract.id, "recorded_by_id": contract.filed_by_id}
        receipts = [Receipt(**by, received_on=day, counts_on=day, amount=amount) for _ in range(2)]
        asked = Verification(
            contract_id=contract.id,
            requested_by_id=contract.filed_by_id,
            begins_on=day,
            ends_on=day,
            received=amount,
            income=amount,
            receipts=receipts[1:],
        )
        statement = RoyaltyStatement(**by, year=2025, base_amount=amount, amount=amount, due_on=day)
        benefit = Benefit(**by, kind_code="VAT", party=Party.SELLER, claimed_on=day)
        db.session.add_all([*receipts, asked, statement, benefit])
        db.session.commit()
        return self._numbers_of(contract) | {
            "receipt_id": receipts[0].id,
            "verification_id": asked.id,
            "royalty_id": statement.id,
            "benefit_id": benefit.id,
        }

    @staticmethod
    def _numbers_of(contract: Contract) -> dict[str, int]:
        return {"contract_id": contract.id, "file_id": contract.attachments[0].id}

    def _view(self, owner_id: int) -> SavedView:
        """A view of the totals page that somebody keeps for themselves."""
        facts = {"kind": "totals", "name": f"视图{owner_id}", "arguments": "year=2025", "words": "2025年登记"}
        return self._make.save(
            SavedView(**facts, owner_id=owner_id, region_code=self.region, saved_on=today())  # type: ignore[arg-type]
        )

    def _lent(self, role: Role) -> Delegation:
        """An office that the person of this role lent to a colleague."""
        colleague = self._make.user(Role.MANAGER, region=self.region)
        mine = self.people[role]
        days = {"starts_on": today(), "ends_on": today()}
        return self._make.save(
            Delegation(delegator_id=mine, delegate_id=colleague.id, created_by_id=mine, reason="出差", **days)
        )

    def _snapshot(self) -> Any:
        """Of the place's figures of this year."""
        place = db.session.get(Region, self.region)
        made = snapshots.freeze(place, Period(today().year, 1, 12), snapshots.Publication("年报"), None)
        db.session.commit()
        return made


class World:
    """An application on a database of its own with both places."""

    def __init__(self, app: Flask, connection: Connection) -> None:
        self.app, self.connection = app, connection
        self.asked: list[str] = []  # every statement of the last request
        self.written: list[str] = []
        self._signed_in: dict[tuple[Any, ...] | None, tuple[str, str]] = {}
        make = Make()
        self.places = {region: Place(make, region) for region in (JINJIANG, SHISHI)}
        self.here, self.there = self.places[JINJIANG], self.places[SHISHI]
        db.session.commit()
        self.before = self.rows()
        event.listen(app.extensions["engine"], "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self.asked.append(statement)
        found = _WRITES.match(statement)
        if found and found[1] not in KEPT_BESIDES:
            self.written.append(statement)

    def rows(self) -> set[tuple[Any, ...]]:
        """What stands in every table: how many rows, and the newest versions of what has one."""
        asked = [
            f"SELECT '{table.name}', count(*), {'sum(version)' if 'version' in table.columns else '0'}"
            f" FROM {table.name}"
            for table in Base.metadata.sorted_tables
            if table.name not in KEPT_BESIDES
        ]
        return {tuple(row) for row in db.session.execute(text(" UNION ALL ".join(asked)))}

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever is written within is taken back at the end."""
        db.session.commit()
        savepoint = self.connection.begin_nested()
        limiter.reset()
        self.asked.clear()
        self.written.clear()
        try:
            yield
        finally:
            db.session.rollback()
            savepoint.rollback()
            db.session.expire_all()

    def looked_at(self) -> set[str]:
        """What the last request asked of the tables of the house."""
        asked = (one for one in self.asked if not one.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")))
        return {one for one in asked if not any(name in one for name in KEPT_BESIDES)}

    def user(self, role: Role, place: Place | None = None) -> User:
        """The person of that role, of the first place if none is said."""
        return db.session.get_one(User, (place or self.here).people[role])

    def visitor(self, person: User | None) -> Visitor:
        """That person at a browser, in a session that began before everything that is undone."""
        key = inspect(person).identity if person else None  # known without looking the person up again
        if key not in self._signed_in:
            made = visitor(self.app, person)
            cookie = made.get_cookie("session")
            assert cookie is not None
            self._signed_in[key] = cookie.value, made.environ_base["HTTP_X_CSRFTOKEN"]
        again: Visitor = self.app.test_client()  # type: ignore[assignment]
        cookie, again.environ_base["HTTP_X_CSRFTOKEN"] = self._signed_in[key]
        again.set_cookie("session", cookie)
        return again

    def ask(self, person: User | None, path: str, method: str = "GET", **rest: Any) -> TestResponse:
        """One request that leaves nothing behind; it is an error when it was refused and changed something."""
        somebody = self.visitor(person)
        with self.undone():
            page = somebody.open(path, method=method, **rest)
            if method in ("GET", "HEAD", "OPTIONS"):
                assert self.written == [], f"{method} {path} writes"
            elif self.written and page.status_code >= 400:
                assert self.rows() == self.before, f"{method} {path} answers {page.status_code} and leaves a trace"
        return page

    def rules(self, *methods: str) -> list[tuple[str, Rule, str]]:
        """(endpoint, rule, method) for every address that answers one of the methods."""
        return [
            (rule.endpoint, rule, method)
            for rule in sorted(self.app.url_map.iter_rules(), key=str)
            for method in methods
            if method in (rule.methods or ())
        ]

    def address(self, rule: Rule, values: dict[str, Any]) -> str:
        """The address that a rule makes of these values."""
        wanted = {name: values[name] for name in rule.arguments - set(rule.defaults or ())}
        adapter = self.app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, wanted, method=sorted(rule.methods or ())[0])


def world_on(app: Flask, connection: Connection) -> World:
    """The world, on a connection whose transaction is never kept."""
    app.extensions["sessions"] = sessionmaker(
        connection, join_transaction_mode="create_savepoint", expire_on_commit=False
    )
    with app.app_context():
        return World(app, connection)
