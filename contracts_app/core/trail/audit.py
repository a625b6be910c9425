"""The log of who did what. One door, so that nothing of importance is written down in two ways.

Entries wait until just before the commit, get their numbers there and are linked to the chain (``chain``). The
chain has one end, so this is where everybody who writes meets: it is the last lock of a transaction, and held no longer
than the commit lasts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import has_request_context, request
from sqlalchemy import JSON, Engine, ForeignKey, Index, String, event, func, insert, select, update
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, SessionTransaction, mapped_column

from contracts_app.core.clock import now_utc
from contracts_app.core.db import Base, Moment, db, keep_besides, unit_of_work

from . import checkpoints
from .chain import hash_of, kept_form

AT_ONCE = 10_000  # rows linked and written together


class AuditEntry(Base):
    """One thing somebody did or was refused. Only ever added: triggers refuse anything else."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        # What the auditor looks for, each with the order of the page.
        Index("ix_audit_entries_username_at", "username", "at"),
        Index("ix_audit_entries_action_at", "action", "at"),
        Index("ix_audit_entries_subject_at", "subject", "at"),
        Index("ix_audit_entries_record_at", "subject", "subject_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    username: Mapped[str] = mapped_column(String(60))  # as typed when nobody is signed in
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40), default="")
    subject_id: Mapped[int | None]
    address: Mapped[str] = mapped_column(String(45), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """Where the chain ends: one row, which whoever adds to the chain locks. A trigger lets it only go on."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_id: Mapped[int]  # of the last entry; 0 when there is none
    hash: Mapped[str] = mapped_column(String(64))
    count: Mapped[int]


ENTRIES, HEAD = Base.metadata.tables["audit_entries"], Base.metadata.tables["audit_head"]
Row = dict[str, Any]


def record(action: str, person: Any, *, subject: str = "", subject_id: int | None = None, **details: Any) -> None:
    """Add an entry to the current unit of work: it is kept exactly when what it tells of is kept.

    ``person`` is a user, or the name that was typed where nobody is signed in. ``details`` never hold personal data or
    secrets: nothing of the log can be taken away again.
    """
    _await_commit(db.session(), _row(action, person, subject, subject_id, details))


def witness(action: str, person: Any, *, subject: str = "", subject_id: int | None = None, **details: Any) -> None:
    """Have an entry kept of what is no write: that something was shown, handed out or refused.

    Same arguments as ``record``. In a request the entry is kept before the answer goes, whatever the request answers
    and whether or not it is one that writes; where it cannot be kept, the request fails. Outside of a request it is
    kept at once: call it before anything else was written.
    """
    row = _row(action, person, subject, subject_id, details)
    if has_request_context():
        keep_besides(lambda: _await_commit(db.session(), row))
        return
    with unit_of_work() as work:
        _await_commit(work, row)


def witness_once(
    within: timedelta, action: str, person: Any, *, subject: str = "", subject_id: int | None = None, **details: Any
) -> None:
    """``witness``, unless the same was told of the same person lately: of what comes again with every picture."""
    row = _row(action, person, subject, subject_id, details)
    if not _told_since(now_utc() - within, row):
        keep_besides(lambda: _tell_once(now_utc() - within, row))


def told_lately(within: timedelta, action: str, person: Any) -> int:
    """How many entries of this action the person has lately."""
    since = now_utc() - within
    same = (AuditEntry.username == person.username, AuditEntry.action == action, AuditEntry.at >= since)
    return db.session.scalar(select(func.count()).select_from(AuditEntry).where(*same)) or 0


def _tell_once(since: datetime, row: Row) -> None:
    db.session.execute(select(HEAD).with_for_update())  # whoever tells the same at the same time is waited for
    if not _told_since(since, row):
        _await_commit(db.session(), row)


def _told_since(since: datetime, row: Row) -> bool:
    same = [AuditEntry.username == row["username"], AuditEntry.action == row["action"], AuditEntry.at >= since]
    same += [AuditEntry.subject == row["subject"], AuditEntry.subject_id.is_not_distinct_from(row["subject_id"])]
    return row["details"] in db.session.scalars(select(AuditEntry.details).where(*same)).all()


def add_many(rows: Sequence[Row]) -> None:
    """Add entries in bulk, in this order, after what the unit of work recorded before: for data that are generated.

    A row has every column but ``id`` and ``hash``, which it gets here.
    """
    session = db.session()
    _link(session, _waiting(session))
    _link(session, rows)


def head() -> AuditHead:
    """Where the chain ends now."""
    return db.session.scalars(select(AuditHead).execution_options(populate_existing=True)).one()


def _row(action: str, person: Any, subject: str, subject_id: int | None, details: dict[str, Any]) -> Row:
    by_name = isinstance(person, str)
    return {
        "at": now_utc(),
        "user_id": None if by_name else person.id,
        "username": (person if by_name else person.username)[:60],
        "action": action,
        "subject": subject,
        "subject_id": subject_id,
        "address": (request.remote_addr or "") if has_request_context() else "",
        "details": kept_form(details),
    }


# ---- from waiting to the chain -------------------------------------------------------------------------------------

_WAITING, _LINKED = "audit waiting", "audit linked"  # in Session.info


def _await_commit(session: Session, row: Row) -> None:
    """Let a row wait for the commit, beside the transaction or savepoint with which it goes or stays."""
    inside = session.get_nested_transaction() or session.get_transaction() or session.begin()
    session.info.setdefault(_WAITING, []).append((inside, row))


def _waiting(session: Session) -> list[Row]:
    """Take what waits for the commit of the transaction under way."""
    whole = session.get_transaction()
    return [row for inside, row in session.info.pop(_WAITING, []) if whole in _around(inside)]


def _around(inside: SessionTransaction | None) -> list[SessionTransaction]:
    """A transaction and those in which it stands."""
    found = []
    while inside is not None:
        found.append(inside)
        inside = inside.parent
    return found


def _link(session: Session, rows: Sequence[Row]) -> None:
    """Give the rows their numbers and hashes and write them; the end of the chain stays locked until the commit."""
    if not rows:
        return
    end = session.execute(select(HEAD).with_for_update()).mappings().one()
    number, last = end["last_id"], end["hash"]
    for begin in range(0, len(rows), AT_ONCE):
        linked = []
        for row in rows[begin : begin + AT_ONCE]:
            number += 1
            last = hash_of(last, row | {"id": number})
            linked.append(row | {"id": number, "hash": last})
        session.execute(insert(ENTRIES), linked)
    end_now = {"last_id": number, "hash": last, "count": end["count"] + len(rows)}
    session.execute(update(HEAD).values(end_now))
    session.info[_LINKED] = end_now


@event.listens_for(Session, "before_commit")
def _link_what_waits(session: Session) -> None:
    if session.info.get(_WAITING) and not session.in_nested_transaction():
        session.flush()  # everything else first: whoever links last makes others wait for the commit alone
        _link(session, _waiting(session))


@event.listens_for(Session, "do_orm_execute")
def _link_before_reading(state: ORMExecuteState) -> None:
    """Who reads the log finds what the same unit of work recorded."""
    session = state.session
    if session.info.get(_WAITING) and state.is_select and any(one.class_ is AuditEntry for one in state.all_mappers):
        _link(session, _waiting(session))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, undone: SessionTransaction) -> None:
    if waiting := session.info.get(_WAITING):
        session.info[_WAITING] = [(inside, row) for inside, row in waiting if undone not in _around(inside)]
    session.info.pop(_LINKED, None)


@event.listens_for(Session, "after_commit")
def _keep_checkpoint(session: Session) -> None:
    """With the first entries of a day its checkpoint is kept too; not within somebody else's transaction."""
    if session.in_nested_transaction():
        return
    end = session.info.pop(_LINKED, None)
    if end and isinstance(session.get_bind(), Engine):
        checkpoints.keep_todays(**end)


# The words people read for what is recorded. A test finds an action that has none.
ACTIONS: dict[str, str] = {
    "sign_in": "登录",
    "sign_in_failed": "登录失败",
    "sign_out": "退出",
    "refuse_access": "没有权限，未打开",
    "refuse_form": "来路不明的提交，未执行",
    "view_file": "查看合同文件",
    "make_paper": "生成文书",
    "verify_audit": "核对全部操作记录",
    "verify_latest_audit": "核对最近的操作记录",
    "export_audit": "导出操作记录",
    "export_snapshot": "导出发布快照",
    "export_sentence": "导出发布文稿",
    "export_tasks": "导出任务表",
    "set_password": "用链接设置密码",
    "change_password": "修改密码",
    "lock_name": "锁定用户名",
    "unlock_user": "解锁账号",
    "end_session": "结束登录",
    "set_second_factor": "设置两步验证",
    "turn_off_second_factor": "关闭两步验证",
    "reset_second_factor": "重设两步验证",
    "use_recovery_code": "用恢复码登录",
    "renew_recovery_codes": "重新生成恢复码",
    "choose_password_profile": "改密码规定",
    "invite": "生成设置密码链接",
    "create_user": "建立账号",
    "revise_user": "修改账号",
    "propose_roles": "申请授权",
    "confirm_roles": "复核授权",
    "refuse_roles": "不同意授权",
    "withdraw_roles": "撤回授权申请",
    "propose_reset": "申请重置密码",
    "confirm_reset": "同意重置密码",
    "refuse_reset": "不同意重置密码",
    "withdraw_reset": "撤回重置密码申请",
    "take_roles": "收回角色",
    "recertify": "年度复核账号",
    "export_recertification": "导出账号复核表",
    "disable_user": "停用账号",
    "enable_user": "启用账号",
    "create_broker": "登记经纪人",
    "revise_broker": "修改经纪人",
    "create_enterprise": "新增单位",
    "revise_enterprise": "修改单位",
    "fill_enterprise": "补填单位",
    "reveal_personal_data": "查看完整个人信息",
    "rotate_keys": "轮换加密密钥",
    "set_tasks": "下达任务目标",
    "activate_rules": "启用规则",
    "move": "办理合同",
    "discard_draft": "删除草稿",
    "lend_office": "委托代办",
    "confirm_lending": "复核委托代办",
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
    "create_backup": "建立备份",
    "remove_backup": "删除备份",
    "restore_backup": "恢复备份",
    "print_backup_keys": "打印备份密钥",
    "take_backup_key": "更换备份密钥",
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
    "backup": "备份",
}
FACTS: dict[str, str] = {
    "username": "用户名",
    "factor": "登录方式",
    "step": "步骤",
    "lasts": "期限",
    "left": "剩余个数",
    "session": "登录处",
    "ended_because": "原因",
    "password_profile": "密码规定",
    "name": "名称",
    "roles": "角色",
    "region": "地区",
    "answer": "复核意见",
    "decision": "结论",
    "condition": "状态",
    "grade": "等级",
    "certificate_number": "证书编号",
    "phone": "电话",
    "employer": "任职单位",
    "account": "登录账号",
    "title": "合同名称",
    "fields": "改动",
    "field": "查看的内容",
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
    "page": "网址",
    "method": "方式",
    "status": "答复",
    "entries": "核对条数",
    "until": "核对到第几条",
    "checkpoints": "检查点",
    "file_id": "文件序号",
    "file_kind": "文件种类",
    "how": "方式",
    "paper": "文书",
    "files": "附件数",
    "faults": "不符处数",
}
