"""Promises about every page at once: who may open it, what it never does, what every answer carries.

The table of who opens what is contracts_app/operations/access.py, apart from the code that decides.
"""

import re
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from uuid import uuid4

import pytest
from flask import url_for
from sqlalchemy import event, text

from contracts_app import create_app
from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.accounts.signing_in import invite, set_password
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import Base, db
from contracts_app.operations.access import DOORS, PUBLIC
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region
from contracts_app.statistics import snapshots
from contracts_app.statistics.periods import Period
from contracts_app.statistics.saved_views import SavedView
from contracts_app.tracking.models import Benefit, Party, Receipt, RoyaltyStatement, Verification
from tests.factories import JINJIANG, QUANZHOU, SHISHI
from tests.visitors import visitor

BROKER, REGISTRAR, REVIEWER, MANAGER, ADMIN, SECURITY, AUDITOR = Role
# A new page needs its row in contracts_app/operations/access.py, which says how.
OPEN = {door.endpoint for door in DOORS if door.behind is PUBLIC}
WHO_OPENS_WHAT = {door.endpoint: door.who for door in DOORS if door.behind is not PUBLIC}
# Whose objects belong to a region: those of another are not there.
BY_REGION = {"contract_id", "broker_id", "user_id", "snapshot_id", "view_id"}
NOBODYS = 987_654_321

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Place:
    """One county with an example of everything; what a person needs of their own is made once, until ``changed``."""

    def __init__(self, make, region):
        self.make, self.region, self._kept = make, region, {}
        self.broker_id = make.broker(region=region).id
        self.enterprise_id = make.enterprise(region=region).id
        self.user_id = make.user(Role.MANAGER, region=region).id
        self.waiting = make.contract(state=State.SUBMITTED, unit=region)
        self.platform_id = db.session.query(Platform.id).order_by(Platform.id).first()[0]
        self.receipt_id = self.royalty_id = self.benefit_id = self.verification_id = NOBODYS

    @cached_property
    def snapshot_id(self):
        """Of the place's figures of this year."""
        place = db.session.get(Region, self.region)
        made = snapshots.freeze(place, Period(today().year, 1, 12), snapshots.Publication("年报"), None)
        db.session.commit()
        return made.id

    def changed(self):
        """Something was done to an example: the next person gets a new one."""
        self._kept.clear()

    def _once(self, make, **facts):
        """Numbers of the record, and of its first file if it has any."""
        key = (make.__name__, *((name, getattr(value, "id", value)) for name, value in facts.items()))
        if key not in self._kept:
            made = make(**facts)
            self._kept[key] = made.id, made.attachments[0].id if hasattr(made, "attachments") else None
        return self._kept[key]

    def with_money(self, person_id):
        """A registered contract, the person's own if they file, with everything that can be written down about it."""
        filer = {"filed_by": db.session.get(User, person_id)} if person_id else {}
        royalty = {"payment_model_code": "entry_and_royalty", "royalty_base": RoyaltyBase.SALES}
        contract = self.make.contract(state=State.REGISTERED, unit=self.region, **filer, **royalty)
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
        self.receipt_id, self.verification_id = receipts[0].id, asked.id
        self.royalty_id, self.benefit_id = statement.id, benefit.id
        return contract

    def saved_view(self, owner_id):
        """A view of the totals page that somebody kept for themselves."""
        facts = {"kind": "totals", "name": uuid4().hex, "arguments": "year=2025", "words": "2025年登记"}
        facts |= {"owner_id": owner_id, "region_code": self.region, "saved_on": today()}
        return self.make.save(SavedView(**facts))

    def values(self, endpoint, person):
        """Values for every address's variables, as this person would meet them."""
        contract_id, file_id = self.waiting.id, self.waiting.attachments[0].id
        if endpoint.startswith("filing."):
            contract_id, file_id = self._once(self.make.contract, filed_by=person, unit=self.region)
        elif person is not None and (person.has(Role.BROKER) or endpoint.startswith("papers.")):
            filer = person if person.has(Role.BROKER) else None
            state = State.ACCEPTED if endpoint.startswith("papers.") else State.SUBMITTED
            contract_id, file_id = self._once(self.make.contract, state=state, filed_by=filer, unit=self.region)
        if person is not None and (endpoint.startswith("tracking.") or endpoint == "papers.income_sheet"):
            contract_id, _ = self._once(self.with_money, person_id=person.id if person.has(BROKER, REGISTRAR) else None)
        enterprise_id = self.enterprise_id
        if endpoint == "enterprises.edit" and person is not None:
            enterprise_id, _ = self._once(self.make.enterprise, region=self.region, created_by_id=person.id)
        return {
            "contract_id": contract_id,
            "file_id": file_id,
            "receipt_id": self.receipt_id,
            "royalty_id": self.royalty_id,
            "benefit_id": self.benefit_id,
            "verification_id": self.verification_id,
            "step": "withdraw",
            "number": 1,
            "size": "thumbs",
            "section": "money",
            "move": "accept",
            "broker_id": self.broker_id,
            "enterprise_id": enterprise_id,
            "platform_id": self.platform_id,
            "user_id": self.user_id,
            "delegation_id": NOBODYS,
            "view_id": self._once(self.saved_view, owner_id=person.id if person else self.user_id)[0],
            "year": 2025,
            "name": "contract-types",
            "code": "acceptance",
            "key": "A-2025-amount",
            "set_code": "2026",
            "other": "2001",
            "token": "x",
            "filename": "css/app.css",
            "snapshot_id": self.snapshot_id,
            "form": "json",
        }


