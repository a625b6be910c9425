"""待办, 已办 and the clock of the office."""

from datetime import date
from decimal import Decimal

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.desk import lists
from contracts_app.contracts.desk.due import Level, due, dues
from contracts_app.contracts.states import State
from contracts_app.core.clock import WorkCalendar, today
from tests.factories import QINGYANG, SHISHI

PLAIN = WorkCalendar(known_years=frozenset({2026}))
MONDAY = date(2026, 11, 2)


def stands(on, *, due_on=date(2026, 11, 16), calendar=PLAIN):
    """A limit of ten working days from Monday 2 November, as it stands on a day."""
    return due(MONDAY, due_on, on, calendar, Decimal("0.7"))


@pytest.mark.parametrize(
    ("on", "level", "words"),
    [
        (date(2026, 11, 2), Level.OK, "剩 10 个工作日"),
        (date(2026, 11, 10), Level.OK, "剩 4 个工作日"),
        (date(2026, 11, 11), Level.WARN, "剩 3 个工作日"),  # 70 % of the limit is used
        (date(2026, 11, 14), Level.WARN, "剩 1 个工作日"),  # a Saturday
        (date(2026, 11, 16), Level.BAD, "今天到期"),
        (date(2026, 11, 17), Level.BAD, "超期 1 个工作日"),
        (date(2026, 11, 30), Level.BAD, "超期 10 个工作日"),
    ],
)
def test_a_limit_turns_amber_and_red(on, level, words):
    assert (stands(on).level, stands(on).words) == (level, words)


def test_a_weekend_after_the_last_day_is_no_working_day():
    assert stands(date(2026, 11, 14), due_on=date(2026, 11, 13)).words == "超期不足 1 个工作日"


def test_a_limit_that_ends_on_a_weekend_has_no_working_day_left():
    found = stands(date(2026, 11, 13), due_on=date(2026, 11, 15))
    assert (found.level, found.words) == (Level.BAD, "11-15 到期，其间没有工作日")


def test_the_share_stays_between_nothing_and_all():
    assert stands(date(2026, 10, 1)).share == 0
    assert stands(date(2026, 11, 9)).share == 0.5
    assert stands(date(2026, 12, 30)).share == 1


def test_a_year_without_its_holidays_is_an_estimate():
    assert stands(MONDAY).note == ""
    assert stands(MONDAY, due_on=date(2027, 1, 8)).note == "按周末推算"


def test_no_last_day_no_limit(app):
    assert dues()(None, None) is None


# ---- 待办 -----------------------------------------------------------------------------------------------------------


