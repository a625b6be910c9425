"""Reading a contract's files: pictures of pages, versions, what is asked of whom."""

import io
import struct
from datetime import timedelta

import pytest
import time_machine

from contracts_app.accounts.roles import Role
from contracts_app.codes.models import ContractType
from contracts_app.contracts.filing.attachments import papers_of
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.keeping.stores import FolderStore
from contracts_app.demo.pdf import one_page
from contracts_app.regions.queries import ABROAD
from tests.factories import PDF, SHISHI

NEW = PDF + b"% a newer text"


def pdf_of(pages, across=595, down=842):
    """A PDF of so many empty pages of that size in points."""
    kids = " ".join(f"{number + 3} 0 R" for number in range(pages))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {pages}>>"]
    objects += [f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {across} {down}]>>"] * pages
    body = "".join(f"{number} 0 obj{text}endobj\n" for number, text in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size {pages + 3}>>\n%%EOF\n".encode()


# Nobody knows the password of this one: its keys (ISO 32000-1 7.6.3) are made up.
KEYS = f"<</Filter/Standard/V 1/R 2/P -1/O<{'41' * 32}>/U<{'42' * 32}>>>"
LOCKED = pdf_of(1).replace(b"/Size 4", f"/Size 4/ID[<00><00>]/Encrypt {KEYS}".encode())


@pytest.fixture
def broker(make):
    return make.somebody(Role.BROKER)


@pytest.fixture
def visit(sign_in, broker):
    return sign_in(broker)


def upload(visit, contract, content, name="合同.pdf", **fields):
    fields = {"kind_code": "contract", "go": "upload"} | fields
    return visit.post(
        f"/contracts/{contract.id}/fill/files",
        data=fields | {"files": [(io.BytesIO(content), name)]},
        content_type="multipart/form-data",
        follow_redirects=True,
    )


def newest(contract):
    return db.session.get(Contract, contract.id).attachments[-1]


# ---- pages ---------------------------------------------------------------------------------------------------------


def test_the_office_reads_the_text_beside_the_form(make, sign_in, visit, broker):
    contract = make.contract(filed_by=broker)
    upload(visit, contract, pdf_of(12))
    file = newest(contract)
    assert (file.page_count, file.unreadable) == (12, None)
    contract = db.session.get(Contract, contract.id)
    visit.post(f"/contracts/{contract.id}/submit", data={"undertaking": "y", "version": contract.version})
    office = sign_in(make.user())
    folder = f"/contracts/{contract.id}/files/{file.id}"

    beside = office.get(f"/contracts/{contract.id}/accept").text
    assert [f'src="{folder}/pages/{number}.png"' in beside for number in (1, 12, 13)] == [True, True, False]
    assert beside.index('href="#decide"') < beside.index('id="found"') < beside.index('id="decide"')
    strip = office.get(f"/contracts/{contract.id}").text
    assert f'href="{folder}/pages/9"' in strip
    assert f'src="{folder}/thumbs/9.png"' in strip
    page = office.get(f"{folder}/pages/12").text
    assert "第 12 页，共 12 页" in page
    assert f'rel="prev" data-queue-link href="{folder}/pages/11"' in page
    assert 'rel="next"' not in page
    assert office.get(f"{folder}/pages/13").status_code == 404

    picture = office.get(f"{folder}/pages/2.png")
    assert picture.mimetype == "image/png"
    assert struct.unpack(">II", picture.data[16:24]) == (900, 1274)
    assert "private" in picture.headers["Cache-Control"]
    known = {"If-None-Match": picture.headers["ETag"]}
    assert office.get(f"{folder}/pages/2.png", headers=known).status_code == 304
    assert office.get(f"{folder}/pages/3.png", headers=known).status_code == 200
    assert struct.unpack(">II", office.get(f"{folder}/thumbs/2.png").data[16:24]) == (120, 170)
    assert office.get(f"{folder}/pages/13.png").status_code == 404


def test_pages_are_seen_by_whom_the_file_is_seen(make, sign_in):
    contract = make.contract(state=State.SUBMITTED, unit=SHISHI)
    file = make.attachment(contract, content=one_page(("合同",)))
    for path in ("pages/1", "pages/1.png", "thumbs/1.png"):
        assert sign_in(make.user()).get(f"/contracts/{contract.id}/files/{file.id}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n", "文件已损坏或没有传完整"),
        (LOCKED, "文件加了密码"),
    ],
    ids=["damaged", "locked"],
)
def test_a_file_that_cannot_be_shown_says_so_and_is_downloaded(make, visit, broker, content, sentence):
    contract = make.contract(filed_by=broker)
    upload(visit, contract, content)
    file = newest(contract)
    page = visit.get(f"/contracts/{contract.id}/files/{file.id}/pages/1")
    assert page.status_code == 200
    assert sentence in page.text
    assert f"/contracts/{contract.id}/files/{file.id}?download=1" in page.text
    assert visit.get(f"/contracts/{contract.id}/files/{file.id}/pages/1.png").status_code == 404


