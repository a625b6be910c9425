from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts_app.codes.models import EnterpriseAttribute, PartyType
from contracts_app.core.clock import now_utc
from contracts_app.core.codes import mask_address, mask_phone
from contracts_app.core.db import Base, Moment, word_type
from contracts_app.core.keeping.sealing import Envelope, Opened, SealedLater, masked
from contracts_app.core.words import Word
from contracts_app.regions.models import Region

NATURAL_PERSON = "500"  # of the party types


class Scale(Word):
    """企业规模, asked of enterprises only (national form, domain facts 3.1 row 24)."""

    LARGE = "large", "大型"
    MEDIUM = "medium", "中型"
    SMALL = "small", "小型"
    MICRO = "micro", "微型"


# Asked of enterprises and of nobody else (national form, domain facts 3.1 rows 22-24, 27; 3.4).
ONLY_OF_FIRMS = ("scale", "is_in_high_tech_zone", "is_listed", "attribute_codes")

recognitions = Table(
    "recognitions",
    Base.metadata,
    Column("enterprise_id", ForeignKey("enterprises.id"), primary_key=True),
    Column("attribute_code", ForeignKey("enterprise_attributes.code"), primary_key=True),
)


class Enterprise(Base):
    """Any legal entity, or a person, that sells, buys or hosts: one row for one 统一社会信用代码."""

    __tablename__ = "enterprises"
    __table_args__ = (
        CheckConstraint("code IS NULL OR length(code) = 18", name="code_has_18_characters"),
        CheckConstraint("postcode = '' OR length(postcode) = 6", name="postcode_has_6_digits"),
        CheckConstraint("country = '' OR region_code = '990000'", name="country_only_abroad"),
        # The kinds of enterprise in the form's own list of kinds: 1xx, 2xx, 3xx and 700.
        CheckConstraint(
            "substr(party_type_code, 1, 1) IN ('1', '2', '3', '7')"
            " OR (scale IS NULL AND is_in_high_tech_zone IS NULL AND is_listed IS NULL)",
            name="only_enterprises_answer_for_enterprises",
        ),
        Index("ix_enterprises_name_key", "name_key"),
        Index("ix_enterprises_initials", "initials"),
        Index("ix_enterprises_pinyin", "pinyin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(String(18), unique=True)  # foreign parties and individuals have none
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))  # the name as compared: no blanks, brackets, punctuation
    pinyin: Mapped[str] = mapped_column(String(800), default="")
    initials: Mapped[str] = mapped_column(String(200), default="")
    party_type_code: Mapped[str] = mapped_column(ForeignKey("party_types.code"))
    region_code: Mapped[str] = mapped_column(
        ForeignKey("regions.code"), index=True
    )  # county, zone, city, province, abroad
    town_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    country: Mapped[str] = mapped_column(String(60), default="")  # of a party abroad
    address_sealed: Mapped[Envelope | str] = mapped_column("address", SealedLater("enterprises.address"), default="")
    postcode: Mapped[str] = mapped_column(String(6), default="")
    representative: Mapped[str] = mapped_column(String(60), default="")
    contact: Mapped[str] = mapped_column(String(60), default="")
    phone_sealed: Mapped[Envelope | str] = mapped_column("phone", SealedLater("enterprises.phone"), default="")
    scale: Mapped[Scale | None] = mapped_column(word_type(Scale, "scale"))
    is_transfer_institution: Mapped[bool] = mapped_column(default=False)
    is_research_institution: Mapped[bool] = mapped_column(default=False)
    is_converted_institute: Mapped[bool] = mapped_column(default=False)  # 转制科研院所
    is_in_high_tech_zone: Mapped[bool | None]  # 国家高新区内企业; None while nobody has said
    is_listed: Mapped[bool | None]  # 上市公司; None while nobody has said
    group_name: Mapped[str] = mapped_column(String(200), default="")  # 所属集团: members are related parties
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now_utc)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    party_type: Mapped[PartyType] = relationship(lazy="joined")
    region: Mapped[Region] = relationship(foreign_keys=region_code, lazy="joined")
    town: Mapped[Region | None] = relationship(foreign_keys=town_code, lazy="joined")

    attributes: Mapped[list[EnterpriseAttribute]] = relationship(
        secondary=recognitions, order_by=EnterpriseAttribute.position
    )

    address = Opened()
    phone = Opened()

    @property
    def attribute_codes(self) -> list[str]:
        """The codes of its 企业属性, in the list's order."""
        return [attribute.code for attribute in self.attributes]

    @property
    def place(self) -> str:
        """County and town in words; abroad, the country too."""
        country = f"（{self.country}）" if self.country else ""
        return self.region.name + (self.town.name if self.town else "") + country

    @property
    def note(self) -> str:
        """What tells it from others of a like name: code and place."""
        return " · ".join(part for part in (self.code, self.place) if part)

    @property
    def masked_phone(self) -> str:
        """The phone number as every page shows it until somebody asks for it."""
        return masked(self, "phone", mask_phone)

    @property
    def masked_address(self) -> str:
        """The address; of a natural person, who lives there, only its beginning."""
        return masked(self, "address", mask_address if self.is_natural_person else str)

    @property
    def is_natural_person(self) -> bool:
        """Whether it is a person, whose address and telephone are private."""
        return self.party_type_code == NATURAL_PERSON
