"""Who may open which pages: one table. Who may make which move is in each workflow.

One's own account and the reference data are open to everybody who is signed in, and stand in no line of the table.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort, current_app
from flask_login import current_user, login_required

from contracts_app.core.words import Word

from .roles import LENT, Role


class Can(Word):
    READ_CONTRACTS = "read_contracts", "查阅技术合同"
    FILE_CONTRACTS = "file_contracts", "申报技术合同"
    WORK_INBOX = "work_inbox", "办理待办"
    DECIDE_TOGETHER = "decide_together", "批量办理"
    READ_PARTIES = "read_parties", "查阅企业与单位"
    EDIT_PARTIES = "edit_parties", "维护企业与单位"
    REVEAL_PARTIES = "reveal_parties", "查看单位完整联系方式"
    READ_REGISTERS = "read_registers", "查阅经纪人与平台"
    EDIT_BROKERS = "edit_brokers", "维护技术经纪人"
    REVEAL_BROKERS = "reveal_brokers", "查看经纪人完整电话"
    SEE_STATISTICS = "see_statistics", "查阅统计"
    SHARE_VIEWS = "share_views", "共享常用视图"
    READ_TARGETS = "read_targets", "查阅目标与发布数据"
    SET_TARGETS = "set_targets", "下达任务目标"
    READ_USERS = "read_users", "查阅用户和授权申请"
    MANAGE_USERS = "manage_users", "管理用户"
    CONFIRM_GRANTS = "confirm_grants", "复核授权"
    UNLOCK_USERS = "unlock_users", "解锁账号和重设两步验证"
    RECERTIFY = "recertify", "年度复核账号"
    TRY_RULES = "try_rules", "试算规则"
    ACTIVATE_RULES = "activate_rules", "启用规则"
    READ_AUDIT = "read_audit", "查阅操作记录"
    LEND_OFFICE = "lend_office", "委托代办"
    KEEP_PAPER_FILES = "keep_paper_files", "登记涉密纸质卷"
    SEE_TIMELINESS = "see_timeliness", "查阅办理时效"
    EDIT_SETTINGS = "edit_settings", "修改系统设置"
    SET_PASSWORD_RULES = "set_password_rules", "选择密码规定"
    TRACK = "track", "登记到账和履约"
    VERIFY_INCOME = "verify_income", "核定技术性收入"
    PUBLISH_FIGURES = "publish_figures", "封存发布数"


OFFICE = frozenset({Role.REGISTRAR, Role.REVIEWER})
READERS = OFFICE | {Role.MANAGER, Role.AUDITOR}
KEEPERS = frozenset({Role.ADMIN, Role.SECURITY})  # of accounts: one asks, the other confirms

GRANTS: dict[Can, frozenset[Role]] = {
    Can.READ_CONTRACTS: READERS | {Role.BROKER},
    Can.FILE_CONTRACTS: frozenset({Role.BROKER, Role.REGISTRAR}),
    Can.WORK_INBOX: OFFICE | {Role.MANAGER},
    Can.DECIDE_TOGETHER: OFFICE,
    Can.READ_PARTIES: READERS | {Role.BROKER},
    Can.EDIT_PARTIES: frozenset({Role.BROKER, Role.REGISTRAR}),
    Can.REVEAL_PARTIES: OFFICE | {Role.BROKER},
    Can.READ_REGISTERS: READERS,
    Can.REVEAL_BROKERS: OFFICE,
    Can.EDIT_BROKERS: frozenset({Role.REGISTRAR}),
    Can.SEE_STATISTICS: READERS,
    Can.SHARE_VIEWS: frozenset({Role.MANAGER}),
    Can.READ_TARGETS: READERS | {Role.ADMIN},
    Can.SET_TARGETS: frozenset({Role.ADMIN}),
    Can.READ_USERS: KEEPERS,
    Can.MANAGE_USERS: frozenset({Role.ADMIN}),
    Can.CONFIRM_GRANTS: frozenset({Role.SECURITY}),
    Can.UNLOCK_USERS: frozenset({Role.SECURITY}),
    Can.RECERTIFY: KEEPERS,
    Can.TRY_RULES: READERS | {Role.ADMIN},
    Can.ACTIVATE_RULES: frozenset({Role.ADMIN}),
    Can.READ_AUDIT: frozenset({Role.AUDITOR}),
    Can.LEND_OFFICE: LENT,
    Can.KEEP_PAPER_FILES: frozenset({Role.REGISTRAR}),
    Can.SEE_TIMELINESS: READERS,
    Can.EDIT_SETTINGS: frozenset({Role.ADMIN}),
    Can.SET_PASSWORD_RULES: frozenset({Role.SECURITY}),
    Can.TRACK: frozenset({Role.BROKER, Role.REGISTRAR}),
    Can.VERIFY_INCOME: OFFICE,
    Can.PUBLISH_FIGURES: frozenset({Role.MANAGER}),
}


def may(person: Any, permission: Can) -> bool:
    """Whether this person has a role to which the permission is granted."""
    return bool(person.is_authenticated and person.roles & GRANTS[permission])


def needs(permission: Can) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Open the view only to those who have the permission; everyone else gets the page that says whom to ask."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @login_required
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not may(current_user, permission):
                abort(403)
            return view(*args, **kwargs)

        guarded.permission = permission
        return guarded

    return decorate


def may_open(endpoint: str, person: Any) -> bool:
    """Whether the person may open the view behind an endpoint: what the menu asks."""
    view = current_app.view_functions.get(endpoint)
    permission = getattr(view, "permission", None)
    return view is not None and (permission is None or may(person, permission))


def who_opens(endpoint: str | None) -> str:
    """The roles that open the view behind an endpoint: 登记员、审核员. Empty where no role is asked for."""
    permission = getattr(current_app.view_functions.get(endpoint or ""), "permission", None)
    return "、".join(role.label for role in Role if permission and role in GRANTS[permission])


def in_menu(endpoint: str, person: Any) -> bool:
    """Whether the person's menu has the view. Who only files has 我的合同: 技术合同 would be the same list again."""
    if endpoint == "contracts.index" and not person.roles & READERS:
        return False
    return may_open(endpoint, person)
