"""The components in a real browser, on the small site that shows each of them once: scripts, narrow screens, paper."""

import random
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, Route, expect
from waitress import create_server

from contracts_app.core import money
from tests.browser.conftest import stop
from tests.look.site import make_site

PAGES = ["/every", "/every?errors=1", "/inbox", "/signin", "/fails/404"]


@pytest.fixture(scope="module")
def server() -> Iterator[SimpleNamespace]:
    """The small site instead of the application."""
    waitress = create_server(make_site(), host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=waitress.run, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{waitress.effective_port}")
    stop(waitress, thread)


# Every page


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_the_screen_and_are_accessible(page: Page, accessible: Callable[[Page], None], path: str):
    for width in (1440, 1024, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width in (1440, 390):
            accessible(page)


def test_paper_shows_the_content_alone(page: Page):
    page.goto("/every")
    page.emulate_media(media="print")
    for hidden in (".topbar", ".shell > .sidenav", ".filters", ".pager", ".page-actions >> nth=0", ".form-actions"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("table.dense").first).to_be_visible()


def test_the_menu_opens_on_a_telephone(new_page: Callable[..., Page]):
    page = new_page(width=390)
    page.goto("/every")
    page.get_by_label("菜单").click()
    page.get_by_role("link", name="待办").click()
    expect(page.locator("h1")).to_have_text("待办")


def test_a_menu_closes_with_escape_and_with_a_click_elsewhere(page: Page):
    page.goto("/every")
    who, menu = page.locator(".topbar-who > summary"), page.locator(".who-menu")
    who.click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(who).to_be_focused()
    who.click()
    page.locator("h1").click()
    expect(menu).to_be_hidden()


def test_the_skip_link_comes_first(page: Page):
    page.goto("/every")
    page.keyboard.press("Tab")
    expect(page.get_by_text("跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


# Amounts


def amounts() -> list[tuple[str, str]]:
    written = [
        *(
            "1，200，000",
            "120万",
            "１２０万",
            "1.2亿",
            "￥1,234.56",
            "RMB 500",
            "3千万",
            "12 000 000",
            "120,0000",
            "0.01",
        ),
        *("壹佰", "-5", "1e5", "1,20", "", "万", "0", "1.005", "1.234567", "10000亿", "9999999999999.99", "一"),
        *("99999999999999", "500元整", "1万元", "120萬圓", " 5 ", "1.", ".5", "1,200,00", "１．５亿元"),
    ]
    rolled = random.Random(7)
    written += [str(Decimal(rolled.randrange(10 ** rolled.randrange(1, 16))).scaleb(-2)) for _ in range(300)]
    return [(text, unit) for text in written for unit in ("yuan", "wan")]


def by_the_server(text: str, unit: str) -> list[str] | None:
    try:
        amount = money.parse_yuan(text, unit)
    except money.MoneyError:
        return None
    return [money.yuan(amount), money.capitals(amount)]


def test_the_browser_reads_amounts_as_the_server_does(page: Page):
    page.goto("/inbox")
    by_the_browser = page.evaluate(
        """async (rows) => {
          const { fen, shown, capitals } = await import("/static/js/amount.js");
          return rows.map(([text, unit]) => fen(text, unit)).map((n) => (n === null ? null : [shown(n), capitals(n)]));
        }""",
        amounts(),
    )
    for (text, unit), said in zip(amounts(), by_the_browser, strict=True):
        assert said == by_the_server(text, unit), (text, unit)


def test_an_amount_is_said_while_it_is_typed(page: Page):
    page.goto("/every")
    said = page.locator("[data-amount]:has(#total_amount) .daxie")
    page.locator("#total_amount").fill("１２０")
    expect(said).to_have_text("1,200,000.00 元壹佰贰拾万元整")
    page.locator(".unit-switch label", has_text="元").first.click()
    expect(said).to_have_text("120.00 元壹佰贰拾元整")
    page.locator("#total_amount").fill("一百")
    expect(said).to_have_text("")


# The payment plan


def test_a_plan_counts_along_and_takes_the_rest(page: Page):
    page.goto("/every")
    page.locator("#total_amount").fill("412")
    page.locator("#plan-0-amount").fill("124")
    page.locator("#plan-1-amount").fill("200万")
    expect(page.locator("[data-plan-sum]")).to_have_text("324.00")
    expect(page.locator("[data-plan-difference]")).to_have_text("差 88.00")
    page.get_by_role("button", name="增加一期").click()
    expect(page.get_by_label("第 3 期应付日期")).to_be_focused()
    page.get_by_role("button", name="把差额加到最后一期").click()
    expect(page.locator("#plan-2-amount")).to_have_value("88.00")
    expect(page.locator("[data-plan-difference]")).to_have_text("")
    expect(page.get_by_role("button", name="把差额加到最后一期")).to_be_hidden()
    page.get_by_role("button", name="删除第 1 期").click()
    expect(page.locator(".plan tbody tr")).to_have_count(2)
    expect(page.get_by_label("第 2 期应付日期")).to_have_attribute("name", "plan-2-due_on")
    expect(page.locator("[data-plan-difference]")).to_have_text("差 124.00")


# Finding an enterprise


def test_an_enterprise_is_found_and_chosen_by_keyboard(page: Page):
    page.goto("/every")
    seller = page.get_by_role("combobox", name="卖方")
    seller.press_sequentially("hr")
    option = page.get_by_role("option", name="恒锐智能装备（福建）有限公司")
    expect(option).to_be_visible()
    expect(seller).to_have_attribute("aria-expanded", "true")
    seller.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(seller).to_have_attribute("aria-activedescendant", option.get_attribute("id") or "")
    seller.press("Enter")
    expect(page.locator("input[name=seller]")).to_have_value("7")
    expect(page.locator("[data-picker-said]")).to_contain_text("91350582MA00DEMO3X")
    change = page.get_by_role("button", name="更换")
    expect(change).to_be_focused()
    change.press("Enter")
    expect(seller).to_be_focused()
    expect(page.locator("input[name=seller]")).to_have_value("")


def test_escape_closes_the_list_and_keeps_the_words(page: Page):
    page.goto("/every")
    seller = page.get_by_role("combobox", name="卖方")
    seller.press_sequentially("hr")
    expect(page.get_by_role("listbox")).to_be_visible()
    seller.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(seller).to_have_value("hr")


def test_nothing_found_is_said(page: Page):
    page.route("**/find?*", lambda route: route.fulfill(json=[]))
    page.goto("/every")
    page.get_by_role("combobox", name="卖方").press_sequentially("xyz")
    expect(page.locator(".picker-none")).to_have_text("没有找到。换一个字试试，或在下面新增。")
    expect(page.get_by_role("link", name="新增单位")).to_be_visible()


# Sending once, saving along the way


def test_a_form_is_sent_once_with_the_button_that_was_pressed(page: Page):
    sent: list[str] = []

    def answered(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.post_data or "")
            route.fulfill(status=204)  # the browser stays where it is
        else:
            route.continue_()

    page.route("**/every", answered)
    page.goto("/every")
    button = page.get_by_role("button", name="保存，回任务清单")
    button.click()
    expect(button).to_be_disabled()
    page.evaluate("document.querySelector('form[data-autosave-url]').requestSubmit()")
    assert len(sent) == 1
    assert "go=back" in sent[0]


def test_a_draft_is_saved_half_a_minute_after_a_change(page: Page):
    page.clock.install()
    page.goto("/every")
    page.locator("#title").fill("伞骨自动装配线")
    with page.expect_request("**/draft") as saving:
        page.clock.run_for(31_000)
    assert "伞骨自动装配线" in (saving.value.post_data or "")
    expect(page.locator("[data-saved]")).to_contain_text("已自动保存")
    expect(page.locator("input[name=base]")).to_have_value("after as shown first")


def test_a_draft_that_could_not_be_saved_is_said_and_tried_again(page: Page):
    page.clock.install()
    page.route("**/draft", lambda route: route.fulfill(status=302, headers={"location": "/signin"}))
    page.goto("/every")
    page.locator("#title").fill("伞骨")
    page.clock.run_for(31_000)
    expect(page.locator("[data-saved]")).to_contain_text("没有自动保存")
    page.unroute("**/draft")
    with page.expect_request("**/draft"):
        page.clock.run_for(31_000)


def test_a_form_waits_for_the_draft_on_its_way(page: Page):
    order: list[str] = []
    held: list[Route] = []

    def answered(route: Route) -> None:
        if route.request.method == "POST":  # the browser fetches its icon whenever it likes
            order.append("POST " + route.request.url.rsplit("/", 1)[1])
        if route.request.url.endswith("/draft"):
            held.append(route)
        elif route.request.method == "POST":
            route.fulfill(status=204)
        else:
            route.continue_()

    page.clock.install()
    page.goto("/every")
    page.route("**/*", answered)
    page.locator("#title").fill("伞骨")
    with page.expect_request("**/draft"):
        page.clock.run_for(31_000)
    page.get_by_role("button", name="保存，下一步").click()
    assert order == ["POST draft"]
    with page.expect_response("**/every"):
        held[0].fulfill(json={"base": "as the draft stands"})
    assert order == ["POST draft", "POST every"]
    expect(page.locator("input[name=base]")).to_have_value("as the draft stands")


# Files, errors, lists


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("合同.exe", 2, "只收 PDF、JPG、PNG、DOCX、XLSX、OFD 文件，把原件另存为 PDF 后重新选择。"),
        ("合同.pdf", 0, "文件是空的，打开原件确认有内容后重新选择。"),
        ("合同.pdf", 25 * 1024 * 1024 + 5, "文件 25.1 MB，超过 20 MB 上限，压缩或分开后重新选择。"),
    ],
)
def test_a_file_is_looked_at_before_it_travels(page: Page, tmp_path: Path, name: str, size: int, sentence: str):
    with (tmp_path / name).open("wb") as file:
        file.truncate(size)
    page.goto("/every")
    page.locator("#scan").set_input_files(tmp_path / name)
    expect(page.locator(".form-row:has(#scan) .error-text")).to_have_text(sentence)
    expect(page.locator("#scan")).to_have_value("")
    page.locator("#scan").set_input_files({"name": "合同.PDF", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    expect(page.locator(".form-row:has(#scan) .error-text")).to_have_count(0)


def test_the_error_summary_has_the_focus_and_leads_to_the_control(page: Page):
    page.goto("/every?errors=1")
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.get_by_role("link", name="选择付款方式").click()
    expect(page.locator("#model-0")).to_be_focused()
    page.get_by_role("link", name="第 2 期：填写应付日期").click()
    expect(page.locator("#plan-1-due_on")).to_be_focused()


def test_a_list_is_walked_with_j_and_k_and_opened_with_enter(page: Page):
    page.goto("/every")
    for key in "jjk":
        page.keyboard.press(key)
    expect(page.locator("tr[aria-selected=true] .sub").first).to_have_text("JJ-2026-0268")
    page.keyboard.press("Enter")
    page.wait_for_url("**/every?n=JJ-2026-0268")


def test_letters_typed_into_a_field_are_only_letters(page: Page):
    page.goto("/every")
    page.locator("#title").press_sequentially("jk")
    expect(page.locator("tr[aria-selected=true]")).to_have_count(0)


def test_a_sentence_is_copied(new_page: Callable[..., Page]):
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/every")
    page.get_by_role("button", name="复制这句话").click()
    expect(page.locator("[data-copy]")).to_have_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()").startswith("截至 11 月 20 日，全市认定登记技术合同 1,199 项")


# Without script


def test_a_form_works_without_script(new_page: Callable[..., Page]):
    page = new_page(java_script_enabled=False)
    page.goto("/every")
    for part in ("#title", "#seller", "#kind", "#total_amount", "#plan-1-amount", "#scan"):
        expect(page.locator(part)).to_be_visible()
    for helper in ("[data-plan-add]", "[data-copy]", "[data-picker-change]"):
        expect(page.locator(helper)).to_be_hidden()
