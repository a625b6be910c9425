"""Filing through HTTP: a draft is made, filled in part by part, kept as typed."""

import re
import threading
from decimal import Decimal
from html import unescape

import pytest
from sqlalchemy import func, select

from contracts_app.accounts.entrance.signing_in import set_password
from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from tests.contracts.answers import DAY, TECHNOLOGY, deduction, kept, money, post, royalty, subject, summary, upload
from tests.factories import JINJIANG, PDF, QINGYANG, SHISHI

NOT_CLASSIFIED = {"is_classified": "no"}


@pytest.fixture
def broker(make):
    return make.user(Role.BROKER)


@pytest.fixture
def visit(sign_in, broker):
    return sign_in(broker)


@pytest.fixture
def draft(make, broker):
    """An empty draft of the broker's."""
    return make.save(Contract(filed_by_id=broker.id))


@pytest.fixture
def ready(make, broker):
    """A draft that may be handed in."""
    return make.contract(filed_by=broker)


# ---- starting ------------------------------------------------------------------------------------------------------


def test_new_says_what_is_needed_and_makes_one_draft_however_often_it_is_pressed(visit, broker):
    page = visit.get("/contracts/new")
    assert "授权委托书" in page.text
    assert db.session.scalar(select(func.count()).select_from(Contract)) == 0
    assert visit.post("/contracts/new").status_code == 422, "whether it is classified is asked first"
    assert "不得录入" in visit.get("/contracts/new/classified").text
    first, second = (visit.post("/contracts/new", data=NOT_CLASSIFIED) for _ in range(2))
    assert first.location == second.location
    assert first.location.endswith("/fill/parties")
    assert db.session.scalar(select(func.count()).select_from(Contract)) == 1


def test_a_draft_somebody_has_begun_is_not_taken_for_the_empty_one(visit, draft):
    post(visit, draft, "subject", {"title": "写了一半"}, go="draft")
    visit.post("/contracts/new", data=NOT_CLASSIFIED)
    assert db.session.scalar(select(func.count()).select_from(Contract)) == 2


def test_only_who_files_may_start(sign_in, make):
    assert sign_in(make.user(Role.MANAGER)).get("/contracts/new").status_code == 403
    assert sign_in(make.user(Role.REGISTRAR)).get("/contracts/new").status_code == 200


# ---- the whole way -------------------------------------------------------------------------------------------------


def test_a_contract_is_filed_from_the_first_page_to_the_last(visit, make):
    seller, buyer = make.enterprise("恒锐智能装备（福建）有限公司", town_code=QINGYANG), make.enterprise()
    visit.post("/contracts/new", data=NOT_CLASSIFIED)
    contract = db.session.scalars(select(Contract)).one()
    parties = {"seller_id": str(seller.id), "buyer_id": str(buyer.id), "is_related": "no"}
    assert post(visit, contract, "parties", parties).location.endswith("/fill/subject")
    assert post(visit, contract, "subject", subject()).location.endswith("/fill/money")
    plan = money(("2026-12-31", "", "70"), ("", "验收合格后 10 日内", "50万"), ("", "", ""))
    assert post(visit, contract, "money", plan).location.endswith("/fill/technology")
    assert post(visit, contract, "technology", TECHNOLOGY).location.endswith("/fill/files")
    for kind in ("contract", "authorization"):
        upload(visit, contract, kind, (f"{kind}.pdf", PDF + kind.encode()))
    page = visit.get(f"/contracts/{contract.id}/fill/check").text
    assert "壹佰贰拾万元整" in page
    assert "晋江市" in page
    db.session.expire_all()
    contract = db.session.get(Contract, contract.id)
    assert (contract.unit_code, contract.town_code) == (JINJIANG, QINGYANG)
    assert contract.total_amount == Decimal(1_200_000)
    assert [(line.position, line.amount) for line in contract.payments] == [(1, 700_000), (2, 500_000)]
    done = visit.post(f"/contracts/{contract.id}/submit", data={"undertaking": "y", "version": contract.version})
    assert done.status_code == 302
    assert db.session.get(Contract, contract.id).state is State.SUBMITTED


def test_each_button_leads_where_it_says(visit, draft):
    assert post(visit, draft, "subject", subject(), go="back").location.endswith(f"/contracts/{draft.id}/fill")
    assert post(visit, draft, "subject", subject(), go="draft").location.endswith("/fill/subject")


