"""What is checked of the data: migrations, reference data, the log, the ledger, backups, people."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta

from flask import Flask, current_app
from sqlalchemy import ColumnClause, ColumnElement, column, func, select, table, text

from contracts_app.accounts import quorum
from contracts_app.accounts.entrance.signing_in import PARKED_FOR
from contracts_app.accounts.models import ParkedForm
from contracts_app.accounts.offices.recertification import recertification_due
from contracts_app.contracts.books import ledger
from contracts_app.contracts.counting import summaries as sums
from contracts_app.contracts.finding.search import WORDS
from contracts_app.contracts.models import Attachment, Contract
from contracts_app.contracts.states import State
from contracts_app.core import installation
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import db
from contracts_app.core.keeping.stores import Store
from contracts_app.core.trail import checkpoints as audit_checkpoints
from contracts_app.core.trail import proving
from contracts_app.core.trail.audit import ENTRIES
from contracts_app.rules.queries import announced_years, rule_set_on
from contracts_app.tracking import queries as money

from .backup import latest_backup
from .doctor import Check, Finding, fail, ok, warn
from .doctor_machine import settings

_CHAIN = 1_000  # newest entries of the log that are proved each time
_NEWEST = 500  # newest contracts and files that are looked at each time
_NOT_FOLDED = 100_000  # entries; more are felt on every page of statistics
_BACKUP_OLD, _BACKUP_TOO_OLD = timedelta(hours=26), timedelta(days=3)
_CHECKED_OLD = timedelta(days=35)
_ANNOUNCED_BY = 12  # month: the State Council announces next year's holidays in November


def init_app(app: Flask, edition: Callable[[], str]) -> None:
    """``edition`` tells that of the reference files beside this release."""
    app.extensions["reference_edition"] = edition


def kind() -> Finding:
    """A demonstration must not be taken for an office."""
    if not installation.is_demonstration():
        return ok("正式环境。")
    is_local = settings().host in ("127.0.0.1", "::1", "localhost") and not settings().trusted_proxies
    return (
        ok("演示环境，数据是虚构的。")
        if is_local
        else warn("演示环境对外开放了：账号密码写在文件里，不要录入真实数据。")
    )


def database_settings() -> Finding:
    """Whether what was answered as kept survives a power cut."""
    if db.engine.dialect.name != "postgresql":
        kept = db.session.scalar(text("PRAGMA synchronous")), db.session.scalar(text("PRAGMA journal_mode"))
        return (
            ok("SQLite 每次提交都落盘。") if kept == (2, "wal") else fail(f"SQLite 的设置是 {kept}，换回发布的程序。")
        )
    names = ("fsync", "full_page_writes", "synchronous_commit")
    off = [name for name in names if db.session.scalar(text(f"SHOW {name}")) == "off"]
    if off:
        return fail(f"PostgreSQL 的 {'、'.join(off)} 是 off，断电会丢已登记的数据。在 postgresql.conf 里改为 on。")
    version = int(db.session.scalar(text("SHOW server_version_num")) or 0)
    return (
        ok(f"PostgreSQL {version // 10_000}，提交即落盘。")
        if version >= 140_000
        else warn("PostgreSQL 低于 14，升级它。")
    )


def reference() -> Finding:
    """Whether the reference data in the database are those of this release."""
    if installation.fact("reference_edition") == current_app.extensions["reference_edition"]():
        return ok("参考数据是本版本的。")
    return warn("参考数据与本版本的文件不同，运行 flask --app wsgi seed。")


def rules_in_force() -> Finding:
    """Which rules judge what is filed today."""
    try:
        found = rule_set_on(today())
    except LookupError:
        return fail("今天没有有效的规则，不能提交申报。由系统管理员启用一套规则。")
    return ok(f"今天适用“{found.name}”。")


def calendar() -> Finding:
    """Limits in working days need the announced holidays."""
    year, known = today().year, announced_years()
    if year not in known:
        return fail(f"没有 {year} 年的放假安排，期限按周末推算，可能算错。更新参考数据后运行 seed。")
    if year + 1 not in known and today().month >= _ANNOUNCED_BY:
        return warn(f"还没有 {year + 1} 年的放假安排，跨年的期限按周末推算。更新参考数据后运行 seed。")
    return ok(f"{year} 年的放假安排已录入{'，下一年的也有了' if year + 1 in known else ''}。")


# --- the log and the ledger -------------------------------------------------------------------------------------------


def newest_of_the_log() -> Finding:
    """The newest entries, each from the one before, and the end."""
    return _proved(proving.prove(db.session.connection(), newest=_CHAIN))


def whole_log() -> Finding:
    """Every entry, and every checkpoint kept here."""
    folder = audit_checkpoints.folder()
    checkpoints = audit_checkpoints.all_in([folder] if folder.is_dir() else [])
    return _proved(proving.prove(db.session.connection(), checkpoints))


def _proved(proof: proving.Proof) -> Finding:
    if proof.is_intact:
        return ok(f"{proof.entries} 条前后相接，到第 {proof.last_id} 条。")
    return fail(f"{proof.sentences[0]}。保留数据库现状和检查点，报告审计员，运行 audit verify 看全部。")


def checkpoint() -> Finding:
    """One a day, kept where nobody can change it afterwards."""
    if not db.session.scalar(select(ENTRIES.c.id).limit(1)):
        return ok("还没有操作记录。")
    newest = audit_checkpoints.newest()
    if newest is None:
        return warn(f"{audit_checkpoints.folder()} 里没有检查点。每天运行 audit checkpoint，并把文件存到另一台机器。")
    if settings().checkpoint_dir is None and not installation.is_demonstration():
        return warn("检查点与数据库在同一台机器。设 CHECKPOINT_DIR，放到改不了的地方。")
    return ok(f"最近的检查点到第 {newest.id} 条。")


def not_folded() -> Finding:
    """Figures are right without it; pages of statistics get slower."""
    waiting = sums.waiting()
    if waiting > _NOT_FOLDED:
        return warn(f"{waiting:,} 条台账还没有汇总，统计页面会变慢。运行 totals fold。")
    return ok(f"{waiting:,} 条台账还没有汇总。")


def totals() -> Finding:
    """Counted again from scratch."""
    first = next(iter(_differences()), None)
    if first is None:
        return ok("重新计数与汇总一致。")
    return fail(f"{first}。运行 totals verify 看全部差异，暂停发布数据。")


def _differences() -> Iterable[object]:
    yield from ledger.verify()
    yield from money.verify()
    yield from sums.verify()


# --- what waits -------------------------------------------------------------------------------------------------------


def parked_forms() -> Finding:
    """What people had typed when their session ended; thrown away when the next one is parked."""
    asked = select(func.count()).select_from(ParkedForm)
    every = db.session.scalar(asked) or 0
    old = db.session.scalar(asked.where(ParkedForm.at < now_utc() - PARKED_FOR)) or 0
    return ok(f"{every - old} 份等本人登录取回，{old} 份已过期，下次有人登录超时时清除。")


def newest_in_search() -> Finding:
    """Whether the newest contracts can be found by their words."""
    newest = select(Contract.id).order_by(Contract.id.desc()).limit(_NEWEST)
    return _indexed(Contract.id.in_(newest))


def all_in_search() -> Finding:
    """The same of every contract."""
    return _indexed()


def _indexed(*which: ColumnElement[bool]) -> Finding:
    key: ColumnClause[int] = column("rowid" if db.engine.dialect.name == "sqlite" else "id")
    index = table(WORDS.name, key)
    words_stay = Contract.state != State.NOT_ACCEPTED  # of a classified contract they are taken out
    lacking = select(func.count()).where(words_stay, Contract.id.not_in(select(index.c[key.name])), *which)
    if number := db.session.scalar(lacking):
        return warn(f"{number:,} 份合同搜索不到。运行 reindex。")
    return ok("都能搜索到。")


def newest_files() -> Finding:
    """Whether the files that came last are in the store."""
    newest = select(Attachment.sha256, Attachment.size).order_by(Attachment.id.desc()).limit(_NEWEST)
    store: Store = current_app.extensions["files"]
    rows = db.session.execute(newest).all()
    lost = [row.sha256 for row in rows if not (store.exists(row.sha256) and store.size(row.sha256) == row.size)]
    return _lost(lost) if lost else ok(f"最近 {len(rows)} 个附件都在。")


def all_files() -> Finding:
    """Every content that a contract names, read to its end."""
    store: Store = current_app.extensions["files"]
    hashes = db.session.scalars(select(Attachment.sha256).distinct()).all()
    damaged = [sha256 for sha256 in hashes if not _is_whole(store, sha256)]
    return _lost(damaged) if damaged else ok(f"{len(hashes)} 个附件内容与校验值一致。")


def _is_whole(store: Store, sha256: str) -> bool:
    try:
        with store.open(sha256) as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == sha256  # type: ignore[arg-type]  # any file
    except OSError:
        return False


def _lost(hashes: list[str]) -> Finding:
    return fail(f"{len(hashes)} 个附件缺失或损坏，例如 {hashes[0][:16]}…。从备份取回 files/，不要删除记录。")


def backup() -> Finding:
    """How old the newest is, and when one was last read back."""
    newest = latest_backup()
    if newest is None:
        return (
            ok("演示环境，没有备份。")
            if installation.is_demonstration()
            else fail("没有备份。运行 backup create，并设定时任务。")
        )
    age = now_utc() - newest.at
    hours = f"最近的备份在 {age / timedelta(hours=1):.0f} 小时前"
    if age > _BACKUP_TOO_OLD:
        return fail(f"{hours}。检查定时任务和磁盘，马上运行 backup create。")
    if age > _BACKUP_OLD:
        return warn(f"{hours}。检查定时任务。")
    if newest.verified_at is None or now_utc() - newest.verified_at > _CHECKED_OLD:
        return warn(f"{hours}，但超过一个月没有核对过。运行 backup verify。")
    if settings().backup_dir is None and not installation.is_demonstration():
        return warn(f"{hours}，与数据在同一块磁盘。设 BACKUP_DIR，放到另一台机器。")
    return ok(f"{hours}，已核对。")


# --- people -----------------------------------------------------------------------------------------------------------


def three_duties() -> Finding:
    """系统管理员, 安全管理员 and 审计员: somebody of each can sign in."""
    missing = "、".join(role.label for role in quorum.missing())
    if not missing:
        return ok("系统管理员、安全管理员、审计员都有人。")
    return fail(f"没有能登录的{missing}。在“用户”里建立账号，由本人设好密码。")


def recertification() -> Finding:
    """Once a year somebody looks at every account."""
    if installation.is_demonstration():
        return ok("演示环境不复核账号。")
    overdue = recertification_due()
    return warn(f"{overdue} 个账号一年没有复核。在“账号复核”里办理。") if overdue else ok("没有逾期未复核的账号。")


CHECKS = (
    Check("kind", "演示或正式", kind),
    Check("database-settings", "数据库设置", database_settings, needs="database"),
    Check("reference", "参考数据", reference),
    Check("rules", "适用规则", rules_in_force),
    Check("calendar", "放假安排", calendar),
    Check("audit", "操作记录：最近", newest_of_the_log),
    Check("checkpoint", "操作记录：检查点", checkpoint),
    Check("ledger", "台账汇总", not_folded),
    Check("parked", "超时未取回的表单", parked_forms),
    Check("search", "搜索：最近的合同", newest_in_search),
    Check("files", "附件：最近", newest_files),
    Check("backup", "备份", backup),
    Check("duties", "三员", three_duties),
    Check("recertification", "账号复核", recertification),
    Check("audit-whole", "操作记录：全部", whole_log, is_deep=True),
    Check("totals", "统计数重新计数", totals, is_deep=True),
    Check("search-whole", "搜索：全部合同", all_in_search, is_deep=True),
    Check("files-whole", "附件：全部内容", all_files, is_deep=True),
)
