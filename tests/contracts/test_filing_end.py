"""Filing through HTTP: whose a draft is, its files, its correction, and how it ends."""

import pytest
from sqlalchemy import select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.facts import changes_of, facts_of
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from tests.contracts.answers import DAY, TECHNOLOGY, post, subject, summary, upload
from tests.factories import PDF


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


# ---- whose it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["fill", "fill/subject", "fill/files", "fill/check", "discard"])
def test_another_brokers_draft_is_not_there(sign_in, make, ready, page):
    assert sign_in(make.user(Role.BROKER)).get(f"/contracts/{ready.id}/{page}").status_code == 404
    assert sign_in(make.user(Role.REGISTRAR)).get(f"/contracts/{ready.id}/{page}").status_code == 404


def test_another_broker_writes_nothing(sign_in, make, ready):
    other = sign_in(make.user(Role.BROKER))
    for url, fields in (
        ("fill/subject", subject()),
        ("fill/subject/autosave", subject()),
        ("fill/files", {"kind_code": "other"}),
        ("copy", {}),
        ("discard", {}),
    ):
        assert other.post(f"/contracts/{ready.id}/{url}", data=fields).status_code == 404


def test_what_is_handed_in_is_not_changed_by_going_back(visit, make, broker):
    contract = make.contract(filed_by=broker, state=State.SUBMITTED)
    for answer in (visit.get(f"/contracts/{contract.id}/fill/subject"), post(visit, contract, "subject", subject())):
        assert answer.status_code == 409
        assert "这份合同现在是“已提交”，不能再改" in answer.text


def test_the_office_does_not_fill_in_for_the_filer(sign_in, make):
    contract = make.contract(state=State.CORRECTION)
    answer = sign_in(make.user(Role.REGISTRAR)).get(f"/contracts/{contract.id}/fill/subject")
    assert answer.status_code == 403
    assert "只有申报人本人可以修改" in answer.text


def test_a_part_there_is_not_is_not_found(visit, draft):
    assert visit.get(f"/contracts/{draft.id}/fill/nonsense").status_code == 404


def test_a_registrar_files_for_a_seller_at_the_counter(sign_in, make):
    registrar, broker = make.user(Role.REGISTRAR), make.broker("苏怀远")
    contract = make.save(Contract(filed_by_id=registrar.id))
    visit = sign_in(registrar)
    assert "苏怀远" in visit.get(f"/contracts/{contract.id}/fill/parties").text
    seller, buyer = make.enterprise(), make.enterprise()
    fields = {"seller_id": str(seller.id), "buyer_id": str(buyer.id), "is_related": "no", "broker_id": str(broker.id)}
    assert post(visit, contract, "parties", fields).status_code == 302
    assert db.session.get(Contract, contract.id).broker_id == broker.id
    assert "代理申请时必须提交" in visit.get(f"/contracts/{contract.id}/fill/files").text


def test_a_registrar_reads_whom_he_chose_before_handing_in_and_a_change_is_kept(sign_in, make):
    registrar, first, then = make.user(Role.REGISTRAR), make.broker("苏怀远"), make.broker("林知遥")
    contract = make.contract(filed_by=registrar, broker=first)
    visit, page = sign_in(registrar), f"/contracts/{contract.id}/fill/check"
    assert 'fill/parties#broker_id"' in visit.get(page).text
    assert "苏怀远" in visit.get(page).text
    before = facts_of(contract)
    contract.broker = then
    assert changes_of(before, facts_of(contract)) == {"broker_id": ["苏怀远", "林知遥"]}


def test_a_broker_is_not_asked_who_the_broker_is(visit, make, ready, broker):
    make.save(ready, broker=make.broker(user=broker))
    assert "#broker_id" not in visit.get(f"/contracts/{ready.id}/fill/check").text


def test_a_broker_names_no_other_broker(visit, draft, make):
    other, seller, buyer = make.broker("别人"), make.enterprise(), make.enterprise()
    fields = {"seller_id": str(seller.id), "buyer_id": str(buyer.id), "is_related": "no", "broker_id": str(other.id)}
    post(visit, draft, "parties", fields)
    assert db.session.get(Contract, draft.id).broker_id is None


# ---- correction, check, copy, discard ------------------------------------------------------------------------------


def test_a_correction_shows_what_is_asked_where_it_is_to_be_done(visit, make, broker):
    contract = make.contract(filed_by=broker, state=State.CORRECTION)
    assert "写明付款计划" in visit.get(f"/contracts/{contract.id}/fill").text
    assert "写明付款计划" in visit.get(f"/contracts/{contract.id}/fill/money").text
    assert "写明付款计划" not in visit.get(f"/contracts/{contract.id}/fill/technology").text
    page = visit.get(f"/contracts/{contract.id}/fill/check").text
    assert f'action="/contracts/{contract.id}/resubmit"' in page
    assert 'name="replies-0"' in page