def test_the_task_list_says_how_far_each_part_is(visit, draft):
    post(visit, draft, "subject", subject())
    post(visit, draft, "money", money(total_amount="一百"))
    page = visit.get(f"/contracts/{draft.id}/fill").text
    tags = re.findall(r"</a><span class=\"tag[^>]*>.*?</i>([^<]*)", page)
    assert tags[:5] == ["未填写", "已完成", "没有专项要填", "有 1 处要改", "未填写"]


# ---- bad input -----------------------------------------------------------------------------------------------------

WRONG = [
    ("subject", subject(signed_on="2026-02-31"), "2026 年 2 月没有 31 日，核对日期后填写。", "signed_on"),
    ("subject", subject(signed_on="2026-13-01"), "一年没有 13 月，核对月份后填写。", "signed_on"),
    ("subject", subject(signed_on="去年春天"), "按 2026-03-01 的样子填写日期，年份写满四位。", "signed_on"),
    (
        "subject",
        subject(signed_on=(today() + DAY).isoformat()),
        f"签订日期不能晚于今天（{today()}），核对合同落款日期",
        "signed_on",
    ),
    (
        "subject",
        subject(begins_on=(today() + 9 * DAY).isoformat(), ends_on=(today() + 8 * DAY).isoformat()),
        f"结束日期不能早于开始日期（{today() + 9 * DAY}）",
        "ends_on",
    ),
    (
        "subject",
        subject(ends_on=(today() - DAY).isoformat()),
        f"合同已在 {today() - DAY} 到期，只有有效期内的合同才能申请登记",
        "ends_on",
    ),
    ("subject", subject(signed_on=""), "填写合同签订日期", "signed_on"),
    ("subject", subject(title=" "), "填写合同名称，与合同封面一致", "title"),
    ("subject", subject(title="长" * 201), "合同名称不超过 200 字", "title"),
    ("subject", subject(type_code=""), "选择合同类型", "type_code"),
    ("subject", subject(type_code="KF"), "选择列表里有的一项", "type_code"),
    ("money", money(total_amount="-5"), "金额不能是负数，去掉负号后填写。", "total_amount"),
    (
        "money",
        money(total_amount="很多"),
        "金额只填写数字，可以带“万”或“亿”，例如 1,200,000 或 120万。",
        "total_amount",
    ),
    ("money", money(total_amount=""), "填写大于 0 的成交额", "total_amount"),
    (
        "money",
        money(**deduction(amount="130")),
        "扣除的合计 1,300,000.00 元，大于成交额 1,200,000.00 元",
        "deductions",
    ),
    ("money", money(**deduction(name="")), "扣除明细第 1 行：写明是什么，例如“检测仪 2 台”", "deductions-0-name"),
    (
        "money",
        money(**deduction(is_subject="y")),
        "扣除明细第 1 行：写明不扣除的理由，例如“样机 1 台，供验收用”",
        "deductions-0-note",
    ),
    (
        "money",
        money(("2026-12-31", "", "60"), ("2027-12-31", "", "50")),
        "各期合计 1,100,000.00 元，比成交额少 100,000.00 元",
        "payments",
    ),
    ("money", money(("2026-12-31", "", "130")), "各期合计 1,300,000.00 元，比成交额多 100,000.00 元", "payments"),
    (
        "money",
        money(("2026-12-31", "", "70"), ("", "", "50")),
        "第 2 期：填写应付日期，或者写明付款条件",
        "payments-1-due_on",
    ),
    ("money", money(("2026-12-31", "", "")), "第 1 期：填写这一期的金额，要大于 0", "payments-0-amount"),
    ("money", money(("2026-12-31", "", "0")), "第 1 期：填写这一期的金额，要大于 0", "payments-0-amount"),
    (
        "money",
        money(("2026-02-30", "", "120")),
        "第 1 期：2026 年 2 月没有 30 日，核对日期后填写。",
        "payments-0-due_on",
    ),
    ("money", money(payment_model_code=""), "选择付款方式", "payment_model_code-0"),
    ("money", royalty(royalty_base=""), "选择提成基数：按产品价格、新增产值、利润还是销售额计算", "royalty_base"),
    ("technology", TECHNOLOGY | {"ip_code": ""}, "选择知识产权类别；没有的选“未涉及知识产权”", "ip_code"),
    ("technology", TECHNOLOGY | {"goal_code": "nonsense"}, "选择列表里有的一项", "goal_code"),
    ("parties", {"is_related": "no"}, "选择卖方：输入名称、代码或拼音查找，没有的先新增单位", "seller_id"),
    (
        "parties",
        {"seller_id_text": "不存在的单位"},
        "没有找到“不存在的单位”，换一个字查找，或者新增单位",
        "seller_id",
    ),
]