def rules(app, methods):
    """(endpoint, rule, method) for every address that answers one of the methods."""
    return [
        (rule.endpoint, rule, method)
        for rule in sorted(app.url_map.iter_rules(), key=str)
        for method in methods
        if method in rule.methods
    ]


def address(app, rule, values):
    with app.test_request_context():
        return url_for(rule.endpoint, **{name: values[name] for name in rule.arguments - set(rule.defaults or ())})


def name_of_list(app):
    """A code list that exists, whatever it is called in addresses."""
    page = visitor(app, db.session.query(User).first()).get("/codes/").text
    return re.search(r'href="/codes/([a-z_-]+)"', page)[1]


@pytest.fixture
def places(make):
    return {region: Place(make, region) for region in (JINJIANG, SHISHI)}


@pytest.fixture
def written(app):
    """Statements that write, as they come: ``written.clear()`` forgets what the test itself did."""
    statements = []

    def note(connection, cursor, statement, *rest):
        if re.match(r"\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|TRUNCATE)\b", statement, re.I):
            statements.append(statement)

    engine = app.extensions["engine"]
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def rows():
    """What stands in every table: how many rows, and the newest versions of what has one."""
    asked = [
        f"SELECT '{table.name}', count(*), {'sum(version)' if 'version' in table.columns else '0'} FROM {table.name}"
        for table in Base.metadata.sorted_tables
    ]
    return {tuple(row) for row in db.session.execute(text(" UNION ALL ".join(asked)))}


def outcome(page):
    if page.status_code == 302 and page.location.startswith("/sign-in"):
        return "sign in"
    return {200: "open", 302: "open", 403: "forbidden", 404: "not there"}.get(page.status_code, str(page.status_code))


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_page_has_its_line(app):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == OPEN | WHO_OPENS_WHAT.keys()


def test_nothing_opens_without_signing_in(app, client, places):
    values = places[JINJIANG].values("contracts.show", None)
    for endpoint, rule, method in rules(app, ("GET", "POST", "PUT", "PATCH", "DELETE")):
        if endpoint in OPEN:
            continue
        page = client.open(address(app, rule, values), method=method, buffered=True)
        assert page.status_code in (302, 401), f"{method} {rule} is open: {page.status_code}"
        if page.status_code == 302:
            assert page.location.startswith("/sign-in"), rule
        else:
            assert 'name="password"' in page.text, rule
        assert places[JINJIANG].waiting.title not in page.text


