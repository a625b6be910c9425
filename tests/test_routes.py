"""Promises about every page at once: who may open it, what it never does, what every answer carries.

Who opens what was agreed in contracts_app/operations/access.py, apart from the code that decides: a new page needs its
row there, which says how. The examples that addresses are filled with are in tests/places.py.
"""

import re
from dataclasses import replace

import pytest

from contracts_app import create_app
from contracts_app.accounts.entrance.signing_in import invite, set_password
from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.operations.access import (
    ARRANGED,
    DOOR,
    DOORS,
    FILED,
    IN_REGION,
    PUBLIC,
    SHARED,
    STAFF,
    TRACKED,
)
from contracts_app.operations.access import CONTRACT as A_CONTRACT
from tests.factories import JINJIANG, QUANZHOU, Make
from tests.places import BELOW_A_CONTRACT, NOBODYS, OF_A_REGION
from tests.visitors import visitor

BROKER, REGISTRAR, REVIEWER, MANAGER, ADMIN, SECURITY, AUDITOR = Role
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
WITH_OBJECTS = (A_CONTRACT, TRACKED, FILED, IN_REGION, SHARED, ARRANGED)
# Tokens, and the seconds until the session ends.
OF_THE_MOMENT = r'name="csrf_token"[^>]* (content|value)="[^"]*"|data-(token|ends-in)="[^"]*"'
OPEN = {door.endpoint for door in DOORS if door.behind is PUBLIC}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# What is answered before a page asks its database anything: the same whichever it is.
ON_EITHER = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)

# Open to more roles than the move they name: these look at the record before they refuse. That no other does is seen on
# SQLite: every refusal to a role asks the same.
LOOKS_FIRST = {"contracts.move", "tracking.verification_move"}


def reaches_the_database(world, role, endpoint):
    """False where PostgreSQL has nothing to add: who may not open a page is told so before it asks anything."""
    is_sqlite = world.app.extensions["engine"].dialect.name == "sqlite"
    return is_sqlite or endpoint in LOOKS_FIRST or role in DOOR[endpoint].who


def agreed(door, role):
    """What somebody of the role meets behind a door whose address names something of theirs."""
    if role not in door.who:
        return "forbidden"
    if door.behind is ARRANGED and role not in STAFF | {ADMIN}:
        return "not there"  # has lent nothing
    return "open"


def outcome(page, method="GET"):
    """How a request was answered. Something sent was let in, whatever the form says of its answers."""
    if page.status_code == 302 and page.location.startswith("/sign-in") and page.request.path != "/sign-out":
        return "sign in"
    known = {200: "open", 302: "open", 403: "forbidden", 404: "not there"}
    if method == "POST":
        known |= {400: "open", 409: "open", 422: "open"}
    return known.get(page.status_code, str(page.status_code))


def bare(page, values):
    """The whole answer without what differs by address, by request and by moment."""
    html = re.sub(OF_THE_MOMENT, "", page.text)
    for value in {str(values[name]) for name in OF_A_REGION | BELOW_A_CONTRACT if name in values}:
        html = re.sub(rf"(/|broker=|parked=|number=){value}\b", r"\1n", html)
    differs = {"set-cookie", "date", "x-request-id", "content-length"}
    kept = [(name, value) for name, value in page.headers if name.lower() not in differs]
    return page.status_code, html, kept


def places_told(page):
    """Where on the page the links of its summary of errors lead, one after the other; -1 for nowhere."""
    _, is_told, rest = (page.text if page.mimetype == "text/html" else "").partition("data-error-summary")
    summary, _, below = rest.partition("</ul>") if is_told else ("", "", "")
    return [below.find(f'id="{target}"') for target in re.findall(r'href="#([^"]+)"', summary)]


def plain_name(page):
    """Whether a file with a Chinese name has a sensible one for programs that know ASCII only."""
    told = page.headers.get("Content-Disposition", "")
    return "filename*=" not in told or re.match(r"(attachment|inline); filename=[a-z-]+-\d[\w-]*\.[a-z]+; ", told)


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_address_has_its_row(settings):
    found = {}
    for rule in create_app(settings).url_map.iter_rules():
        found[rule.endpoint] = found.get(rule.endpoint, set()) | rule.methods - {"HEAD", "OPTIONS"}
    assert found == {door.endpoint: set(door.methods.split()) for door in DOORS}
    assert len(DOOR) == len(DOORS), "an endpoint has two rows"