def test_what_stops_the_submission_is_listed_with_links(visit, draft):
    page = visit.get(f"/contracts/{draft.id}/fill/check").text
    assert f'href="/contracts/{draft.id}/fill/subject#title"' in page
    assert f'href="/contracts/{draft.id}/fill/files#kind_code"' in page
    assert "还没有填好：当事人、标的与期限、金额与付款、技术信息、附件。" in page
    assert "disabled" in page


def test_handing_in_twice_hands_in_once(visit, ready):
    fields = {"undertaking": "y", "version": ready.version}
    assert visit.post(f"/contracts/{ready.id}/submit", data=fields).status_code == 302
    assert visit.post(f"/contracts/{ready.id}/submit", data=fields).status_code == 409
    assert len(db.session.get(Contract, ready.id).history) == 1


def test_a_copy_has_the_parties_and_not_the_figures(visit, make, broker):
    earlier = make.contract(filed_by=broker, state=State.REGISTERED)
    assert visit.post(f"/contracts/{earlier.id}/copy").status_code == 302
    made = db.session.scalars(select(Contract).order_by(Contract.id.desc())).first()
    assert (made.seller_id, made.type_code, made.unit_code) == (earlier.seller_id, earlier.type_code, earlier.unit_code)
    assert (made.title, made.total_amount, made.signed_on, made.attachments) == ("", 0, None, [])
    assert made.state is State.DRAFT


def test_a_copied_code_that_may_no_longer_be_chosen_is_chosen_anew(visit, make, broker):
    earlier = make.contract(filed_by=broker, state=State.REGISTERED)
    make.save(earlier.field, valid_to=today() - DAY)
    visit.post(f"/contracts/{earlier.id}/copy")
    made = db.session.scalars(select(Contract).order_by(Contract.id.desc())).first()
    sentence = f"技术领域“{earlier.field.name}”已停用，重新选择"
    assert sentence in visit.get(f"/contracts/{made.id}/fill/check").text
    assert post(visit, made, "technology", TECHNOLOGY).status_code == 302
    assert sentence not in visit.get(f"/contracts/{made.id}/fill/check").text


def test_a_draft_is_thrown_away_after_asking(visit, ready):
    assert "删除后找不回来" in visit.get(f"/contracts/{ready.id}/discard").text
    assert db.session.get(Contract, ready.id)
    key = ready.id
    assert visit.post(f"/contracts/{key}/discard").status_code == 302
    assert db.session.scalar(select(Contract.id).where(Contract.id == key)) is None


def test_what_was_handed_in_once_is_not_thrown_away(visit, make, broker):
    contract = make.contract(filed_by=broker, state=State.CORRECTION)
    assert visit.post(f"/contracts/{contract.id}/discard").status_code == 409


# ---- files ---------------------------------------------------------------------------------------------------------


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "大.pdf",
            PDF + b"0" * (25 * MEGABYTE - len(PDF)),
            "大.pdf：文件 25.0 MB，超过 20 MB 上限，压缩或分开后重新选择。",
        ),
        ("程序.pdf", b"MZ" + b"\0" * 200, "程序.pdf：内容不是 PDF，把原件另存为 PDF 后重新选择。"),
        ("空.pdf", b"", "空.pdf：文件是空的，打开原件确认有内容后重新选择。"),
        (
            "程序.exe",
            b"MZ" + b"\0" * 200,
            "程序.exe：只收 PDF、JPG、PNG、DOCX、XLSX、OFD 文件，把原件另存为 PDF 后重新选择。",
        ),
    ],
)
def test_a_file_that_is_not_taken_says_why_and_the_others_stay(visit, ready, name, content, sentence):
    answer = upload(visit, ready, "other", (name, content))
    assert answer.status_code == 422
    assert summary(answer) == {sentence: "files"}
    assert "contract.pdf" in answer.text
    assert len(db.session.get(Contract, ready.id).attachments) == 2


def test_a_request_too_large_to_read_is_answered_on_the_page_of_the_files(visit, ready):
    answer = upload(visit, ready, "other", ("巨.pdf", PDF + b"0" * (31 * MEGABYTE)))
    assert answer.status_code == 413
    assert "这次选的文件太大，没有上传。单个文件不超过 20 MB" in answer.text
    assert "contract.pdf" in answer.text


def test_what_can_be_taken_of_one_choice_is_kept(visit, ready):
    answer = upload(visit, ready, "other", ("好.pdf", PDF + b"1"), ("空.pdf", b""))
    assert answer.status_code == 422
    assert "已上传：好.pdf" in answer.text
    assert [file.file_name for file in db.session.get(Contract, ready.id).attachments][2:] == ["好.pdf"]


def test_no_file_and_no_kind_are_said(visit, ready):
    assert set(summary(upload(visit, ready, "")).values()) == {"kind_code", "files"}


