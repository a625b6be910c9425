"""Papers say what the contract says, to those who may read it, when there is something to say."""

from io import BytesIO

import pypdfium2
import pytest
from docx import Document

from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.papers.papers import PAPERS, papers_of

HOSTILE = '"#let x = 1" $a$ \\ <b>&amp; *_`@ 中文'


def words_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "".join(page.get_textpage().get_text_bounded() for page in document).replace("\r\n", "")
    finally:
        document.close()


def printed(sign_in, contract, code, person):
    answer = sign_in(person).get(f"/contracts/{contract.id}/papers/{code}.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    return words_of(answer.data)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.SUBMITTED, {"application", "review"}),
        (State.ACCEPTED, {"application", "acceptance", "review"}),
        (State.CORRECTION, {"application", "correction", "review"}),
        (State.REFUSED, {"application", "acceptance", "refusal", "review"}),
        (State.REGISTERED, {"application", "acceptance", "registration", "review"}),
    ],
)
def test_each_state_has_its_papers(make, state, expected):
    contract = make.contract("减震鞋垫开发", state=state)
    assert {paper.code for paper in papers_of(contract, make.user(Role.REVIEWER))} == expected


def test_every_paper_can_be_printed_of_a_contract_that_has_it(make, sign_in):
    reviewer = make.user(Role.REVIEWER)
    states = {"application": State.SUBMITTED, "correction": State.CORRECTION, "refusal": State.REFUSED}
    for code in PAPERS:
        contract = make.contract("减震鞋垫开发", state=states.get(code, State.REGISTERED))
        assert "减震鞋垫开发" in printed(sign_in, contract, code, reviewer)


def test_the_registration_sheet_has_both_amounts_number_and_code(make, sign_in):
    contract = make.contract(state=State.REGISTERED, amount=4_120_000, technology=3_560_000)
    words = printed(sign_in, contract, "registration", make.user(Role.MANAGER))
    assert "4,120,000.00" in words
    assert "肆佰壹拾贰万元整" in words
    assert "3,560,000.00" in words
    assert contract.registration_number in words.replace(" ", "")
    assert contract.verification_code in words


def test_the_correction_notice_lists_every_item(make, sign_in):
    contract = make.contract(state=State.CORRECTION)
    words = printed(sign_in, contract, "correction", contract.filed_by)
    assert all(item.request in words for item in contract.open_corrections)


def test_what_is_typed_never_acts_as_markup(make, sign_in):
    contract = make.contract(HOSTILE, state=State.REGISTERED)
    for code in ("registration", "application", "acceptance", "review"):
        assert "#let x = 1" in printed(sign_in, contract, code, make.user(Role.REVIEWER))


@pytest.mark.parametrize("code", [paper.code for paper in PAPERS.values() if paper.in_word])
def test_notices_are_also_word_files(make, sign_in, code):
    state = {"acceptance": State.ACCEPTED, "correction": State.CORRECTION, "refusal": State.REFUSED}[code]
    contract = make.contract(HOSTILE, state=state)
    answer = sign_in(make.user(Role.REGISTRAR)).get(f"/contracts/{contract.id}/papers/{code}.docx")
    file = Document(BytesIO(answer.data))
    words = "".join(paragraph.text for paragraph in file.paragraphs)
    words += "".join(cell.text for table in file.tables for row in table.rows for cell in row.cells)
    assert contract.name in words
    assert contract.seller.name in words


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
    page = sign_in(make.user(Role.REVIEWER)).get(f"/contracts/{contract.id}").text
    assert f"/contracts/{contract.id}/papers/registration.pdf" in page
    assert f"/contracts/{contract.id}/papers/acceptance.docx" in page
    assert "papers/refusal" not in page


def test_anybody_may_ask_whether_a_registration_is_valid(make, client):
    contract = make.contract("减震鞋垫开发", state=State.REGISTERED)
    number = contract.registration_number
    asked = {"number": f"{number[:4]} {number[4:]}", "code": contract.verification_code.lower()}
    answer = client.get("/verify", query_string=asked)
    assert answer.status_code == 200
    assert "已登记" in answer.text
    assert "减震鞋垫开发" not in answer.text
    assert contract.seller.name not in answer.text


@pytest.mark.parametrize("wrong", ["number", "code"])
def test_a_wrong_number_and_a_wrong_code_get_the_same_answer(make, client, wrong):
    contract = make.contract(state=State.REGISTERED)
    asked = {"number": contract.registration_number, "code": contract.verification_code}
    asked[wrong] = "9" * len(asked[wrong])
    answer = client.get("/verify", query_string=asked)
    assert answer.status_code == 404
    assert "编号或核验码不对" in answer.text


def test_nobody_asks_faster_than_thirty_times_a_minute(make, client):
    answers = [client.get("/verify").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
