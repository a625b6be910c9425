"""Everything that may differ between installations, read from the environment, with the reason for each default."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Settings:
    instance: Path  # database, uploaded files, keys: everything that a backup must hold and a release must not
    database_url: str
    secret_key: str
    host: str = "127.0.0.1"  # reachable from outside only on purpose, or through a reverse proxy
    port: int = 8000
    threads: int = 8  # requests wait for the database more than for the processor
    secure_cookies: bool = False  # on behind HTTPS; the first start on a fresh machine is plain HTTP on localhost
    upload_limit: int = 20 * 1024 * 1024  # a scanned contract of 60 pages at 300 dpi is about 12 MB
    session_idle: timedelta = timedelta(
        minutes=30
    )  # GB/T 22239-2019 8.1.4.1 b asks for a limit; see peers of the field

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        instance = Path(environment.get("INSTANCE_DIR") or ROOT / "instance").resolve()
        return cls(
            instance=instance,
            database_url=environment.get("DATABASE_URL") or f"sqlite:///{instance / 'contracts.db'}",
            secret_key=environment.get("SECRET_KEY") or _kept_secret(instance / "secret-key"),
            host=environment.get("HOST") or cls.host,
            port=int(environment.get("PORT") or cls.port),
            threads=int(environment.get("THREADS") or cls.threads),
            secure_cookies=environment.get("SECURE_COOKIES", "").lower() in {"1", "true", "yes", "on"},
            upload_limit=int(environment.get("UPLOAD_LIMIT_MB") or 20) * 1024 * 1024,
            session_idle=timedelta(minutes=int(environment.get("SESSION_IDLE_MINUTES") or 30)),
        )


def _kept_secret(file: Path) -> str:
    """The key that signs sessions: made once, readable by the owner only, so that a restart signs nobody out."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent) as draft:  # made with mode 600
            draft.write(secrets.token_hex(32))
            draft.flush()
            with suppress(FileExistsError):  # another process was first: its key is everybody's
                os.link(draft.name, file)  # appears whole or not at all
    return file.read_text().strip()
