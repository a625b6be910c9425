"""The other main job: the head of a bureau reads the year, opens what a figure counts, keeps views, publishes."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from contracts_app.core.clock import today

YEAR = today().year


def test_a_manager_opens_figures_keeps_a_view_publishes_and_tries_what_if(page: Page, enter: Callable[..., Page]):
    enter(page, "manager")
    page.goto("/statistics/")
    opens_what_it_counts(page.locator("table.dense a[data-measure=total_amount]").first)

    page.goto("/statistics/totals/")
    page.locator("#rows").select_option("type")
    page.locator("#columns").select_option("month")
    page.get_by_role("button", name="统计", exact=True).click()
    expect(page.locator("h2", has_text="合同类型 × 月份")).to_be_visible()
    cell = page.locator("tbody a[data-measure=total_amount]").first
    said = opens_what_it_counts(cell)
    page.go_back()

    page.get_by_role("link", name="存为常用视图").click()
    page.locator("#name").fill("各类型逐月")
    page.get_by_role("button", name="保存").click()
    page.get_by_role("link", name="各类型逐月", exact=True).click()
    expect(cell).to_have_text(said)

    freezes_last_year(page)
    tries_what_if(page)


def opens_what_it_counts(figure: Locator) -> str:
    """A figure is clicked, and the foot of the list behind it says the same."""
    page, said = figure.page, figure.inner_text()
    figure.click()
    expect(page.locator("h1")).to_have_text("技术合同")
    expect(page.locator("tfoot tr").last.locator("td").first).to_have_text(said)
    return said


def freezes_last_year(page: Page) -> None:
    page.goto("/statistics/snapshots/")
    page.locator(".page-actions").get_by_role("link", name="封存发布数").click()
    page.locator("#year").select_option(str(YEAR - 1))
    page.get_by_role("button", name="看要封存的数").click()
    page.locator("#title").fill("")
    page.get_by_role("button", name="封存", exact=True).click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.locator("#title").fill("年报复核")
    frozen = page.locator("td[data-label=成交额]").first.inner_text()
    page.get_by_role("button", name="封存", exact=True).click()
    expect(page.locator("h1")).to_contain_text("年报复核 未封账")
    published = page.locator("main a[data-measure=total_amount]").first
    expect(published).to_have_text(frozen)
    opens_what_it_counts(published)


def tries_what_if(page: Page) -> None:
    page.goto("/statistics/")
    expected = page.locator("#pipeline tfoot td").last
    by_history = expected.inner_text()
    chances = page.get_by_label("登记的可能性")
    for place in range(chances.count()):
        chances.nth(place).fill("100")
    page.get_by_role("button", name="重新测算").click()
    expect(expected).to_have_text(page.locator("#pipeline tfoot a[data-measure=total_amount]").inner_text())
    page.get_by_role("link", name="恢复历史比例").click()
    expect(expected).to_have_text(by_history)
