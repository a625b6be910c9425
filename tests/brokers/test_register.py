import pytest

from contracts_app.accounts.roles import Role
from contracts_app.brokers import actions
from contracts_app.brokers.models import Broker, Grade
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Stale
from contracts_app.core.trail.audit import AuditEntry
from tests.factories import JINJIANG, QUANZHOU, SHISHI


@pytest.fixture
def registrar(make):
    return make.user(Role.REGISTRAR)


@pytest.fixture
def office(sign_in, registrar):
    return sign_in(registrar)


def fill(**more):
    return {"name": "苏怀远", "region_code": JINJIANG, "grade": "middle", "is_active": "y"} | more


def test_a_broker_is_registered_and_found_in_every_spelling(office, session):
    answer = office.post("/brokers/new", data=fill(certificate_number="JJ-2026-001"))
    assert answer.status_code == 302
    assert "苏怀远" in office.get(answer.location).text
    assert session.query(Broker).one().grade is Grade.MIDDLE
    for words in ("怀远", "suhuai", "shy", "2026-001", "SHY", "苏 远"):
        assert "苏怀远</a>" in office.get("/brokers/", query_string={"q": words}).text, words
    assert "没有符合条件" in office.get("/brokers/", query_string={"q": "%"}).text


def test_the_register_is_narrowed(office, make):
    employer = make.enterprise("恒锐智能装备有限公司")
    make.broker("甲一", grade=Grade.SENIOR, employer_id=employer.id, region="350582001")
    make.broker("乙二", is_active=False)

    def found(**asked):
        page = office.get("/brokers/", query_string=asked).text
        return [name for name in ("甲一", "乙二") if name in page]

    assert found() == ["甲一", "乙二"]
    assert found(grade="senior") == ["甲一"]
    assert found(employer="恒锐") == ["甲一"]
    assert found(region="350582001") == ["甲一"]
    assert found(active="no") == ["乙二"]
    assert found(grade="nonsense", region=SHISHI, sort="nonsense", page="-1") == ["甲一", "乙二"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "填写姓名"),
        ({"region_code": ""}, "选择所属地区"),
        ({"region_code": SHISHI}, "选择列表里有的一项"),
        ({"grade": "emperor"}, "选择列表里有的一项"),
        ({"phone": "call me"}, "电话只填写数字"),
        ({"employer_id_text": "没有这家单位"}, "没有找到“没有这家单位”"),
        ({"user_id": "999999"}, "选择列表里有的一项"),
    ],
)
def test_what_is_wrong_is_said(office, session, wrong, sentence):
    page = office.post("/brokers/new", data=fill(**wrong))
    assert page.status_code == 422
    assert page.text.count(sentence) >= 2
    assert session.query(Broker).count() == 0


def test_a_certificate_is_one_persons(office, make):
    first = make.broker(certificate_number="JJ-1", region=SHISHI)
    page = office.post("/brokers/new", data=fill(certificate_number=" ＪＪ-1 "))
    assert page.status_code == 422
    assert "已经登记在另一位" in page.text
    assert first.name not in page.text


def test_several_may_have_none(office, session):
    for name in ("甲一", "乙二"):
        assert office.post("/brokers/new", data=fill(name=name)).status_code == 302


def test_the_employer_is_picked_or_typed(office, make, session):
    employer = make.enterprise("恒锐智能装备有限公司")
    office.post("/brokers/new", data=fill(employer_id=employer.id, employer_id_text=employer.name))
    broker = session.query(Broker).one()
    assert broker.employer_id == employer.id
    assert employer.name in office.get(f"/brokers/{broker.id}").text
    url = f"/brokers/{broker.id}/edit"
    office.post(url, data=fill(version=broker.version, employer_id=employer.id, employer_id_text=""))
    assert broker.employer_id is None
    office.post(url, data=fill(version=broker.version, employer_id_text="恒锐智能装备有限公司"))
    assert broker.employer_id == employer.id


def test_two_registrars_do_not_overwrite_each_other(office, make):
    broker = make.broker("苏怀远")
    seen = broker.version
    assert office.post(f"/brokers/{broker.id}/edit", data=fill(version=seen, phone="0595-1000001")).status_code == 302
    page = office.post(f"/brokers/{broker.id}/edit", data=fill(version=seen, phone="0595-2000002"))
    assert page.status_code == 409
    assert "别人已经改过" in page.text
    assert "0595-2000002" in page.text
    assert broker.phone == "0595-1000001"
    assert "联系电话" in page.text
    chosen = {"base": "", "take-phone": "mine", "version": broker.version}
    again = office.post(f"/brokers/{broker.id}/edit", data=fill(phone="0595-2000002") | chosen)
    assert again.status_code == 302
    assert broker.phone == "0595-2000002"


def test_a_change_is_written_down_old_and_new(office, make, session):
    broker = make.broker("苏怀远", grade=Grade.JUNIOR, phone="0595-85600001")
    office.post(f"/brokers/{broker.id}/edit", data=fill(version=broker.version, phone="0595-85600001"))
    entry = session.query(AuditEntry).filter_by(action="revise_broker").one()
    assert entry.details == {"grade": ["初级", "中级"]}


def test_another_countys_brokers_are_left_alone(office, make, registrar):
    far = make.broker("远方人", region=SHISHI)
    assert "远方人" not in office.get("/brokers/").text
    assert office.get(f"/brokers/{far.id}").status_code == 404
    assert office.post(f"/brokers/{far.id}/edit", data=fill(version=far.version)).status_code == 404
    answers = {"region_code": JINJIANG, "name": "x"}
    with pytest.raises(NotYours):
        actions.revise(far, answers, registrar, far.version)
    with pytest.raises(NotYours):
        actions.create(answers | {"region_code": SHISHI}, registrar)
    with pytest.raises(NotYours):
        actions.create(answers, make.user(Role.MANAGER))
    with pytest.raises(Stale):
        actions.revise(make.broker(), answers, registrar, 0)


def test_the_city_sees_all_counties(sign_in, make):
    for name, region in (("甲一", JINJIANG), ("乙二", SHISHI)):
        make.broker(name, region=region)
    page = sign_in(make.user(Role.MANAGER, region=QUANZHOU)).get("/brokers/").text
    assert "甲一" in page
    assert "乙二" in page


def test_readers_see_no_button_they_may_not_press(sign_in, make):
    broker = make.broker()
    visitor = sign_in(make.user(Role.REVIEWER))
    assert "/brokers/new" not in visitor.get("/brokers/").text
    assert "/edit" not in visitor.get(f"/brokers/{broker.id}").text


def test_an_account_is_tied_to_one_broker(office, make):
    user = make.user(Role.BROKER, name="苏怀远")
    broker = make.broker("苏怀远")
    office.post(f"/brokers/{broker.id}/edit", data=fill(version=broker.version, user_id=user.id))
    assert broker.user_id == user.id
    other = make.broker("别人")
    page = office.post(f"/brokers/{other.id}/edit", data=fill(version=other.version, user_id=user.id))
    assert page.status_code == 422


def test_the_list_asks_the_same_number_of_questions_for_many(office, make, count_queries):
    make.broker(employer_id=make.enterprise().id)
    with count_queries() as few:
        office.get("/brokers/")
    for _ in range(12):
        make.broker(employer_id=make.enterprise().id)
    with count_queries() as many:
        office.get("/brokers/")
    assert len(many) == len(few)


def test_names_are_shown_and_not_run(office, session):
    office.post("/brokers/new", data=fill(name="<b>'; DROP TABLE brokers; --"))
    assert "<b>'" not in office.get("/brokers/").text
    assert db.session.query(Broker).count() == 1
