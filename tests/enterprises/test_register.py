"""The register of enterprises: found however they are typed, added once, changed by whom they concern."""

from html import unescape

import pytest
from sqlalchemy import func, select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract
from contracts_app.contracts.search import WORDS
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused, Stale
from contracts_app.enterprises import actions, queries
from contracts_app.enterprises.models import Enterprise, Scale
from tests.factories import QINGYANG, SHISHI

CODE = "91350582MA8RFY385R"
TENCENT = "9144030071526726XG"
NASTY = "<script>alert(1)</script>'; DROP TABLE enterprises;--"


@pytest.fixture
def broker(make):
    return make.user(Role.BROKER)


@pytest.fixture
def visit(sign_in, broker):
    return sign_in(broker)


def answers(**changes):
    return {
        "name": "恒锐智能装备（福建）有限公司",
        "party_type_code": "150",
        "code": CODE,
        "scale": "small",
        "region_code": "350582",
        "town_code": QINGYANG,
        "address": "",
        "representative": "",
        "contact": "王工",
        "phone": "0595-85601234",
    } | changes


def count():
    return db.session.scalar(select(func.count()).select_from(Enterprise))


# ---- finding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "恒锐",
        "智能装备",
        "恒锐 福建",
        "恒锐智能装备(福建)有限公司",
        "hengrui",
        "hr",
        "HRZN",
        "91350582MA",
        "ma8rfy",
        "恒",
    ],
)
def test_an_enterprise_is_found_by_part_of_name_code_pinyin_and_initials(visit, make, typed):
    wanted = make.enterprise("恒锐智能装备（福建）有限公司", code=CODE, town_code=QINGYANG)
    actions.reindex([wanted])
    make.enterprise("海岚理工大学", code=TENCENT)
    hits = visit.get("/enterprises/search", query_string={"q": typed}).json
    assert [hit["id"] for hit in hits] == [wanted.id]
    assert hits[0]["name"] == wanted.name
    assert hits[0]["note"].startswith(CODE)


def test_what_begins_with_the_words_comes_first(visit, make):
    inside, begins = make.enterprise("福建恒锐集团"), make.enterprise("恒锐新材料科技股份有限公司")
    hits = visit.get("/enterprises/search?q=恒锐").json
    assert [hit["id"] for hit in hits] == [begins.id, inside.id]


@pytest.mark.parametrize("typed", ["", " ", "。", "%", "_", '"', "' OR 1=1 --", "AND", "*"])
def test_odd_words_find_nothing_and_break_nothing(visit, make, typed):
    make.enterprise("恒锐")
    assert visit.get("/enterprises/search", query_string={"q": typed}).json == []


def test_the_list_searches_narrows_and_counts(visit, make):
    for name, region in (("甲厂", "350582"), ("乙厂", SHISHI), ("丙店", SHISHI)):
        make.enterprise(name, region=region, phone="13812345678", contact="王工")
    page = visit.get(f"/enterprises/?q=厂&place={SHISHI}").text
    assert "乙厂" in page
    assert "甲厂" not in page
    assert "共 1 个" in page
    assert "138****5678" in page
    assert "13812345678" not in page
    assert "没有符合条件的单位" in visit.get("/enterprises/?q=没有的").text


def test_the_list_asks_the_same_whatever_its_length(visit, make, count_queries):
    make.enterprise()
    visit.get("/enterprises/")
    with count_queries() as few:
        visit.get("/enterprises/")
    for _ in range(6):
        make.enterprise()
    with count_queries() as more:
        visit.get("/enterprises/")
    assert len(few) == len(more) <= 12


# ---- adding --------------------------------------------------------------------------------------------------------


def test_an_enterprise_is_added_with_all_the_ways_to_find_it(visit, broker):
    done = visit.post("/enterprises/new", data=answers(code="９１３５０５８２ｍａ8rfy385r"))
    assert done.status_code == 302
    made = db.session.scalars(select(Enterprise)).one()
    assert (made.code, made.initials, made.scale) == (CODE, "hrznzbfjyxgs", Scale.SMALL)
    assert made.pinyin.startswith("hengruizhineng")
    assert made.created_by_id == broker.id
    assert queries.found("hrzn") == [made]


WRONG = [
    ({"code": "91350582MA8RFY385X"}, "第 18 位校验码不对，前面可能有一位填错了，对照营业执照逐位核对。"),
    ({"code": "9135O582MA8RFY385R"}, "第 5 位是字母 O"),
    ({"code": "91350582MA8RFY38SR"}, "第 17 位是字母 S"),
    ({"code": "9I350582MA8RFY385R"}, "第 2 位是字母 I"),
    ({"code": "91350582MA8RFV385R"}, "第 14 位是字母 V"),
    ({"code": "91350582MA8RFZ385R"}, "第 14 位是字母 Z"),
    ({"code": "91350582"}, "统一社会信用代码是 18 位，现在填了 8 位"),
    ({"code": ""}, "填写统一社会信用代码，共 18 位，见营业执照或登记证书"),
    ({"name": " "}, "填写单位名称，与公章一致"),
    ({"name": "长" * 201}, "单位名称不超过 200 字"),
    ({"party_type_code": ""}, "选择单位性质"),
    ({"party_type_code": "100"}, "选择列表里有的一项"),
    ({"region_code": ""}, "选择所在地区"),
    ({"party_type_code": "022"}, "这一性质的单位没有企业规模，改选“未选择”"),
    ({"town_code": ""}, "选择在晋江市的哪个镇（街道）"),
    ({"region_code": SHISHI}, "不在石狮市，改选其中一项"),
    ({"phone": "打给王工"}, "电话只填写数字，可以带区号和“-”，例如 0595-85601234"),
]


