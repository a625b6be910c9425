"""What goes wrong in an office: a session that ends, a closed tab, two people at once, no script, no mouse."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from contracts_app.accounts.entrance.signing_in import set_password
from contracts_app.accounts.models import User
from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract, DraftInput
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from contracts_app.enterprises.models import Enterprise
from contracts_app.enterprises.queries import found
from tests.browser.filling import (
    SUBJECT,
    asked,
    begin,
    go_on,
    made,
    number_in,
    subject,
    technology,
    upload,
)

# Correction, there and back


def test_what_was_asked_is_answered_and_the_office_sees_what_changed(
    server: Any, new_page: Callable[..., Page], enter: Callable[..., Page], shoot: Callable[..., None]
):
    key = made(
        server,
        lambda make, people: make.contract("海堤监测技术开发", state=State.SUBMITTED, filed_by=people["jj-broker"]),
    )
    registrar, broker = enter(new_page(), "registrar"), enter(new_page(), "broker")
    requests = {"subject": "标的内容写明验收指标", "money": "成交额与合同第 5 条不一致，核对后改正"}

    registrar.goto(f"/contracts/{key}/ask_correction")
    for place, (section, words) in enumerate(requests.items()):
        registrar.locator(f"#items-{place}-section").select_option(section)
        registrar.locator(f"#items-{place}-request").fill(words)
    registrar.get_by_role("button", name="退回补正").click()
    expect(registrar.get_by_text("已退回申报人补正。")).to_be_visible()

    broker.goto("/contracts/mine")
    row = broker.get_by_role("row", name="海堤监测技术开发")
    for words in requests.values():
        expect(row).to_contain_text(words)
    row.get_by_role("link", name="去补正").click()
    expect(broker.get_by_text("登记员要求补正 2 处")).to_be_visible()
    broker.locator("main").get_by_role("link", name="2 标的").click()
    broker.locator("#content").fill("开发海堤监测系统；验收指标：位移误差不超过 2 毫米。")
    go_on(broker)
    broker.locator("#total_amount").fill("150")
    broker.locator("#payments-0-amount").fill("150")
    broker.get_by_role("button", name="保存，回任务清单").click()
    broker.get_by_role("link", name="核对并提交").first.click()
    broker.get_by_label("这一项的答复").first.fill("第 2 步补写了验收指标。")
    broker.get_by_label("这一项的答复").last.fill("成交额改为 150 万元，与合同一致。")
    broker.get_by_role("button", name="提交补正").click()
    expect(broker.locator("h1")).to_contain_text("已提交")

    registrar.goto(f"/contracts/{key}/accept")
    expect(registrar.get_by_text("这次提交改了什么")).to_be_visible()
    asked = registrar.locator(".asked-list")
    for words in ("1,500,000.00", "1,000,000.00", "位移误差不超过 2 毫米", "成交额改为 150 万元"):
        expect(asked).to_contain_text(words)
    for words in (*requests.values(), "第 2 步补写了验收指标"):
        expect(registrar.get_by_text(words).first).to_be_visible()
    shoot(registrar, "accept-after-correction")


# Nothing that was typed is lost


def test_a_session_that_ends_while_a_long_form_is_filled_in(page: Page, enter: Callable[..., Page], server: Any):
    enter(page, "broker")
    key = begin(page)
    page.goto(f"/contracts/{key}/fill/subject")
    subject(page, title="会话过期前填的名称", content="第一行\n第二行，有 <b> 和 &amp; 和 𠮷")
    page.context.clear_cookies()
    go_on(page)
    expect(page.get_by_text("登录已过期，你填的内容都还在，登录后继续")).to_be_visible()
    account = server.account("broker")
    page.locator("input[name=username]").fill(account.username)
    page.locator("input[name=password]").fill(account.password)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_text("登录已过期，你填的内容都还在。核对后再保存。")).to_be_visible()
    expect(page.locator("#title")).to_have_value("会话过期前填的名称")
    expect(page.locator("#content")).to_have_value("第一行\n第二行，有 <b> 和 &amp; 和 𠮷")
    expect(page.locator("#type_code")).to_have_value("KF1")
    for name in ("signed_on", "begins_on", "ends_on"):
        expect(page.locator(f"#{name}")).to_have_value(SUBJECT[name])
    go_on(page)
    page.wait_for_url("**/fill/money")


def test_what_was_typed_survives_the_closing_of_the_tab(page: Page, enter: Callable[..., Page], server: Any):
    enter(page, "broker")
    key = begin(page)
    page.goto(f"/contracts/{key}/fill/subject")
    page.locator("#title").fill("关掉标签页之前")
    page.locator("#signed_on").fill("2026 年 13 月")
    another = page.context.new_page()
    page.close(run_before_unload=True)
    kept = select(func.count()).where(DraftInput.contract_id == key)
    _until(lambda: asked(server, lambda: db.session.scalar(kept)) == 1)
    another.goto(f"/contracts/{key}/fill/subject")
    expect(another.locator("#title")).to_have_value("关掉标签页之前")
    expect(another.locator("#signed_on")).to_have_value("2026 年 13 月")


def test_what_was_typed_is_saved_every_half_minute(page: Page, enter: Callable[..., Page]):
    enter(page, "broker")
    key = begin(page)
    page.clock.install()
    page.goto(f"/contracts/{key}/fill/money")
    page.locator("#total_amount").fill("88万8千")
    page.get_by_role("button", name="增加一期").click()
    page.locator("#payments-1-amount").fill("38")
    with page.expect_response("**/autosave") as saved:
        page.clock.run_for(31_000)
    assert saved.value.status == 200
    expect(page.locator("[data-saved]")).to_contain_text("已自动保存")
    page.goto(f"/contracts/{key}/fill")
    expect(page.locator("main").get_by_role("link", name="4 ").locator("..")).to_contain_text("要改")
    page.goto(f"/contracts/{key}/fill/money")
    expect(page.locator("#total_amount")).to_have_value("88万8千")
    expect(page.locator("#payments-1-amount")).to_have_value("38")


def _until(done: Callable[[], bool], patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, "nothing arrived"
        time.sleep(0.05)


# Twice, and two at once


def test_back_after_submitting_and_a_second_tab(server: Any, page: Page, enter: Callable[..., Page]):
    key = made(server, lambda make, people: make.contract("后退再提交", filed_by=people["jj-broker"]))
    enter(page, "broker")
    page.goto(f"/contracts/{key}/fill/check")
    page.get_by_label("申请方承诺").check()
    second = page.context.new_page()
    second.goto(f"/contracts/{key}/fill/check")
    second.get_by_label("申请方承诺").check()
    page.get_by_role("button", name="提交登记申请").click()
    expect(page.locator("h1")).to_contain_text("已提交")

    page.go_back()
    expect(page.locator("h1")).to_have_text("现在不能这样办理")
    expect(page.locator("main")).to_contain_text("已提交")
    second.get_by_role("button", name="提交登记申请").click()
    expect(second.locator("h1")).to_have_text("已经办过了")
    second.get_by_role("link", name="看最新状态").click()
    expect(second.locator("h1")).to_contain_text("已提交")
    assert asked(server, lambda: len(db.session.get(Contract, key).history)) == 1


def test_two_reviewers_decide_the_same_contract(
    server: Any, new_page: Callable[..., Page], enter: Callable[..., Page], shoot: Callable[..., None]
):
    key = made(
        server, lambda make, people: make.contract("两人同时复核", state=State.REVIEWED, filed_by=people["jj-broker"])
    )
    other = made(server, lambda make, people: _second_reviewer(make))
    first, second = enter(new_page(), "reviewer"), new_page()
    second.goto("/sign-in")
    second.locator("input[name=username]").fill(asked(server, lambda: _name_of(other)))
    second.locator("input[name=password]").fill(PASSWORD)
    second.get_by_role("button", name="登录").click()
    second.wait_for_url("**/inbox")
    for page in (first, second):
        page.goto(f"/contracts/{key}/register")
    second.locator("#registration_number").fill("2026350582001234")
    second.locator("#opinion").fill("我写了很久的意见")
    first.locator("#registration_number").fill("2026350582004321")
    first.get_by_role("button", name="复核并登记").click()
    expect(first.get_by_text("已登记，计入年度统计。")).to_be_visible()

    second.get_by_role("button", name="复核并登记").click()
    expect(second.locator(".note-warn, .note").first).to_be_visible()
    typed = second.get_by_role("table", name="你填写的和现在已办的")
    expect(typed).to_contain_text("2026350582001234")
    expect(typed).to_contain_text("我写了很久的意见")
    expect(second.get_by_text("已登记").first).to_be_visible()
    shoot(second, "two-at-once")
    assert asked(server, lambda: db.session.get(Contract, key).registration_number) == "2026350582004321"


PASSWORD = "Zhong-Bei-8642"


def _second_reviewer(make: Any) -> Any:
    user = make.user(Role.REVIEWER, name="第二复核员")
    set_password(user, PASSWORD)
    return user


def _name_of(key: int) -> str:
    return db.session.get(User, key).username


# Without script


def test_a_contract_is_filed_without_script(server: Any, new_page: Callable[..., Page], enter: Callable[..., Page]):
    page = enter(new_page(java_script_enabled=False), "broker")
    key = begin(page)
    seller, buyer = asked(server, _two_firms)
    for field, label, (initials, name) in (("seller_id", "卖方", seller), ("buyer_id", "买方", buyer)):
        page.locator(f"#{field}").fill(initials)
        page.locator(f"button[value='find:{field}']").click()
        page.get_by_role("radiogroup", name=f"{label}：找到的单位").get_by_label(name).check()
    page.get_by_label("否", exact=True).check()
    go_on(page)
    subject(page, title="没有脚本也能申报")
    go_on(page)

    page.locator("#total_amount").fill("120万")
    page.get_by_role("button", name="增加一行").click()
    page.get_by_label("种类").select_option("equipment")
    page.get_by_label("名称和数量").fill("检测仪 1 台")
    page.locator("#deductions-0-amount").fill("20")
    page.get_by_label("分期支付").check()
    page.locator("#payments-0-condition").fill("合同生效后")
    page.locator("#payments-0-amount").fill("50")
    page.get_by_role("button", name="增加一期").click()
    expect(page.locator("#payments-0-amount")).to_have_value("50")
    page.locator("#payments-1-condition").fill("验收后")
    page.locator("#payments-1-amount").fill("60")
    go_on(page)
    expect(page.locator("#payments-error")).to_contain_text("比成交额少 100,000.00 元")
    page.locator("#payments-1-amount").fill("70")
    go_on(page)
    technology(page)
    go_on(page)
    upload(page, "合同.pdf", "contract")
    upload(page, "授权委托书.pdf", "authorization")
    page.get_by_role("link", name="下一步：核对并提交").click()
    page.get_by_label("申请方承诺").check()
    page.get_by_role("button", name="提交登记申请").click()
    expect(page.locator("h1")).to_contain_text("没有脚本也能申报 已提交")
    assert number_in(page.url) == key


def _two_firms() -> list[tuple[str, str]]:
    """Initials and name of two firms of 晋江 that can be found by them, among others or alone."""
    wanted = select(Enterprise).where(Enterprise.region_code == "350582", Enterprise.party_type_code == "150")
    firms = db.session.scalars(wanted.order_by(Enterprise.id)).all()
    return [(one.initials, one.name) for one in firms if one in found(one.initials)][:2]


# Without a mouse


def test_the_first_item_of_the_queue_is_decided_by_keyboard_alone(server: Any, page: Page):
    account = server.account("reviewer")
    page.goto("/")
    _tab_to(page, page.locator("input[name=username]"))
    page.keyboard.type(account.username)
    _tab_to(page, page.locator("input[name=password]"))
    page.keyboard.type(account.password)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("待办")

    page.keyboard.press("Tab")
    expect(page.get_by_text("跳到正文")).to_be_focused()
    expect(page.get_by_text("跳到正文")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    page.keyboard.press("j")
    first = page.locator("tbody tr").first.locator("a.title")
    expect(first).to_be_focused()
    title = first.inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(f"复核并登记：{title}")
    key = number_in(page.url)
    _tab_to(page, page.locator("#registration_number"))
    page.keyboard.type("2026350582007777")
    _tab_to(page, page.get_by_role("button", name="复核并登记"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("已登记，计入年度统计。")).to_be_visible()
    assert asked(server, lambda: db.session.get(Contract, key).state) is State.REGISTERED


def _tab_to(page: Page, wanted: Locator, steps: int = 80) -> None:
    """Press Tab until it is there; what has the focus can be seen at every step."""
    for _ in range(steps):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              const own = document.activeElement;
              const around = [own, own.nextElementSibling, own.closest("label")].filter(Boolean);
              return own === document.body || around.some((one) => {
                const style = getComputedStyle(one);
                return (style.outlineStyle !== "none" && style.outlineWidth !== "0px") || style.boxShadow !== "none";
              }) || own.outerHTML;
            }"""
        )
        assert seen is True, f"no focus to be seen on {seen}"
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached by Tab")
