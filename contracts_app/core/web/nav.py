"""The menu: one table. An entry shows when its view exists and this person may open it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request, url_for

MayOpen = Callable[[str, Any], bool]
Count = Callable[[Any], int]


@dataclass(frozen=True)
class Entry:
    label: str
    icon: str
    endpoint: str


@dataclass(frozen=True)
class Group:
    label: str
    entries: tuple[Entry, ...]


MENU = (
    Group(
        "工作",
        (
            Entry("待办", "inbox", "contracts.inbox"),
            Entry("核定待办", "cash-coin", "tracking.inbox"),
            Entry("已办", "check2-all", "contracts.done"),
            Entry("我的合同", "file-earmark-person", "contracts.mine"),
            Entry("新建申报", "plus-square", "filing.new"),
            Entry("技术合同", "file-earmark-text", "contracts.index"),
            Entry("逾期未到账", "calendar-x", "tracking.overdue"),
            Entry("涉密纸质卷", "safe", "paper_files.index"),
        ),
    ),
    Group(
        "基础数据",
        (
            Entry("企业与单位", "buildings", "enterprises.index"),
            Entry("技术经纪人", "person-badge", "brokers.index"),
            Entry("创新平台", "diagram-3", "platforms.index"),
        ),
    ),
    Group(
        "统计",
        (
            Entry("年度总览", "speedometer2", "statistics.overview"),
            Entry("分类统计", "table", "totals.index"),
            Entry("常用视图", "bookmark", "saved_views.index"),
            Entry("统计报表", "file-earmark-spreadsheet", "reports.index"),
            Entry("办理时效", "stopwatch", "timeliness.index"),
        ),
    ),
    Group(
        "目标与发布",
        (
            Entry("考核目标", "bullseye", "targets.index"),
            Entry("规划指标", "list-check", "indicators.index"),
            Entry("发布口径", "chat-quote", "sentences.show"),
            Entry("发布快照", "camera", "snapshots.index"),
            Entry("发布数据", "megaphone", "targets.published"),
        ),
    ),
    Group(
        "系统",
        (
            Entry("用户", "people", "accounts.users"),
            Entry("待复核授权", "person-check", "grants.index"),
            Entry("年度复核", "clipboard-check", "recertifications.index"),
            Entry("密码规定", "key", "password_rules.index"),
            Entry("参考数据", "journal-text", "codes.index"),
            Entry("操作记录", "shield-check", "audit.index"),
        ),
    ),
)


@dataclass(frozen=True)
class Item:
    """An entry as one person sees it on one page."""

    label: str
    icon: str
    url: str
    current: bool
    count: int


@dataclass(frozen=True)
class Section:
    label: str
    items: tuple[Item, ...]


def init_app(
    app: Flask, may_open: MayOpen, counts: Mapping[str, Count] | None = None, in_menu: MayOpen | None = None
) -> None:
    """Give the templates `menu_for`, `opens_to`, `home_url`, `has_page`, `role_words` and `who_words`.

    ``may_open(endpoint, person)`` decides what can be opened, ``in_menu`` what of it stands in the menu; ``counts``
    gives the number beside an entry, by its endpoint.
    """
    counts = counts or {}
    stands = in_menu or may_open

    def menu_for(person: Any, here: str | None = None) -> list[Section]:
        """The menu of this person; ``here`` is the endpoint to mark, else it is found from the request."""
        if not person.is_authenticated:
            return []
        shown = _open_to(person, stands)
        marked = here or _marked([entry for _, entries in shown for entry in entries])
        return [
            Section(
                group.label,
                tuple(
                    Item(
                        entry.label,
                        entry.icon,
                        url_for(entry.endpoint),
                        entry.endpoint == marked,
                        counts[entry.endpoint](person) if entry.endpoint in counts else 0,
                    )
                    for entry in entries
                ),
            )
            for group, entries in shown
        ]

    def opens_to(person: Any, endpoint: str) -> bool:
        """Whether a page is there and this person may open it."""
        return has_page(endpoint) and may_open(endpoint, person)

    app.jinja_env.globals.update(
        menu_for=menu_for,
        opens_to=opens_to,
        home_url=home_url,
        has_page=has_page,
        role_words=role_words,
        who_words=who_words,
    )


def has_page(endpoint: str) -> bool:
    """Whether a view of this name is registered."""
    return endpoint in current_app.view_functions


def home_url() -> str:
    """Where the brand and 首页 lead: the page named ``home``, or the root."""
    return url_for("home") if has_page("home") else "/"


def who_words(person: Any) -> str:
    """Region and roles of a person, as the top bar shows them: 晋江市 · 登记员、审核员, and whose place they hold."""
    held = "、".join(one.delegator.name for one in getattr(person, "borrowed", ()))
    return f"{person.region.name} · {role_words(person)}" + (f" · 代{held}" if held else "")


def role_words(person: Any) -> str:
    """The roles of a person's own in their usual order: 登记员、审核员."""
    roles = sorted(
        getattr(person, "own_roles", person.roles), key=lambda role: list(role.__class__.__members__).index(role.name)
    )
    return "、".join(role.label for role in roles)


def _open_to(person: Any, in_menu: MayOpen) -> list[tuple[Group, list[Entry]]]:
    shown = [
        (group, [entry for entry in group.entries if has_page(entry.endpoint) and in_menu(entry.endpoint, person)])
        for group in MENU
    ]
    return [(group, entries) for group, entries in shown if entries]


def _marked(entries: list[Entry]) -> str | None:
    """The entry of the page asked for; for a page below a list, the list; for others of one noun, its only entry."""
    endpoints = [entry.endpoint for entry in entries]
    if request.endpoint in endpoints:
        return request.endpoint
    of_noun = [endpoint for endpoint in endpoints if endpoint.split(".")[0] == request.blueprint]
    index = f"{request.blueprint}.index"
    if index in of_noun:
        return index
    return of_noun[0] if len(of_noun) == 1 else None
