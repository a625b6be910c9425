"""The log of who did what. One door, so that nothing of importance is written down in two ways."""

from datetime import datetime
from typing import Any

from flask import has_request_context, request
from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .clock import now_utc
from .db import Base, Moment, db, keep_besides, unit_of_work


class AuditEntry(Base):
    """One thing somebody did or was refused. Only ever added."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_subject", "subject", "subject_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now_utc, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    username: Mapped[str] = mapped_column(String(60))  # as typed when nobody is signed in
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40), default="")
    subject_id: Mapped[int | None]
    address: Mapped[str] = mapped_column(String(45), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def record(action: str, person: Any, *, subject: str = "", subject_id: int | None = None, **details: Any) -> None:
    """Add an entry to the current unit of work: it is kept exactly when what it tells of is kept.

    ``person`` is a user, or the name that was typed where nobody is signed in. ``details`` never hold personal data or
    secrets: nothing of the log can be taken away again.
    """
    db.session.add(_entry(action, person, subject, subject_id, details))


def witness(action: str, person: Any, *, subject: str = "", subject_id: int | None = None, **details: Any) -> None:
    """Have an entry kept of what is no write: that something was shown, handed out or refused.

    Same arguments as ``record``. In a request the entry is kept before the answer goes, whatever the request answers
    and whether or not it is one that writes; where it cannot be kept, the request fails. Outside of a request it is
    kept at once: call it before anything else was written.
    """
    entry = _entry(action, person, subject, subject_id, details)
    if has_request_context():
        keep_besides(lambda: db.session.add(entry))
        return
    with unit_of_work() as work:
        work.add(entry)


def _entry(action: str, person: Any, subject: str, subject_id: int | None, details: dict[str, Any]) -> AuditEntry:
    by_name = isinstance(person, str)
    return AuditEntry(
        at=now_utc(),
        user_id=None if by_name else person.id,
        username=(person if by_name else person.username)[:60],
        action=action,
        subject=subject,
        subject_id=subject_id,
        address=(request.remote_addr or "") if has_request_context() else "",
        details=details,
    )


# The words people read for what is recorded. A test finds an action that has none.
ACTIONS: dict[str, str] = {
    "sign_in": "登录",
    "sign_in_failed": "登录失败",
    "sign_out": "退出",
    "set_password": "用链接设置密码",
    "change_password": "修改密码",
    "invite": "生成设置密码链接",
    "create_user": "建立账号",
    "revise_user": "修改账号",
    "disable_user": "停用账号",
    "enable_user": "启用账号",
    "create_broker": "登记经纪人",
    "revise_broker": "修改经纪人",
    "create_enterprise": "新增单位",
    "revise_enterprise": "修改单位",
    "fill_enterprise": "补填单位",
    "set_tasks": "下达任务目标",
    "activate_rules": "启用规则",
    "move": "办理合同",
    "discard_draft": "删除草稿",
    "lend_office": "委托代办",
    "end_lending": "结束委托",
    "record_paper_file": "登记涉密纸质卷",
    "revise_settings": "修改系统设置",
    "record_receipt": "登记到账",
    "strike_receipt": "冲销到账",
    "record_royalty": "登记提成报告",
    "withdraw_royalty": "作废提成报告",
    "record_benefit": "登记享受的优惠",
    "withdraw_benefit": "作废优惠记录",
    "verify_income": "办理核定",
    "export_totals": "导出统计表",
    "make_report": "导出统计报表",
    "create_view": "建立常用视图",
    "revise_view": "修改常用视图",
    "delete_view": "删除常用视图",
    "export_contracts": "导出合同列表",
    "freeze_figures": "封存发布数",
    "close_period": "封账",
}
SUBJECTS: dict[str, str] = {
    "user": "账号",
    "contract": "技术合同",
    "broker": "技术经纪人",
    "enterprise": "企业与单位",
    "target": "任务目标",
    "rule_set": "规则",
    "delegation": "委托代办",
    "paper_file": "涉密纸质卷",
    "settings": "系统设置",
    "saved_view": "常用视图",
    "snapshot": "发布快照",
}
FACTS: dict[str, str] = {
    "username": "用户名",
    "name": "名称",
    "roles": "角色",
    "region": "地区",
    "condition": "状态",
    "grade": "等级",
    "certificate_number": "证书编号",
    "phone": "电话",
    "employer": "任职单位",
    "account": "登录账号",
    "title": "合同名称",
    "fields": "改动",
    "code": "统一社会信用代码",
    "party_type_code": "单位性质",
    "scale": "企业规模",
    "region_code": "所在地区",
    "town_code": "镇（街道）",
    "address": "地址",
    "representative": "法定代表人",
    "contact": "联系人",
    "country": "国别（地区）",
    "postcode": "邮编",
    "is_transfer_institution": "技术转移机构",
    "is_research_institution": "研发机构",
    "is_converted_institute": "转制科研院所",
    "is_in_high_tech_zone": "国家高新区内企业",
    "is_listed": "上市公司",
    "attribute_codes": "企业属性",
    "group_name": "所属集团",
    "year": "年度",
    "document": "文件",
    "tasks": "任务数",
    "measure": "指标",
    "before": "原任务数",
    "to": "到",
    "batch": "批量办理",
    "rule_set": "规则",
    "valid_from": "生效日期",
    "instead_of": "原规则",
    "delegator": "委托人",
    "delegate": "代办人",
    "starts_on": "开始日期",
    "ends_on": "结束日期",
    "reason": "事由",
    "number": "编号",
    "settings": "设置",
    "amount": "金额",
    "day": "日期",
    "benefit": "优惠种类",
    "query": "条件",
    "file": "文件格式",
    "rows": "行数",
    "period": "期间",
    "hash": "校验值",
    "units": "考核单元",
    "closed_until": "封账到",
}
