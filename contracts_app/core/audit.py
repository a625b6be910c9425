"""The log of who did what. One door, so that nothing of importance is written down in two ways."""

from datetime import datetime
from typing import Any

from flask import has_request_context, request
from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .clock import now_utc
from .db import Base, Moment, db


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

    ``person`` is a user, or the name that was typed where nobody is signed in.
    """
    by_name = isinstance(person, str)
    db.session.add(
        AuditEntry(
            user_id=None if by_name else person.id,
            username=(person if by_name else person.username)[:60],
            action=action,
            subject=subject,
            subject_id=subject_id,
            address=(request.remote_addr or "") if has_request_context() else "",
            details=details,
        )
    )