@pytest.mark.parametrize(("section", "fields", "sentence", "target"), WRONG)
def test_a_wrong_answer_gets_its_sentence_and_nothing_is_cleared(visit, draft, section, fields, sentence, target):
    answer = post(visit, draft, section, fields)
    assert answer.status_code == 422
    assert summary(answer).get(sentence) == target
    assert f'id="{target}"' in answer.text
    assert re.sub("^(扣除明细)?第 . [期行]：", "", sentence) in unescape(answer.text.split("</ul></div>", 1)[1])
    shown = unescape(answer.text)
    assert all(typed.strip() in shown for typed in fields.values() if typed != "nonsense")
    again = unescape(visit.get(f"/contracts/{draft.id}/fill/{section}").text)
    assert sentence in again
    assert all(typed.strip() in again for typed in fields.values() if typed != "nonsense")


@pytest.mark.parametrize(
    ("typed", "unit", "yuan"),
    [
        ("1，200，000", "yuan", 1_200_000),
        ("120万", "yuan", 1_200_000),
        ("120万", "wan", 1_200_000),
        ("１２０", "wan", 1_200_000),
        ("1,200,000.00元", "wan", 1_200_000),
    ],
)
def test_amounts_are_taken_as_people_write_them(visit, draft, typed, unit, yuan):
    answers = money(("2026-12-31", "", "120"), total_amount=typed, total_amount_unit=unit)
    assert post(visit, draft, "money", answers).status_code == 302
    assert db.session.get(Contract, draft.id).total_amount == yuan
    page = visit.get(f"/contracts/{draft.id}/fill/money").text
    assert "1,200,000.00 元" in page
    assert "壹佰贰拾万元整" in page


@pytest.mark.parametrize("typed", ["2026年3月5日", "２０２６-３-５", "20260305", "2026/3/5"])
def test_days_are_taken_as_people_write_them(visit, draft, typed):
    assert post(visit, draft, "subject", subject(signed_on=typed, begins_on=typed)).status_code == 302
    assert db.session.get(Contract, draft.id).signed_on.isoformat() == "2026-03-05"


def test_all_faults_of_a_part_are_said_at_once_and_none_that_follows_from_another(visit, draft):
    wrong = summary(
        post(visit, draft, "money", money(total_amount="很多", technology_amount="100", payment_model_code=""))
    )
    assert set(wrong.values()) == {"total_amount", "payment_model_code-0"}
    wrong = summary(post(visit, draft, "subject", subject(signed_on="2026-02-31", begins_on="", ends_on="")))
    assert set(wrong.values()) == {"signed_on", "begins_on", "ends_on"}


NASTY = "<script>alert(1)</script>'; DROP TABLE contracts;-- \"&"


def test_code_in_every_text_field_is_stored_as_text_and_shown_escaped(visit, draft, make):
    make.enterprise()
    post(visit, draft, "subject", subject(title=NASTY, content=NASTY))
    post(visit, draft, "money", money(("", NASTY, "120"), payment_note=NASTY))
    contract = db.session.get(Contract, draft.id)
    assert (contract.title, contract.content, contract.payment_note) == (NASTY,) * 3
    assert contract.payments[0].condition == NASTY
    for page in ("", "/subject", "/money", "/check"):
        text = visit.get(f"/contracts/{draft.id}/fill{page}").text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    answer = post(visit, draft, "parties", {"seller_id_text": NASTY, "buyer_id_text": NASTY, "is_related": NASTY})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_a_changed_name_counts_more_than_the_hidden_id_of_the_former_choice(visit, draft, make):
    first, second = make.enterprise("海岚理工大学"), make.enterprise("雨栖伞业（晋江）有限公司")
    fields = {
        "seller_id": str(first.id),
        "seller_id_text": "雨栖伞业(晋江)有限公司",
        "buyer_id": str(first.id),
        "is_related": "no",
    }
    assert post(visit, draft, "parties", fields).status_code == 302
    assert db.session.get(Contract, draft.id).seller_id == second.id


