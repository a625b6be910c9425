"""What is checked of the machine, the settings and the keys."""

import os
import shutil
import socket
import stat
import struct
import time
from datetime import timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.core import logs
from contracts_app.core.clock import SHANGHAI, now_utc
from contracts_app.core.database import migrations
from contracts_app.core.database.migrations import Standing
from contracts_app.core.db import db
from contracts_app.core.installation import is_demonstration
from contracts_app.core.keeping import resealing
from contracts_app.core.keeping.scanner import scanner_answers
from contracts_app.core.keeping.sealing import Unopened, key_ring
from contracts_app.core.settings import Settings
from contracts_app.core.trail.audit import AuditEntry

from .doctor import Check, Finding, fail, ok, warn

_GB = 1024**3
_LEAST_FREE, _SCARCE = _GB // 2, 5 * _GB  # below the first uploads and the database may fail at any moment
_LEAST_MEMORY = _GB
_DRIFTS, _WRONG = 2.0, 30.0  # seconds between two clocks: worth a look; one of them is wrong
_FROM_1900 = 2_208_988_800  # seconds between the beginning of NTP's time and of ours
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _gb(size: int) -> str:
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / 1024**2:.0f} MB"


def settings() -> Settings:
    """Those of this installation."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def answers() -> Finding:
    """Whether the database answers at all; without it most other checks are not made."""
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        where = db.engine.url.render_as_string(hide_password=True)
        return fail(
            f"{where} 没有应答（{logs.told(error)}）。启动数据库，核对 DATABASE_URL；其余各项要等它应答才能查。"
        )
    return ok("有应答。")


def migrated() -> Finding:
    """Whether the database is where this release wants it."""
    standing = migrations.standing(db.engine)
    if standing is Standing.BEHIND:
        return fail("数据库结构比程序旧。先备份，再运行 flask --app wsgi init。")
    if standing is Standing.AHEAD:
        return fail("数据库属于更新的版本，这个版本只能查看。换上新版本的程序，或用新版本的 migrations to 退回。")
    return ok("数据库结构与程序一致。")


# --- the clock --------------------------------------------------------------------------------------------------------


def against_the_database() -> Finding:
    """On SQLite both are the same clock."""
    if db.engine.dialect.name != "postgresql":
        return ok("数据库在本机，同一个时钟。")
    before = now_utc()
    theirs = db.session.scalar(text("SELECT clock_timestamp()"))
    middle = before + (now_utc() - before) / 2
    apart = abs((theirs - middle).total_seconds())
    if apart > _WRONG:
        return fail(f"与数据库服务器的时钟相差 {apart:.0f} 秒，两台机器都用 NTP 对时。")
    if apart > _DRIFTS:
        return warn(f"与数据库服务器的时钟相差 {apart:.1f} 秒，检查两台机器的 NTP。")
    return ok(f"与数据库服务器的时钟相差 {apart:.1f} 秒。")


def against_the_records() -> Finding:
    """What was written down last is never later than now, unless the clock has gone back."""
    newest = [
        db.session.scalar(select(column).order_by(key.desc()).limit(1))
        for column, key in ((AuditEntry.at, AuditEntry.id), (LedgerEntry.recorded_at, LedgerEntry.id))
    ]
    ahead = max((moment - now_utc() for moment in newest if moment), default=timedelta()).total_seconds()
    if ahead > _DRIFTS:
        return fail(f"最新一条记录比现在晚 {ahead:.0f} 秒：时钟被拨回过，或别的机器走快了。用 NTP 对时后再办理业务。")
    return ok("没有比现在更晚的记录。")


def time_zone() -> Finding:
    """Days are those of Shanghai, whatever the machine's own zone is."""
    offset = now_utc().astimezone(SHANGHAI).utcoffset()
    if offset != timedelta(hours=8):
        return fail("时区数据不对，上海时间应比 UTC 早 8 小时。重新安装 requirements.txt 里的 tzdata。")
    return ok("有 Asia/Shanghai 的时区数据。")


