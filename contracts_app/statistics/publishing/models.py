"""What statistics keep: figures as they were published."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.accounts.models import User
from contracts_app.core.db import Base, Moment
from contracts_app.core.errors import SENTENCES
from contracts_app.regions.models import Region

SENTENCES["uq_snapshots_region_code_period_number"] = (
    "别人刚为同一期间建了发布快照。没有覆盖任何人的内容：打开看过那一份，再决定要不要重新发布。"
)


class Snapshot(Base):
    """发布快照: the figures of a region and period as they stood at a moment, and what they were published as.

    Only added to: the database refuses to change or delete a row. Another snapshot of the same period gets the next
    number and the earlier one stays. Everything is in ``content``, over which ``content_hash`` is taken; the columns
    say the same again for lists and conditions, and ``snapshots.verify`` holds the two against each other.
    """

    __tablename__ = "snapshots"
    __table_args__ = (
        UniqueConstraint("region_code", "period", "number"),
        CheckConstraint("number >= 1", name="number_from_1"),
        CheckConstraint("first_day <= last_day", name="first_day_before_last"),
        Index("ix_snapshots_last_day_region_code", "last_day", "region_code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    period: Mapped[str] = mapped_column(String(8))  # 2025-Q1, as ``periods.Period`` reads it
    number: Mapped[int]  # 1 for the first of its region and period
    first_day: Mapped[date]
    last_day: Mapped[date]  # of the whole period, also where it was still running
    as_of: Mapped[datetime] = mapped_column(Moment)
    title: Mapped[str] = mapped_column(String(120))  # what it was published as
    document: Mapped[str] = mapped_column(String(120))  # 文号 or name of the notice
    published_on: Mapped[date | None]
    content: Mapped[str] = mapped_column(Text)  # canonical JSON
    content_hash: Mapped[str] = mapped_column(String(64))  # SHA-256 of the content, in hexadecimal digits
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # None: from the command line

    region: Mapped[Region] = relationship(lazy="joined")
    made_by: Mapped[User | None] = relationship()