@ON_EITHER
def test_nothing_opens_without_signing_in(world):
    for endpoint, rule, method in world.rules(*METHODS):
        path = world.address(rule, world.here.values(endpoint, None))
        if endpoint in OPEN or method == "OPTIONS":
            continue
        page = world.ask(None, path, method)
        if method in ("GET", "HEAD"):
            assert outcome(page) == "sign in", f"{method} {rule}: {page.status_code}"
        else:
            assert page.status_code == 401, f"{method} {rule}: {page.status_code}"
            assert 'name="password"' in page.text, rule
        assert "别人申报的合同" not in page.text


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
def test_each_role_opens_what_was_agreed(world, role):
    """Every address, asked for and sent an empty form. ``world.ask`` holds that nothing refused leaves a trace."""
    found, wanted, person = {}, {}, world.user(role)
    summaries, refused = 0, {}  # refused: one address for each set of statements
    for endpoint, rule, method in world.rules("GET", "POST"):
        if endpoint in OPEN or not reaches_the_database(world, role, endpoint):
            continue
        values = world.here.values(endpoint, role)
        page = world.ask(person, world.address(rule, values), method)
        found[method, endpoint], wanted[method, endpoint] = outcome(page, method), agreed(DOOR[endpoint], role)
        if role not in DOOR[endpoint].who and endpoint not in LOOKS_FIRST:
            refused.setdefault(frozenset(world.looked_at()), f"{method} {rule}")
        places = places_told(page)
        summaries += bool(places)
        assert -1 not in places, f"{rule}: the summary of errors leads nowhere"
        assert places == sorted(places), f"{rule}: the summary of errors is in another order than the page"
        assert plain_name(page), f"{rule}: {page.headers['Content-Disposition']}"
    assert found == wanted
    assert summaries >= 2, "empty forms are told of"
    assert len(refused) <= 1, f"one of these looks at a record before it refuses: {list(refused.values())}"


@ON_EITHER
@pytest.mark.parametrize(("role", "methods"), [(None, METHODS), (SECURITY, ("DELETE",))])
def test_no_other_method_does_anything(world, role, methods):
    """An address answers what it was made for. Methods are sorted out before anybody's role is looked at."""
    person, known = world.user(role) if role else None, world.app.url_map.bind("localhost")
    for rule in world.app.url_map.iter_rules():
        path = world.address(rule, world.here.values(rule.endpoint, role))
        for method in methods:
            if not known.test(path, method):
                assert world.ask(person, path, method).status_code == 405, f"{method} {path}"


# --- what belongs to others ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_what_lies_in_another_region_is_not_there(world, role):
    """And the answer says nothing that the answer to a number nobody has would not say."""
    person = world.user(role)
    for endpoint, rule, method in world.rules("GET", "POST"):
        named = rule.arguments & OF_A_REGION
        if not named or not reaches_the_database(world, role, endpoint):
            continue
        is_open = role in DOOR[endpoint].who
        assert not is_open or DOOR[endpoint].behind in WITH_OBJECTS, endpoint
        theirs = world.there.values(endpoint, role)
        nobodys = theirs | dict.fromkeys(OF_A_REGION | BELOW_A_CONTRACT, NOBODYS)
        page = world.ask(person, world.address(rule, theirs), method)
        empty = world.ask(person, world.address(rule, nobodys), method)
        assert page.status_code in ((404,) if is_open else (403, 404)), f"{method} {rule}: {page.status_code}"
        assert bare(page, theirs) == bare(empty, nobodys), f"{method} {rule}"


