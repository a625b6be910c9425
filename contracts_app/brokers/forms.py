"""What is asked about a technology broker."""

import re
from typing import Any

from wtforms import BooleanField, ValidationError
from wtforms.validators import DataRequired, Length

from contracts_app.accounts.models import User
from contracts_app.accounts.queries import region_choices
from contracts_app.core.codes import mask_phone
from contracts_app.core.conflicts import RecordForm
from contracts_app.core.web.fields import ChoiceField, PersonalText, ShortText, choice_list
from contracts_app.enterprises.fields import EnterpriseField

from . import queries
from .actions import CERTIFICATE_TAKEN
from .models import Broker, Grade


class BrokerForm(RecordForm):
    """One broker; ``broker`` is who is being changed, None for a new one."""

    broker: Broker | None

    name = ShortText("姓名", [DataRequired("填写姓名"), Length(max=60, message="姓名最多 60 个字")])
    region_code = ChoiceField("所属地区", [DataRequired("选择所属地区")])
    grade = ChoiceField("等级", choices=choice_list([(one.value, one.label) for one in Grade], "没有评定"))
    certificate_number = ShortText(
        "证书编号",
        [Length(max=60, message="证书编号最多 60 个字")],
        description="按证书原样填写，一个编号只登记一次。",
    )
    employer_id = EnterpriseField("任职单位", description="同一时间只在一家单位任职。")
    phone = PersonalText(
        "联系电话",
        [Length(max=30, message="电话最多 30 个字")],
        mask=mask_phone,
        description="已有的号码中间几位不显示：不改就保持原样，要改就填写完整号码。",
    )
    user_id = ChoiceField(
        "登录账号",
        coerce=lambda value: int(value) if value else None,
        description="本人用这个账号申报，合同记在本人名下。账号由系统管理员建立。",
    )
    is_active = BooleanField("在册", default=True, description="不再从业的去掉；以往的合同不受影响。")

    def __init__(self, *args: Any, person: User, broker: Broker | None, **kwargs: Any) -> None:
        super().__init__(*args, obj=broker, **kwargs)
        self.broker = broker
        self.region_code.choices = choice_list(region_choices(person.region), "选择所属地区")
        accounts = [(str(one.id), f"{one.name}（{one.username}）") for one in queries.accounts_for(broker, person)]
        self.user_id.choices = choice_list(accounts, "没有账号")

    def answers(self) -> dict[str, Any]:
        """The answers by the model's field names."""
        return {
            "name": self.name.data,
            "grade": Grade[self.grade.data.upper()] if self.grade.data else None,
            "certificate_number": self.certificate_number.data or None,
            "phone": self.phone.data or "",
            "employer_id": self.employer_id.data,
            "region_code": self.region_code.data,
            "user_id": self.user_id.data,
            "is_active": self.is_active.data,
        }

    def validate_certificate_number(self, field: ShortText) -> None:
        """One certificate, one person."""
        other = queries.of_certificate(field.data)
        if other and other is not self.broker:
            raise ValidationError(CERTIFICATE_TAKEN)

    def validate_phone(self, field: ShortText) -> None:
        """Only what can be dialled."""
        if field.data and not re.fullmatch(r"\+?[0-9][0-9 \-()（）转]{4,29}", field.data):
            raise ValidationError("电话只填写数字，可以带区号和“-”，例如 0595-85601234")
