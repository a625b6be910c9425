"""技术合同 and 我的合同: who sees which rows, what every filter leaves, and that nothing typed is lost."""

import re
from datetime import date
from decimal import Decimal

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.platforms.models import Platform
from tests.factories import JINJIANG, QINGYANG, QUANZHOU, SHISHI


def titles(page):
    return re.findall(r'<a class="title" href="/contracts/\d+">([^<]*)</a>', page)


def listed(client, **args):
    answer = client.get("/contracts/", query_string=args)
    assert answer.status_code == 200
    return set(titles(answer.get_data(as_text=True)))


@pytest.fixture
def three(make):
    """One of 晋江 in 青阳, one of 晋江 elsewhere, one of 石狮."""
    make.contract("青阳的", state=State.SUBMITTED, town_code=QINGYANG)
    make.contract("晋江的", state=State.REGISTERED)
    make.contract("石狮的", state=State.ACCEPTED, unit=SHISHI)
    make.contract("别人的草稿")


@pytest.mark.parametrize(
    ("role", "region", "seen"),
    [
        (Role.REGISTRAR, JINJIANG, {"青阳的", "晋江的"}),
        (Role.REVIEWER, SHISHI, {"石狮的"}),
        (Role.MANAGER, QUANZHOU, {"青阳的", "晋江的", "石狮的"}),
        (Role.MANAGER, QINGYANG, {"青阳的"}),
        (Role.AUDITOR, JINJIANG, {"青阳的", "晋江的"}),
        (Role.BROKER, JINJIANG, set()),
    ],
)
def test_everybody_sees_their_own_region(make, sign_in, three, role, region, seen):
    assert listed(sign_in(make.user(role, region=region))) == seen


def test_a_broker_sees_what_he_filed_in_whatever_state(make, sign_in):
    broker = make.user(Role.BROKER)
    make.contract("我的草稿", filed_by=broker)
    make.contract("我的登记", filed_by=broker, state=State.REGISTERED)
    make.contract("别人的", state=State.REGISTERED)

    assert listed(sign_in(broker)) == {"我的草稿", "我的登记"}


def test_the_administrator_is_told_whom_to_ask(make, sign_in):
    assert sign_in(make.user(Role.ADMIN)).get("/contracts/").status_code == 403


def test_every_filter_leaves_what_it_says(make, sign_in, session):
    platform = session.query(Platform).first()
    broker = make.broker()
    buyer = make.enterprise("甘棠食品（晋江）有限公司")
    make.contract(
        "要找的",
        state=State.REGISTERED,
        registered_on=date(2025, 6, 30),
        amount=Decimal(500_000),
        type_code="FW1",
        field_code="02",
        town_code=QINGYANG,
        broker_id=broker.id,
        platform_id=platform.id,
        buyer=buyer,
    )
    make.contract("别的", state=State.SUBMITTED, amount=Decimal(9_000_000))
    client = sign_in(make.user(Role.MANAGER, region=QUANZHOU))

    for args in (
        {"year": "2025"},
        {"state": "registered"},
        {"type": "FW"},
        {"type": "FW1"},
        {"field": "02"},
        {"town": QINGYANG},
        {"broker": broker.id},
        {"platform": platform.id},
        {"enterprise": buyer.id},
        {"amount_to": "50"},
        {"amount_from": "50", "amount_to": "50"},
        {"date_from": "2025-06-30", "date_to": "2025-06-30"},
        {"date_kind": "signed", "date_to": "2025-12-31"},
        {"date_kind": "submitted", "date_to": "2025-12-31"},
        {"q": "甘棠"},
    ):
        assert listed(client, **args) == {"要找的"}, args
    assert listed(client, unit=SHISHI) == set()


@pytest.mark.parametrize(
    "words", ["柔性鞋面", "鞋面", "面", "海岚", "JJ-JSHT", "ｊｊ－ｊｓｈｔ", "2026350500000009", "鞋面 理工", "hllgdx"]
)
def test_words_are_found_inside_titles_parties_and_numbers(make, sign_in, words):
    make.contract(
        "柔性鞋面无缝编织",
        state=State.REGISTERED,
        seller=make.enterprise("海岚理工大学"),
        registration_number="2026350500000009",
    )
    make.contract("陶瓷坯体干燥", state=State.SUBMITTED)

    assert listed(sign_in(make.user()), q=words) == {"柔性鞋面无缝编织"}


def test_bad_values_are_told_of_beside_their_fields_and_kept(make, sign_in):
    make.contract("合同", state=State.SUBMITTED)
    args = {"amount_from": "二十", "date_from": "2026-02-31", "unit": "999999", "year": "20x5"}

    page = sign_in(make.user()).get("/contracts/", query_string=args).get_data(as_text=True)

    for words in ("有 4 处要改", "二十", "2026-02-31", "20x5", "考核单元从列表里选一项", "年度写成四位数字"):
        assert words in page
    assert titles(page) == ["合同"]


