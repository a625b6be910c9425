from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.core.codes import mask_phone
from contracts_app.core.db import Base, word_type
from contracts_app.core.keeping.sealing import Envelope, Opened, SealedLater, masked
from contracts_app.core.words import Word
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.models import Region


class Grade(Word):
    """Three levels of the national outline for technology-transfer professionals (domain facts 6.1)."""

    JUNIOR = "junior", "初级"
    MIDDLE = "middle", "中级"
    SENIOR = "senior", "高级"


class Broker(Base):
    """A technology broker: who brings a deal about and files it for the seller."""

    __tablename__ = "brokers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    pinyin: Mapped[str] = mapped_column(String(200), default="")
    initials: Mapped[str] = mapped_column(String(60), default="")
    grade: Mapped[Grade | None] = mapped_column(word_type(Grade, "grade"))
    certificate_number: Mapped[str | None] = mapped_column(String(60), unique=True)
    phone_sealed: Mapped[Envelope | str] = mapped_column("phone", SealedLater("brokers.phone"), default="")
    employer_id: Mapped[int | None] = mapped_column(ForeignKey("enterprises.id"), index=True)  # one at a time (6.2)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    employer: Mapped[Enterprise | None] = relationship()
    region: Mapped[Region] = relationship()

    phone = Opened()

    @property
    def masked_phone(self) -> str:
        """The phone number as every page shows it until somebody asks for it."""
        return masked(self, "phone", mask_phone)
