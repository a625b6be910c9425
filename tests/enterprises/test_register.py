"""The register of enterprises: found however they are typed, added once, changed by whom they concern."""

import re
from html import unescape

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from contracts_app.accounts.roles import Role
from contracts_app.codes.models import PartyType
from contracts_app.codes.queries import listed
from contracts_app.contracts.finding.search import WORDS
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused, Stale, sentence_of
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.enterprises import actions, facts, queries
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
        "is_in_high_tech_zone": "no",
        "is_listed": "no",
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
    ({"party_type_code": "021", "scale": "", "is_in_high_tech_zone": ""}, "不填上市公司，改选“未选择”"),
    ({"party_type_code": "500", "attribute_codes": "high_tech"}, "这一性质的单位没有企业属性，取消勾选"),
    ({"attribute_codes": "the_best"}, "选择列表里有的一项"),
    ({"postcode": "3622"}, "邮编是 6 位数字，例如 362200"),
    ({"region_code": "990000", "town_code": ""}, "填写所在的国家或地区"),
    ({"country": "马来西亚"}, "所在地区不是境外，清空国别（地区）"),
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
    assert all(typed in shown for typed in changes.values() if typed != "the_best")
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
    assert "提交合同前补填" in visit.get("/enterprises/new").text
    assert visit.post("/enterprises/new", data=answers(**changes)).status_code == 302
    assert db.session.scalars(select(Enterprise)).one().scale is None


