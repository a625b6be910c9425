"""Telephone numbers and private addresses: sealed in the database, masked on every page, whole when asked for."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, text

from contracts_app.accounts.entrance.signing_in import park
from contracts_app.accounts.models import ParkedForm
from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import DraftInput
from contracts_app.contracts.states import State
from contracts_app.core.db import Base, db
from contracts_app.core.keeping.sealing import Key, KeyRing
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.enterprises import actions
from contracts_app.enterprises.models import NATURAL_PERSON
from tests.factories import SHISHI

PHONE, OTHER, HOME = "13812345678", "13987654321", "福建省晋江市示范路 8 号 302 室"


@pytest.fixture
def person(make):
    """A natural person who sells."""
    return make.enterprise("王小明", party_type_code=NATURAL_PERSON, code=None, phone=PHONE, address=HOME)


def last_entry():
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()


# ---- in the database -----------------------------------------------------------------------------------------------


def test_nothing_of_a_contract_or_a_draft_lies_in_clear(live):
    """Every value of every row is looked at, and on SQLite the bytes of the file too."""
    broker = live.make.user(Role.BROKER)
    seller = live.make.enterprise("王小明", party_type_code=NATURAL_PERSON, code=None, phone=PHONE, address=HOME)
    live.make.contract(state=State.SUBMITTED, seller=seller, filed_by=broker)
    live.make.broker(phone=OTHER)
    draft = live.make.contract(filed_by=broker)
    typed = {"total_amount": "未定", "payment_note": f"付款前电话联系 {PHONE}", "version": draft.version, "go": "draft"}
    assert live.visitor(broker).post(f"/contracts/{draft.id}/fill/money", data=typed).status_code == 302
    park(broker, "/brokers/new", urlencode({"phone": OTHER}))
    db.session.commit()
    assert PHONE in db.session.scalars(select(DraftInput)).one().fields
    assert OTHER in db.session.scalars(select(ParkedForm)).one().fields
    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(text(f'SELECT * FROM "{table.name}"')):
            assert not any(secret in str(value) for value in row for secret in (PHONE, OTHER, HOME)), table.name
    if db.engine.dialect.name == "sqlite":
        raw = b"".join(file.read_bytes() for file in Path(db.engine.url.database).parent.glob("*.db*"))
        assert PHONE.encode() not in raw
        assert HOME.encode() not in raw


def test_what_is_saved_unchanged_is_not_sealed_anew(make, sign_in):
    broker = make.broker(phone=PHONE)
    sealed = db.session.scalar(text("SELECT phone FROM brokers"))
    broker.phone = PHONE
    db.session.commit()
    assert db.session.scalar(text("SELECT phone FROM brokers")) == sealed
    assert broker.version == 1


# ---- on pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.BROKER, Role.REGISTRAR, Role.REVIEWER, Role.MANAGER, Role.AUDITOR])
def test_no_page_shows_them_whole_unasked(make, sign_in, person, role):
    visitor = sign_in(make.user(role))
    pages = ["/enterprises/", f"/enterprises/{person.id}"]
    if role is Role.REGISTRAR:
        pages.append(f"/enterprises/{person.id}/edit")
    if role is not Role.BROKER:
        pages += ["/brokers/", f"/brokers/{make.broker(phone=PHONE).id}"]
    for path in pages:
        page = visitor.get(path)
        assert page.status_code == 200
        assert PHONE not in page.text, path
        assert HOME not in page.text, path
    assert "138****5678" in visitor.get(f"/enterprises/{person.id}").text
    assert "福建省***" in visitor.get(f"/enterprises/{person.id}").text


@pytest.mark.parametrize(("name", "label", "whole"), [("phone", "联系电话", PHONE), ("address", "地址", HOME)])
def test_the_office_sees_one_when_it_asks_and_it_is_written_down(make, sign_in, person, name, label, whole):
    visitor = sign_in(make.user(Role.REVIEWER, region=SHISHI))
    page = visitor.post(f"/enterprises/{person.id}/reveal", data={"field": name})
    assert page.status_code == 200
    assert whole in page.text
    entry = last_entry()
    assert (entry.action, entry.subject_id, entry.details) == ("reveal_personal_data", person.id, {"field": label})
    assert visitor.post(f"/enterprises/{person.id}/reveal", data={"field": "name"}).status_code == 400


def test_a_broker_sees_what_he_added_himself(make, sign_in):
    broker = make.user(Role.BROKER)
    mine, theirs = make.enterprise(phone=PHONE, created_by_id=broker.id), make.enterprise(phone=OTHER)
    visitor = sign_in(broker)
    assert "显示" not in visitor.get(f"/enterprises/{theirs.id}").text
    assert visitor.post(f"/enterprises/{theirs.id}/reveal", data={"field": "phone"}).status_code == 403
    assert PHONE in visitor.post(f"/enterprises/{mine.id}/reveal", data={"field": "phone"}).text


def test_a_brokers_telephone_is_for_the_office_of_the_place(make, sign_in):
    broker = make.broker(phone=PHONE)
    assert PHONE in sign_in(make.user(Role.REGISTRAR)).post(f"/brokers/{broker.id}/reveal").text
    assert last_entry().details == {"field": "联系电话"}
    assert sign_in(make.user(Role.REGISTRAR, region=SHISHI)).post(f"/brokers/{broker.id}/reveal").status_code == 404
    assert sign_in(make.user(Role.MANAGER)).post(f"/brokers/{broker.id}/reveal").status_code == 403


# ---- changing ------------------------------------------------------------------------------------------------------


def form_of(broker, **changed):
    stands = {"name": broker.name, "region_code": broker.region_code, "version": broker.version}
    return {"is_active": "y"} | stands | changed


def test_what_was_not_touched_stays_and_is_never_overwritten_by_its_mask(make, sign_in):
    broker, visitor = make.broker(phone=PHONE), sign_in(make.user())
    url = f"/brokers/{broker.id}/edit"
    assert visitor.post(url, data=form_of(broker, phone="138****5678", certificate_number="A1")).status_code == 302
    assert (broker.phone, broker.certificate_number) == (PHONE, "A1")
    wrong = visitor.post(url, data=form_of(broker, phone="138****5679"))
    assert (wrong.status_code, "带 * 的是没有显示的部分" in wrong.text) == (422, True)
    assert visitor.post(url, data=form_of(broker, phone=OTHER)).status_code == 302
    assert broker.phone == OTHER
    assert last_entry().details == {"phone": ["138****5678", "139****4321"]}
    assert visitor.post(url, data=form_of(broker, phone="")).status_code == 302
    assert broker.phone == ""


def test_the_log_keeps_names_and_private_addresses_of_people_masked_for_ever(make):
    clerk = make.user(Role.REGISTRAR)
    firm = make.enterprise("晋江试验厂", address=HOME, representative="陈示范", contact="李小工", scale=None)
    actions.revise(firm, {"name": firm.name, "representative": "张示", "contact": "赵某"}, clerk)
    assert last_entry().details == {"representative": ["陈**", "张*"], "contact": ["李**", "赵*"]}
    kind = {"party_type_code": NATURAL_PERSON, "scale": None, "is_in_high_tech_zone": None, "is_listed": None}
    actions.revise(firm, {"name": "王小明", "address": "晋江", **kind}, clerk, although_namesake=True)
    told = last_entry().details
    assert (told["name"], told["address"]) == (["晋****", "王**"], ["福建省***", "**"])
    actions.revise(firm, {"name": "晋江示范路作坊", "party_type_code": "030", "address": HOME}, clerk)
    told = last_entry().details
    assert (told["name"], told["address"]) == (["王**", "晋******"], ["**", "福建省***"])


def test_an_older_page_is_told_of_the_new_number_and_puts_back_no_mask(make, sign_in):
    broker, visitor = make.broker(phone=PHONE), sign_in(make.user())
    url, old = f"/brokers/{broker.id}/edit", form_of(broker, phone="138****5678", certificate_number="A1")
    assert visitor.post(url, data=form_of(broker, phone=OTHER)).status_code == 302
    page = visitor.post(url, data=old)
    assert page.status_code == 409
    assert "139****4321" in page.text
    assert OTHER not in page.text
    assert visitor.post(url, data=old | {"version": broker.version, "take-phone": "now"}).status_code == 302
    assert (broker.phone, broker.certificate_number) == (OTHER, "A1")


# ---- a lost key ----------------------------------------------------------------------------------------------------


def test_with_a_lost_key_lists_open_and_the_rest_says_what_to_do(make, sign_in, person, app, monkeypatch, tmp_path):
    broker = make.broker(phone=PHONE)
    other = KeyRing(tmp_path / "other-keys")
    other.file.write_text(Key.new(1).written)
    monkeypatch.setitem(app.extensions, "key_ring", other)
    monkeypatch.setattr(app, "testing", False)
    visitor = sign_in(make.user())
    for path in ("/enterprises/", "/brokers/", f"/brokers/{broker.id}"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "打不开" in page.text or path == "/brokers/"
    page = visitor.post(f"/brokers/{broker.id}/reveal")
    assert page.status_code == 500
    assert "换回原来的密钥文件" in page.text
    assert "error-id" in page.text
