"""Every page the menus lead to, for every role: what a machine can tell about it, on a desk, a telephone and paper."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.exceptions import NotFound

from contracts_app.accounts.entrance.signing_in import invite
from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import GRANTS, Can
from contracts_app.accounts.roles import Role
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.models import BulkPick, Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise
from contracts_app.rules.models import RuleSet
from contracts_app.statistics.totals.saved_views import SavedView
from contracts_app.tracking.models import Benefit, Party, Receipt, RoyaltyStatement, Verification
from tests.browser.filling import asked, begin, go_on, made
from tests.factories import Make

# The first who may open a page looks at it closely; some pages have more on them for others.
ROLES = ("admin", "registrar", "broker", "reviewer", "manager", "auditor", "security")
CLOSELY = {Can.SEE_STATISTICS: "manager", Can.FILE_CONTRACTS: "broker"}
REGIONS = {"manager": "泉州市"}  # with several units on a page
WIDTHS = (1440, 390)
# What no link of a list leads to, for the role that looks at it.
BESIDES = {
    "admin": ["/me", "/me/password", "/me/second-factor", "/codes/rules/2027/activate", "/nothing-here"],
    "registrar": ["/me/delegations", "/contracts/bulk"],
}
WITHOUT_MENU = {"statistics.screen"}
# Papers, files and what scripts ask for.
NO_PAGE = re.compile(r"static/|/files/|/papers/|/search|/export|\.(pdf|csv|xlsx|docx|json|zip|png)|\.<form>")
# Looked at by other tests here.
ELSEWHERE = {"accounts.sign_in", "accounts.invitation", "papers.verify", "contracts.move"}
ELSEWHERE |= {"filing.part", "filing.files", "filing.check"}
# Steps of signing in, and what a demonstration leaves out.
ELSEWHERE |= {"second_factor.code", "second_factor.first", "second_factor.new_password", "second_factor.change"}
ELSEWHERE |= {"health.alive", "health.ready", "health.figures", "sessions.left"}  # not for people
TOO_WIDE = """(width) => document.documentElement.scrollWidth <= width ? "" :
  [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1)
    .filter((one) => !one.closest(".tabs"))
    .slice(0, 6).map((one) => one.outerHTML.slice(0, 200)).join(" | ") || "something"