def inbox(client, query=""):
    answer = client.get(f"/contracts/inbox{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_each_finds_what_waits_for_them(make, sign_in):
    make.contract("待受理", state=State.SUBMITTED)
    make.contract("待初审", state=State.ACCEPTED)
    make.contract("待复核", state=State.REVIEWED)
    for state in (State.DRAFT, State.CORRECTION, State.REGISTERED, State.REFUSED, State.WITHDRAWN):
        make.contract("不用办", state=state)
    make.contract("石狮的", state=State.SUBMITTED, unit=SHISHI)

    registrar, reviewer = inbox(sign_in(make.user(Role.REGISTRAR))), inbox(sign_in(make.user(Role.REVIEWER)))

    assert [name for name in ("待受理", "待初审", "待复核", "不用办", "石狮的") if name in registrar] == [
        "待受理",
        "待初审",
    ]
    assert [name for name in ("待受理", "待初审", "待复核", "不用办", "石狮的") if name in reviewer] == ["待复核"]
    assert "等我处理 2 件" in registrar


def test_what_somebody_filed_or_reviewed_waits_for_another(make, sign_in):
    both = make.user(Role.REGISTRAR, Role.REVIEWER)
    make.contract("我申报的", state=State.SUBMITTED, filed_by=both)
    make.contract("我初审的", state=State.REVIEWED, reviewed_by=both)
    make.contract("别人初审的", state=State.REVIEWED)

    page = inbox(sign_in(both))

    assert "我申报的" not in page
    assert "我初审的" not in page
    assert "别人初审的" in page


def test_a_registrar_of_one_town_has_that_towns_contracts(make, sign_in):
    make.contract("本镇", state=State.SUBMITTED, town_code=QINGYANG)
    make.contract("外镇", state=State.SUBMITTED)

    page = inbox(sign_in(make.user(Role.REGISTRAR, region=QINGYANG)))

    assert "本镇" in page
    assert "外镇" not in page


def test_the_most_urgent_is_first_and_the_sum_is_of_all(make, sign_in):
    make.contract("不急", state=State.SUBMITTED, due_on=date(2099, 1, 5), amount=Decimal(1_000_000))
    make.contract("超期", state=State.SUBMITTED, due_on=date(2026, 1, 5), amount=Decimal(500_000))
    client = sign_in(make.user())

    page = inbox(client)

    assert page.index("超期</a>") < page.index("不急</a>")
    assert "合计 2 件" in page
    assert "150.00" in page
    assert "按周末推算" in page
    assert "不急</a>" not in inbox(client, "?due=bad")
    assert "超期</a>" not in inbox(client, "?due=ok")
    assert "这一类没有待办" in inbox(client, "?step=accepted")


def test_what_was_sent_back_has_its_tab(make, sign_in):
    make.contract("退回的", state=State.CORRECTION)

    page = inbox(sign_in(make.user()), "?step=correction")

    assert "退回的" in page
    assert "写明付款计划" in page
    assert "没有等申请人补正的合同" in inbox(sign_in(make.user(region=SHISHI)), "?step=correction")


def test_who_waits_longest_for_an_applicant_is_first(make, sign_in):
    for name, day in (
        ("昨天退回", date(2026, 11, 19)),
        ("上月退回", date(2026, 10, 9)),
        ("本月退回", date(2026, 11, 3)),
    ):
        make.contract(name, state=State.CORRECTION, submitted_on=day)

    page = inbox(sign_in(make.user()), "?step=correction")

    assert page.index("上月退回") < page.index("本月退回") < page.index("昨天退回")


def test_an_empty_inbox_says_what_to_do(make, sign_in):
    assert "没有待办。" in inbox(sign_in(make.user()))


@pytest.mark.parametrize("role", [Role.BROKER, Role.AUDITOR, Role.ADMIN])
@pytest.mark.parametrize("path", ["/contracts/inbox", "/contracts/done"])
def test_only_the_office_has_an_inbox(make, sign_in, role, path):
    assert sign_in(make.user(role)).get(path).status_code == 403


def test_the_next_step_leads_to_its_page(make, sign_in):
    contract = make.contract(state=State.ACCEPTED)

    assert sign_in(make.user()).get(f"/contracts/{contract.id}/next").location.endswith("/review")
    assert sign_in(make.user(Role.REVIEWER)).get(f"/contracts/{contract.id}/next").location.endswith(str(contract.id))


def test_the_neighbours_are_those_of_the_inbox(make):
    person = make.user()
    contracts = [make.contract(state=State.SUBMITTED, due_on=date(2026, 12, day)) for day in (3, 1, 2)]

    assert lists.neighbours(person, contracts[2]) == (contracts[1].id, contracts[0].id)
    assert lists.neighbours(person, contracts[1]) == (None, contracts[2].id)
    assert lists.neighbours(make.user(region=SHISHI), contracts[1]) == (None, None)


# ---- 已办 -----------------------------------------------------------------------------------------------------------


def test_what_somebody_decided_is_told_newest_first(make, sign_in):
    registrar = make.user()
    make.contract("早的", state=State.ACCEPTED, reviewed_by=registrar, submitted_on=date(2026, 3, 3))
    make.contract("晚的", state=State.REVIEWED, reviewed_by=registrar, submitted_on=date(2026, 5, 5))
    make.contract("别人办的", state=State.ACCEPTED)
    make.contract("我申报的", state=State.SUBMITTED, filed_by=registrar)
    client = sign_in(registrar)

    page = client.get("/contracts/done").get_data(as_text=True)
    assert page.index("晚的</a>") < page.index("早的</a>")
    assert "我办理 3 次，涉及 2 项合同" in page
    assert "别人办的" not in page
    assert "我申报的" not in page

    of_march = client.get("/contracts/done?date_from=2026-03-01&date_to=2026-03-31").get_data(as_text=True)
    assert "早的" in of_march
    assert "晚的" not in of_march
    assert "200.00" not in of_march

    wrong = client.get("/contracts/done?date_from=2026-02-31").get_data(as_text=True)
    assert "2026 年 2 月没有 31 日" in wrong
    assert 'value="2026-02-31"' in wrong


def test_this_month_is_counted(make):
    registrar = make.user()
    make.contract(state=State.ACCEPTED, reviewed_by=registrar, submitted_on=today())
    make.contract(state=State.ACCEPTED, reviewed_by=registrar, submitted_on=date(2026, 1, 5))

    assert lists.decided_this_month(registrar) == 1


@pytest.mark.parametrize(
    "path", ["/contracts/inbox", "/contracts/inbox?step=correction&size=100", "/contracts/done?size=100"]
)
def test_more_rows_ask_no_more_questions(make, sign_in, count_queries, path):
    registrar = make.user()
    client = sign_in(registrar)
    counts = []
    for rows in (5, 55):
        for place in range(rows):
            state = (State.SUBMITTED, State.ACCEPTED, State.CORRECTION)[place % 3]
            make.contract(state=state, reviewed_by=registrar)
        client.get(path)
        with count_queries() as queries:
            client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]