def test_seller_and_buyer_are_two(visit, draft, make):
    one = make.enterprise()
    answer = post(visit, draft, "parties", {"seller_id": str(one.id), "buyer_id": str(one.id), "is_related": "no"})
    assert summary(answer) == {"买方和卖方是同一个单位，改选其中一方": "buyer_id"}


def test_a_seller_outside_the_city_is_sent_to_his_own_office(visit, draft, make):
    seller, buyer = make.enterprise(region="350100"), make.enterprise()
    answer = post(visit, draft, "parties", {"seller_id": str(seller.id), "buyer_id": str(buyer.id), "is_related": "no"})
    assert "卖方不在泉州市的任何一个考核单元" in " ".join(summary(answer))


def test_an_import_goes_to_the_buyers_office(visit, draft, make):
    seller, buyer = make.enterprise(region="990000", code=None), make.enterprise(region=SHISHI)
    post(visit, draft, "parties", {"seller_id": str(seller.id), "buyer_id": str(buyer.id), "is_related": "no"})
    assert db.session.get(Contract, draft.id).unit_code == SHISHI


def test_a_plan_can_grow_shrink_and_change_order(visit, draft):
    post(visit, draft, "money", money(("2026-12-31", "", "20"), ("2027-01-31", "", "40"), ("2027-02-28", "", "60")))
    post(visit, draft, "money", money(("2027-03-31", "", "60"), ("2027-04-30", "", "60")))
    post(visit, draft, "money", money(*[(f"2027-0{month}-01", "", "30") for month in (4, 3, 2, 1)]))
    lines = db.session.get(Contract, draft.id).payments
    assert [(line.position, line.due_on.month, line.amount) for line in lines] == [
        (n, 5 - n, 300_000) for n in (1, 2, 3, 4)
    ]


# ---- drafts --------------------------------------------------------------------------------------------------------


def test_a_draft_keeps_what_was_typed_right_or_wrong(visit, draft):
    answer = post(visit, draft, "subject", subject(signed_on="2026-02-31", title=""), go="draft")
    assert answer.status_code == 302
    page = visit.get(answer.location).text
    assert "这一部分还有 2 处要填好" in page
    assert 'value="2026-02-31"' in page
    assert db.session.get(Contract, draft.id).content == ""


def test_a_right_part_saved_as_draft_is_an_answer(visit, draft):
    post(visit, draft, "subject", subject(), go="draft")
    assert db.session.get(Contract, draft.id).title == subject()["title"]
    assert kept(draft, "subject") is None


def test_autosave_keeps_the_typing_and_not_the_contract(visit, draft):
    before = draft.version
    answer = visit.post(f"/contracts/{draft.id}/fill/subject/autosave", data=subject(title="自动保存") | {"version": 1})
    assert answer.json["faults"] == 0
    assert "version" not in answer.json
    contract = db.session.get(Contract, draft.id)
    assert (contract.version, contract.title) == (before, "")
    assert 'value="自动保存"' in visit.get(f"/contracts/{draft.id}/fill/subject").text
    assert post(visit, draft, "subject", subject(title="自动保存")).status_code == 302
    assert kept(draft, "subject") is None


def test_autosave_that_says_nothing_new_leaves_nothing(visit, ready):
    fields = {"field_code": "01", "ip_code": "01", "plan_source_code": "5", "goal_code": "01", "industry_code": "C"}
    page = {"version": ready.version, "window": "one page"}
    visit.post(f"/contracts/{ready.id}/fill/technology/autosave", data=fields | page | {"field_code": "02"})
    assert kept(ready, "technology")
    visit.post(f"/contracts/{ready.id}/fill/technology/autosave", data=fields | page)
    assert kept(ready, "technology") is None


def test_what_was_typed_and_not_saved_stops_the_submission(visit, ready):
    visit.post(f"/contracts/{ready.id}/fill/subject/autosave", data=subject(version=ready.version))
    page = visit.get(f"/contracts/{ready.id}/fill/check").text
    assert "有填了还没保存的内容" in page
    answer = visit.post(f"/contracts/{ready.id}/submit", data={"undertaking": "y", "version": ready.version})
    assert answer.status_code == 409
    assert db.session.get(Contract, ready.id).state is State.DRAFT


