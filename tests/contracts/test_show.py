"""The page of one contract, and its files."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core import money
from contracts_app.core.clock import now_utc
from tests.factories import PDF, SHISHI

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def page_of(client, contract):
    answer = client.get(f"/contracts/{contract.id}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("state", [state for state in State if state is not State.DRAFT])
def test_every_state_has_its_page_for_everybody_who_may_see_it(make, sign_in, state):
    contract = make.contract("一份合同", state=state)

    for person in (
        make.somebody(Role.BROKER),
        make.user(Role.REGISTRAR),
        make.user(Role.REVIEWER),
        make.user(Role.MANAGER),
        make.user(Role.AUDITOR),
    ):
        page = page_of(sign_in(person), contract)
        assert state.label in page
        assert money.capitals(contract.total_amount) in page
        for offer in CONTRACT.offers(contract, person):
            assert offer.move.label in page


@pytest.mark.parametrize("who", [(Role.BROKER,), (Role.REGISTRAR,), (Role.MANAGER,)])
def test_what_is_not_theirs_does_not_exist_for_them(make, sign_in, who):
    contract = make.contract(state=State.SUBMITTED, unit=SHISHI)
    client = sign_in(make.user(*who))

    assert client.get(f"/contracts/{contract.id}").status_code == 404
    assert client.get(f"/contracts/{contract.id}/accept").status_code == 404
    assert client.post(f"/contracts/{contract.id}/accept").status_code == 404
    assert client.get(f"/contracts/{contract.id}/files/{contract.attachments[0].id}").status_code == 404


def test_a_draft_is_nobody_elses_business(make, sign_in):
    draft = make.contract(state=State.DRAFT)

    assert sign_in(make.user(Role.REGISTRAR)).get(f"/contracts/{draft.id}").status_code == 404
    assert sign_in(make.somebody(Role.BROKER)).get(f"/contracts/{draft.id}").status_code in (200, 302)


def test_telephone_numbers_are_masked(make, sign_in):
    seller = make.enterprise("海岚理工大学", phone="13812345678")
    contract = make.contract(state=State.SUBMITTED, seller=seller, broker_id=make.broker(phone="13987654321").id)

    page = page_of(sign_in(make.user()), contract)

    assert "138****5678" in page
    assert "139****4321" in page
    assert "13812345678" not in page


def test_what_may_not_be_done_is_greyed_with_the_reason(make, sign_in):
    registrar = make.user(Role.REGISTRAR)
    contract = make.contract(state=State.SUBMITTED, filed_by=registrar)

    page = page_of(sign_in(registrar), contract)

    assert "“受理”现在不能办：这份合同是你申报的，须由别人办理。" in page


def test_the_history_is_told_in_words(make, sign_in):
    contract = make.contract(state=State.REVIEWED)
    contract.history[-1].answers = {
        "recognised_type": "KF1",
        "recognised_amount": "900000.00",
        "conclusion": "register",
        "opinion": "<b>建议登记</b>",
    }
    contract.history[-1].changes = {"technology_amount": ["1,000,000.00", "900,000.00"]}
    contract.history[1].answers = {"complete_papers": True, "acceptance_number": contract.acceptance_number}

    page = page_of(sign_in(make.user()), contract)

    for words in (
        "认定的合同类型：技术开发 · 委托开发",
        "核定的技术交易额：900,000.00 元",
        "初审意见：建议登记",
        "&lt;b&gt;建议登记&lt;/b&gt;",
        "1,000,000.00 → 900,000.00",
        f"受理号：{contract.acceptance_number}",
    ):
        assert words in page
    for key in ("recognised_amount", "complete_papers", "conclusion"):
        assert key not in page


def test_the_corrections_stand_with_their_answers_and_what_was_changed(make, sign_in):
    contract = make.contract(state=State.CORRECTION)
    broker = sign_in(make.somebody(Role.BROKER))
    assert "1 项待答复" in page_of(broker, contract)
    contract.payment_note = "验收后付清"

    broker.post(f"/contracts/{contract.id}/resubmit", data={"replies-0": "已写明", "version": contract.version})
    page = page_of(sign_in(make.user()), contract)

    assert "已写明" in page
    assert "这次提交改了什么" in page
    assert "验收后付清" in page


def test_possible_duplicates_are_shown_to_the_office_only(make, sign_in):
    seller, buyer, amount = make.enterprise(), make.enterprise(), Decimal(770_000)
    first = make.contract("先来的", state=State.REGISTERED, seller=seller, buyer=buyer, amount=amount)
    contract = make.contract("后来的", state=State.SUBMITTED, seller=seller, buyer=buyer, amount=amount)
    copied = make.contract("同一个文件", state=State.SUBMITTED)
    copied.attachments[0].sha256 = contract.attachments[0].sha256

    page = page_of(sign_in(make.user()), contract)
    assert "疑似重复" in page
    assert "卖方、买方、成交额都相同" in page
    assert "合同文本是同一个文件" in page
    assert "疑似重复" not in page_of(sign_in(make.user(Role.MANAGER)), contract)
    assert first.title in page_of(
        sign_in(make.user(Role.MANAGER)), contract
    )  # among the other contracts of the parties


def test_the_steps_start_again_with_a_correction(make, sign_in):
    page = page_of(sign_in(make.user()), make.contract(state=State.CORRECTION))

    assert 'aria-current="step"' in page
    assert "补正" in page


# ---- files ---------------------------------------------------------------------------------------------------------


def opened(client, path):
    """The answer with its file read and closed, as a server does."""
    answer = client.get(path)
    assert answer.data
    answer.close()
    return answer


def test_a_file_opens_under_its_chinese_name_and_can_do_no_harm(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    file = make.attachment(contract, file_name="技术合同（签章版）.pdf")
    client = sign_in(make.user())

    answer = opened(client, f"/contracts/{contract.id}/files/{file.id}")

    assert answer.data == PDF
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "filename*=UTF-8''%E6%8A%80%E6%9C%AF" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "private" in answer.headers["Cache-Control"]
    saved = opened(client, f"/contracts/{contract.id}/files/{file.id}?download=1")
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_picture_is_sandboxed_and_a_document_is_saved(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    picture = make.attachment(contract, content=PNG, mime="image/png", file_name="扫描.png")
    document = make.attachment(contract, content=b"PK", mime="application/ofd", file_name="合同.ofd")
    client = sign_in(make.user())

    shown = opened(client, f"/contracts/{contract.id}/files/{picture.id}")
    assert shown.headers["Content-Security-Policy"].endswith("sandbox")
    saved = opened(client, f"/contracts/{contract.id}/files/{document.id}")
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_file_belongs_to_its_contract(make, sign_in):
    one, other = make.contract(state=State.SUBMITTED), make.contract(state=State.SUBMITTED)
    client = sign_in(make.user())

    assert client.get(f"/contracts/{one.id}/files/{other.attachments[0].id}").status_code == 404
    assert client.get(f"/contracts/{one.id}/files/999999").status_code == 404


def test_a_file_that_is_gone_from_the_store_is_not_found(make, app, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    file = make.attachment(contract, content=b"%PDF- gone")
    app.extensions["files"].remove(file.sha256, before=now_utc() + timedelta(days=1))

    assert sign_in(make.user()).get(f"/contracts/{contract.id}/files/{file.id}").status_code == 404


def test_a_long_record_asks_no_more_questions(make, sign_in, count_queries, app):
    person = make.user()
    seller = make.enterprise()
    client = sign_in(person)
    counts = []
    for lines in (2, 30):
        contract = make.contract(state=State.ACCEPTED, seller=seller)
        for place in range(lines):
            make.attachment(contract, content=str(place).encode())
            make.contract(state=State.SUBMITTED, seller=seller)
        for path in (f"/contracts/{contract.id}", f"/contracts/{contract.id}/review"):
            client.get(path)
            with count_queries() as queries:
                client.get(path)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_days_of_the_office_are_those_of_shanghai(make, sign_in):
    contract = make.contract(state=State.REGISTERED, registered_on=date(2026, 6, 1))

    assert "2026-05-22 09:00" in page_of(sign_in(make.user()), contract)
