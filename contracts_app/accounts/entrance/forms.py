"""What accounts ask of people."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, ValidationError
from wtforms.validators import DataRequired

from contracts_app.accounts.models import User
from contracts_app.core.web.fields import ShortText

from . import passwords


class SignInForm(FlaskForm):
    username = ShortText("用户名", [DataRequired("填写用户名")])
    password = PasswordField("密码", [DataRequired("填写密码")])
    next = HiddenField()
    carried = HiddenField()


class NewPasswordForm(FlaskForm):
    """A new password, typed twice. ``person`` is whose it becomes."""

    new_password = PasswordField("新密码", [DataRequired("填写新密码")])
    password_again = PasswordField("再输入一次", [DataRequired("再输入一次新密码")])
    person: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.new_password.description = passwords.rules().words

    def validate_new_password(self, field: PasswordField) -> None:
        field.errors = [*field.errors, *passwords.faults_of_password(field.data or "", self.person)]

    def validate_password_again(self, field: PasswordField) -> None:
        if field.data and field.data != self.new_password.data:
            raise ValidationError("两次输入的密码不一样，重新输入")


class OwnPasswordForm(NewPasswordForm):
    """The same for somebody signed in, who has to know the old one."""

    stands_first = ("old_password",)

    old_password = PasswordField("现在的密码", [DataRequired("填写现在的密码")])


class CodeForm(FlaskForm):
    """The second step of signing in: a code of the authenticator."""

    code = ShortText("验证码", [DataRequired("填写 6 位验证码")])


class RecoveryCodeForm(FlaskForm):
    """The same for who has no authenticator at hand."""

    code = ShortText("恢复码", [DataRequired("填写一个没有用过的恢复码")])


class ConfirmForm(FlaskForm):
    """What changes how somebody signs in is confirmed by the password and, where there is one, the second factor."""

    old_password = PasswordField("现在的密码", [DataRequired("填写现在的密码")])
    proof = ShortText(
        "现在的验证码",
        [DataRequired("填写现在的验证码，或一个没有用过的恢复码")],
        description="现在用的手机验证器里显示的 6 位数；手机不在身边时填一个没有用过的恢复码。",
    )


class SecondFactorForm(ConfirmForm):
    """A new authenticator of somebody signed in."""

    stands_first = ("code",)

    code = ShortText("验证码", [DataRequired("填写 6 位验证码")])
