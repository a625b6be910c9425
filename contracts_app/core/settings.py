"""Everything that may differ between installations, read from the environment, with the reason for each default."""

import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import click
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent.parent
LEAST_TOKEN = 16  # signs of a secret that somebody chose: nobody guesses it


class Misconfigured(click.ClickException):
    """The environment says something with which nothing can start; the sentence says what to change."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    instance: Path  # database, uploaded files, keys: everything that a backup must hold and a release must not
    database_url: str
    secret_key: str
    host: str = "127.0.0.1"  # reachable from outside only on purpose, or through a reverse proxy
    port: int = 8000
    threads: int = 8  # requests wait for the database more than for the processor
    trusted_proxies: int = 0  # how many reverse proxies stand before us, whose word on the caller's address is taken
    secure_cookies: bool = False  # on behind HTTPS; the first start on a fresh machine is plain HTTP on localhost
    upload_limit: int = 20 * 1024 * 1024  # a scanned contract of 60 pages at 300 dpi is about 12 MB
    rate_limit_storage: str = "memory://"  # one process counts by itself; several share what stands here
    trusted_hosts: tuple[str, ...] = ()  # names under which people reach us; none: those of this machine
    clamd: str | None = None  # where the virus scanner listens; without one files are not scanned
    data_keys_file: Path | None = None  # keys of what lies encrypted in the database; instance/data-keys if not said
    backup_dir: Path | None = None  # instance/backups if not said, which a broken disk takes along: say another one
    backup_key_file: Path | None = None  # instance/backup-key if not said; what opens a backup must not lie beside it
    backup_keep: tuple[int, int, int] = (2, 30, 12)  # every backup of so many days, one a day, one a month
    checkpoint_dir: Path | None = None  # of the audit log; instance/checkpoints if not said, better on another machine
    session_idle: timedelta = timedelta(
        minutes=30
    )  # GB/T 22239-2019 8.1.4.1 b asks for a limit; see peers of the field
    replica_url: str | None = None  # a standby that the pages of statistics ask; none: the database itself
    replica_lag: int = 10  # seconds it may be behind: longer than replication takes, shorter than anybody notices
    log_format: str | None = None  # json or text; if not said, text on a terminal and json anywhere else
    log_level: str = "info"
    drain: int = 0  # seconds in which a balancer notices that this one stops; alone it need not wait for anybody
    stop_within: int = 30  # seconds for what is under way; a report of a million contracts takes fewer
    metrics_token: str | None = None  # without this and the next /metrics is closed: a proxy makes everybody local
    metrics_allow: tuple[IPv4Network | IPv6Network, ...] = ()
    ntp_server: str | None = None  # whom doctor asks for the time; asks nobody outside unless told to

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """What the environment says, else the defaults. Raises ``Misconfigured``."""
        instance = Path(environment.get("INSTANCE_DIR") or ROOT / "instance").resolve()
        return cls(
            instance=instance,
            database_url=_known_database(environment.get("DATABASE_URL") or f"sqlite:///{instance / 'contracts.db'}"),
            secret_key=environment.get("SECRET_KEY") or kept_secret(instance / "secret-key"),
            host=environment.get("HOST") or cls.host,
            port=_whole(environment, "PORT", cls.port, most=65535),
            threads=_whole(environment, "THREADS", cls.threads),
            trusted_proxies=_whole(environment, "TRUSTED_PROXIES", cls.trusted_proxies, least=0),
            secure_cookies=environment.get("SECURE_COOKIES", "").lower() in {"1", "true", "yes", "on"},
            upload_limit=_whole(environment, "UPLOAD_LIMIT_MB", 20) * 1024 * 1024,
            rate_limit_storage=_storage(environment),
            trusted_hosts=tuple(environment.get("TRUSTED_HOSTS", "").replace(",", " ").lower().split()),
            clamd=environment.get("CLAMD") or None,
            data_keys_file=Path(keys).resolve() if (keys := environment.get("DATA_KEYS_FILE")) else None,
            backup_dir=Path(folder).resolve() if (folder := environment.get("BACKUP_DIR")) else None,
            backup_key_file=Path(key).resolve() if (key := environment.get("BACKUP_KEY_FILE")) else None,
            backup_keep=_kept(environment.get("BACKUP_KEEP") or "2,30,12"),
            checkpoint_dir=Path(kept).resolve() if (kept := environment.get("CHECKPOINT_DIR")) else None,
            session_idle=timedelta(minutes=_whole(environment, "SESSION_IDLE_MINUTES", 30)),
            replica_url=_known_database(replica, "REPLICA_URL")
            if (replica := environment.get("REPLICA_URL"))
            else None,
            replica_lag=_whole(environment, "REPLICA_LAG_SECONDS", cls.replica_lag),
            log_format=_one_of(environment, "LOG_FORMAT", ("json", "text")),
            log_level=_one_of(environment, "LOG_LEVEL", ("debug", "info", "warning", "error")) or cls.log_level,
            drain=_whole(environment, "DRAIN_SECONDS", cls.drain, least=0, most=600),
            stop_within=_whole(environment, "STOP_SECONDS", cls.stop_within, most=3600),
            metrics_token=_long_enough(environment, "METRICS_TOKEN"),
            metrics_allow=_networks(environment, "METRICS_ALLOW"),
            ntp_server=environment.get("NTP_SERVER") or None,
        )


def _whole(environment: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = 100_000) -> int:
    written = environment.get(name) or str(default)
    if not (written.isascii() and written.isdigit() and least <= int(written) <= most):
        raise Misconfigured(f"环境变量 {name} 是“{written}”，改成 {least} 至 {most} 的整数后再启动。")
    return int(written)


def _one_of(environment: Mapping[str, str], name: str, words: Sequence[str]) -> str | None:
    written = environment.get(name, "").lower()
    if written and written not in words:
        raise Misconfigured(f"环境变量 {name} 是“{written}”，改成 {'、'.join(words)} 之一，或去掉它。")
    return written or None


def _long_enough(environment: Mapping[str, str], name: str) -> str | None:
    written = environment.get(name) or None
    if written and len(written) < LEAST_TOKEN:
        raise Misconfigured(f"环境变量 {name} 太短，写 {LEAST_TOKEN} 个以上的字符，例如 openssl rand -hex 24 的结果。")
    return written


def _networks(environment: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    written = environment.get(name, "").replace(",", " ").split()
    try:
        return tuple(map(ip_network, written))
    except ValueError:
        raise Misconfigured(f"环境变量 {name} 写成地址或网段，用逗号分开，例如 127.0.0.1,10.1.2.0/24。") from None


def _kept(written: str) -> tuple[int, int, int]:
    found = re.fullmatch(r"([0-9]{1,4}),([0-9]{1,4}),([0-9]{1,4})", written.replace(" ", ""))
    if not found:
        raise Misconfigured(
            f"环境变量 BACKUP_KEEP 是“{written}”，改成“全留的天数,每天留一份的天数,每月留一份的月数”，例如 2,30,12。"
        )
    return int(found[1]), int(found[2]), int(found[3])


def _known_database(url: str, name: str = "DATABASE_URL") -> str:
    try:
        kind = make_url(url).drivername
    except ArgumentError:
        kind = ""
    if kind not in ("sqlite", "postgresql+psycopg"):
        raise Misconfigured(
            f"环境变量 {name} 写成 postgresql+psycopg://用户:密码@主机/数据库名，或去掉它用自带的数据库。"
        )
    return url


def _storage(environment: Mapping[str, str]) -> str:
    """Where several processes count together how often somebody asked."""
    storage = environment.get("RATE_LIMIT_STORAGE") or Settings.rate_limit_storage
    if not storage.startswith(("memory://", "redis://", "rediss://", "redis+unix://")):
        raise Misconfigured("环境变量 RATE_LIMIT_STORAGE 写成 redis://主机:端口/库号，或去掉它由每个进程各自计数。")
    if not storage.startswith("memory://") and not find_spec("redis"):
        raise Misconfigured("RATE_LIMIT_STORAGE 用到 redis 软件包，先用 pip 装上 redis 再启动。")
    return storage


def kept_secret(file: Path, made: Callable[[], str] = lambda: secrets.token_hex(32)) -> str:
    """What is in a file of secrets; made once, readable by the owner only, so that a restart loses nothing."""
    try:
        return _read_or_made(file, made)
    except OSError as error:
        raise Misconfigured(f"文件夹 {file.parent} 不能读写，改它的权限，或用 INSTANCE_DIR 换一个文件夹。") from error


def _read_or_made(file: Path, made: Callable[[], str]) -> str:
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent) as draft:  # made with mode 600
            draft.write(made())
            draft.flush()
            with suppress(FileExistsError):  # another process was first: its key is everybody's
                os.link(draft.name, file)  # appears whole or not at all
    return file.read_text().strip()
