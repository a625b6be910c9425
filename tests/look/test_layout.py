"""Promises that hold on every page drawn with the layouts."""

import re
from pathlib import Path

import flask_bootstrap
import pytest

from contracts_app.core.settings import ROOT
from contracts_app.core.web import nav
from tests.look.markup import read

PAGES = ["/every", "/every?errors=1", "/inbox", "/signin"]


@pytest.fixture(params=PAGES)
def page(request, visit):
    return read(visit(request.param))


def test_a_page_begins_with_its_kind_and_language(visit):
    html = visit("/every")
    assert html.startswith('<!doctype html>\n<html lang="zh-CN">')


def test_no_id_is_used_twice(page):
    ids = [element["id"] for element in page.everything() if "id" in element]
    assert sorted(ids) == sorted(set(ids))


def test_there_is_one_heading_and_one_main(page):
    assert len(page.all("h1")) == 1
    assert page.one("main")["id"] == "main"


def test_every_reference_within_a_page_leads_somewhere(page):
    ids = {element["id"] for element in page.everything() if "id" in element}
    for element in page.everything():
        for attribute in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
            for target in (element.get(attribute) or "").split():
                assert target in ids, f"{element.name} {attribute}={target}"


def test_every_control_has_a_name(page):
    labelled = {label["for"] for label in page.all("label") if "for" in label}
    for control in [*page.all("input"), *page.all("select"), *page.all("textarea")]:
        if control.get("type") == "hidden" or control.get("id") in labelled or "aria-label" in control:
            continue
        assert control.parent.name == "label", control.attributes


def test_every_button_and_link_has_words(page):
    for element in [*page.all("a"), *page.all("button")]:
        assert element.text or element.get("aria-label"), element.attributes


def test_every_posted_form_carries_its_token_or_is_checked_here(visit):
    for form in read(visit("/every")).all("form", method="post"):
        assert form.all("input", name_="csrf_token") or form.all("input", name_="version")


def test_tables_say_what_their_headers_are_for(page):
    for head in page.all("th"):
        assert head.get("scope") or "js-only" in head.classes, head.text


def test_errors_are_said_in_the_title(visit):
    assert read(visit("/every?errors=1")).all("title")[0].text.startswith("错误：每个部件")
    assert read(visit("/every")).all("title")[0].text == "每个部件 - 技术合同认定登记与跟踪系统"


def test_breadcrumbs_end_with_the_page(visit):
    crumbs = read(visit("/every")).one("nav", cls="crumbs")
    assert [crumb.text for crumb in crumbs.all("li")] == ["首页", "技术合同", "JJ-2026-0246"]
    assert crumbs.all("li")[-1]["aria-current"] == "page"


def test_messages_are_told_to_screen_readers(visit):
    assert read(visit("/every")).one("div", cls="notices").text == "已保存。"
    assert read(visit("/every")).one("div", cls="notices")["role"] == "status"


def test_a_demonstration_says_so(page):
    assert "演示环境" in page.text


def test_the_menu_stands_twice_under_two_names(visit):
    menus = read(visit("/every")).all("nav", cls="sidenav")
    assert len({menu["aria-label"] for menu in menus}) == 2
    assert all(menu.one(aria_current="page").text == "技术合同" for menu in menus)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 429])
def test_an_error_keeps_the_menu(visit, status):
    page = read(visit(f"/fails/{status}", status))
    assert page.all("nav", cls="sidenav")
    assert page.one("h1").text == "没有办成"
    assert page.one("main").all("a")


def test_a_broken_system_shows_its_number_and_needs_no_menu(visit):
    page = read(visit("/fails/500", 500))
    assert page.one("b", cls="error-id").text == "1a2b3c4d"
    assert not page.all("nav", cls="sidenav")


def test_a_way_back_is_only_offered_within_the_house(site):
    client = site.test_client()
    inside = client.get("/fails/409", headers={"Referer": "http://localhost/every"}).text
    outside = client.get("/fails/409", headers={"Referer": "http://elsewhere.example/"}).text
    assert "重新打开</a>" in inside
    assert "elsewhere" not in outside


def test_classes_of_components_are_in_the_style_sheet():
    css = (ROOT / "static/css/app.css").read_text()
    styled = set(re.findall(r"\.([a-z][\w-]*)", css))
    used = set()
    for file in [*(ROOT / "templates/components").glob("*.html"), *(ROOT / "templates/layout").glob("*.html")]:
        source = re.sub(r"{#.*?#}", "", file.read_text(), flags=re.S)
        for value in re.findall(r'class="([^"{]*)"', source):
            used |= set(value.split())
    bootstrap = {"bi", "visually-hidden", "form-check", "form-check-label", "mw-100"} | {
        name for name in used if re.fullmatch(r"[mp][tbsexy]?-\d", name)
    }
    assert used - styled - bootstrap == set()


def test_scripts_are_small_modules():
    for file in (ROOT / "static/js").glob("*.js"):
        source = file.read_text()
        assert source.startswith("//"), f"{file.name} does not say what it is for"
        assert source.count("\n") < 140, file.name
        assert "window." not in source.replace("window.addEventListener", "").replace("window.print", ""), file.name


def test_icons_exist():
    icons = (Path(flask_bootstrap.__file__).parent / "static/bootstrap5/css/font/bootstrap-icons.min.css").read_text()
    known = set(re.findall(r"\.bi-([\w-]+)::before", icons))
    used = {entry.icon for group in nav.MENU for entry in group.entries}
    for file in (ROOT / "templates").rglob("*.html"):
        source = file.read_text()
        used |= set(re.findall(r'icon\("([\w-]+)"\)', source)) | set(re.findall(r"bi-([\w-]+)", source))
    assert len(known) > 1000
    assert used - known == set()


def test_pages_say_what_style_sheets_and_scripts_hold(site, visit):
    page = read(visit("/every"))
    client = site.test_client()
    for address in [link["href"] for link in page.all("link")] + [script["src"] for script in page.all("script")]:
        with client.get(address) as response:
            assert response.status_code == 200, address
