import io
import json
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from contracts_app.accounts.roles import Role
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.targets.models import Target, TargetKind
from contracts_app.targets.queries import target_of
from tests.factories import JINJIANG, QINGYANG, QUANZHOU, SHISHI
from tests.targets.conftest import cell_of, cells_of, rewritten

PAGE = "/targets/2026/import"
AMOUNT, COUNT = "技术合同成交额", "技术合同登记项数"
WAN = Decimal(10_000)
HEAD = {"B4": "泉科〔2026〕40号", "B5": date(2026, 7, 1), "B6": "年中调整"}


@pytest.fixture
def admin(make, sign_in):
    return sign_in(make.user(Role.ADMIN, region=QUANZHOU))


@pytest.fixture
def table(admin):
    """The workbook of a year in which 晋江市 has a task of 66000 万元 and 石狮市 one of 30000.01."""
    fields = {"document": "泉科〔2026〕18号", "issued_on": "2026-03-06", "seen": ""}
    fields |= {"task_350582": "66000", "task_350581": "30000.01"}
    assert admin.post("/targets/2026/edit", data=fields).status_code == 302
    return admin.get("/targets/2026/template.xlsx").data


def upload(visitor, content, name="任务表.xlsx"):
    return visitor.post(PAGE, data={"file": (io.BytesIO(content), name)})


def confirm(visitor, page, posted, **more):
    return visitor.post(PAGE, data={**posted(page), "go": "save", **more})


def tasks(session):
    return session.scalar(select(func.count()).select_from(Target).where(Target.kind == TargetKind.TASK))


def test_what_is_exported_imports_unchanged(admin, table, session, posted):
    places = [cell for at, cell in cells_of(table).items() if at.startswith("B")]
    assert {"泉州市", "晋江市", "青阳街道", "泉州台商投资区"} <= set(places)
    assert "金门县" not in places
    for content in (table, rewritten(table, {}), rewritten(table, {}, with_versions=False)):
        page = upload(admin, content)
        assert page.status_code == 200
        assert "表里的任务和现在的一样" in page.text
    assert confirm(admin, page, posted).status_code == 302
    assert tasks(session) == 2


def test_it_is_shown_first_and_saved_when_confirmed(admin, table, session, posted):
    reckoned = 60_000.14 * 1.1  # what a formula leaves
    assert repr(reckoned) == "66000.15400000001"
    changes = {cell_of(table, "晋江市", AMOUNT): reckoned, cell_of(table, "惠安县", COUNT): "25 项", **HEAD}
    page = upload(admin, rewritten(table, changes))
    assert page.status_code == 200
    for words in ("66,000.00 万元", "66,000.154 万元", "修改 1，新增 1，不变 1", "25 项", "年中调整", "还没有保存"):
        assert words in page.text
    assert tasks(session) == 2
    assert confirm(admin, page, posted).status_code == 302
    new = target_of(JINJIANG, 2026, "total_amount")
    assert (new.version, new.value / WAN) == (2, Decimal("66000.154"))
    assert [new.document, new.issued_on, new.note] == list(HEAD.values())
    assert new.recorded_by.region_code == QUANZHOU
    assert target_of("350521", 2026, "contracts").value == 25
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "set_tasks").order_by(AuditEntry.id)).all()
    before = {entry.details["measure"]: entry.details.get("before") for entry in entries[1:]}
    assert before == {AMOUNT: {JINJIANG: "660000000.00"}, COUNT: None}


def test_every_bad_cell_is_named_and_marked_and_nothing_is_saved(admin, table, session, posted):
    jinjiang, qingyang = cell_of(table, "晋江市", AMOUNT), cell_of(table, "青阳街道", AMOUNT)
    row = qingyang[1:]
    bad = {
        jinjiang: -5,
        qingyang: "六千",
        cell_of(table, "石狮市", COUNT): 2.5,
        cell_of(table, "惠安县", COUNT): 30,
        f"B{int(row) + 1}": "青阳街道",
        cell_of(table, "梅岭街道", COUNT): 3,
        "A60": "360100",
        f"{jinjiang[0]}60": 10,
        f"{cell_of(table, '石狮市', COUNT)[0]}60": 11,
        "H8": "备注",
        "H9": "x",
        "B3": 2025,
        "B5": "2026-02-31",
    }
    page = upload(admin, rewritten(table, bad))
    assert page.status_code == 422
    for words in (
        "金额不能是负数",
        "金额只填写数字",
        "只填写整数，例如 217",
        "代码 350582002 是梅岭街道，不是青阳街道",
        "“360100”不在你可以下达任务的范围内",
        '<td class="nowrap" data-label="格">A60</td>',
        f'<td class="nowrap" data-label="格">B{int(row) + 1}</td>',
        "H8：这一列不是任务指标",
        "B3：表里是 2025 年，这一页导入 2026 年的任务",
        "B5：2026 年 2 月没有 31 日",
        "B4：填写下达任务的文号或文件名称",
    ):
        assert words in page.text, words
    assert "确认导入" not in page.text
    assert confirm(admin, page, posted).status_code == 422
    assert tasks(session) == 2
    answer = admin.post(PAGE, data={**posted(page), "go": "marked"})
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    assert cells_of(answer.data)[qingyang] == "六千"
    assert b"xl/comments1.xml" in answer.data
    mended = rewritten(answer.data, dict.fromkeys(bad, "") | {"B3": 2026, f"B{int(row) + 1}": "梅岭街道"})
    assert "没有填的 1 项任务不变" in upload(admin, mended).text


