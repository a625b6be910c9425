"""Papers say what the contract says, to those who may read it, when there is something to say."""

import json
from io import BytesIO

import pypdfium2
import pytest
from docx import Document
from pypdfium2 import raw

from contracts_app.accounts.roles import Role
from contracts_app.contracts.case_models import CaseKind, ContractCase, Outcome
from contracts_app.contracts.models import CorrectionItem
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc, today
from contracts_app.enterprises.facts import national_fields
from contracts_app.papers import pdf
from contracts_app.papers.blocks import Boxes, Facts, Heading, Line, Long, Note, Sheet, Signature, Table, Words
from contracts_app.papers.papers import PAPERS, Order, papers_of
from contracts_app.papers.word import word_file

HOSTILE = '"#let x = 1" $a$ \\ <b>&amp; *_`@ 中文'
NEVER_SEEN = "😀\x01\u200b𠮷 e\u0301 العربية" + "W" * 200
LEFT, RIGHT = 62, 595 - 62  # points: the margins of an A4 page


def words_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        return "".join(page.get_textpage().get_text_bounded() for page in document).replace("\r\n", "")
    finally:
        document.close()


def words_in(content: bytes) -> str:
    file = Document(BytesIO(content))
    words = [paragraph.text for paragraph in file.paragraphs]
    return "".join(words + [cell.text for table in file.tables for row in table.rows for cell in row.cells])


def printed(sign_in, contract, code, person):
    answer = sign_in(person).get(f"/contracts/{contract.id}/papers/{code}.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    return words_of(answer.data)


def decided(contract, kind, outcome=Outcome.GRANTED, **facts):
    """A case of the contract that was decided today by somebody else."""
    case = ContractCase(kind=kind, opened_by=contract.filed_by, opened_from=State.REGISTERED, **facts)
    case.outcome, case.decided_by, case.closed_at, case.counts_on = outcome, contract.decided_by, now_utc(), today()
    contract.cases.append(case)
    return case


# --- the page, without a contract ------------------------------------------------------------------------------------


def sheet_of(text):
    blocks = [Line(text), Words(text), Note(text), Heading(text), Facts([(text, text), (text, text, text, text)])]
    blocks += [Table((text, text), [(text, text)], widths=(2, 8)), Long(text), Signature("盖章"), Boxes(["签字"])]
    return Sheet("通知", text, "2026-03-01", text, is_demonstration=False, numbers=[text], blocks=blocks)


@pytest.mark.parametrize(
    "text", [HOSTILE, NEVER_SEEN, "", "\n\n", "标" * 400], ids=["markup", "rare", "", "\\n", "long"]
)
def test_nothing_that_can_be_typed_breaks_a_page(text):
    document = pypdfium2.PdfDocument(pdf.render("sheet", sheet_of(text).as_data()))
    assert len(document) >= 1
    for page in document:
        for thing in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]):
            assert raw.FPDFFont_GetIsEmbedded(raw.FPDFTextObj_GetFont(thing))
        sheet = page.get_textpage()
        boxes = [sheet.get_charbox(place) for place in range(sheet.count_chars())]
        assert all(LEFT - 2 < left <= right < RIGHT + 8 for left, _, right, _ in boxes)
    document.close()
    assert word_file(sheet_of(text))


def test_signs_without_a_font_can_still_be_looked_up():
    assert pdf.printable({"名": ["𠮷", "😀", "a\x01b\tc\nd", "e\u0301", "减震鞋垫①℃"]}) == {
        "名": ["〔U+20BB7〕", "〔U+1F600〕", "ab c\nd", "é", "减震鞋垫①℃"]
    }


def test_what_the_typesetter_warns_of_is_no_paper(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "TEMPLATES", tmp_path)
    (tmp_path / "odd.typ").write_text('#set text(font: "No Such Font")\nx', encoding="utf-8")
    with pytest.raises(pdf.NotPrintable, match="no such font"):
        pdf.render("odd", {})


def test_word_and_pdf_say_the_same():
    sheet = sheet_of("甲乙丙")
    assert words_in(word_file(sheet)).count("甲乙丙") >= json.dumps(
        sheet.as_data()["blocks"], ensure_ascii=False
    ).count("甲乙丙")


# --- which, when, for whom -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.SUBMITTED, {"application", "review"}),
        (State.ACCEPTED, {"application", "acceptance", "review"}),
        (State.CORRECTION, {"application", "correction", "review"}),
        (State.REFUSED, {"application", "acceptance", "refusal", "review"}),
        (State.REGISTERED, {"application", "acceptance", "registration", "review"}),
        (State.CANCELLED, {"application", "acceptance", "registration", "cancellation", "review"}),
    ],
)
def test_each_state_has_its_papers(make, state, expected):
    contract = make.contract("减震鞋垫开发", state=state)
    assert {order.paper.code for order in papers_of(contract, make.user(Role.REVIEWER))} == expected


