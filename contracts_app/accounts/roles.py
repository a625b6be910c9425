"""The seven roles and the duties that exclude each other (三员分立).

System management, security management and auditing lie in different hands: GB/T 22239-2019, 8.1.5.
"""

from collections.abc import Iterable

from contracts_app.core.words import Word


class Role(Word):
    BROKER = "broker", "技术经纪人"
    REGISTRAR = "registrar", "登记员"
    REVIEWER = "reviewer", "审核员"
    MANAGER = "manager", "局领导"
    ADMIN = "admin", "系统管理员"
    SECURITY = "security", "安全管理员"
    AUDITOR = "auditor", "审计员"


class Duty(Word):
    """A person has one duty; roles of different duties never meet in one account."""

    BUSINESS = "business", "业务岗位"
    ADMIN = "admin", "系统管理"
    SECURITY = "security", "安全管理"
    AUDIT = "audit", "安全审计"


DUTY_OF = {
    Role.BROKER: Duty.BUSINESS,
    Role.REGISTRAR: Duty.BUSINESS,
    Role.REVIEWER: Duty.BUSINESS,
    Role.MANAGER: Duty.BUSINESS,
    Role.ADMIN: Duty.ADMIN,
    Role.SECURITY: Duty.SECURITY,
    Role.AUDITOR: Duty.AUDIT,
}
THREE = (Role.ADMIN, Role.SECURITY, Role.AUDITOR)  # 三员: there is always somebody of each


# They act for an office, and a town has none: what they could see there they could not decide.
OFFICE_ROLES = frozenset({Role.REGISTRAR, Role.REVIEWER})
LENT = OFFICE_ROLES | {Role.MANAGER}  # what a colleague may hold for somebody who is away (AB角)
NO_OFFICE_IN_TOWN = "镇（街道）没有登记机构，登记员和审核员的地区选到县（市、区）"


def duty_of(roles: Iterable[Role]) -> Duty:
    """The one duty these roles belong to; raises ``ValueError`` with a sentence when there is none or more than one."""
    duties = {DUTY_OF[role] for role in roles}
    if not duties:
        raise ValueError("至少选一个角色")
    if len(duties) > 1:
        raise ValueError("业务岗位、系统管理、安全管理、安全审计不能兼任，只选同一类里的角色")
    return duties.pop()