def test_the_same_file_twice_is_one(visit, ready):
    upload(visit, ready, "other", ("甲.pdf", PDF + b"7"))
    answer = upload(visit, ready, "other", ("甲.pdf", PDF + b"7"))
    assert "这个文件已经传过了" in answer.text


def test_a_file_can_be_taken_off(visit, ready):
    key = ready.attachments[0].id
    answer = visit.post(f"/contracts/{ready.id}/fill/files", data={"go": f"remove:{key}"})
    assert answer.status_code == 302
    assert len(db.session.get(Contract, ready.id).attachments) == 1
    assert visit.post(f"/contracts/{ready.id}/fill/files", data={"go": f"remove:{key}"}).status_code == 409


def test_a_file_the_office_has_seen_stays_in_the_record(visit, make, broker):
    contract = make.contract(filed_by=broker, state=State.CORRECTION)
    visit.post(f"/contracts/{contract.id}/fill/files", data={"go": f"remove:{contract.attachments[0].id}"})
    contract = db.session.get(Contract, contract.id)
    assert (len(contract.attachments), len(contract.current_attachments)) == (2, 1)


def test_the_list_of_files_marks_what_this_contract_needs(visit, make, broker):
    contract = make.contract(filed_by=broker, type_code="ZR1", ip_code="0201")
    page = visit.get(f"/contracts/{contract.id}/fill/files").text
    assert "知识产权证书" in page.split("其余种类")[0]
    assert "一般要附知识产权证书" in page


# ---- speed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "/parties", "/subject", "/money", "/technology", "/files", "/check"])
def test_a_page_asks_little_however_many_enterprises_there_are(visit, make, ready, count_queries, page):
    url = f"/contracts/{ready.id}/fill{page}"
    visit.get(url)
    with count_queries() as few:
        visit.get(url)
    for _ in range(5):
        make.enterprise()
    with count_queries() as more:
        visit.get(url)
    assert len(more) == len(few) <= 30


# ---- handing in ----------------------------------------------------------------------------------------------------


def test_what_is_left_out_when_handing_in_is_told_on_the_filing_page(visit, ready):
    answer = visit.post(f"/contracts/{ready.id}/submit", data={"version": str(ready.version)})
    assert answer.status_code == 422
    assert answer.text.count("提交前须作出承诺") == 2  # in the summary and beside the field
    assert "<h2>任务清单</h2>" in answer.text
    assert "<h2>办理</h2>" not in answer.text


def test_a_draft_that_is_not_ready_is_answered_on_the_filing_page(visit, draft):
    answer = visit.post(f"/contracts/{draft.id}/submit", data={"undertaking": "y", "version": draft.version})
    assert answer.status_code == 409
    assert "现在还不能提交：还没有填好" in answer.text
    assert "<h2>任务清单</h2>" in answer.text


@pytest.mark.parametrize(("state", "has_tasks"), [(State.CORRECTION, True), (State.SUBMITTED, False)])
def test_taking_back_asks_on_a_page_of_the_filers(visit, make, broker, state, has_tasks):
    contract = make.contract(filed_by=broker, state=state)
    url, seen = f"/contracts/{contract.id}/withdraw", {"version": contract.version}
    for answer in (visit.get(url), visit.post(url, data=seen)):
        assert ("<h2>任务清单</h2>" in answer.text) is has_tasks
        assert "<h2>办理</h2>" not in answer.text
    assert answer.text.count("写明理由，会留在办理经过里") == 2
    assert f'<a href="/contracts/{contract.id}{"/fill" if has_tasks else ""}">' in answer.text  # where it can be read
    assert visit.post(url, data=seen | {"reason": "重复申报"}).status_code == 302


def test_nothing_changed_is_told_to_the_filer_before_and_to_the_office_after(sign_in, visit, make, broker, ready):
    registrar, url = sign_in(make.user(Role.REGISTRAR)), f"/contracts/{ready.id}"
    items = {"items-0-section": "money", "items-0-request": "写明付款计划"}
    told, found = "你还没有改动任何内容", "这次提交没有改动内容，只有说明"
    assert visit.post(f"{url}/submit", data={"undertaking": "y", "version": ready.version}).status_code == 302
    assert registrar.post(f"{url}/ask_correction", data=items | {"version": ready.version}).status_code == 302
    assert told in visit.get(f"{url}/fill/check").text
    assert "6 步完成 5 步" in visit.get(f"{url}/fill/check").text
    answers = {"replies-0": "合同里已写明", "version": ready.version}
    assert visit.post(f"{url}/resubmit", data=answers).status_code == 302
    assert found in registrar.get(f"{url}/accept").text
    assert found in registrar.get(url).text

    assert registrar.post(f"{url}/ask_correction", data=items | {"version": ready.version}).status_code == 302
    post(visit, ready, "subject", subject(title="改过的名称"))
    assert told not in visit.get(f"{url}/fill/check").text
    visit.post(f"{url}/resubmit", data={"replies-0": "已改", "version": ready.version})
    assert found not in registrar.get(f"{url}/accept").text