def test_what_is_open_tells_nothing(app, client, make):
    for path in ("/sign-in", "/invitations/nonsense", "/static/css/app.css", "/bootstrap/static/css/bootstrap.min.css"):
        assert client.get(path, buffered=True).status_code in (200, 410), path
    contract = make.contract(state=State.REGISTERED)
    for asked in ("", f"?number={contract.registration_number}", f"?number={contract.registration_number}&code=x"):
        page = client.get(f"/verify{asked}")
        assert page.status_code in (200, 404)
        assert contract.title not in page.text
        assert contract.seller.name not in page.text
    token = invite(make.user())
    assert client.get(f"/invitations/{token}").status_code == 200
    for path in ("/static/../wsgi.py", "/static/%2e%2e/wsgi.py", "/static/..%2fwsgi.py", "/static/"):
        assert client.get(path, buffered=True).status_code == 404, path


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_what_was_agreed_and_reading_writes_nothing(app, make, places, written, role):
    person = make.user(role)
    listed = name_of_list(app)
    found, agreed = {}, {}
    for endpoint, rule, _ in rules(app, ("GET",)):
        if endpoint in OPEN:
            continue
        path = address(app, rule, places[JINJIANG].values(endpoint, person) | {"name": listed})
        db.session.commit()
        written.clear()
        page = visitor(app, person).get(path, buffered=True)
        assert written == [], f"GET {path} writes"
        found[endpoint] = outcome(page)
        agreed[endpoint] = "open" if role in WHO_OPENS_WHAT[endpoint] else "forbidden"
    assert found == agreed


@pytest.mark.parametrize("role", Role)
def test_what_lies_in_another_region_is_not_there(app, make, places, role):
    """And the page says nothing that the page of a number nobody has would not say."""
    person = make.user(role)
    stranger = make.user(role, region=SHISHI)
    tried = 0
    for endpoint, rule, method in rules(app, ("GET", "POST")):
        if not rule.arguments & BY_REGION or role not in WHO_OPENS_WHAT[endpoint]:
            continue
        theirs = places[SHISHI].values(endpoint, stranger)
        nobodys = dict.fromkeys(BY_REGION, NOBODYS)
        before = rows()
        page = visitor(app, person).open(address(app, rule, theirs), method=method, buffered=True)
        empty = visitor(app, person).open(address(app, rule, theirs | nobodys), method=method, buffered=True)
        assert (page.status_code, empty.status_code) == (404, 404), f"{method} {rule}"
        assert bare(page, theirs) == bare(empty, nobodys), rule
        assert rows() == before, rule
        tried += 1
    assert tried or role in (MANAGER,) or not any(role in who for who in WHO_OPENS_WHAT.values())


def bare(page, values):
    """The page without what differs by address and by request."""
    html = re.sub(r'name="csrf_token" value="[^"]*"', "", page.text)
    for name in BY_REGION:
        html = html.replace(f"/{values[name]}", "/n")
    return html


def test_a_broker_sees_no_contract_of_another_broker(app, make):
    one, other = make.user(Role.BROKER), make.user(Role.BROKER)
    for state in State:
        contract = make.contract(state=state, filed_by=other)
        for path in ("", "/fill", "/fill/money", f"/files/{contract.attachments[0].id}"):
            page = visitor(app, one).get(f"/contracts/{contract.id}{path}")
            assert page.status_code == 404, (state, path)


def test_a_draft_is_nobody_elses_business(app, make):
    contract = make.contract("秘密的草稿")
    for role in (REGISTRAR, REVIEWER, MANAGER, AUDITOR):
        for region in (JINJIANG, QUANZHOU):
            assert visitor(app, make.user(role, region=region)).get(f"/contracts/{contract.id}").status_code == 404


