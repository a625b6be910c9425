"""Every page of accounts, registers and reference data, for every role: one table."""

import pytest

from contracts_app.accounts.permissions import GRANTS, Can, may
from contracts_app.accounts.roles import Role
from tests.factories import QUANZHOU

from .pages import with_password

EVERYBODY = set(Role)
OFFICE = {Role.REGISTRAR, Role.REVIEWER}
READERS = OFFICE | {Role.MANAGER, Role.AUDITOR}
KEEPERS = {Role.ADMIN, Role.SECURITY}

# (method, path, who may). {user}, {broker}, {platform} stand for one of the visitor's region.
PAGES = [
    ("GET", "/me", EVERYBODY),
    ("GET", "/me/password", EVERYBODY),
    ("POST", "/me/password", EVERYBODY),
    ("GET", "/users", KEEPERS),
    ("GET", "/users/new", {Role.ADMIN}),
    ("POST", "/users/new", {Role.ADMIN}),
    ("GET", "/users/{user}", KEEPERS),
    ("GET", "/users/{user}/edit", {Role.ADMIN}),
    ("POST", "/users/{user}/edit", {Role.ADMIN}),
    ("POST", "/users/{user}/unlock", {Role.SECURITY}),
    ("POST", "/users/{user}/second-factor/reset", {Role.SECURITY}),
    ("POST", "/users/{user}/sessions/end", KEEPERS),
    ("GET", "/users/grants", KEEPERS),
    ("GET", "/users/recertification", KEEPERS),
    ("POST", "/users/recertification.xlsx", KEEPERS),
    ("POST", "/users/{user}/recertification", KEEPERS),
    ("POST", "/users/{user}/invitation", KEEPERS),
    ("POST", "/users/{user}/password-reset", {Role.ADMIN}),
    ("POST", "/users/{user}/disable", {Role.ADMIN}),
    ("POST", "/users/{user}/enable", {Role.ADMIN}),
    ("GET", "/audit", {Role.AUDITOR}),
    ("GET", "/audit/export.csv", {Role.AUDITOR}),
    ("POST", "/audit/verify", {Role.AUDITOR}),
    ("GET", "/brokers/", READERS),
    ("GET", "/brokers/{broker}", READERS),
    ("POST", "/brokers/{broker}/reveal", OFFICE),
    ("GET", "/brokers/new", {Role.REGISTRAR}),
    ("POST", "/brokers/new", {Role.REGISTRAR}),
    ("GET", "/brokers/{broker}/edit", {Role.REGISTRAR}),
    ("POST", "/brokers/{broker}/edit", {Role.REGISTRAR}),
    ("GET", "/platforms/", READERS),
    ("GET", "/platforms/{platform}", READERS),
    ("GET", "/codes/", EVERYBODY),
    ("GET", "/codes/contract-types", EVERYBODY),
    ("GET", "/codes/regions", EVERYBODY),
    ("GET", "/codes/units", EVERYBODY),
    ("GET", "/codes/rules", EVERYBODY),
    ("GET", "/codes/rules/2026", EVERYBODY),
    ("GET", "/codes/rules/2001/compare/2026", EVERYBODY),
    ("GET", "/codes/calendar", EVERYBODY),
    ("GET", "/contracts/", READERS | {Role.BROKER}),
]
OPEN = {"accounts.sign_in", "accounts.sign_out", "accounts.invitation"}


def path_of(pattern, make):
    return pattern.format(
        user=make.user().id if "{user}" in pattern else 0,
        broker=make.broker().id if "{broker}" in pattern else 0,
        platform=1,
    )


@pytest.mark.parametrize("role", Role)
def test_every_page_opens_to_those_whose_work_it_is(sign_in, make, role):
    visitor, wrong = sign_in(make.user(role)), []
    for method, pattern, who in PAGES:
        status = visitor.open(path_of(pattern, make), method=method).status_code
        if (status == 403) != (role not in who) or status >= 500:
            wrong.append((method, pattern, status))
    assert wrong == []


def test_nobody_opens_them_without_signing_in(client, make):
    for method, pattern, _ in PAGES:
        answer = client.open(path_of(pattern, make), method=method)
        assert answer.status_code == (302 if method == "GET" else 401), (method, pattern)