@pytest.mark.parametrize(
    "changes",
    [
        {"party_type_code": "500", "scale": "", "is_listed": "", "is_in_high_tech_zone": ""},
        {"party_type_code": "700", "scale": "", "region_code": "990000", "town_code": "", "country": "德国"},
        {"party_type_code": "150", "scale": "", "region_code": "990000", "town_code": "", "country": "德国"},
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
    from contracts_app.accounts.entrance.signing_in import park

    kept = park(broker, "/enterprises/new", "name=半截名字&code=9135&version=")
    db.session.commit()
    page = visit.get(f"/enterprises/new?parked={kept.id}").text
    assert 'value="半截名字"' in page
    assert 'value="9135"' in page
    assert "你登录前填的内容都还在下面" in page


# ---- what the national form asks ------------------------------------------------------------------------------------

IN_FULL = {
    "address": "泉安中路 1 号",
    "postcode": "362200",
    "representative": "陈示范",
    "is_transfer_institution": "y",
    "group_name": "示范控股集团有限公司",
    "is_in_high_tech_zone": "yes",
    "is_listed": "no",
    "attribute_codes": ["specialised", "high_tech"],
}
OF_FIRMS = ("scale", "is_in_high_tech_zone", "is_listed", "attribute_codes")


def test_all_that_the_national_form_asks_is_kept_and_shown_in_groups(visit):
    where = visit.post("/enterprises/new", data=answers(**IN_FULL)).location
    made = db.session.scalars(select(Enterprise)).one()
    assert (made.is_transfer_institution, made.is_research_institution) == (True, False)
    assert (made.is_in_high_tech_zone, made.is_listed) == (True, False)
    page = visit.get(where).text
    headings = [page.index(f"<h2>{heading}</h2>") for heading in ("基本信息", "联系方式", "企业情况")]
    assert headings == sorted(headings)
    for label, value in [*facts.national_fields(made, is_whole=False), ("所属集团", "示范控股集团有限公司")]:
        assert f"<dt>{label}</dt><dd>{value}" in page
    assert dict(facts.national_fields(made, is_whole=True)) == {
        "单位名称": "恒锐智能装备（福建）有限公司",
        "统一社会信用代码": CODE,
        "单位性质": "有限责任公司",
        "所在地": "晋江市青阳街道",
        "行政区划代码": "350582",
        "是否技术转移机构": "是",
        "是否研发机构": "否",
        "是否转制科研院所": "否",
        "地址": "泉安中路 1 号",
        "邮编": "362200",
        "法定代表人": "陈示范",
        "联系人": "王工",
        "联系电话": "0595-85601234",
        "企业规模": "小型",
        "是否国家高新区内企业": "是",
        "是否上市公司": "否",
        "企业属性": "高新技术企业、专精特新企业",
    }


def test_what_is_asked_of_enterprises_goes_when_it_turns_out_to_be_none(sign_in, make):
    """The page hides those questions and sends no answers."""
    party, visit = make.enterprise(town_code=QINGYANG), sign_in(make.user())
    url, form = f"/enterprises/{party.id}", answers(name=party.name, code=party.code, version=str(party.version))
    assert visit.post(f"{url}/edit", data=form | {"attribute_codes": "high_tech"}).status_code == 302
    assert visit.get(f"{url}/edit").text.count(" checked ") == 1
    form = {name: value for name, value in form.items() if name not in OF_FIRMS}
    form |= {"party_type_code": "021", "version": str(db.session.get(Enterprise, party.id).version)}
    assert visit.post(f"{url}/edit", data=form).status_code == 302
    db.session.expire_all()
    assert [getattr(party, name) for name in OF_FIRMS] == [None, None, None, []]
    assert "企业情况" not in visit.get(url).text
    log = sign_in(make.user(Role.AUDITOR)).get("/audit").text
    assert "企业属性：高新技术企业 → " in log
    assert "上市公司：否 → " in log


def test_answers_of_enterprises_stand_with_nobody_else_below_the_page(make, broker):
    institute = make.enterprise(party_type_code="021", created_by_id=broker.id)
    for answer in ({"scale": Scale.SMALL}, {"is_listed": False}, {"attribute_codes": ["high_tech"]}):
        with pytest.raises(Refused, match="不是企业"):
            actions.revise(institute, {"name": institute.name, **answer}, broker)
    with pytest.raises(Refused, match="国别（地区）只在"):
        actions.revise(institute, {"name": institute.name, "country": "德国"}, broker)
    for change in ({"is_listed": False}, {"country": "德国"}, {"postcode": "3622"}):
        with pytest.raises(IntegrityError) as broken, db.session.begin_nested():
            db.session.execute(update(Enterprise).where(Enterprise.id == institute.id).values(**change))
        assert sentence_of(broken.value)


def test_the_constraint_knows_the_same_enterprises_as_the_list(app):
    assert {kind.code for kind in listed(PartyType) if kind.is_enterprise} == {
        kind.code for kind in listed(PartyType) if kind.code[0] in "1237"
    }


def test_two_of_one_group_are_told_they_are_related(sign_in, make, broker):
    seller, buyer = (make.enterprise(group_name=name) for name in ("示范（集团）公司", "示范集团公司"))
    draft = make.contract(filed_by=broker, seller=seller, buyer=buyer)
    page = sign_in(broker).get(f"/contracts/{draft.id}/fill/check").text
    assert "双方都属于示范（集团）公司，关联交易改选“是”" in page


def test_members_of_one_group_are_preset_as_related_and_told_why(sign_in, make, broker):
    seller, buyer = (make.enterprise(group_name=name) for name in ("示范（集团）公司", "示范集团公司"))
    draft = make.contract(filed_by=broker, seller_id=None, buyer_id=None, is_related=None)
    visit, url = sign_in(broker), f"/contracts/{draft.id}/fill/parties"
    typed = {"seller_id": str(seller.id), "buyer_id": str(buyer.id), "version": str(draft.version)}
    page = visit.post(url, data=typed | {"go": "find:buyer_id"}).text
    assert "双方都属于示范（集团）公司，是关联交易，已选“是”。" in page
    assert "关联交易已按“是”填写" in visit.post(url, data=typed, follow_redirects=True).text
    db.session.refresh(draft)
    assert draft.is_related is True


def test_a_party_that_lacks_what_is_asked_is_named_with_all_it_lacks(sign_in, make, broker):
    seller, buyer = make.enterprise("甲厂", address="", postcode="", scale=None), make.enterprise("乙厂", contact="")
    abroad = make.enterprise("丙厂", region="990000", code=None, postcode="", scale=None)
    visit = sign_in(broker)
    page = visit.get(f"/contracts/{make.contract(filed_by=broker, seller=seller, buyer=buyer).id}/fill/check").text
    for sentence in ("卖方 甲厂 还缺地址、邮编，", "买方 乙厂 还缺联系人，", "甲厂 是企业，还没有选企业规模"):
        assert sentence in page
    page = visit.get(f"/contracts/{make.contract(filed_by=broker, buyer=abroad).id}/fill/check").text
    assert "丙厂 还缺" not in page
    assert "丙厂 是企业，还没有选" not in page


def test_a_party_that_lacks_what_is_asked_of_firms_cannot_be_handed_in(sign_in, make, broker):
    """Of a domestic enterprise, that is: nobody asks it of the others."""
    university = {"party_type_code": "021", "scale": None, "is_listed": None, "is_in_high_tech_zone": None}
    draft = make.contract(
        filed_by=broker, seller=make.enterprise(**university), buyer=make.enterprise("乙厂", scale=None)
    )
    page = sign_in(broker).get(f"/contracts/{draft.id}/fill/check")
    assert "还没有填好：当事人。" in page.text
    assert "买方 乙厂 是企业，还没有选企业规模" in page.text


# ---- what is blank -------------------------------------------------------------------------------------------------


def test_whoever_may_edit_parties_fills_in_what_is_blank_and_comes_back_to_the_filing(sign_in, make, broker):
    party = make.enterprise("乙厂", scale=None, is_listed=None, phone="")
    make.contract(buyer=party, state=State.WITHDRAWN)  # in use, and somebody else's
    draft, visit = make.contract(filed_by=broker, buyer=party), sign_in(broker)
    check = f"/contracts/{draft.id}/fill/check"
    url = f"/enterprises/{party.id}/edit?next={check}"
    assert f'href="{url}"' in visit.get(check).text
    assert (
        f"/enterprises/{party.id}/edit?next=/contracts/{draft.id}/fill/parties"
        in visit.get(f"/contracts/{draft.id}/fill/parties").text
    )
    page = visit.get(url).text
    assert "已填的内容，只读" in page
    assert 'name="scale"' in page
    assert 'name="name"' not in page
    done = visit.post(
        url, data={"scale": "micro", "phone": "13812345678", "name": "改名", "contact": "我", "version": "1"}
    )
    assert done.location == check
    db.session.refresh(party)
    assert (party.scale, party.phone, party.name, party.is_listed) == (Scale.MICRO, "13812345678", "乙厂", None)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "fill_enterprise")).one()
    assert entry.details == {"scale": ["", "微型"], "phone": ["", "138****5678"]}
    assert "还缺上市公司" in visit.get(f"/enterprises/{party.id}").text