def test_every_paper_can_be_printed_of_a_contract_that_has_it(make, sign_in):
    reviewer = make.user(Role.REVIEWER)
    states = {
        "application": State.SUBMITTED,
        "correction": State.CORRECTION,
        "refusal": State.REFUSED,
        "cancellation": State.CANCELLED,
        "revocation": State.REVOKED,
    }
    for code in PAPERS.keys() - {"non-acceptance", "change", "objection"}:
        contract = make.contract(HOSTILE, state=states.get(code, State.REGISTERED))
        assert "#let x = 1" in printed(sign_in, contract, code, reviewer)
        if PAPERS[code].in_word:
            answer = sign_in(reviewer).get(f"/contracts/{contract.id}/papers/{code}.docx")
            assert HOSTILE in words_in(answer.data)
            assert contract.seller.name in words_in(answer.data)


def test_the_sheet_has_no_word_form(make, sign_in):
    contract = make.contract(state=State.REGISTERED)
    assert (
        sign_in(make.user(Role.REVIEWER)).get(f"/contracts/{contract.id}/papers/registration.docx").status_code == 404
    )


def test_a_paper_too_early_is_refused_in_words(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    answer = sign_in(make.user(Role.REVIEWER)).get(f"/contracts/{contract.id}/papers/registration.pdf")
    assert answer.status_code == 409
    assert "登记之后才有登记信息单" in answer.text


def test_papers_of_others_are_not_there(make, sign_in):
    contract = make.contract(state=State.REGISTERED)
    for person in (make.user(Role.REGISTRAR, region="350581"), make.user(Role.BROKER)):
        assert sign_in(person).get(f"/contracts/{contract.id}/papers/registration.pdf").status_code == 404


def test_the_review_sheet_is_for_the_office_only(make, sign_in):
    contract = make.contract(state=State.REGISTERED)
    assert sign_in(contract.filed_by).get(f"/contracts/{contract.id}/papers/review.pdf").status_code == 404
    assert sign_in(contract.filed_by).get(f"/contracts/{contract.id}/papers/unknown.pdf").status_code == 404


def test_the_contract_page_offers_its_papers(make, sign_in):
    contract = make.contract(state=State.REGISTERED)
    case = decided(contract, CaseKind.CHANGE, ground_code="C02")
    make.save(contract)
    page = sign_in(make.user(Role.REVIEWER)).get(f"/contracts/{contract.id}").text
    assert f"/contracts/{contract.id}/papers/registration.pdf" in page
    assert f"/contracts/{contract.id}/papers/acceptance.docx" in page
    assert f"/contracts/{contract.id}/papers/change.docx?case={case.id}" in page
    assert "papers/refusal" not in page


# --- what each says --------------------------------------------------------------------------------------------------


def test_the_registration_sheet_has_both_amounts_number_and_code(make, sign_in):
    contract = make.contract(state=State.REGISTERED, amount=4_120_000, technology=3_560_000, revision=2)
    words = printed(sign_in, contract, "registration", make.user(Role.MANAGER))
    assert "4,120,000.00 元" in words
    assert "肆佰壹拾贰万元整" in words
    assert "技术交易额 3,560,000.00 元" in words
    assert contract.registration_number in words.replace(" ", "")
    assert contract.verification_code in words
    assert "第 2 次变更" in words
    assert "不证明合同已经履行" in words


@pytest.mark.parametrize("state", [State.CANCELLED, State.REVOKED])
def test_what_was_struck_off_says_so_across_the_sheet(make, state):
    contract = make.contract(state=state)
    sheet = Order(PAPERS["registration"], contract, contract.filed_by).sheet()
    assert sheet.across == state.label
    assert Signature(sheet.office, f"{today().year} 年 {today().month} 月 {today().day} 日") in sheet.blocks


def test_the_form_has_every_answer_the_national_system_asks_for(make):
    contract = make.contract(state=State.SUBMITTED, amount=1_200_000, technology=800_000, type_code="KF1")
    whole, masked = (
        "".join(map(str, Order(PAPERS["application"], contract, reader).sheet().blocks))
        for reader in (make.user(Role.REGISTRAR), make.user(Role.MANAGER))
    )
    for party in (contract.seller, contract.buyer):
        assert all(answer in whole for _, answer in national_fields(party, is_whole=True))
        assert party.phone not in masked
        assert party.masked_phone in masked
    for words in ("壹佰贰拾万元整", "800,000.00 元", "400,000.00", contract.goal.name, contract.content):
        assert words in whole


def test_the_correction_notice_lists_every_item_with_its_place(make, sign_in):
    contract = make.contract(state=State.CORRECTION)
    asked = {"request": "与合同第五条核对后改正", "asked_by_id": contract.history[-1].by_id}
    contract.corrections.append(CorrectionItem(section="money", field="total_amount", **asked))
    make.save(contract)
    words = printed(sign_in, contract, "correction", contract.filed_by)
    assert all(item.request in words for item in contract.open_corrections)
    assert "金额与付款" in words
    assert "成交额（元）" in words


def test_who_is_turned_away_is_told_why_and_where_to_go(make, sign_in):
    for code, told in (("N01", True), ("N03", False)):
        contract = make.contract("减震鞋垫开发", state=State.SUBMITTED)
        make.save(contract, state=State.NOT_ACCEPTED, non_acceptance_code=code)
        words = printed(sign_in, contract, "non-acceptance", contract.filed_by)
        assert ("减震鞋垫开发" in words) is told
        assert ("纸质材料" in words) is not told


def test_a_decision_says_what_was_changed_and_where_to_object(make, sign_in):
    contract = make.contract(state=State.REGISTERED)
    case = decided(contract, CaseKind.CHANGE, ground_code="C02", changes={"ends_on": ["2027-01-01", "2028-01-01"]})
    decided(contract, CaseKind.OBJECTION, Outcome.DENIED, ground_code="Y03", decision="样机超出合理数量")
    make.save(contract)
    change, objection = (printed(sign_in, contract, code, contract.filed_by) for code in ("change", "objection"))
    for words in ("准予变更登记", "2028-01-01", "60 日内"):
        assert words in change
    assert "维持原决定" in objection
    assert "样机超出合理数量" in objection
    browser = sign_in(contract.filed_by)
    named = browser.get(f"/contracts/{contract.id}/papers/change.docx?case={case.id}")
    assert "准予变更登记" in words_in(named.data)
    assert browser.get(f"/contracts/{contract.id}/papers/change.docx?case=0").status_code == 404


def test_the_review_sheet_keeps_what_the_reviewers_had_before_them(make, sign_in):
    contract = make.contract(state=State.REGISTERED, amount=1_200_000)
    changes = {"total_amount": ["1,000,000.00", "1,200,000.00"], "technology_amount": ["900,000.00", "1,200,000.00"]}
    decided(contract, CaseKind.CHANGE, ground_code="C01", changes=changes)
    contract.revision = 1
    make.save(contract)
    words = printed(sign_in, contract, "review", contract.reviewed_by)
    assert words.index("1,000,000.00") < words.index("五、变更") < words.index("900,000.00 → 1,200,000.00")


def test_a_decision_about_what_was_never_registered_has_no_empty_rows(make, sign_in):
    contract = make.contract(state=State.REFUSED)
    case = decided(contract, CaseKind.OBJECTION, Outcome.GRANTED, ground_code="Y01", decision="标的明确")
    case.opened_from, case.counts_on = State.REFUSED, None
    make.save(contract)
    words = printed(sign_in, contract, "objection", contract.filed_by)
    assert "异议成立，重新审核" in words
    assert case.end == "异议成立"
    for label in ("合同登记编号", "登记日期", "事实发生日期", "统计计入日期"):
        assert label not in words


# --- the public page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "revision", "expected"),
    [
        (State.REGISTERED, 0, "有效"),
        (State.CHANGING, 1, "有效（第 1 次变更）"),
        (State.CANCELLED, 0, "已注销"),
        (State.REVOKED, 0, "已撤销"),
    ],
)
def test_anybody_may_ask_whether_a_registration_is_valid(make, client, count_queries, state, revision, expected):
    contract = make.contract("减震鞋垫开发", state=state, revision=revision)
    number = contract.registration_number
    asked = {"number": f"{number[:4]} {number[4:]}", "code": contract.verification_code.lower()}
    with count_queries() as queries:
        answer = client.get("/verify", query_string=asked)
    assert answer.status_code == 200
    assert f"{expected}</span>" in answer.text
    assert all(query.startswith("SELECT") for query in queries)
    for told in (
        "减震鞋垫开发",
        contract.seller.name,
        contract.buyer.name,
        contract.decided_by.name,
        "1,000,000",
        "100.00",
    ):
        assert told not in answer.text


def test_a_wrong_number_and_a_wrong_code_get_the_same_answer(make, client, count_queries):
    contract = make.contract(state=State.REGISTERED)
    right = {"number": contract.registration_number, "code": contract.verification_code}
    asked = []
    for wrong in ("number", "code"):
        with count_queries() as queries:
            answer = client.get("/verify", query_string=right | {wrong: "9" * len(right[wrong])})
        assert answer.status_code == 404
        assert "编号或核验码不对" in answer.text
        asked.append(queries)
    assert asked[0] == asked[1]
    half = client.get("/verify", query_string={"number": right["number"], "code": ""})
    assert "填写核验码" in half.text
    assert "填写合同登记编号" not in half.text


def test_nobody_asks_faster_than_thirty_times_a_minute(make, client):
    answers = [client.get("/verify").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