def test_the_table_leaves_no_page_out(app):
    nouns = ("accounts", "audit", "brokers", "platforms", "codes", "regions", "rules")
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] in nouns]
    wanted = {
        (method, rule.endpoint)
        for rule in rules
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint not in OPEN
    }
    adapter = app.url_map.bind("localhost")
    there = {
        (method, adapter.match(pattern.format(user=1, broker=1, platform=1), method=method)[0])
        for method, pattern, _ in PAGES
    }
    assert wanted - there == set()


def test_duties_share_no_work():
    business = {Role.BROKER, *OFFICE, Role.MANAGER}
    shared = {one for one, who in GRANTS.items() if Role.ADMIN in who and who & (business | {Role.AUDITOR})}
    assert shared == {Can.READ_TARGETS, Can.TRY_RULES}
    # 三员分立: who asks does not confirm, who confirms neither manages nor audits nor sees business.
    held = {role: {one for one, who in GRANTS.items() if role in who} for role in Role}
    assert held[Role.ADMIN] & held[Role.SECURITY] == {Can.READ_USERS, Can.RECERTIFY}
    assert not held[Role.SECURITY] & held[Role.AUDITOR]
    assert not any(held[Role.SECURITY] & held[role] for role in business)
    changes = {
        Can.FILE_CONTRACTS,
        Can.WORK_INBOX,
        Can.EDIT_PARTIES,
        Can.EDIT_BROKERS,
        Can.SET_TARGETS,
        Can.MANAGE_USERS,
    }
    assert not {permission for permission in changes if Role.AUDITOR in GRANTS[permission]}
    # Large contracts and what is decided by the head of the office wait for a manager, and nothing else does.
    assert {permission for permission in changes if Role.MANAGER in GRANTS[permission]} == {Can.WORK_INBOX}


def test_an_administrator_sees_no_contract(sign_in, make):
    contract = make.contract()
    visitor = sign_in(make.user(Role.ADMIN))
    for path in ("/contracts/", f"/contracts/{contract.id}"):
        answer = visitor.get(path)
        assert answer.status_code in (403, 404)
        assert contract.title not in answer.text


@pytest.mark.parametrize(
    ("role", "path", "words"),
    [
        (Role.BROKER, "/users", "找本单位系统管理员申请调整角色"),
        (Role.ADMIN, "/audit", "由你在“用户”里提出申请"),
        (Role.SECURITY, "/audit", "由系统管理员提出申请，你来复核"),
        (Role.AUDITOR, "/users", "由系统管理员提出申请，安全管理员复核后生效"),
    ],
)
def test_a_closed_page_says_what_to_do(sign_in, make, role, path, words):
    """Whom to ask depends on who reads; search is spoken of to those who have it."""
    visitor = sign_in(make.user(role))
    closed, nowhere = visitor.get(path), visitor.get("/no-such-page")
    assert (closed.status_code, nowhere.status_code) == (403, 404)
    assert f"这一页由{'审计员' if path == '/audit' else '系统管理员、安全管理员'}使用" in closed.text
    assert words in closed.text
    assert ("三员" in closed.text) == (role is not Role.BROKER)
    assert "菜单" in nowhere.text
    assert ("搜索" in nowhere.text) == may(make.user(role), Can.READ_CONTRACTS)
    assert "回首页" in closed.text


def test_the_menu_shows_what_opens(sign_in, make):
    assert "/users" not in sign_in(make.user(Role.REGISTRAR)).get("/me").text
    assert "/users" in sign_in(make.user(Role.ADMIN)).get("/me").text
    assert may(make.user(Role.AUDITOR), Can.READ_AUDIT)


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.ADMIN, "/codes/settings"),
        (Role.ADMIN, "/codes/rules/2001/activate"),
        (Role.SECURITY, "/users/password-rules"),
    ],
)
def test_what_holds_everywhere_is_not_a_countys_to_change(sign_in, make, role, path):
    county = make.user(role)
    assert sign_in(county).post(path).status_code != 403, "alone in its installation it decides"
    city = with_password(make.user(role, region=QUANZHOU))
    answer = sign_in(county).post(path)
    assert answer.status_code == 403
    assert "管全部地区的" in answer.text
    page = sign_in(county).get(path).text
    assert "管全部地区的" in page
    assert ">保存</button>" not in page
    assert sign_in(city).post(path).status_code != 403