@pytest.mark.parametrize("role", [BROKER, REGISTRAR, AUDITOR])
def test_what_lies_below_a_contract_is_found_below_it_only(world, role):
    """A file, a receipt or a verification of another contract is not below mine, nor mine below another's."""
    for endpoint, rule, method in world.rules("GET", "POST"):
        if not rule.arguments & BELOW_A_CONTRACT or role not in DOOR[endpoint].who:
            continue
        mine, theirs = world.here.values(endpoint, role), world.there.values(endpoint, role)
        here = {name: mine[name] for name in BELOW_A_CONTRACT}
        there = {name: theirs[name] for name in BELOW_A_CONTRACT}
        person, nobodys = world.user(role), dict.fromkeys(BELOW_A_CONTRACT, NOBODYS)
        pages = {}
        for name, values in (("theirs", mine | there), ("nobodys", mine | nobodys), ("mine", theirs | here)):
            page = world.ask(person, world.address(rule, values), method)
            assert page.status_code == 404, f"{method} {rule}: {name}"
            pages[name] = bare(page, values)
        assert pages["theirs"] == pages["nobodys"] == pages["mine"], f"{method} {rule}"


@pytest.mark.parametrize("role", [BROKER, REGISTRAR])
def test_what_a_colleague_filed_is_not_mine_to_change(world, role):
    """A registrar sees it and is told that it is not theirs; a broker does not even see it."""
    found, wanted = {}, {}
    for endpoint, rule, method in world.rules("GET", "POST"):
        if DOOR[endpoint].behind not in (FILED, TRACKED):
            continue
        values = world.here.values(endpoint, role, own=False)
        page = world.ask(world.user(role), world.address(rule, values), method)
        found[method, endpoint] = outcome(page, method)
        is_theirs_too = role is REGISTRAR and DOOR[endpoint].behind is TRACKED
        sees = "open" if is_theirs_too else "forbidden"
        wanted[method, endpoint] = "not there" if role is BROKER else sees
    assert found == wanted


def test_what_lies_above_is_not_there_either(world):
    """A county's people meet nothing that the city keeps for itself."""
    with world.undone():
        make = Make()
        above = {"user_id": make.user(MANAGER, region=QUANZHOU).id, "broker_id": make.broker(region=QUANZHOU).id}
        for endpoint, rule, method in world.rules("GET", "POST"):
            for role in DOOR[endpoint].who if rule.arguments & above.keys() else ():
                page = world.visitor(world.user(role)).open(world.address(rule, above), method=method)
                assert page.status_code == 404, f"{method} {rule} {role}"


def test_no_move_tells_of_a_contract_elsewhere(world):
    """By whoever could make it here: form and decision answer as if there were no such contract."""
    theirs, nobodys = ({"contract_id": number} for number in (world.there.waiting["contract_id"], NOBODYS))
    for move in CONTRACT:
        person = world.user(min(move.roles))
        for method in ("GET", "POST"):
            page = world.ask(person, f"/contracts/{theirs['contract_id']}/{move.name}", method)
            empty = world.ask(person, f"/contracts/{NOBODYS}/{move.name}", method)
            assert (page.status_code, empty.status_code) == (404, 404), f"{method} {move.name}"
            assert bare(page, theirs) == bare(empty, nobodys), f"{method} {move.name}"


def test_a_draft_is_nobody_elses_business(app, make):
    contract = make.contract("秘密的草稿")
    for role in (REGISTRAR, REVIEWER, MANAGER, AUDITOR):
        for region in (JINJIANG, QUANZHOU):
            assert visitor(app, make.user(role, region=region)).get(f"/contracts/{contract.id}").status_code == 404


def test_a_broker_sees_no_contract_of_another_broker(app, make):
    one, other = make.user(BROKER), make.user(BROKER)
    for state in State:
        contract = make.contract(state=state, filed_by=other)
        for path in ("", "/fill", "/fill/money", f"/files/{contract.attachments[0].id}"):
            page = visitor(app, one).get(f"/contracts/{contract.id}{path}")
            assert page.status_code == 404, (state, path)


# --- numbers in the query --------------------------------------------------------------------------------------------

# Argument of an address -> the variable whose number it takes. Names everybody may know (units, regions, platforms,
# enterprises) are no secret; what is counted and listed for them is held by the tests of lists and totals.
NAMED_IN_QUERIES = {"broker": "broker_id", "parked": "user_id", "number": "user_id"}