def test_hostile_words_are_only_words(make, sign_in):
    make.contract("<script>alert(1)</script>", state=State.SUBMITTED)
    client = sign_in(make.user())

    page = client.get("/contracts/").get_data(as_text=True)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    for words in ("' OR 1=1 --", '"*^', "%", "_" * 300, "<b>"):
        assert client.get("/contracts/", query_string={"q": words}).status_code == 200
    assert client.get("/contracts/", query_string={"q": "a\x00b"}).status_code == 400  # no database keeps a NUL


def test_the_heading_the_chips_and_the_footer_say_what_is_shown(make, sign_in):
    make.contract(state=State.REGISTERED, registered_on=date(2025, 3, 1), amount=Decimal(1_200_000))
    make.contract(state=State.REGISTERED, registered_on=date(2025, 4, 1), amount=Decimal("300000.50"))
    make.contract(state=State.REGISTERED, registered_on=date(2024, 4, 1))

    page = sign_in(make.user()).get("/contracts/?year=2025&type=KF&size=20").get_data(as_text=True)

    assert "2025年登记 · 技术开发 · 2 项，成交额 150.00 万元" in page
    assert 'aria-label="去掉2025年登记"' in page
    assert re.search(r"符合条件 2 项（万元）</th><td[^>]*>150\.00</td>", page)


def test_nothing_found_says_what_to_do(make, sign_in):
    client = sign_in(make.user())

    assert "还没有合同" in client.get("/contracts/").get_data(as_text=True)
    assert "清空条件" in client.get("/contracts/?q=没有").get_data(as_text=True)


def test_my_contracts_say_what_is_asked(make, sign_in):
    broker = make.user(Role.BROKER)
    make.contract("草稿合同", filed_by=broker)
    make.contract("补正合同", filed_by=broker, state=State.CORRECTION)
    make.contract("被拒合同", filed_by=broker, state=State.REFUSED)
    make.contract("登记合同", filed_by=broker, state=State.REGISTERED, registration_number="2026350500000009")
    make.contract("在办合同", filed_by=broker, state=State.ACCEPTED)
    make.contract("别人的合同", state=State.REGISTERED)

    page = sign_in(broker).get("/contracts/mine").get_data(as_text=True)

    assert "别人的合同" not in page
    for words in (
        "还没有提交",
        "<b>金额与付款</b>：写明付款计划",
        "合同标的不明确",
        "登记编号 2026350500000009",
        "个工作日",
        "待补正 1 项",
    ):
        assert words in page


def test_amounts_not_typed_yet_are_no_zeros_and_the_tagline_fits_the_tab(make, sign_in):
    broker = make.user(Role.BROKER)
    make.contract("空草稿", filed_by=broker, total_amount=0, technology_amount=0)
    make.contract("补正合同", filed_by=broker, state=State.CORRECTION)
    client = sign_in(broker)

    page = client.get("/contracts/mine").get_data(as_text=True)
    assert '<td class="num" data-label="成交额"><span>—</span></td>' in page
    assert "<b>草稿 1 项</b>" in page
    assert "<b>草稿 1 项</b>" not in client.get("/contracts/mine?state=correction").get_data(as_text=True)


def test_who_only_files_has_one_list_in_the_menu_and_the_other_by_search(make, sign_in):
    broker, registrar = sign_in(make.user(Role.BROKER)), sign_in(make.user(Role.REGISTRAR))
    listed = '<a href="/contracts/"'
    page = broker.get("/contracts/?q=恒锐").get_data(as_text=True)
    assert listed not in page.split('class="sidenav"')[1].split("</nav>")[0]
    assert '<a href="/contracts/mine" aria-current="page">' in page
    assert listed in registrar.get("/contracts/mine").get_data(as_text=True).split('class="sidenav"')[1]


@pytest.mark.parametrize(
    ("place", "office"),
    [(QUANZHOU, "泉州市科学技术局"), (JINJIANG, "晋江市科学技术局"), (QINGYANG, "晋江市科学技术局")],
)
def test_the_foot_names_the_office_of_the_readers_own_region(make, sign_in, place, office):
    page = sign_in(make.user(Role.MANAGER, region=place)).get("/contracts/").get_data(as_text=True)
    assert f"<span>{office} · 技术合同认定登记与跟踪系统</span>" in page


def test_somebody_new_is_led_to_the_first_filing(make, sign_in):
    assert "你还没有申报过合同" in sign_in(make.user(Role.BROKER)).get("/contracts/mine").get_data(as_text=True)


def test_a_manager_has_no_contracts_of_his_own(make, sign_in):
    assert sign_in(make.user(Role.MANAGER)).get("/contracts/mine").status_code == 403


@pytest.mark.parametrize("path", ["/contracts/", "/contracts/?size=100&q=合同&type=KF", "/contracts/mine?size=100"])
def test_more_rows_ask_no_more_questions(make, sign_in, count_queries, path):
    broker = make.user(Role.BROKER, Role.REGISTRAR)
    client = sign_in(broker)
    states = (State.SUBMITTED, State.CORRECTION, State.REGISTERED, State.DRAFT, State.REFUSED)
    counts = []
    for rows in (5, 55):
        for place in range(rows):
            make.contract(f"合同{place}", state=states[place % 5], filed_by=broker)
        client.get(path)
        with count_queries() as queries:
            client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]
