from types import SimpleNamespace

from flask import Blueprint, Flask

from contracts_app.core.web import nav
from tests.look.site import Person


def office(*endpoints: str, closed: tuple[str, ...] = (), counts=None) -> Flask:
    """A site with these views, some closed to everybody."""
    app = Flask("office")
    blueprints: dict[str, Blueprint] = {}
    for endpoint in endpoints:
        noun, view = endpoint.split(".")
        blueprint = blueprints.setdefault(noun, Blueprint(noun, noun, url_prefix=f"/{noun}"))
        blueprint.add_url_rule(f"/{view}", view, lambda: "")
    for blueprint in blueprints.values():
        app.register_blueprint(blueprint)
    nav.init_app(app, may_open=lambda endpoint, person: endpoint not in closed, counts=counts)
    return app


def menu(app: Flask, path: str = "/", here: str | None = None, person=None) -> list:
    with app.test_request_context(path):
        return app.jinja_env.globals["menu_for"](person or Person(), here)


def items(sections) -> list[tuple[str, bool]]:
    return [(item.label, item.current) for section in sections for item in section.items]


def test_an_entry_shows_if_its_view_exists_and_may_be_opened():
    app = office("contracts.inbox", "contracts.mine", "targets.index", closed=("contracts.mine",))
    assert [(section.label, len(section.items)) for section in menu(app)] == [("工作", 1), ("目标与发布", 1)]


def test_nobody_signed_in_sees_no_menu():
    assert menu(office("contracts.index"), person=SimpleNamespace(is_authenticated=False)) == []


def test_the_page_asked_for_is_marked():
    app = office("contracts.inbox", "contracts.index", "contracts.show")
    assert items(menu(app, "/contracts/inbox")) == [("待办", True), ("技术合同", False)]


def test_a_page_below_a_list_marks_the_list():
    app = office("contracts.inbox", "contracts.index", "contracts.show")
    assert items(menu(app, "/contracts/show")) == [("待办", False), ("技术合同", True)]


def test_the_only_entry_of_a_noun_is_marked_for_its_other_pages():
    assert items(menu(office("statistics.overview", "statistics.unit"), "/statistics/unit")) == [("年度总览", True)]


def test_a_page_may_say_where_it_belongs():
    app = office("contracts.inbox", "contracts.index", "contracts.show")
    assert items(menu(app, "/contracts/show", here="contracts.inbox"))[0] == ("待办", True)


def test_a_count_stands_beside_its_entry():
    app = office("contracts.inbox", "contracts.index", counts={"contracts.inbox": lambda person: 12})
    assert [item.count for section in menu(app) for item in section.items] == [12, 0]


def test_every_entry_leads_somewhere_else():
    endpoints = [entry.endpoint for group in nav.MENU for entry in group.entries]
    assert len(endpoints) == len(set(endpoints))


def test_a_person_is_named_by_region_and_roles_in_the_order_of_the_work():
    assert nav.who_words(Person()) == "晋江市 · 登记员、审核员"
