"""What is asked about an enterprise."""

import re
from collections.abc import Sequence
from typing import Any

from wtforms import BooleanField, Field, HiddenField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, Length, Optional, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from contracts_app.codes.models import EnterpriseAttribute, PartyType
from contracts_app.codes.queries import choices, choosable
from contracts_app.core.clock import today
from contracts_app.core.codes import mask_address, mask_phone
from contracts_app.core.conflicts import RecordForm
from contracts_app.core.web.fields import ChoiceField, CreditCodeField, PersonalText, ShortText, choice_list
from contracts_app.regions.models import Region
from contracts_app.regions.queries import ABROAD, place_choices, region, towns

from .facts import ASKED_FOR, FOREIGN, blanks
from .models import NATURAL_PERSON, ONLY_OF_FIRMS, Enterprise, Scale

ASKED = (
    "name",
    "code",
    "party_type_code",
    "region_code",
    "town_code",
    "country",
    "is_transfer_institution",
    "is_research_institution",
    "is_converted_institute",
    "group_name",
    "address",
    "postcode",
    "representative",
    "contact",
    "phone",
    "scale",
    "is_in_high_tech_zone",
    "is_listed",
    "attribute_codes",
)

# What the page hides where it does not apply, and the answer that then stands.
NOT_ALWAYS_ASKED = {"town_code": None, "country": ""} | dict.fromkeys(ONLY_OF_FIRMS)


def _at_most(length: int, what: str) -> Length:
    return Length(max=length, message=f"{what}不超过 {length} 字")


class YesNoChoice(ChoiceField):
    """是, 否 or not said, as one line that can also be taken back."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(
            label,
            coerce=lambda value: {True: "yes", False: "no"}.get(value, value or None),
            choices=choice_list([("yes", "是"), ("no", "否")], "未选择"),
            **kwargs,
        )

    @property
    def answer(self) -> bool | None:
        """The answer; None while nothing is chosen."""
        return {"yes": True, "no": False}.get(self.data or "")


class Ticks(SelectMultipleField):
    """Any number of a list, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        known = {choice.value for choice in self.choices}
        if not set(self.data or ()) <= known:
            raise ValidationError("选择列表里有的一项")


