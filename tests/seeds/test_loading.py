"""Loading is whole or nothing, and says where a file is torn."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from contracts_app.codes.models import Goal
from contracts_app.core.database.seeds import SeedFaults
from contracts_app.reference import FILES, FOLDER, load_reference
from contracts_app.regions.models import Region
from contracts_app.rules.models import Rule, RuleSet
from contracts_app.targets.models import PublishedFigure, Target, TargetKind


def faults_of(session, folder):
    with pytest.raises(SeedFaults) as refused:
        load_reference(session, folder)
    assert is_empty(session)
    return [str(fault) for fault in refused.value.faults]


def is_empty(session):
    return not any(session.scalar(select(func.count()).select_from(file.model)) for file in FILES)


def test_every_file_of_the_folder_is_loaded_and_none_is_missing():
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert there == {file.name for file in FILES}


def test_files_are_plain_utf_8_with_a_header_and_a_source_in_every_row():
    for file in FILES:
        content = (FOLDER / file.name).read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in content
        assert file.columns["source"].is_required
        if file.name.endswith(".yaml"):
            continue
        assert content.decode("utf-8").splitlines()[0].split(",") == list(file.columns)


def test_loading_twice_changes_nothing(empty):
    first = load_reference(empty)
    empty.commit()
    second = load_reference(empty)

    assert {name: count.inserted for name, count in first.counts.items()} == {
        name: count.unchanged for name, count in second.counts.items()
    }
    assert second.changed == 0


def test_a_corrected_row_is_updated_in_place(empty, folder, rewrite):
    load_reference(empty, folder)
    rewrite("goals.csv", "卫生事业发展", "卫生健康事业发展")

    report = load_reference(empty, folder)

    assert (report.counts["goals"].updated, report.changed) == (1, 1)
    assert empty.get(Goal, "03").name == "卫生健康事业发展"


def test_rows_that_stand_in_no_file_are_left_alone(empty):
    load_reference(empty)
    empty.add(
        Target(
            region_code="350582", year=2025, measure_code="total_amount", kind=TargetKind.TASK, value=Decimal(1),
            document="演示", source="演示", is_demo=True,
        )
    )  # fmt: skip
    load_reference(empty)
    assert empty.scalar(select(func.count()).where(Target.is_demo)) == 1


def test_a_torn_row_is_reported_with_its_line_and_nothing_is_loaded(empty, folder, rewrite):
    rewrite("regions.csv", "350582,晋江市,晋江,county,350500,jinjiang,jj,", "350582,晋江市,晋江")
    faults = faults_of(empty, folder)
    line = 1 + [text.split(",")[0] for text in (folder / "regions.csv").read_text().splitlines()].index("350582")
    assert any(fault.startswith(f"regions.csv:{line}: 应有 9 列，实有") for fault in faults)


def test_a_bad_number_is_reported_with_file_line_and_what_to_write(empty, folder, rewrite):
    rewrite("published_figures.csv", ",217项,217,", ",217项,217项,")
    assert faults_of(empty, folder) == ["published_figures.csv:2: value “217项”：写成数字，不带单位和千分位"]


def test_an_unknown_reference_is_reported(empty, folder, rewrite):
    rewrite("platforms.csv", ",research_institute,,350582,", ",research_institute,,350599,")
    assert faults_of(empty, folder) == ["platforms.csv:2: region_code “350599”：在 regions 中没有这个代码"]


def test_a_child_above_its_parent_is_an_unknown_reference(empty, folder):
    path = folder / "contract_types.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, *reversed(rows)]), encoding="utf-8")
    assert all("在 contract_types 中没有这个代码" in fault for fault in faults_of(empty, folder))


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("goals.csv", "02,能源", "01,能源", "3: code “01”与第 2 行重复"),
        ("goals.csv", "code,name", "code,title", "1: 表头缺少列：name"),
        ("goals.csv", "code,name", "code,title", "1: 表头多出列：title"),
        ("goals.csv", ",GB/T 24450-2009,", ",,", "3: source “”：是空的，填写后再加载"),
        ("goals.csv", "01,环境", '01,"环境', "2: 引号没有配对，这一行被截断"),
        ("goals.csv", ",2,否,", ",2,no,", "3: asks_classified_check “no”：写“是”或“否”"),
        ("industries.csv", "B,采矿业", "B," + "矿" * 121, f"3: name “{'矿' * 121}”：有 121 个字，不超过 120 个字"),
        ("calendar_days.csv", "2023-05-01", "2023-02-31", "17: day “2023-02-31”：写成 2026-03-01 这样的日期"),
        ("time_limits.csv", ",30,calendar", ",三十,calendar", "2: days “三十”：写成不超过九位的整数"),
        ("time_limits.csv", ",30,calendar", ",30,days", "2: day_kind “days”：写成以下之一：working、calendar"),
        ("indicators.csv", ",2.91,", ",2.92,", "12: change “2.92”：目标减基期应为 2.91"),
        ("units.csv", ",LC,", ",lc,", "2: number_prefix “lc”：写成两个大写字母"),
        ("settings.csv", ",0.7,", ",七成,", "2: value “七成”：写成数字，不带单位和千分位"),
    ],
)
def test_each_kind_of_fault_is_named_where_it_stands(empty, folder, rewrite, name, old, new, fault):
    rewrite(name, old, new)
    assert f"{name}:{fault}" in faults_of(empty, folder)


def test_faults_of_several_files_are_reported_together(empty, folder, rewrite):
    rewrite("goals.csv", ",2,否,", ",2,no,")
    rewrite("targets.csv", "342000000", "3.42亿")
    assert [fault.split(":")[0] for fault in faults_of(empty, folder)] == ["goals.csv", "targets.csv"]


def test_a_missing_an_empty_and_a_foreign_file_are_reported(empty, folder):
    (folder / "goals.csv").unlink()
    (folder / "industries.csv").write_text("", encoding="utf-8")
    (folder / "settings.csv").write_bytes("key,name".encode("utf-16"))
    assert faults_of(empty, folder) == [
        "goals.csv: 文件不存在，从发布包中恢复",
        "industries.csv: 文件是空的，从发布包中恢复",
        "settings.csv: 不是 UTF-8 编码，另存为 UTF-8 后再加载",
    ]


def test_a_file_saved_by_a_spreadsheet_with_bom_and_crlf_loads(empty, folder):
    path = folder / "goals.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_reference(empty, folder).counts["goals"].inserted == 13


def test_what_only_the_database_refuses_is_a_fault_too(empty, folder, rewrite):
    rewrite("targets.csv", ",=,342000000,", ",=,-342000000,")
    with pytest.raises(SeedFaults, match=r"targets.csv: 数据库没有接受.*value_positive"):
        load_reference(empty, folder)
    empty.rollback()
    assert is_empty(empty)


def test_paths_follow_the_tree(loaded):
    assert loaded.get(Region, "350582103").path == "350000/350500/350582/350582103/"


def test_a_torn_figure_must_say_why(empty, folder, rewrite):
    rewrite("published_figures.csv", ",217项,217,", ",217项,,")
    assert faults_of(empty, folder) == ["published_figures.csv:2: value 是空的：在 doubt 中写明缺失的原因"]
    assert empty.get(PublishedFigure, "A-2025-contracts") is None


RULES = "rules/2026.yaml"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("predicate: is_blank", "predicate: is_empty", "predicate “is_empty”：没有这个判断"),
        ("parameters: {field: seller_id}", "parameters: {name: seller_id}", "parameters：“is_blank”没有参数 name"),
        ("parameters: {field: seller_id}", "parameters: {}", "parameters：“is_blank”缺少参数 field"),
        ("选择卖方：", "选择卖方{who}：", "sentence：“is_blank”不提供 who"),
        ("选择卖方：", "选择卖方{：", "sentence：花括号没有配对"),
        ("section: parties", "section: people", "section “people”：写成以下之一"),
        ("reason_code: R03", "reason_code: 三", "reason_code “三”：写成 R01 这样的不予登记理由代码"),
        ("    section: parties\n", "", "section “”：是空的，填写后再加载"),
        ("    section: parties\n", "    section: parties\n    colour: red\n", "多出项：colour"),
    ],
)
def test_a_fault_in_a_rule_is_named_with_the_line_of_the_rule(empty, folder, rewrite, old, new, fault):
    line = 1 + (folder / RULES).read_text(encoding="utf-8").splitlines().index("  - code: P-01")
    rewrite(RULES, old, new)
    assert any(one.startswith(f"{RULES}:{line}: {fault}") for one in faults_of(empty, folder))


def test_a_rule_that_guesses_may_not_stop_anybody(empty, folder):
    text = (folder / RULES).read_text(encoding="utf-8")
    before, _, after = text.partition("  - code: S-11")
    (folder / RULES).write_text(
        before + "  - code: S-11" + after.replace("severity: warning", "severity: error", 1), encoding="utf-8"
    )
    assert any("靠文字或比较推测" in fault for fault in faults_of(empty, folder))


def test_a_torn_rule_file_is_reported_with_its_line(empty, folder, rewrite):
    rewrite(RULES, "  - code: P-02\n", '  - code: "P-02\n   x: [\n')
    assert any(fault.startswith(f"{RULES}:") and "格式不对" in fault for fault in faults_of(empty, folder))


def test_a_rule_taken_out_of_its_file_is_gone_and_what_the_office_decided_stays(empty, folder):
    load_reference(empty, folder)
    empty.get(RuleSet, "2026").valid_to = date(2027, 12, 31)
    text = (folder / RULES).read_text(encoding="utf-8")
    cut = text.index("\n  - code: F-10")
    (folder / RULES).write_text(text[:cut], encoding="utf-8")
    load_reference(empty, folder)
    assert empty.get(Rule, ("2026", "F-10")) is None
    assert empty.get(Rule, ("2001", "F-10")) is not None
    assert empty.get(RuleSet, "2026").valid_to == date(2027, 12, 31)
