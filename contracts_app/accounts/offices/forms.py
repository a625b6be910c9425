"""What is asked about accounts: roles and region, and what a second person says to it."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from contracts_app.accounts.models import USERNAME
from contracts_app.accounts.roles import NO_OFFICE_IN_TOWN, OFFICE_ROLES, Role, duty_of
from contracts_app.core.conflicts import RecordForm
from contracts_app.core.web.fields import ChoiceField, LongText, ShortText, choice_list
from contracts_app.regions.models import Level
from contracts_app.regions.queries import region

CONFIRM, REFUSE = "confirm", "refuse"


class RolesField(SelectMultipleField):
    """Check boxes, one for each role."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """Whatever is posted must be roles."""
        if not set(self.data or ()) <= set(Role):
            raise ValidationError("选择列表里有的角色")


class UserForm(RecordForm):
    """A person's account as the administrator sees it."""

    name = ShortText("姓名", [DataRequired("填写姓名"), Length(max=60, message="姓名最多 60 个字")])
    roles = RolesField(
        "角色",
        [DataRequired("至少选一个角色")],
        choices=choice_list((role.value, role.label) for role in Role),
        description="技术经纪人、登记员、审核员、局领导可以兼任；系统管理员、安全管理员、审计员各自单独设，不与其他角色兼任。",
    )
    region_code = ChoiceField(
        "地区", [DataRequired("选择地区")], description="能看到和办理的范围：这个地区和它下面的地区。"
    )
    reason = LongText(
        "事由",
        [Length(max=300, message="事由不超过 300 字")],
        description="改角色或地区时必填，写明依据，例如任职文件的文号。安全管理员复核时会看到。",
    )

    def __init__(self, *args: Any, regions: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region_code.choices = regions

    def validate_roles(self, field: RolesField) -> None:
        if not field.errors:
            try:
                duty_of(self.chosen_roles)
            except ValueError as error:
                raise ValidationError(str(error)) from None

    def validate_region_code(self, field: ChoiceField) -> None:
        chosen = region(field.data) if field.data else None
        if chosen and chosen.level == Level.TOWN and self.chosen_roles & OFFICE_ROLES:
            raise ValidationError(NO_OFFICE_IN_TOWN)

    @property
    def chosen_roles(self) -> frozenset[Role]:
        """The roles as such."""
        return frozenset(role for role in Role if role.value in (self.roles.data or ()))


class NewUserForm(UserForm):
    stands_first = ("username",)

    username = ShortText(
        "用户名",
        [DataRequired("填写用户名")],
        description="登录用，定了就不再改。小写字母开头，3 到 30 个小写字母、数字、点、横线或下划线，例如 lin.ruoxi。",
    )

    reason = LongText(
        "事由",
        [DataRequired("写明事由，例如任职文件的文号"), Length(max=300, message="事由不超过 300 字")],
        description="为什么要这个账号、这些角色，例如任职文件的文号。安全管理员复核时会看到。",
    )

    def validate_username(self, field: ShortText) -> None:
        field.data = (field.data or "").lower()
        if not USERNAME.fullmatch(field.data):
            raise ValidationError("用户名用小写字母开头，共 3 到 30 个小写字母、数字、点、横线或下划线")


class ResetForm(FlaskForm):
    """Why an administrator asks that another one gets a new password."""

    reason = ShortText(
        "事由",
        [DataRequired("写明事由，例如本人什么时候、怎样提出的"), Length(max=300, message="事由不超过 300 字")],
        description="本人什么时候、怎样提出的，例如 11 月 20 日当面提出、电话核对过。安全管理员复核时会看到。",
    )


class AnswerForm(FlaskForm):
    """What a security administrator says to a request for roles."""

    decision = RadioField(
        "复核结论",
        [InputRequired("选择同意或不同意")],
        choices=choice_list([(CONFIRM, "同意，授权立即生效"), (REFUSE, "不同意，账号保持原样")]),
    )
    answer = LongText(
        "复核意见",
        [Length(max=300, message="复核意见不超过 300 字")],
        description="不同意时必填，写明理由，系统管理员会看到。",
    )

    def validate_answer(self, field: LongText) -> None:
        if self.decision.data == REFUSE and not (field.data or "").strip():
            raise ValidationError("写明不同意的理由")