def test_filling_in_changes_nothing_that_is_there(sign_in, make, broker):
    party = make.enterprise(scale=None)
    with pytest.raises(Refused, match="只能补填空着的内容"):
        actions.fill_in(party, {"contact": "我"}, broker)
    with pytest.raises(NotYours):
        actions.fill_in(party, {"scale": Scale.MICRO}, make.user(Role.MANAGER))
    with pytest.raises(Stale):
        actions.fill_in(party, {"scale": Scale.MICRO}, broker, party.version + 1)
    visit, url = sign_in(broker), f"/enterprises/{party.id}/edit"
    assert "一项都还没有填" in visit.post(url, data={"scale": "", "version": "1"}).text
    stale = visit.post(url, data={"scale": "micro", "version": "0"})
    assert (stale.status_code, "刚被别人修改过" in stale.text) == (409, True)
    actions.fill_in(party, {"scale": Scale.MICRO}, broker)
    db.session.commit()
    assert visit.get(url).status_code == 403
    assert visit.get(f"{url}?next=/contracts/mine").location == "/contracts/mine"


def test_a_code_that_is_filled_in_is_nobody_elses(sign_in, make, broker):
    make.enterprise("雨栖伞业", code=CODE)
    party = make.enterprise(code=None)
    answer = sign_in(broker).post(f"/enterprises/{party.id}/edit", data={"code": CODE, "version": "1"})
    assert (answer.status_code, "这个代码已经有单位在用：雨栖伞业" in answer.text) == (422, True)
    with pytest.raises(Refused, match="雨栖伞业"):
        actions.fill_in(party, {"code": CODE}, broker)


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


IN_USE = "这个单位已用在提交过的合同里，资料由登记员维护。资料有误的，告诉登记员更正。"