@pytest.mark.parametrize("role", [BROKER, REGISTRAR, MANAGER])
def test_a_number_in_the_query_tells_nothing_either(world, role):
    person, theirs = world.user(role), world.there.values("brokers.show", role)
    for endpoint, rule, _ in world.rules("GET"):
        if role not in DOOR[endpoint].who or endpoint in OPEN:
            continue
        path = world.address(rule, world.here.values(endpoint, role))
        asked = "&".join(f"{name}={theirs[variable]}" for name, variable in NAMED_IN_QUERIES.items())
        nobodys = "&".join(f"{name}={NOBODYS}" for name in NAMED_IN_QUERIES)
        page, empty = (world.ask(person, f"{path}?{query}") for query in (asked, nobodys))
        if page.mimetype == "text/html":
            told, nothing = without_numbers(page, theirs), without_numbers(empty, dict.fromkeys(theirs, NOBODYS))
            if told != nothing:  # some pages never are the same twice: a new secret, the moment of a draft
                again = world.ask(person, f"{path}?{asked}")
                assert without_numbers(again, theirs) != told, path


def without_numbers(page, values):
    """The page without the numbers that the query named, wherever it repeats them."""
    html = re.sub(OF_THE_MOMENT, "", page.text)
    for name, variable in NAMED_IN_QUERIES.items():
        html = re.sub(rf'({name}=|{name}%3D|name="{name}"[^>]*value="){values[variable]}\b', r"\1n", html)
    return page.status_code, html


# --- posting ---------------------------------------------------------------------------------------------------------


@ON_EITHER
def test_nothing_is_done_without_the_token(world):
    """By whoever may open the page; the token is asked for before anybody's role."""
    for endpoint, rule, method in world.rules("POST"):
        role = min(DOOR[endpoint].who, key=list(Role).index)
        person = world.user(role)
        path = world.address(rule, world.here.values(endpoint, role))
        somebody = world.visitor(person)
        somebody.forget_token()
        with world.undone():
            page = somebody.open(path, method=method, data={"username": person.username, "password": "x"})
            assert world.rows() == world.before, path
        if endpoint == "accounts.sign_in":
            assert page.location == "/", "who is signed in already is led home"
        else:
            assert page.status_code in (400, 401), f"{path}: {page.status_code}"


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
def test_no_address_is_too_strange(world, roles):
    """Every page as a broker, and as the first in the office who may open it; each with three of the strange ones."""
    people = {role: world.user(role) for role in roles}
    for place, (endpoint, rule, _) in enumerate(world.rules("GET")):
        role = next((role for role in roles if role in DOOR[endpoint].who), None)
        if role is None or endpoint in OPEN - {"papers.verify"}:
            continue
        path = world.address(rule, world.here.values(endpoint, role))
        for nonsense in (NONSENSE * 2)[place % len(NONSENSE) :][:3]:
            page = world.ask(people[role], f"{path}?{nonsense}")
            assert page.status_code < 500, f"{path}?{nonsense}"
            if page.status_code == 302:
                assert page.location.startswith("/"), page.location
                assert not page.location.startswith("//")


@pytest.mark.parametrize("number", [0, 2**31, 2**63])
def test_no_number_is_too_large(world, number):
    for endpoint, rule, method in world.rules("GET", "POST"):
        if endpoint in OPEN or not any(name.endswith("_id") or name == "year" for name in rule.arguments):
            continue
        role = min(DOOR[endpoint].who, key=list(Role).index)
        values = world.here.values(endpoint, role)
        huge = {name: number for name in values if name.endswith("_id") or name == "year"}
        page = world.ask(world.user(role), world.address(rule, values | huge), method)
        assert page.status_code in (200, 302, 400, 404, 409, 422), f"{method} {rule} {number}: {page.status_code}"


# --- what every answer carries ---------------------------------------------------------------------------------------


@ON_EITHER
def test_every_answer_carries_the_security_headers(world):
    paths = [("/static/css/app.css", None), ("/bootstrap/static/css/bootstrap.min.css", None), ("/nowhere", None)]
    paths += [("/sign-in", None), ("/invitations/x", None), ("/", None), ("/static/nothing.js", None)]
    for endpoint, rule, _ in world.rules("GET"):
        if endpoint not in OPEN:
            role = min(DOOR[endpoint].who, key=list(Role).index)
            paths.append((world.address(rule, world.here.values(endpoint, role)), role))
    for path, role in paths:
        headers = world.ask(world.user(role) if role else None, path).headers
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