class EnterpriseForm(RecordForm):
    """One enterprise. ``twins`` are others of the same code or name; ``may_insist`` offers to add it all the same."""

    twins: Sequence[Enterprise] = ()
    may_insist = False

    anyway = HiddenField()

    name = ShortText(
        "单位名称",
        [DataRequired("填写单位名称，与公章一致"), _at_most(200, "单位名称")],
        description="写全称，与公章一致；自然人写姓名。",
    )
    party_type_code = ChoiceField("单位性质", [DataRequired("选择单位性质")])
    code = CreditCodeField(
        "统一社会信用代码",
        description="18 位，见营业执照或登记证书。境外单位和自然人没有的，可以不填；不收公民身份号码。",
    )
    region_code = ChoiceField(
        "所在地区",
        [DataRequired("选择所在地区；在晋江市的，还要选择镇（街道）")],
        description="按实际所在地选到县（市、区）；登记证上的机关可能在上一级。",
    )
    town_code = ChoiceField("镇（街道）", description="只在所在地区是晋江市时选择。")
    country = ShortText("国别（地区）", [_at_most(60, "国别（地区）")], description="只在所在地区是境外时填写。")
    is_transfer_institution = BooleanField("技术转移机构")
    is_research_institution = BooleanField("研发机构")
    is_converted_institute = BooleanField("转制科研院所")
    group_name = ShortText(
        "所属集团",
        [_at_most(200, "集团名称")],
        description="写集团全称。同一集团的单位写法一致，它们之间的交易按关联交易核对。",
    )
    address = PersonalText("地址", [_at_most(200, "地址")], mask=None)
    postcode = ShortText("邮编", [Optional(), Regexp("[0-9]{6}$", message="邮编是 6 位数字，例如 362200")])
    representative = ShortText("法定代表人", [_at_most(60, "姓名")])
    contact = ShortText("联系人", [_at_most(60, "姓名")])
    phone = PersonalText(
        "联系电话",
        [_at_most(30, "电话")],
        mask=mask_phone,
        description="已有的号码中间几位不显示：不改就保持原样，要改就填写完整号码。",
    )
    scale = ChoiceField(
        "企业规模",
        description="境内企业按统计口径选择；不清楚的先不选，提交合同前补填。",
        choices=choice_list([(one.value, one.label) for one in Scale], "未选择"),
    )
    is_in_high_tech_zone = YesNoChoice("国家高新区内企业", description="注册在国家级高新技术产业开发区内的选“是”。")
    is_listed = YesNoChoice("上市公司")
    attribute_codes = Ticks("企业属性", description="有认定文件、仍在有效期内的才勾选，可以多选。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_enterprise = {kind.code: kind.is_enterprise for kind in choosable(PartyType, today())}
        self.party_type_code.choices = choice_list(choices(PartyType, today()), "选择单位性质")
        self.region_code.choices = choice_list(place_choices(), "选择所在地区")
        self.town_code.choices = choice_list([(town.code, town.name) for town in towns()], "未选择")
        self._attributes = [one.code for one in choosable(EnterpriseAttribute, today())]
        self.attribute_codes.choices = choice_list(choices(EnterpriseAttribute, today()))
        for name, none in NOT_ALWAYS_ASKED.items():
            if self[name].raw_data == []:  # the page hid the question and sent no answer: it is not the old one
                self[name].data = none

    def process(self, formdata: Any = None, obj: Enterprise | None = None, *args: Any, **kwargs: Any) -> None:
        """Fill the fields; the address of a natural person is where somebody lives."""
        if obj is not None and obj.is_natural_person:
            self.address.mask = mask_address
            self.address.description = "已有的地址只显示开头：不改就保持原样，要改就填写完整。"
        super().process(formdata, obj, *args, **kwargs)

    @property
    def asked_of_firms(self) -> str:
        """The kinds of party that are asked about the enterprise, as the script reads them; none chosen is one."""
        return ",".join(["", *(code for code, is_enterprise in self.is_enterprise.items() if is_enterprise)])

    @property
    def asked_in_towns(self) -> str:
        """The places that have towns to choose from."""
        return ",".join(sorted({str(choice.value)[:6] for choice in self.town_code.choices if choice.value}))

    def answers(self) -> dict[str, Any]:
        """The answers by the model's field names."""
        known = {name: _answer(self[name]) for name in ASKED}
        return known | {"attribute_codes": sorted(known["attribute_codes"] or (), key=self._attributes.index)}

    def validate_code(self, field: CreditCodeField) -> None:
        """Needed of whoever has one: foreign parties and individuals do not (domain facts 5.2)."""
        has_none = self.party_type_code.data in (NATURAL_PERSON, FOREIGN) or self.region_code.data == ABROAD
        if field.data is None and not field.errors and not has_none:
            raise ValidationError("填写统一社会信用代码，共 18 位，见营业执照或登记证书")

    def validate_scale(self, field: ChoiceField) -> None:
        """Asked of enterprises, and of nobody else (3.1 rows 22-24, 3.4); who files for one may not know it."""
        self._refuse_of_others(field, "没有企业规模，改选“未选择”")

    def validate_is_in_high_tech_zone(self, field: YesNoChoice) -> None:
        self._refuse_of_others(field, "不填国家高新区内企业，改选“未选择”")

    def validate_is_listed(self, field: YesNoChoice) -> None:
        self._refuse_of_others(field, "不填上市公司，改选“未选择”")

    def validate_attribute_codes(self, field: Ticks) -> None:
        self._refuse_of_others(field, "没有企业属性，取消勾选")

    def _refuse_of_others(self, field: Field, what_to_do: str) -> None:
        if field.data and not self.is_enterprise.get(self.party_type_code.data or "", True):
            raise ValidationError(f"这一性质的单位{what_to_do}")

    def validate_country(self, field: ShortText) -> None:
        is_abroad = self.region_code.data == ABROAD
        if is_abroad and not field.data:
            raise ValidationError("填写所在的国家或地区")
        if field.data and self.region_code.data and not is_abroad:
            raise ValidationError("所在地区不是境外，清空国别（地区）")

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
        _check_phone(field)


class BlanksForm(RecordForm):
    """What an enterprise leaves blank, for whoever needs it filled in. Nothing that is there is asked."""

    code = EnterpriseForm.code
    address = EnterpriseForm.address
    postcode = EnterpriseForm.postcode
    representative = EnterpriseForm.representative
    contact = EnterpriseForm.contact
    phone = EnterpriseForm.phone
    scale = EnterpriseForm.scale
    is_in_high_tech_zone = EnterpriseForm.is_in_high_tech_zone
    is_listed = EnterpriseForm.is_listed

    def __init__(self, *args: Any, obj: Enterprise, **kwargs: Any) -> None:
        super().__init__(*args, data={"version": obj.version}, **kwargs)
        self.asked = blanks(obj)
        for name in ASKED_FOR:
            if name not in self.asked:
                del self[name]

    def answers(self) -> dict[str, Any]:
        """What was filled in, by the model's field names."""
        known = {name: _answer(self[name]) for name in self.asked}
        return {name: value for name, value in known.items() if value not in (None, "")}

    def validate(self, extra_validators: Any = None) -> bool:
        """Each answer by itself; at least one is given."""
        is_right = bool(super().validate(extra_validators))
        if is_right and not self.answers():
            self.form_errors.append("一项都还没有填，填好知道的再保存。")
            return False
        return is_right

    def validate_phone(self, field: ShortText) -> None:
        _check_phone(field)


def _answer(field: Field) -> Any:
    """The answer of a field, as the model holds it."""
    if isinstance(field, YesNoChoice):
        return field.answer
    return {one.value: one for one in Scale}.get(field.data or "") if field.name == "scale" else field.data


def _check_phone(field: ShortText) -> None:
    if field.data and not re.fullmatch(r"\+?[0-9][0-9 \-()（）转]{4,29}", field.data):
        raise ValidationError("电话只填写数字，可以带区号和“-”，例如 0595-85601234")


def _has_towns(place: Region, field: ChoiceField) -> bool:
    """Whether the list of towns has any of this place: a town's code begins with its county's."""
    return any(str(choice.value).startswith(place.code) for choice in field.choices if choice.value)