"""


def fits(page: Page) -> None:
    width = page.viewport_size["width"]
    assert page.evaluate(TOO_WIDE, width) == "", f"{page.url} is wider than {width}"


# The menus


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_fits_and_is_accessible(
    server: Any,
    new_page: Callable[..., Page],
    enter: Callable[..., Page],
    accessible: Callable[[Page], None],
    shoot: Callable[..., None],
    examples: dict[str, list[str]],
    role: str,
):
    """What is in the menu, for each role; what can be reached from there, for the role that looks at it closely."""
    page = enter(new_page(width=WIDTHS[0]), role, REGIONS.get(role, "晋江市"))
    menu = addresses_in(page, ".shell > .sidenav a")
    assert menu, "an empty menu"
    to_visit = [*menu, *BESIDES.get(role, ()), *examples.get(role, ())]
    known = {endpoint_of(server, one) for one in to_visit}
    for address in to_visit:  # which grows by the first link to each page of the role's own
        endpoint = endpoint_of(server, address)
        is_own = who_looks(server, endpoint) == role
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        answer = page.goto(address)
        assert answer.status == (200 if endpoint else 404), address
        assert page.locator("h1").count() == 1, address
        assert re.fullmatch(r"[^ ].+ - 技术合同认定登记与跟踪系统", page.title()), (address, page.title())
        if endpoint not in WITHOUT_MENU:
            expect(page.locator(".shell > .sidenav")).to_be_visible()
        for link in addresses_in(page, "main a"):
            leads_to = endpoint_of(server, link)
            if leads_to not in known and who_looks(server, leads_to) == role and not NO_PAGE.search(link):
                known.add(leads_to)
                to_visit.append(link)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            fits(page)
            if is_own:
                accessible(page)
                shoot(page, f"{endpoint}-{width}")
    missed = {one for one in pages_of(server) if who_looks(server, one) == role} - known
    assert missed == set(), "no link leads there: add an address to BESIDES"


@pytest.fixture(scope="module")
def examples(server: Any) -> dict[str, list[str]]:
    """Something behind every link, where the demonstration has nothing: addresses by the role that looks at them."""
    royalty = {"payment_model_code": "entry_and_royalty", "royalty_base": RoyaltyBase.SALES}

    def contract(make: Make, people: dict[str, User]) -> Contract:
        person = people["jj-registrar"]
        contract = make.contract("有提成的合同", state=State.REGISTERED, filed_by=person, **royalty)
        day, amount = contract.registered_on, Decimal(5)
        by = {"contract_id": contract.id, "recorded_by_id": person.id}
        receipts = [Receipt(**by, received_on=day, counts_on=day, amount=amount) for _ in range(2)]
        asked = {"begins_on": day, "ends_on": day, "received": amount, "income": amount, "receipts": receipts[1:]}
        make.save(receipts[0])
        make.save(Verification(contract_id=contract.id, requested_by_id=person.id, **asked))
        make.save(RoyaltyStatement(**by, year=day.year, base_amount=amount, amount=amount, due_on=day))
        make.save(Benefit(**by, kind_code="VAT", party=Party.SELLER, claimed_on=day))
        return contract

    def draft(make: Make, people: dict[str, User]) -> Contract:
        return make.contract("不要的草稿", filed_by=people["jj-broker"])

    def view(make: Make, people: dict[str, User]) -> SavedView:
        owner = people["qz-manager"]
        facts = {"kind": "totals", "name": "上年各类型", "arguments": "rows=type&year=2025", "words": "2025 年登记"}
        return make.save(SavedView(owner_id=owner.id, region_code=owner.region_code, saved_on=today(), **facts))

    def aside(make: Make, people: dict[str, User]) -> Contract:
        contract = make.contract("一起办的合同", state=State.SUBMITTED, filed_by=people["jj-broker"])
        make.save(BulkPick(user_id=people["jj-registrar"].id, contract_id=contract.id, version=contract.version))
        return contract

    def firm(make: Make, people: dict[str, User]) -> Enterprise:
        return make.enterprise(created_by_id=people["jj-registrar"].id)

    asked(server, _draft_of_rules)
    made(server, view)
    made(server, aside)
    return {
        "registrar": [
            f"/contracts/{made(server, contract)}/performance",
            f"/enterprises/{made(server, firm)}/edit",
        ],
        "broker": [f"/contracts/{made(server, draft)}/discard"],
    }


def _draft_of_rules() -> None:
    db.session.add(RuleSet(code="2027", name="《新规则》草案", source="试验"))
    db.session.commit()


def addresses_in(page: Page, selector: str) -> list[str]:
    found = page.locator(selector).evaluate_all("(links) => links.map((one) => one.getAttribute('href'))")
    return list(dict.fromkeys(one.split("#")[0] for one in found if one and one.startswith("/")))


def endpoint_of(server: Any, address: str) -> str | None:
    """The view behind an address; none for one that leads nowhere."""
    try:
        return server.app.url_map.bind("").match(address.split("?")[0])[0]
    except NotFound:
        return None


def who_looks(server: Any, endpoint: str | None) -> str:
    """The role that looks at a page closely, for all who may open it."""
    permission = getattr(server.app.view_functions.get(endpoint), "permission", None)
    first = next(role for role in ROLES if permission is None or Role(role) in GRANTS[permission])
    return CLOSELY.get(permission, first)


def pages_of(server: Any) -> set[str]:
    """The views that answer with a page to somebody who is signed in."""
    rules = [rule for rule in server.app.url_map.iter_rules() if "GET" in rule.methods]
    return {rule.endpoint for rule in rules if not NO_PAGE.search(str(rule))} - ELSEWHERE


@pytest.mark.parametrize("section", ["parties", "subject", "money", "technology", "files", "check"])
def test_every_page_of_the_filing(
    server: Any,
    new_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    shoot: Callable[..., None],
    broker_draft: tuple[int, Any],
    section: str,
):
    page = new_page(width=WIDTHS[0], storage_state=broker_draft[1])
    page.goto(f"/contracts/{broker_draft[0]}/fill/{section}")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)
        accessible(page)
        shoot(page, f"filing-{section}-{width}")


@pytest.fixture(scope="module")
def broker_draft(server: Any, browser: Browser) -> Iterator[tuple[int, Any]]:
    """An empty draft of the broker, and the session in which it is filled in."""
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    account = server.account("broker")
    page.goto("/sign-in")
    page.locator("input[name=username]").fill(account.username)
    page.locator("input[name=password]").fill(account.password)
    page.get_by_role("button", name="登录").click()
    key = begin(page)
    yield key, context.storage_state()
    context.close()


@pytest.mark.parametrize(
    ("role", "state", "move"),
    [
        ("registrar", State.SUBMITTED, "accept"),
        ("registrar", State.ACCEPTED, "review"),
        ("registrar", State.ACCEPTED, "ask_correction"),
        ("reviewer", State.REVIEWED, "register"),
        ("reviewer", State.REVIEWED, "refuse"),
    ],
)
def test_the_page_of_a_move_as_it_refuses_to_be_sent_empty(
    server: Any,
    new_page: Callable[..., Page],
    enter: Callable[..., Page],
    accessible: Callable[[Page], None],
    shoot: Callable[..., None],
    role: str,
    state: State,
    move: str,
):
    key = made(server, lambda make, people: make.contract(state=state, filed_by=people["jj-broker"]))
    page = enter(new_page(width=390), role)
    page.goto(f"/contracts/{key}/{move}")
    page.locator("#decide form button.btn[type=submit]").last.click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    assert page.title().startswith("错误：")
    for width in reversed(WIDTHS):
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)
        accessible(page)
        shoot(page, f"{move}-refused-{width}")


def test_what_opens_without_signing_in(server: Any, new_page: Callable[..., Page], accessible: Callable[[Page], None]):
    page = new_page(width=390)
    page.goto("/")
    page.get_by_role("button", name="登录").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    for address in (None, "/verify", f"/invitations/{asked(server, _invitation)}"):
        if address:
            assert page.goto(address).ok, address
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            fits(page)
            accessible(page)


def _invitation() -> str:
    token = invite(db.session.scalar(select(User).where(User.username == "jj-broker-2")))
    db.session.commit()
    return token


# Paper


def test_paper_shows_the_overview_and_a_contract_without_menus(
    server: Any, new_page: Callable[..., Page], enter: Callable[..., Page]
):
    key = made(server, lambda make, people: make.contract("打印的合同", state=State.REGISTERED))
    page = enter(new_page(), "manager")
    for address in ("/statistics/", f"/contracts/{key}"):
        page.goto(address)
        page.emulate_media(media="print")
        for hidden in (".topbar", ".shell > .sidenav", ".crumbs", ".skip"):
            expect(page.locator(hidden).first).to_be_hidden()
        for button in page.locator("main button, main a.btn").all():
            expect(button).to_be_hidden()
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("table.dense").first).to_be_visible()
        page.emulate_media(media="screen")


# Hostile words

HOSTILE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE contracts;--",
    '"><img src=x onerror=alert(1)>{{ 7 * 7 }}${7*7}',
    "W" * 150,
    "𠮷野家😀👩‍👩‍👧‍👦の技术 é ‮反",
]


@pytest.fixture(scope="module")
def hostile(server: Any) -> list[int]:
    """A submitted contract for each of the words: in its title, content and the name of its seller."""

    def contract(words: str) -> Callable[..., Contract]:
        return lambda make, people: make.contract(
            words,
            content=words,
            seller=make.enterprise(words + "公司"),
            state=State.SUBMITTED,
            filed_by=people["jj-broker"],
        )

    return [made(server, contract(words)) for words in HOSTILE]


@pytest.mark.parametrize("role", ["broker", "registrar"])
def test_hostile_words_are_only_words(
    server: Any, new_page: Callable[..., Page], enter: Callable[..., Page], hostile: list[int], role: str
):
    page = enter(new_page(width=390), role)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    lists = ["/contracts/mine", "/contracts/"] if role == "broker" else ["/contracts/inbox", "/contracts/"]
    for address in [*lists, *[f"/contracts/{key}" for key in hostile], "/enterprises/?sort=-created"]:
        page.goto(address)
        fits(page)
        text = page.locator("main").inner_text()
        if match := re.fullmatch(r"/contracts/(\d+)", address):
            words = HOSTILE[hostile.index(int(match[1]))]
            assert text.count(words) >= 3, address
        elif address in lists[:1]:
            assert all(words in text for words in HOSTILE), address
    for words in HOSTILE:
        page.goto("/contracts/")
        page.locator("main input[name=q]").fill(words)
        page.get_by_role("button", name="查询").click()
        expect(page.locator("main input[name=q]")).to_have_value(words)
        expect(page.locator("tbody").get_by_role("link", name=words, exact=True)).to_be_visible()
        fits(page)


def test_hostile_words_are_typed_and_registered(
    server: Any, new_page: Callable[..., Page], enter: Callable[..., Page], hostile: list[int]
):
    broker, registrar, manager = (enter(new_page(width=390), role) for role in ("broker", "registrar", "manager"))
    for page in (broker, registrar, manager):
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    key = begin(broker)
    broker.get_by_role("combobox", name="卖方").press_sequentially("<script>")
    expect(broker.get_by_role("option", name=HOSTILE[0])).to_be_visible()
    fits(broker)
    broker.keyboard.press("ArrowDown")
    broker.keyboard.press("Enter")
    broker.goto(f"/contracts/{key}/fill/subject")
    broker.locator("#title").fill(HOSTILE[2])
    broker.locator("#content").fill("\n".join(HOSTILE))
    broker.locator("#signed_on").fill(HOSTILE[1])
    go_on(broker)
    expect(broker.locator("[data-error-summary]")).to_be_focused()
    expect(broker.locator("#title")).to_have_value(HOSTILE[2])
    expect(broker.locator("#signed_on")).to_have_value(HOSTILE[1])
    fits(broker)

    registrar.goto(f"/contracts/{hostile[0]}/ask_correction")
    registrar.locator("#items-0-section").select_option("subject")
    registrar.locator("#items-0-request").fill(HOSTILE[2] + HOSTILE[3])
    registrar.get_by_role("button", name="退回补正").click()
    expect(registrar.get_by_text("已退回申报人补正。")).to_be_visible()
    registrar.goto(f"/contracts/{hostile[0]}")
    fits(registrar)
    broker.goto("/contracts/mine")
    expect(broker.get_by_text(HOSTILE[2] + HOSTILE[3]).first).to_be_visible()
    fits(broker)
    manager.goto("/statistics/")
    fits(manager)
    assert asked(server, lambda: db.session.get(Contract, hostile[1]).title) == HOSTILE[1]