def test_what_others_changed_meanwhile_is_kept_or_told(admin, table, make, sign_in, session, posted):
    other = sign_in(make.user(Role.ADMIN, region=SHISHI))
    fields = {"document": "狮科〔2026〕2号", "issued_on": "2026-07-02", "seen": f"{SHISHI}/total_amount:1"}
    jinjiang, shishi = cell_of(table, "晋江市", AMOUNT), cell_of(table, "石狮市", AMOUNT)
    page = upload(admin, rewritten(table, {jinjiang: 70000, **HEAD}))
    assert other.post("/targets/2026/edit", data={**fields, "task_350581": "31000"}).status_code == 302
    assert confirm(admin, page, posted).status_code == 409, "石狮市 no longer reads as it was shown"
    page = upload(admin, rewritten(table, {jinjiang: 70000, **HEAD}))
    assert confirm(admin, page, posted).status_code == 302
    assert target_of(SHISHI, 2026, "total_amount").value == 31_000 * WAN, "a cell left alone takes nothing back"
    page = upload(admin, rewritten(table, {shishi: 29000, **HEAD}))
    assert page.status_code == 422
    assert "这张表下载之后" in page.text
    assert tasks(session) == 4


def test_parts_with_less_are_confirmed_twice(admin, table, posted):
    page = upload(admin, rewritten(table, {cell_of(table, "泉州市", AMOUNT): 100000, **HEAD}))
    assert "分解少于任务 3,999.99 万元" in page.text
    assert confirm(admin, page, posted).status_code == 422
    assert target_of(QUANZHOU, 2026, "total_amount") is None
    assert confirm(admin, page, posted, accepts_less="y").status_code == 302
    assert target_of(QUANZHOU, 2026, "total_amount").value == 100_000 * WAN


def test_a_county_imports_its_own_places_only(admin, table, make, sign_in, session):
    visitor = sign_in(make.user(Role.ADMIN, region=JINJIANG))
    own = cells_of(visitor.get("/targets/2026/template.xlsx").data)
    assert "青阳街道" in own.values()
    assert "石狮市" not in own.values()
    page = upload(visitor, rewritten(table, {cell_of(table, "石狮市", AMOUNT): 1, **HEAD}))
    assert page.status_code == 422
    assert f"“{SHISHI}”不在你可以下达任务的范围内" in page.text
    assert tasks(session) == 2
    # Nor the task of the county itself, once somebody of the city can sign in.
    make.user(Role.ADMIN, region=QUANZHOU, password_hash="x")
    raised = rewritten(table, {cell_of(table, "晋江市", AMOUNT): 1, cell_of(table, "石狮市", AMOUNT): "", **HEAD})
    page = upload(visitor, raised)
    assert page.status_code == 422
    assert "晋江市的任务由上级下达" in page.text
    assert f">{cell_of(table, '晋江市', AMOUNT)}</td>" in page.text
    assert tasks(session) == 2
    assert sign_in(make.user(Role.MANAGER, region=JINJIANG)).get(PAGE).status_code == 403
    assert sign_in(make.user(Role.ADMIN, region=QINGYANG)).get(PAGE).status_code == 409


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "任务表.xlsx", "文件是空的"),
        (b"PK\x03\x04 nothing", "任务表.xlsx", "文件打不开"),
        (b"%PDF-1.7\n1 0 obj\n", "任务表.pdf", "只收 XLSX 文件，用办公软件打开原件，另存为 .xlsx，或下载模板"),
    ],
)
def test_what_is_no_workbook_is_refused(admin, content, name, sentence):
    page = upload(admin, content, name)
    assert page.status_code == 422
    assert sentence in page.text


def test_a_form_without_a_workbook_says_what_is_missing(admin):
    for data in ({}, {"content": "%%%", "go": "save"}):
        page = admin.post(PAGE, data=data)
        assert page.status_code == 422
        assert "选择填好的任务表（.xlsx）" in page.text


def test_the_command_tries_and_imports(app, table, make, tmp_path):
    boss = make.user(Role.ADMIN, region=QUANZHOU, name="市管理员")
    file = tmp_path / "任务表.xlsx"
    file.write_bytes(rewritten(table, {cell_of(table, "晋江市", AMOUNT): 70000, **HEAD}))
    run = app.test_cli_runner().invoke
    done = run(args=["targets", "import", str(file), "--dry-run"])
    assert (done.exit_code, "会保存 1 项" in done.output) == (0, True)
    assert run(args=["targets", "import", str(file)]).exit_code == 1
    listed = json.loads(run(args=["targets", "list", "--year", "2026", "--format", "json"]).output)
    assert [(line["region"], line["value"], line["version"]) for line in listed] == [
        ("石狮市", "300000100", 1),
        ("晋江市", "660000000", 1),
    ]
    assert run(args=["targets", "import", str(file), "--by", boss.username]).exit_code == 0
    listed = run(args=["targets", "list", "--year", "2026", "--measure", "total_amount", "--format", "csv"]).output
    assert "350582,晋江市,total_amount,task,=,700000000,元,2,泉科〔2026〕40号,2026-07-01" in listed
    plan = run(args=["targets", "list", "--year", "2025", "--kind", "plan"]).output
    assert "晋江市" in plan
    assert "技术合同成交额" in plan