def against_a_time_server() -> Finding:
    """Asked only where a server is set: an office's network may have none."""
    server = settings().ntp_server
    if not server:
        return ok("没有设 NTP_SERVER，不向别的机器问时间。")
    try:
        apart = abs(_seconds_from(server))
    except (OSError, ValueError, struct.error):
        return warn(f"时间服务器 {server} 没有应答，检查地址和 UDP 123 端口。")
    if apart > _WRONG:
        return fail(f"与时间服务器相差 {apart:.0f} 秒，校正本机时钟。")
    return warn(f"与时间服务器相差 {apart:.1f} 秒，检查对时服务。") if apart > _DRIFTS else ok(f"相差 {apart:.2f} 秒。")


def _seconds_from(server: str) -> float:
    """How far a server's clock (SNTP, RFC 4330) is from ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(2)
        began = time.time()
        line.sendto(b"\x23" + 47 * b"\0", (server, 123))
        answer = line.recv(48)
        ended = time.time()
    whole, part = struct.unpack("!II", answer[40:48])
    if not whole:
        raise ValueError("a server that does not know the time itself")
    return whole - _FROM_1900 + part / 2**32 - (began + ended) / 2


# --- room -------------------------------------------------------------------------------------------------------------


def disk() -> Finding:
    """Free space where files are kept, and where SQLite keeps the database."""
    folders = {settings().instance}
    if (url := db.engine.url).get_backend_name() == "sqlite" and url.database:
        folders.add(Path(url.database).parent)
    if elsewhere := settings().backup_dir:
        folders.add(elsewhere)
    free, folder = min((shutil.disk_usage(folder).free, folder) for folder in folders if folder.exists())
    told = f"{folder} 所在磁盘剩余 {_gb(free)}"
    if free < _LEAST_FREE:
        return fail(f"{told}，马上腾出空间：写满后不能上传，也不能登记。")
    return warn(f"{told}，安排扩容或清理。") if free < _SCARCE else ok(f"{told}。")


def size_of_the_database() -> Finding:
    """How large it is; a standby's or another machine's disk cannot be seen from here."""
    if db.engine.dialect.name == "postgresql":
        size = db.session.scalar(text("SELECT pg_database_size(current_database())")) or 0
        return ok(f"数据库 {_gb(size)}；它所在磁盘的剩余空间在数据库服务器上看（df -h）。")
    file = Path(db.engine.url.database or "")
    size = sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))
    free = shutil.disk_usage(file.parent).free
    if free < 2 * size:
        return warn(f"数据库 {_gb(size)}，磁盘只剩 {_gb(free)}：升级会临时用掉同样多的空间，先扩容。")
    return ok(f"数据库 {_gb(size)}。")


def memory_and_threads() -> Finding:
    """Enough memory, and no more threads than connections."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    threads = settings().threads
    if memory < _LEAST_MEMORY:
        return warn(f"内存只有 {_gb(memory)}，报表和看图可能失败，增加到 2 GB 以上。")
    pool = db.engine.pool
    if isinstance(pool, QueuePool) and threads > (most := pool.size() + pool._max_overflow):
        return warn(f"THREADS={threads}，多于每个进程的数据库连接 {most} 个，多出的线程只会排队，改小到 {most} 以内。")
    return ok(f"内存 {_gb(memory)}，处理器 {os.cpu_count()} 个，线程 {threads} 个。")


# --- secrets ----------------------------------------------------------------------------------------------------------


def secret_files() -> Finding:
    """Nobody but the owner of the process may read them."""
    said = settings()
    names = ["secret-key", "data-keys", "backup-key", "demo-accounts.csv", "contracts.db"]
    files = [said.instance / name for name in names] + [said.data_keys_file, said.backup_key_file]
    there = [file for file in files if file and file.exists()]
    open_ones = [str(file) for file in there if stat.S_IMODE(file.stat().st_mode) & 0o077]
    if open_ones:
        return fail(f"别的用户也能读 {'、'.join(open_ones)}，执行 chmod 600。")
    strangers = [str(file) for file in there if file.stat().st_uid != os.geteuid()]
    if strangers:
        return warn(f"{'、'.join(strangers)} 属于另一个用户。用运行服务的那个用户执行 doctor，或改文件属主。")
    return ok(f"{len(there)} 个文件只有属主可读。")