def test_a_file_belongs_to_its_contract(app, make):
    """Its number behind the address of another contract leads nowhere."""
    mine = make.contract(state=State.SUBMITTED)
    theirs = make.contract(state=State.SUBMITTED, unit=SHISHI)
    person = make.user()
    page = visitor(app, person).get(f"/contracts/{mine.id}/files/{theirs.attachments[0].id}")
    assert page.status_code == 404


# --- posting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_an_empty_form_is_answered_and_what_is_not_done_leaves_no_trace(app, make, places, role):
    person = make.user(role)
    for endpoint, rule, method in rules(app, ("POST",)):
        if endpoint in OPEN:
            continue
        path = address(app, rule, places[JINJIANG].values(endpoint, person))
        before = rows()
        page = visitor(app, person).open(path, method=method, buffered=True)
        if role not in WHO_OPENS_WHAT[endpoint]:
            assert page.status_code == 403, f"{method} {path}: {page.status_code}"
        else:
            assert page.status_code < 500, f"{method} {path}: {page.status_code}"
            assert page.status_code != 403, f"{method} {path}"
        if page.status_code >= 400:
            assert rows() == before, f"{method} {path} answers {page.status_code} and leaves a trace"
        else:
            places[JINJIANG].changed()


@pytest.mark.parametrize("role", Role)
def test_nothing_is_done_without_the_token(app, make, places, role):
    person = make.user(role)
    for endpoint, rule, method in rules(app, ("POST",)):
        path = address(app, rule, places[JINJIANG].values(endpoint, person))
        somebody = visitor(app, person)
        somebody.forget_token()
        before = rows()
        page = somebody.open(path, method=method, data={"username": person.username, "password": "x"})
        if endpoint == "accounts.sign_in":
            assert page.location == "/", "who is signed in already is led home"
        else:
            assert page.status_code in (400, 401), f"{path}: {page.status_code}"
        assert rows() == before, path


