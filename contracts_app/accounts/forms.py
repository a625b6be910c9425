"""What accounts ask of people."""

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from contracts_app.core.conflicts import RecordForm
from contracts_app.core.fields import ChoiceField, ShortText, choice_list
from contracts_app.regions.models import Level
from contracts_app.regions.queries import region

from .models import User
from .roles import NO_OFFICE_IN_TOWN, OFFICE_ROLES, Role, duty_of
from .signing_in import LEAST_LENGTH, faults_of_password

USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,29}")
RULES = (
    f"至少 {LEAST_LENGTH} 个字符；大写字母、小写字母、数字、符号中至少有三种；不能包含用户名。可以从密码管理器粘贴。"
)


class SignInForm(FlaskForm):
    username = ShortText("用户名", [DataRequired("填写用户名")])
    password = PasswordField("密码", [DataRequired("填写密码")])
    next = HiddenField()
    carried = HiddenField()


class NewPasswordForm(FlaskForm):
    """A new password, typed twice. ``person`` is whose it becomes."""

    new_password = PasswordField("新密码", [DataRequired("填写新密码")], description=RULES)
    password_again = PasswordField("再输入一次", [DataRequired("再输入一次新密码")])
    person: User

    def validate_new_password(self, field: PasswordField) -> None:
        field.errors = [*field.errors, *faults_of_password(field.data or "", self.person)]

    def validate_password_again(self, field: PasswordField) -> None:
        if field.data and field.data != self.new_password.data:
            raise ValidationError("两次输入的密码不一样，重新输入")


class OwnPasswordForm(NewPasswordForm):
    """The same for somebody signed in, who has to know the old one."""

    old_password = PasswordField("现在的密码", [DataRequired("填写现在的密码")])

    def validate_new_password(self, field: PasswordField) -> None:
        super().validate_new_password(field)
        if field.data and field.data == self.old_password.data:
            raise ValidationError("新密码不能和现在的密码相同")


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
    username = ShortText(
        "用户名",
        [DataRequired("填写用户名")],
        description="登录用，定了就不再改。小写字母开头，3 到 30 个小写字母、数字、点、横线或下划线，例如 lin.ruoxi。",
    )

    def validate_username(self, field: ShortText) -> None:
        field.data = (field.data or "").lower()
        if not USERNAME.fullmatch(field.data):
            raise ValidationError("用户名用小写字母开头，共 3 到 30 个小写字母、数字、点、横线或下划线")