def data_keys() -> Finding:
    """The keys are there and open what lies encrypted: the newest value of each column."""
    ring, opened = key_ring(), 0
    is_there = ring.file.exists()  # asking the ring for a key would make one
    for column in resealing.columns():
        newest = select(column.value).where(column.value != "").order_by(*(key.desc() for key in column.keys)).limit(1)
        if sealed := db.session.scalar(newest):
            if not is_there:
                return fail(f"加密数据的密钥 {ring.file} 不在了。马上从备份取回：没有它，已加密的内容打不开。")
            try:
                ring.open(sealed, column.purpose)
            except Unopened:
                return fail(f"现有密钥打不开 {column.purpose} 里的内容。从备份取回原来的 data-keys 放回 {ring.file}。")
            opened += 1
    return ok(f"密钥第 {ring.newest} 把在用，抽查 {opened} 列都能打开。" if is_there else "还没有加密的内容。")


# --- the web ----------------------------------------------------------------------------------------------------------


def web_settings() -> Finding:
    """Whether address, proxies and cookies fit together."""
    said = settings()
    is_local = said.host in _LOOPBACK
    if current_app.debug:
        return fail("调试模式开着，会向来访者显示程序内部。去掉 FLASK_DEBUG 后重启。")
    if not said.secure_cookies and (said.trusted_proxies or not is_local):
        sentence = "别的机器能访问，而 Cookie 没有限定走 HTTPS。前面放 HTTPS 反向代理，设 SECURE_COOKIES=1。"
        return warn(sentence) if is_demonstration() else fail(sentence)
    if not is_local and not said.trusted_proxies:
        return warn(f"HOST={said.host}，不经反向代理直接对外。改回 127.0.0.1，由 nginx 转发。")
    if said.secure_cookies and not said.trusted_proxies:
        return warn("SECURE_COOKIES=1 而 TRUSTED_PROXIES=0：记录里会是代理的地址。有几层反向代理就设几。")
    if said.secure_cookies and not said.trusted_hosts:
        return warn("没有设 TRUSTED_HOSTS，别人可以用任意域名访问。写上正式的域名。")
    return ok("只在本机访问。" if is_local and not said.trusted_proxies else "在 HTTPS 反向代理之后。")


def scanner() -> Finding:
    """Whether what is uploaded is scanned."""
    clamd = settings().clamd
    if clamd:
        return (
            ok("病毒扫描有应答。")
            if scanner_answers(clamd)
            else fail(f"病毒扫描 {clamd} 没有应答，附件传不上来。启动 clamd。")
        )
    return ok("演示环境不扫描病毒。") if is_demonstration() else warn("附件没有病毒扫描。安装 clamd，设 CLAMD。")


def replica() -> Finding:
    """The standby that statistics ask, where one is set."""
    found = current_app.extensions.get("replica")
    if found is None:
        return ok("没有设 REPLICA_URL，统计页面也问主库。")
    if found.becomes_fit():
        return ok(f"统计页面问备库，落后不超过 {found.lag:.0f} 秒。")
    return warn("备库现在不能用（没有应答、落后太多，或不是本库的备库），统计页面改问主库。查看备库日志和复制状态。")


def mail() -> Finding:
    """There is nothing that could be misconfigured."""
    return ok("系统不发邮件，不需要配置邮件服务；链接由管理员当面交给本人。")


CHECKS = (
    Check("database", "数据库", answers, needs=None),
    Check("migrations", "数据库结构", migrated, needs="database"),
    Check("clock-database", "时钟：与数据库", against_the_database, needs="database"),
    Check("clock-records", "时钟：与最新记录", against_the_records),
    Check("time-zone", "时区数据", time_zone, needs=None),
    Check("clock-ntp", "时钟：与时间服务器", against_a_time_server, needs=None),
    Check("disk", "磁盘剩余空间", disk, needs=None),
    Check("database-size", "数据库大小", size_of_the_database, needs="database"),
    Check("memory", "内存和线程", memory_and_threads, needs="database"),
    Check("secret-files", "密钥文件权限", secret_files, needs=None),
    Check("data-keys", "数据密钥", data_keys),
    Check("web", "访问方式和 Cookie", web_settings),
    Check("scanner", "病毒扫描", scanner),
    Check("replica", "统计备库", replica),
    Check("mail", "邮件", mail, needs=None),
)