@pytest.mark.parametrize(("changes", "sentence"), WRONG)
def test_a_wrong_answer_gets_its_sentence_and_nothing_is_cleared(visit, changes, sentence):
    answer = visit.post("/enterprises/new", data=answers(**changes))
    shown = unescape(answer.text)
    assert answer.status_code == 422
    assert shown.count(sentence) >= 2  # in the summary and beside the field
    assert "Not a valid" not in shown
    assert 'value="王工"' in shown
    assert all(typed in shown for typed in changes.values())
    assert count() == 0


def test_everything_to_mend_is_told_in_one_round(visit, make):
    make.enterprise("雨栖伞业", code=CODE)
    blank = visit.post("/enterprises/new", data={"name": "", "code": ""})
    assert "选择所在地区；在晋江市的，还要选择镇（街道）" in blank.text
    assert "企业规模" not in blank.text[blank.text.index("error-summary") :][:800]
    answer = visit.post("/enterprises/new", data=answers(phone="打给王工", town_code=""))
    for sentence in ("电话只填写数字", "选择在晋江市的哪个镇（街道）", "这个代码已经有单位在用：雨栖伞业"):
        assert sentence in answer.text


def test_a_broker_need_not_know_the_scale_nor_a_town_outside_jinjiang(visit):
    changes = {"scale": "", "region_code": SHISHI, "town_code": ""}
    assert "可由登记员补填" in visit.get("/enterprises/new").text
    assert visit.post("/enterprises/new", data=answers(**changes)).status_code == 302
    assert db.session.scalars(select(Enterprise)).one().scale is None


@pytest.mark.parametrize(
    "changes",
    [
        {"party_type_code": "500", "scale": ""},
        {"party_type_code": "700", "scale": "", "region_code": "990000", "town_code": ""},
        {"party_type_code": "150", "scale": "", "region_code": "990000", "town_code": ""},
    ],
)
def test_individuals_and_parties_abroad_need_no_code(visit, changes):
    assert visit.post("/enterprises/new", data=answers(code="", **changes)).status_code == 302
    assert db.session.scalars(select(Enterprise)).one().code is None


def test_a_known_code_leads_to_the_one_who_has_it(visit, make):
    known = make.enterprise("雨栖伞业", code=CODE)
    answer = visit.post("/enterprises/new?next=/contracts/1/fill/parties?put=seller_id", data=answers())
    assert answer.status_code == 422
    assert "这个代码已经有单位在用：雨栖伞业" in answer.text
    assert f'href="/enterprises/{known.id}"' in answer.text
    assert f"/contracts/1/fill/parties?put=seller_id&amp;chosen={known.id}" in answer.text
    assert count() == 1


def test_a_known_name_asks_and_takes_the_answer(visit, make):
    make.enterprise("恒锐智能装备(福建)有限公司", code=TENCENT)
    answer = visit.post("/enterprises/new", data=answers())
    assert answer.status_code == 422
    assert "仍然新增" in answer.text
    assert visit.post("/enterprises/new", data=answers(anyway="yes")).status_code == 302
    assert count() == 2


def test_the_rule_against_twins_stands_below_the_page(make, broker):
    make.enterprise("恒锐智能装备(福建)有限公司", code=CODE)
    with pytest.raises(Refused, match="已经有单位在用"):
        actions.create({"code": CODE, "name": "另一个"}, broker)
    with pytest.raises(Refused, match="已有同名的单位"):
        actions.create({"code": None, "name": "恒锐智能装备（福建）有限公司"}, broker)


def test_code_in_every_text_field_is_stored_as_text_and_shown_escaped(visit):
    texts = {"name": NASTY, "address": NASTY, "representative": NASTY, "contact": NASTY}
    where = visit.post("/enterprises/new", data=answers(**texts)).location
    for page in (where, f"{where}/edit", "/enterprises/", f"/enterprises/?q={NASTY}"):
        text = visit.get(page).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text
    assert db.session.scalars(select(Enterprise)).one().address == NASTY


def test_nobody_is_led_out_of_the_system(visit):
    done = visit.post("/enterprises/new?next=//evil.example/x", data=answers())
    assert done.location.startswith("/enterprises/")


def test_an_expired_session_loses_nothing(visit, broker):
    from contracts_app.accounts.signing_in import park

    kept = park(broker, "/enterprises/new", "name=半截名字&code=9135&version=")
    db.session.commit()
    page = visit.get(f"/enterprises/new?parked={kept.id}").text
    assert 'value="半截名字"' in page
    assert 'value="9135"' in page
    assert "登录已过期，你填的内容都还在。核对后再保存" in page