@pytest.mark.parametrize("side", ["seller", "buyer"])
def test_what_a_submitted_contract_names_is_changed_by_the_office_alone(sign_in, make, broker, side):
    mine = make.enterprise(created_by_id=broker.id, town_code=QINGYANG, scale=Scale.SMALL)
    url, visit, registrar = f"/enterprises/{mine.id}", sign_in(broker), make.user(Role.REGISTRAR)
    make.contract(**{side: mine})
    assert visit.get(f"{url}/edit").status_code == 200  # a draft may still be put right
    make.contract(**{side: mine}, state=State.WITHDRAWN)
    assert IN_USE in visit.get(url).text
    form = answers(name="改头换面有限公司", code=mine.code, version=str(mine.version))
    for refused in (visit.get(f"{url}/edit"), visit.post(f"{url}/edit", data=form)):
        assert refused.status_code == 403
        assert IN_USE in refused.text
    with pytest.raises(NotYours):
        actions.revise(mine, {"name": "改头换面有限公司"}, broker)
    assert actions.why_not_edit(mine, make.user(Role.REGISTRAR, region=SHISHI))
    assert sign_in(registrar).post(f"{url}/edit", data=form).status_code == 302


def test_a_registrar_of_elsewhere_loses_what_he_added_once_it_is_in_use(make):
    far = make.user(Role.REGISTRAR, region=SHISHI)
    added = make.enterprise(created_by_id=far.id)
    assert actions.why_not_edit(added, far) is None
    make.contract(seller=added, state=State.SUBMITTED)
    assert actions.why_not_edit(added, far) == "晋江市的单位由当地登记员维护，联系他们修改。"


def test_one_short_question_tells_whether_an_enterprise_is_in_use(make, broker, count_queries):
    mine = make.enterprise(created_by_id=broker.id)
    for _ in range(3):
        make.contract(seller=mine, state=State.SUBMITTED)
    with count_queries() as queries:
        assert actions.why_not_edit(mine, broker)
    assert len([statement for statement in queries if "FROM contracts" in statement]) == 1
    with count_queries() as queries:
        actions.why_not_edit(mine, make.somebody(Role.BROKER))
    assert not [statement for statement in queries if "FROM contracts" in statement]


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


def test_the_log_keeps_what_was_and_what_is_now(sign_in, make):
    blank = {"address": "", "postcode": "", "representative": "", "contact": ""}
    enterprise = make.enterprise("旧名有限公司", town_code=QINGYANG, phone="13812345678", **blank)
    new = {"name": "新名有限公司", "phone": "13912345679", "region_code": SHISHI, "town_code": "", "scale": "micro"}
    form = answers(code=enterprise.code, contact="", version=str(enterprise.version), **new)
    assert sign_in(make.user(Role.REGISTRAR)).post(f"/enterprises/{enterprise.id}/edit", data=form).status_code == 302
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "revise_enterprise")).one()
    assert entry.details == {
        "name": ["旧名有限公司", "新名有限公司"],
        "phone": ["138****5678", "139****5679"],
        "region_code": ["晋江市", "石狮市"],
        "town_code": ["青阳街道", ""],
        "scale": ["小型", "微型"],
    }
    page = sign_in(make.user(Role.AUDITOR)).get("/audit").text
    assert "名称：旧名有限公司 → 新名有限公司" in page
    assert "13912345679" not in page


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
    base = re.search(r'name="base" type="hidden" value="([^"]*)"', visit.get(url).text)[1]
    assert visit.post(url, data=form | {"version": version, "contact": "先"}).status_code == 302
    seen = {"version": version, "base": base}
    answer = visit.post(url, data=form | seen | {"contact": "后", "group_name": "示范集团"})
    assert answer.status_code == 409
    assert "这个单位刚被别人修改过" in answer.text
    assert db.session.get(Enterprise, enterprise.id).contact == "先"
    assert answer.text.count("两边都改了") == 1
    page = dict(re.findall(r'type="hidden" name="(version|base)" value="([^"]*)"', answer.text))
    chosen = {"take-contact": "now", "take-group_name": "mine"}
    assert all(f'name="{name}"' in answer.text for name in chosen)
    again = form | page | chosen | {"contact": "后", "group_name": "示范集团"}
    assert visit.post(url, data=again).status_code == 302
    kept = db.session.get(Enterprise, enterprise.id)
    assert (kept.contact, kept.group_name) == ("先", "示范集团")
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
    assert actions.why_not_edit(party, registrar) is None  # whose place he holds is read once a session
    counted = []
    for name in ("恒锐一号装备有限公司", "恒锐二号装备有限公司"):
        for _ in range(4):
            make.contract(seller=party, state=State.SUBMITTED)
        db.session.expire_all()
        with count_queries() as queries:
            actions.revise(db.session.get_one(Enterprise, party.id), {"name": name}, registrar)
        counted.append([statement for statement in queries if statement.startswith("SELECT")])
    assert len(counted[0]) == len(counted[1])