def test_a_form_from_elsewhere_signs_nobody_in_or_out(app, make, client):
    client.forget_token()
    person = make.user()
    set_password(person, "Right-password-1")
    page = client.post("/sign-in", data={"username": person.username, "password": "Right-password-1"})
    assert page.status_code == 422
    assert client.get("/me").status_code == 302
    somebody = visitor(app, person)
    somebody.forget_token()
    somebody.post("/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
    assert somebody.get("/me").status_code == 200


# --- nonsense --------------------------------------------------------------------------------------------------------

NONSENSE = [
    "page=-1&size=0&sort=nothing&year=0&unit=x&type=%27&field=%22&state=lost,draft",
    "page=99999999999999999999&size=99999999999999999999&year=99999999999999999999&platform=9999999999999999999999",
    "page=%00&q=%00&region=%00&date_from=%00&sort=%00&unit=%00&type=%00&field=%00&town=%00&place=%00&role=%00&name=%00",
    "q=%27%22%3B--&amount_from=-1&amount_to=abc&date_from=2026-02-31&date_to=x&date_kind=%27&step=x&due=x&by=x",
    "q=%F0%9F%98%80%EF%BF%BF%ED%A0%80&next=//evil.example&parked=99999999999999999999&chosen=99999999999999999999",
    "year=2025&year=2026&unit=350582&unit=350581&page=1&page=2&state=&q=" + "%E6%8A%80" * 600,
    "type=_&type=%25&unit=%25&enterprise=0&broker=-1&kind=lost&level=x&measure=x&section=x&copy=1&from=x&to=x&until=x",
    "year=1&month=13&quarter=5&first=x&date_from=0001-01-01&date_to=9999-12-31&amount_from=1e99&amount_to=NaN",
]


@pytest.mark.parametrize("roles", [[BROKER], [REGISTRAR, MANAGER, ADMIN, SECURITY, AUDITOR]], ids=["broker", "office"])
def test_no_address_is_too_strange(app, make, places, roles):
    """Every page as a broker, and as the first in the office who may open it."""
    people = {role: make.user(role) for role in roles}
    listed = name_of_list(app)
    for endpoint, rule, _ in rules(app, ("GET",)):
        person = next((people[role] for role in roles if role in WHO_OPENS_WHAT.get(endpoint, ())), None)
        if person is None:
            continue
        somebody = visitor(app, person)
        path = address(app, rule, places[JINJIANG].values(endpoint, person) | {"name": listed})
        for nonsense in NONSENSE:
            page = somebody.get(f"{path}?{nonsense}", buffered=True)
            assert page.status_code < 500, f"{path}?{nonsense}"
            if page.status_code == 302:
                assert page.location.startswith("/"), page.location
                assert not page.location.startswith("//")


@pytest.mark.parametrize("number", [0, 2**31, 2**63 - 1, 2**63, 10**40])
def test_no_number_is_too_large(app, make, places, number):
    people = [make.user(role) for role in Role]
    for endpoint, rule, method in rules(app, ("GET", "POST")):
        if endpoint in OPEN or not any(name.endswith("_id") or name == "year" for name in rule.arguments):
            continue
        person = next(person for person in people if person.roles & WHO_OPENS_WHAT[endpoint])
        values = places[JINJIANG].values(endpoint, person)
        huge = {name: number for name in values if name.endswith("_id") or name == "year"}
        page = visitor(app, person).open(address(app, rule, values | huge), method=method, buffered=True)
        assert page.status_code in (200, 302, 400, 404, 409, 422), f"{method} {rule} {number}: {page.status_code}"


# --- what every answer carries ---------------------------------------------------------------------------------------


def test_every_answer_carries_the_security_headers(app, make, places, client):
    people = {role: make.user(role) for role in Role}
    paths = [("/static/css/app.css", None), ("/bootstrap/static/css/bootstrap.min.css", None), ("/nowhere", None)]
    paths += [("/sign-in", None), ("/invitations/x", None), ("/", None), ("/static/nothing.js", None)]
    for endpoint, rule, _ in rules(app, ("GET",)):
        if endpoint not in OPEN:
            person = next(people[role] for role in Role if role in WHO_OPENS_WHAT[endpoint])
            paths.append((address(app, rule, places[JINJIANG].values(endpoint, person)), person))
    for path, person in paths:
        headers = visitor(app, person).get(path, buffered=True).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "same-origin", path
        if "/files/" in path:  # shown in the browser's own viewer, which needs a policy of its own
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "frame-ancestors" in headers["Content-Security-Policy"]
            continue
        assert headers["Content-Security-Policy"] == POLICY, path
        assert headers["X-Frame-Options"] == "DENY", path


def test_refusals_carry_them_too(app, make):
    for page in (visitor(app).post("/contracts/"), visitor(app, make.user()).get("/users"), visitor(app).put("/")):
        assert page.status_code >= 400
        assert page.headers["Content-Security-Policy"] == POLICY
        assert page.headers["X-Frame-Options"] == "DENY"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(app, make):
    for page in (visitor(app).get("/sign-in"), visitor(app, make.user()).get("/me")):
        for cookie in page.headers.getlist("Set-Cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Path=/" in cookie
    assert visitor(app).get("/sign-in").headers.getlist("Set-Cookie")


def test_behind_https_the_cookie_is_secure(settings, databases, template):
    url = databases.copy(template)
    app = create_app(replace(settings, database_url=url, secure_cookies=True))
    page = app.test_client().get("/sign-in", base_url="https://localhost")
    assert all("Secure" in cookie for cookie in page.headers.getlist("Set-Cookie"))
    assert "max-age" in page.headers["Strict-Transport-Security"]
    app.extensions["engine"].dispose()
    databases.drop(url)