# ---- whose business ------------------------------------------------------------------------------------------------


def test_readers_read_and_add_nothing(sign_in, make):
    enterprise = make.enterprise(phone="13812345678")
    for role in (Role.REVIEWER, Role.MANAGER, Role.AUDITOR):
        visit = sign_in(make.user(role))
        page = visit.get(f"/enterprises/{enterprise.id}")
        assert page.status_code == 200
        assert "13812345678" not in page.text
        assert visit.get("/enterprises/new").status_code == 403
        assert visit.post(f"/enterprises/{enterprise.id}/edit", data=answers()).status_code == 403
    assert sign_in(make.user(Role.ADMIN)).get("/enterprises/").status_code == 403


def test_brokers_change_what_they_added_and_registrars_what_lies_in_their_region(make, broker):
    mine = make.enterprise(created_by_id=broker.id)
    theirs, far, abroad = make.enterprise(), make.enterprise(region=SHISHI), make.enterprise(region="990000")
    registrar = make.user(Role.REGISTRAR)
    assert actions.why_not_edit(mine, broker) is None
    assert actions.why_not_edit(theirs, broker)
    assert actions.why_not_edit(theirs, registrar) is None
    assert actions.why_not_edit(abroad, registrar) is None
    assert actions.why_not_edit(far, registrar) == "石狮市的单位由当地登记员维护，联系他们修改。"
    with pytest.raises(NotYours):
        actions.revise(theirs, {"contact": "我"}, broker)


def test_a_page_that_may_not_be_changed_says_so(visit, make):
    enterprise = make.enterprise()
    assert "修改资料" not in visit.get(f"/enterprises/{enterprise.id}").text
    answer = visit.get(f"/enterprises/{enterprise.id}/edit")
    assert answer.status_code == 403
    assert "只能修改自己新增的单位" in answer.text


# ---- changing ------------------------------------------------------------------------------------------------------


def test_a_new_name_is_found_at_once_and_so_are_its_contracts(sign_in, make):
    enterprise = make.enterprise("旧名有限公司", town_code=QINGYANG, scale=Scale.SMALL)
    contract = make.contract(seller=enterprise)
    visit = sign_in(make.user(Role.REGISTRAR))
    form = answers(name="新星科技有限公司", code=enterprise.code, version=str(enterprise.version))
    assert visit.post(f"/enterprises/{enterprise.id}/edit", data=form).status_code == 302
    assert [one.id for one in queries.found("新星")] == [enterprise.id]
    assert not queries.found("旧名")
    assert db.session.scalars(WORDS.ids("新星")).all() == [contract.id]
    assert db.session.scalars(WORDS.ids("旧名")).all() == []


def test_a_draft_follows_its_seller_to_another_county(make):
    enterprise, registrar = make.enterprise(), make.user(Role.REGISTRAR)
    draft = make.contract(seller=enterprise)
    actions.revise(enterprise, {"name": enterprise.name, "region_code": SHISHI, "town_code": None}, registrar)
    db.session.commit()
    assert db.session.get(Contract, draft.id).unit_code == SHISHI


def test_two_windows_never_overwrite_silently(sign_in, make):
    enterprise = make.enterprise(town_code=QINGYANG)
    visit, form = sign_in(make.user(Role.REGISTRAR)), answers(name=enterprise.name, code=enterprise.code)
    url, version = f"/enterprises/{enterprise.id}/edit", str(enterprise.version)
    assert visit.post(url, data=form | {"version": version, "contact": "先"}).status_code == 302
    answer = visit.post(url, data=form | {"version": version, "contact": "后"})
    assert answer.status_code == 422
    assert "这个单位刚被别人修改过" in answer.text
    assert 'value="后"' in answer.text
    assert db.session.get(Enterprise, enterprise.id).contact == "先"
    with pytest.raises(Stale):
        actions.revise(enterprise, {"name": enterprise.name}, make.user(Role.REGISTRAR), version=int(version))


def test_a_namesake_of_long_standing_does_not_stop_a_change(sign_in, make):
    make.enterprise("双子有限公司")
    other = make.enterprise("双子有限公司", town_code=QINGYANG, scale=Scale.SMALL)
    form = answers(name=other.name, code=other.code, version=str(other.version), contact="李工")
    assert sign_in(make.user(Role.REGISTRAR)).post(f"/enterprises/{other.id}/edit", data=form).status_code == 302


def test_a_new_name_asks_no_more_questions_where_there_are_more_contracts(make, count_queries):
    """Each contract's other party is read with it, not after it."""
    registrar, party = make.user(), make.enterprise()
    counted = []
    for name in ("恒锐一号装备有限公司", "恒锐二号装备有限公司"):
        for _ in range(4):
            make.contract(seller=party, state=State.SUBMITTED)
        db.session.expire_all()
        with count_queries() as queries:
            actions.revise(db.session.get_one(Enterprise, party.id), {"name": name}, registrar)
        counted.append([statement for statement in queries if statement.startswith("SELECT")])
    assert len(counted[0]) == len(counted[1])