def test_a_page_out_of_all_proportion_is_drawn_small(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    file = make.attachment(contract, content=pdf_of(1, across=10, down=14000))
    picture = sign_in(make.user()).get(f"/contracts/{contract.id}/files/{file.id}/pages/1.png")
    width, height = struct.unpack(">II", picture.data[16:24])
    assert 5_000_000 < width * height <= 6_000_000


def test_a_pdf_of_too_many_pages_is_not_taken_and_an_older_one_is_downloaded(make, visit, broker):
    contract = make.contract(filed_by=broker)
    there = len(contract.attachments)
    answer = upload(visit, contract, pdf_of(501))
    assert (answer.status_code, "共 501 页，一个文件不超过 500 页" in answer.text) == (422, True)
    assert len(contract.attachments) == there
    older = make.attachment(contract, page_count=501)
    page = visit.get(f"/contracts/{contract.id}/files/{older.id}/pages/1").text
    assert "共 501 页，超过 500 页的不在页面上显示" in page


def test_what_is_no_pdf_is_shown_itself_or_offered(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    scan = make.attachment(contract, content=b"\x89PNG", mime="image/png", file_name="扫描.png")
    word = make.attachment(contract, content=b"PK", mime="application/ofd", file_name="合同.ofd")
    office = sign_in(make.user())
    assert (
        f'src="/contracts/{contract.id}/files/{scan.id}"'
        in office.get(f"/contracts/{contract.id}/files/{scan.id}/pages/1").text
    )
    assert "这种文件不能在页面上显示" in office.get(f"/contracts/{contract.id}/files/{word.id}/pages/1").text


def test_a_part_of_a_file_can_be_asked_for(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    path = f"/contracts/{contract.id}/files/{contract.attachments[0].id}"
    part = sign_in(make.user()).get(path, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.data) == (206, b"%PDF")
    assert part.headers["Content-Range"] == f"bytes 0-3/{contract.attachments[0].size}"


# ---- versions ------------------------------------------------------------------------------------------------------


def test_a_new_version_stands_beside_the_one_the_office_has_seen(make, sign_in, visit, broker):
    contract = make.contract(filed_by=broker, state=State.CORRECTION)
    first = contract.attachments[0]
    assert "换新版" in visit.get(f"/contracts/{contract.id}/fill/files?replace={first.id}").text
    said = upload(visit, contract, NEW, replaces=first.id).text
    assert "合同.pdf（第 2 版）" in said
    contract = db.session.get(Contract, contract.id)
    assert [(file.version, file.removed_at is None) for file in contract.attachments] == [
        (1, False),
        (1, True),
        (2, True),
    ]
    visit.post(f"/contracts/{contract.id}/resubmit", data={"replies-0": "已换", "version": contract.version})
    page = sign_in(make.user()).get(f"/contracts/{contract.id}").text
    assert "第 1 版 · 随第 1 次提交" in page
    assert "第 2 版 · 随第 2 次提交" in page
    assert sign_in(make.user()).get(f"/contracts/{contract.id}/files/{first.id}").status_code == 200


def test_a_version_nobody_was_shown_is_the_filers_alone_and_goes_with_the_document(make, sign_in, visit, broker):
    contract = make.contract(filed_by=broker)
    first = contract.attachments[0]
    upload(visit, contract, NEW, replaces=first.id)
    assert "已替换" in visit.get(f"/contracts/{contract.id}/fill/files").text
    contract = db.session.get(Contract, contract.id)
    second = contract.attachments[-1]
    make.save(contract, state=State.SUBMITTED)
    assert sign_in(make.user()).get(f"/contracts/{contract.id}/files/{second.id}").status_code == 200
    assert sign_in(make.user()).get(f"/contracts/{contract.id}/files/{first.id}").status_code == 404
    assert visit.get(f"/contracts/{contract.id}/files/{first.id}").status_code == 200
    make.save(contract, state=State.DRAFT)
    visit.post(f"/contracts/{contract.id}/fill/files", data={"go": f"remove:{second.id}"})
    assert [file.kind_code for file in db.session.get(Contract, contract.id).attachments] == ["authorization"]


def test_a_draft_with_versions_is_thrown_away_whole(make, visit, broker):
    contract = make.contract(filed_by=broker)
    for content in (NEW, NEW + b"2"):
        upload(visit, contract, content, replaces=db.session.get(Contract, contract.id).current_attachments[-1].id)
    key = contract.id
    assert visit.post(f"/contracts/{key}/discard").status_code == 302
    assert db.session.get(Contract, key) is None


def test_the_same_bytes_again_are_told(make, app, visit, broker):
    contract = make.contract(filed_by=broker)
    first = contract.attachments[0]
    with app.extensions["files"].open(first.sha256) as file:
        content = file.read()
    assert "和现在的第 1 版是同一个文件" in upload(visit, contract, content, replaces=first.id).text
    assert (
        "内容和“合同文本及附件”里的 contract.pdf 完全相同"
        in upload(visit, contract, content, kind_code="technical_annex").text
    )
    upload(visit, contract, NEW, replaces=first.id)
    assert upload(visit, contract, NEW + b"3", replaces=first.id).status_code == 409
    again = upload(visit, contract, content, replaces=newest(contract).id)
    assert "第 3 版，内容和第 1 版完全相同" in again.text


def test_what_no_contract_names_is_listed_and_removed(make, app, broker, tmp_path, monkeypatch):
    monkeypatch.setitem(app.extensions, "files", FolderStore(tmp_path / "files"))  # the other is everybody's
    kept = app.extensions["files"].keep(io.BytesIO(b"nobody's"), 100)
    contract = make.contract(filed_by=broker)
    run = app.test_cli_runner().invoke
    with time_machine.travel(now_utc() + timedelta(days=8), tick=False):
        listed = run(args=["files", "unreferenced"]).stdout
        assert kept.sha256 in listed
        assert contract.attachments[0].sha256 not in listed
        run(args=["files", "unreferenced", "--remove"])
    assert not app.extensions["files"].exists(kept.sha256)
    assert app.extensions["files"].exists(contract.attachments[0].sha256)


# ---- the checklist -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", ["2001", "2026"])
def test_what_is_asked_follows_the_answers(make, session, broker, rules):
    contract = make.contract(filed_by=broker, rule_set_code=rules)

    def need(code, **facts):
        for name, value in facts.items():
            setattr(contract, name, value)
        return {paper.kind.code: paper.need for paper in papers_of(contract)}[code]

    with session.no_autoflush:
        assert need("contract") == need("authorization") == "must"
        assert need("seller_registration") == "expected"
        assert need("technical_annex") == "may"
        assert need("technical_annex", total_amount=9_000_000) == "expected"
        assert need("project_document") == "not_asked"
        assert need("project_document", plan_source_code="1") == "expected"
        assert need("translation") == need("import_certificate") == need("income_verification") == "not_asked"
        assert need("translation", is_foreign_language=True) == "expected"
        assert need("ip_certificate") == "not_asked"
        licence = session.get(ContractType, "XK1")
        assert need("ip_certificate", type=licence, type_code="XK1") == "expected"
        assert need("import_certificate", seller=make.enterprise(region=ABROAD)) == "expected"
        assert need("other") == "may"
        assert need("authorization", filed_by=make.user()) == "not_asked"


def test_the_checklist_says_what_asks_and_what_does_not(make, visit, broker):
    page = visit.get(f"/contracts/{make.contract(filed_by=broker, plan_source_code='1').id}/fill/files").text
    asked, rest = page.split("其余种类")
    for words in (
        "必须，已上传",
        "代理申请时必须提交（F-02 火炬中心技术合同登记问答，条文待核）",
        "一般要附，还没有",
        "（F-07 ",
    ):
        assert words in asked
    for words in ("中文译本及一致性承诺", "本合同不用", "其他材料", "可以附"):
        assert words in rest
