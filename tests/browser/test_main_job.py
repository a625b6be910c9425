"""The main job through the browser: four people bring one contract from the first key to the year's total."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from contracts_app.contracts.models import HistoryLine
from contracts_app.core.clock import today
from contracts_app.core.codes import organisation_code_with_check, uscc_with_check
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise
from contracts_app.enterprises.queries import found
from tests.browser.filling import DAY, SUBJECT, asked, begin, go_on, number_in, subject, technology, upload

YEAR = today().year
AMOUNT = Decimal("1200000.00")
NEW_FIRM = "晋江新立海风检测技术有限公司"
CODE = uscc_with_check("91350582" + organisation_code_with_check("MAXN0001"))
WRONG_CODE = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")


def test_a_contract_is_filed_reviewed_registered_and_counted(
    server: Any, new_page: Callable[..., Page], enter: Callable[..., Page], shoot: Callable[..., None]
):
    broker, registrar, reviewer, manager = (
        enter(new_page(width=width), role)
        for role, width in (("broker", 1280), ("registrar", 1440), ("reviewer", 1440), ("manager", 1440))
    )
    before, printed_before = figures(manager), printed(server)

    contract_id = begin(broker)
    chooses_the_parties(server, broker)
    subject(broker)
    go_on(broker)
    fills_in_the_money(broker, shoot)
    technology(broker)
    go_on(broker)
    upload(broker, "合同.pdf", "contract")
    upload(broker, "授权委托书.pdf", "authorization")
    checks_and_submits(server, broker, contract_id)
    assert figures(manager) == before

    accepts_and_reviews(registrar, contract_id)
    assert figures(manager) == before
    registers(reviewer, contract_id)

    after = figures(manager)
    assert (after[0] - before[0], after[1] - before[1]) == (1, AMOUNT)
    contracts_link(manager).click()
    expect(manager.locator("h1")).to_have_text("技术合同")
    foot = manager.locator("tfoot tr").last
    expect(foot.locator("th")).to_have_text(f"符合条件 {after[0]:,} 项（万元）")
    expect(foot.locator("td").first).to_have_text(in_wan(after[1]))
    expect(manager.locator("tbody").get_by_role("link", name=SUBJECT["title"])).to_be_visible()

    printed_after = printed(server)
    assert printed_after["contracts"] == printed_before["contracts"] + 1 == after[0]
    assert Decimal(printed_after["total_amount"]) == Decimal(printed_before["total_amount"]) + AMOUNT == after[1]


def chooses_the_parties(server: Any, page: Page) -> None:
    """The seller by initials, the buyer by pinyin, and then another buyer who has to be added first."""
    prefix, seller = asked(server, _second_of_several)
    box = page.get_by_role("combobox", name="卖方")
    box.press_sequentially(prefix)
    expect(page.get_by_role("option").nth(1)).to_contain_text(seller)
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown"):
        box.press(key)
    expect(page.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(page.locator("[data-picker]:has(#seller_id) [data-picker-said]")).to_contain_text(seller)

    buyer, pinyin = asked(server, lambda: _named_once(seller))
    box = page.get_by_role("combobox", name="买方")
    box.press_sequentially(pinyin)
    expect(page.get_by_role("option", name=buyer)).to_be_visible()
    box.press("ArrowUp")
    box.press("Enter")
    said = page.locator("[data-picker]:has(#buyer_id) [data-picker-said]")
    expect(said).to_contain_text(buyer)

    said.get_by_role("button", name="更换").press("Enter")
    box.fill(NEW_FIRM)
    expect(page.get_by_text("没有找到。换一个字试试，或在下面新增。").first).to_be_visible()
    page.locator("[data-picker]:has(#buyer_id)").get_by_role("button", name="新增单位").click()
    adds_the_firm(page)
    expect(page.get_by_text(f"已选用：{NEW_FIRM}。")).to_be_visible()
    expect(page.locator("[data-picker]:has(#seller_id) [data-picker-said]")).to_contain_text(seller)
    expect(said).to_contain_text(CODE)
    page.get_by_label("否", exact=True).check()
    go_on(page)


def adds_the_firm(page: Page) -> None:
    expect(page.locator("#name")).to_have_value(NEW_FIRM)
    page.locator("#party_type_code").select_option("150")
    page.locator("#code").fill(WRONG_CODE)
    page.locator("#scale").select_option("small")
    page.locator("#is_in_high_tech_zone").select_option("no")
    page.locator("#is_listed").select_option("no")
    page.locator("#region_code").select_option("350582")
    page.locator("#town_code").select_option("350582001")
    page.get_by_role("button", name="保存并选用").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    expect(page.locator("#code-error")).to_contain_text("校验")
    expect(page.locator("#name")).to_have_value(NEW_FIRM)
    page.locator("#code").fill(CODE.lower())
    page.get_by_role("button", name="保存并选用").click()


def _second_of_several() -> tuple[str, str]:
    """Initials that several firms share, and the second of those that are found, which is in 晋江."""
    wanted = select(Enterprise).where(Enterprise.region_code == "350582").order_by(Enterprise.id)
    for firm in db.session.scalars(wanted):
        for length in (4, 3, 2):
            hits = found(firm.initials[:length])
            if len(hits) > 1 and hits[1].id == firm.id:
                return firm.initials[:length], firm.name
    raise AssertionError("no two firms share their first initials")


def _named_once(besides: str) -> tuple[str, str]:
    firms = select(Enterprise).where(Enterprise.region_code == "350582", Enterprise.name != besides)
    for firm in db.session.scalars(firms.order_by(Enterprise.id)):
        if len(found(firm.pinyin)) == 1:
            return firm.name, firm.pinyin
    raise AssertionError("no firm of 晋江 has a pinyin of its own")


def fills_in_the_money(page: Page, shoot: Callable[..., None]) -> None:
    page.locator("#total_amount").fill("120万")
    expect(page.locator("[data-amount]:has(#total_amount) .daxie")).to_have_text("1,200,000.00 元壹佰贰拾万元整")
    page.get_by_role("button", name="增加一行").click()
    page.get_by_label("种类").select_option("equipment")
    page.get_by_label("名称和数量").fill("检测仪 1 台")
    page.locator("#deductions-0-amount").fill("20")
    expect(page.locator("#technology_amount")).to_have_text(
        "成交额 1,200,000.00 元 − 设备 200,000.00 元（检测仪 1 台） = 技术交易额 1,000,000.00 元"
    )
    page.get_by_label("分期支付").check()
    page.locator("#payments-0-condition").fill("合同生效后 10 日内")
    page.locator("#payments-0-amount").fill("50")
    page.get_by_role("button", name="增加一期").click()
    page.keyboard.type((today() + 200 * DAY).isoformat())
    page.locator("#payments-1-amount").fill("60")
    go_on(page)
    expect(page.locator("#payments-error")).to_contain_text("各期合计 1,100,000.00 元，比成交额少 100,000.00 元")
    shoot(page, "plan-does-not-add-up")
    page.get_by_role("button", name="把差额加到最后一期").click()
    expect(page.locator("#payments-1-amount")).to_have_value("70.00")
    go_on(page)
    expect(page.get_by_text("已保存：")).to_be_visible()


def checks_and_submits(server: Any, page: Page, contract_id: int) -> None:
    page.get_by_role("link", name="下一步：核对并提交").click()
    for words in (SUBJECT["title"], SUBJECT["content"], NEW_FIRM, "1,200,000.00", "壹佰贰拾万元整", "合同.pdf"):
        expect(page.locator("main").get_by_text(words).first).to_be_visible()
    page.get_by_label("申请方承诺").check()
    page.get_by_role("button", name="提交登记申请").dblclick()
    expect(page.locator("h1")).to_contain_text("已提交")
    count = select(func.count()).where(HistoryLine.contract_id == contract_id)
    assert asked(server, lambda: db.session.scalar(count)) == 1
    page.goto("/contracts/mine")
    expect(page.get_by_role("row", name=SUBJECT["title"])).to_contain_text("已提交")


def accepts_and_reviews(page: Page, contract_id: int) -> None:
    page.goto("/contracts/inbox")
    page.get_by_role("link", name=SUBJECT["title"], exact=True).click()
    expect(page.locator("h1")).to_contain_text("受理：")
    page.get_by_label("材料齐全").check()
    page.get_by_role("button", name="受理", exact=True).click()
    expect(page.get_by_text("已受理。")).to_be_visible()
    page.goto("/contracts/inbox")
    page.get_by_role("link", name=SUBJECT["title"], exact=True).click()
    expect(page.locator("h1")).to_contain_text("初审：")
    page.get_by_label("建议登记", exact=True).check()
    page.get_by_role("button", name="初审", exact=True).click()
    expect(page.get_by_text("初审已完成")).to_be_visible()
    page.goto(f"/contracts/{contract_id}")
    expect(page.get_by_role("link", name="复核并登记")).to_have_count(0)
    assert page.goto(f"/contracts/{contract_id}/register").status == 403
    expect(page.locator("h1")).to_have_text("没有办理权限")


def registers(page: Page, contract_id: int) -> None:
    page.goto("/contracts/inbox")
    page.get_by_role("link", name=SUBJECT["title"], exact=True).click()
    assert number_in(page.url) == contract_id
    page.locator("#registration_number").fill("20263505 82009999")
    page.get_by_role("button", name="复核并登记").click()
    expect(page.locator(".error-summary")).to_have_count(0)
    expect(page.get_by_text("已登记，计入年度统计。")).to_be_visible()
    page.goto(f"/contracts/{contract_id}")
    expect(page.locator("h1")).to_contain_text("已登记")
    expect(page.get_by_text("2026350582009999").first).to_be_visible()


def figures(page: Page) -> tuple[int, Decimal]:
    """Contracts and 成交额 in 元 of 晋江市, read off 年度总览."""
    page.goto(f"/statistics/?year={YEAR}")
    amount = _row(page).locator("a[data-measure=total_amount]").first.inner_text()
    contracts = contracts_link(page).inner_text()
    return int(contracts.replace(",", "")), Decimal(amount.replace(",", "")) * 10_000


def contracts_link(page: Page) -> Any:
    return _row(page).locator("a[data-measure=contracts]")


def _row(page: Page) -> Any:
    table = page.locator("table:has(caption:text('各考核单元成交额'))")
    return table.locator("tbody tr", has=page.locator("th", has_text="晋江市"))


def in_wan(amount: Decimal) -> str:
    return f"{amount / 10_000:,.2f}"


def printed(server: Any) -> dict[str, Any]:
    """What the command line says about 晋江市 on the same database."""
    with server.app.app_context():
        done = server.app.test_cli_runner().invoke(args=["totals", "--year", str(YEAR), "--format", "json"])
    assert done.exit_code == 0, done.output
    return next(row for row in json.loads(done.stdout) if row["unit"] == "晋江市")
