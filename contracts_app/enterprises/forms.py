"""What is asked about an enterprise."""

import re
from collections.abc import Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, ValidationError
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import HiddenInput

from contracts_app.codes.models import PartyType
from contracts_app.codes.queries import choices, choosable
from contracts_app.core.clock import today
from contracts_app.core.fields import ChoiceField, CreditCodeField, ShortText, choice_list
from contracts_app.regions.models import Region
from contracts_app.regions.queries import ABROAD, place_choices, region, towns

from .models import Enterprise, Scale

NATURAL_PERSON, FOREIGN = "500", "700"  # kinds of party that have no 统一社会信用代码
ASKED = (
    "name",
    "code",
    "party_type_code",
    "scale",
    "region_code",
    "town_code",
    "address",
    "representative",
    "contact",
    "phone",
)


def _at_most(length: int, what: str) -> Length:
    return Length(max=length, message=f"{what}不超过 {length} 字")


class EnterpriseForm(FlaskForm):
    """One enterprise. ``twins`` are others of the same code or name; ``may_insist`` offers to add it all the same."""

    twins: Sequence[Enterprise] = ()
    may_insist = False

    version = IntegerField(validators=[Optional()], widget=HiddenInput())
    anyway = HiddenField()

    name = ShortText(
        "单位名称",
        [DataRequired("填写单位名称，与公章一致"), _at_most(200, "单位名称")],
        description="写全称，与公章一致；自然人写姓名。",
    )
    party_type_code = ChoiceField("单位性质", [DataRequired("选择单位性质")])
    code = CreditCodeField(
        "统一社会信用代码", description="18 位，见营业执照或登记证书。境外单位和自然人没有的，可以不填。"
    )
    scale = ChoiceField(
        "企业规模",
        description="境内企业按统计口径选择；不清楚的先不选，可由登记员补填。",
        choices=choice_list([(one.value, one.label) for one in Scale], "未选择"),
    )
    region_code = ChoiceField(
        "所在地区",
        [DataRequired("选择所在地区；在晋江市的，还要选择镇（街道）")],
        description="按实际所在地选到县（市、区）；登记证上的机关可能在上一级。",
    )
    town_code = ChoiceField("镇（街道）", description="只在所在地区是晋江市时选择。")
    address = ShortText("地址", [_at_most(200, "地址")])
    representative = ShortText("法定代表人", [_at_most(60, "姓名")])
    contact = ShortText("联系人", [_at_most(60, "姓名")])
    phone = ShortText("联系电话", [_at_most(30, "电话")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_enterprise = {kind.code: kind.is_enterprise for kind in choosable(PartyType, today())}
        self.party_type_code.choices = choice_list(choices(PartyType, today()), "选择单位性质")
        self.region_code.choices = choice_list(place_choices(), "选择所在地区")
        self.town_code.choices = choice_list([(town.code, town.name) for town in towns()], "未选择")

    def answers(self) -> dict[str, Any]:
        """The answers by the model's field names."""
        known = {name: self[name].data for name in ASKED}
        return known | {"scale": {one.value: one for one in Scale}.get(known["scale"] or "")}

    def validate_code(self, field: CreditCodeField) -> None:
        """Needed of whoever has one: foreign parties and individuals do not (domain facts 5.2)."""
        has_none = self.party_type_code.data in (NATURAL_PERSON, FOREIGN) or self.region_code.data == ABROAD
        if field.data is None and not field.errors and not has_none:
            raise ValidationError("填写统一社会信用代码，共 18 位，见营业执照或登记证书")

    def validate_scale(self, field: ChoiceField) -> None:
        """Asked of enterprises, and of nobody else (3.1 row 24, 3.4); who files for one may not know it."""
        if field.data and not self.is_enterprise.get(self.party_type_code.data or "", True):
            raise ValidationError("这一性质的单位没有企业规模，改选“未选择”")

    def validate_town_code(self, field: ChoiceField) -> None:
        place = region(self.region_code.data) if self.region_code.data else None
        if place is None:
            return
        town = region(field.data) if field.data else None
        if town and town.parent_code != place.code:
            raise ValidationError(f"{town.name}不在{place.name}，改选其中一项")
        if town is None and _has_towns(place, self.town_code):
            raise ValidationError(f"选择在{place.name}的哪个镇（街道）")

    def validate_phone(self, field: ShortText) -> None:
        if field.data and not re.fullmatch(r"\+?[0-9][0-9 \-()（）转]{4,29}", field.data):
            raise ValidationError("电话只填写数字，可以带区号和“-”，例如 0595-85601234")


def _has_towns(place: Region, field: ChoiceField) -> bool:
    """Whether the list of towns has any of this place: a town's code begins with its county's."""
    return any(str(choice.value).startswith(place.code) for choice in field.choices if choice.value)