def test_two_windows_never_overwrite_silently(visit, draft):
    version = draft.version
    assert post(visit, draft, "subject", subject(title="第一个窗口"), version=version).status_code == 302
    answer = post(visit, draft, "subject", subject(title="第二个窗口"), version=version)
    assert answer.status_code == 409
    assert "刚在别的窗口保存过" in answer.text
    assert "第二个窗口" in answer.text
    contract = db.session.get(Contract, draft.id)
    assert contract.title == "第一个窗口"
    assert f'name="version" value="{contract.version}"' in answer.text


def test_of_two_saves_at_the_same_moment_one_is_told(live):
    broker = live.make.user(Role.BROKER)
    draft = live.make.save(Contract(filed_by_id=broker.id))
    url, version = f"/contracts/{draft.id}/fill/subject", draft.version
    together, answers = threading.Barrier(2), []

    def save(visit, title):
        together.wait()
        answers.append(visit.post(url, data=subject(title=title) | {"go": "next", "version": version}).status_code)

    people = [threading.Thread(target=save, args=(live.visitor(broker), title)) for title in ("甲", "乙")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(answers) == [302, 409]


def test_an_expired_session_loses_nothing(client, visit, draft, broker, sign_in):
    visit.delete_cookie("session")
    visit.forget_token()
    asked = visit.post(
        f"/contracts/{draft.id}/fill/subject", data=subject(title="半小时的心血", signed_on="2026-02-31")
    )
    carried = re.search(r'name="carried"[^>]*value="([^"]*)"', asked.text)[1]
    assert asked.status_code == 401
    set_password(broker, "Jinjiang-2026-Ok")
    db.session.commit()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', asked.text)[1]
    back = visit.post(
        "/sign-in",
        data={
            "username": broker.username,
            "password": "Jinjiang-2026-Ok",
            "carried": unescape(carried),
            "csrf_token": token,
        },
    )
    assert back.status_code == 302
    assert f"/contracts/{draft.id}/fill/subject?parked=" in back.location
    page = visit.get(back.location).text
    assert "登录已过期，你填的内容都还在。核对后再保存" in page
    assert 'value="半小时的心血"' in page
    assert 'value="2026-02-31"' in page


# ---- without script ------------------------------------------------------------------------------------------------


def test_a_party_is_found_without_script(visit, draft, make):
    wanted = make.enterprise("恒锐智能装备（福建）有限公司")
    for typed in ("恒锐", "hengrui", "hrzn", wanted.code[:10]):
        page = post(visit, draft, "parties", {"seller_id_text": typed}, go="find:seller_id").text
        assert f'name="seller_id_pick" id="seller_id-pick-{wanted.id}"' in page
    buyer = make.enterprise()
    fields = {"seller_id_text": "恒锐", "seller_id_pick": str(wanted.id), "buyer_id": str(buyer.id), "is_related": "no"}
    assert post(visit, draft, "parties", fields).status_code == 302
    assert db.session.get(Contract, draft.id).seller_id == wanted.id


def test_lines_of_the_plan_come_and_go_without_script(visit, draft):
    page = post(visit, draft, "money", money(("2026-12-31", "甲", "1")), go="plan-add").text
    assert 'name="payments-1-amount"' in page
    page = post(visit, draft, "money", money(("", "甲", "1"), ("", "乙", "2")), go="plan-remove:0").text
    assert 'value="乙"' in page
    assert 'value="甲"' not in page
    assert 'name="payments-1-amount"' not in page


def test_a_new_enterprise_is_added_in_place_and_chosen(visit, draft, make):
    make.enterprise("海岚理工大学")
    way = post(
        visit,
        draft,
        "parties",
        {"seller_id_text": "新生单位", "buyer_id_text": "海岚", "is_related": "yes"},
        go="new:seller_id",
    )
    assert "/enterprises/new" in way.location
    form = visit.get(way.location)
    assert 'value="新生单位"' in form.text
    back = visit.post(
        way.location,
        data={"name": "新生单位", "party_type_code": "021", "code": "91350582MA8RFY385R", "region_code": SHISHI},
    )
    assert back.status_code == 302
    page = visit.get(back.location).text
    assert "已选用：新生单位" in page
    assert 'value="海岚"' in page
    assert re.search(r'id="is_related-0"[^>]*', page)
    assert "石狮市" in page
