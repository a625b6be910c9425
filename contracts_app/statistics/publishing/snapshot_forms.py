"""What is asked of whoever freezes figures or closes a period."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from contracts_app.core.clock import today
from contracts_app.core.web.fields import DayField, ShortText

from .snapshots import Publication


class FreezeForm(FlaskForm):
    """What the figures are published as. ``seen`` is the hash of the figures that stood on the page."""

    title = ShortText(
        "发布名称",
        [
            DataRequired("填写发布名称，例如“2025年技术合同认定登记情况”"),
            Length(max=120, message="发布名称不超过 120 字"),
        ],
    )
    document = ShortText(
        "文件或通报",
        [Length(max=120, message="文件名称不超过 120 字")],
        description="文号、通报名称或刊登的网页；还没有的空着。",
    )
    published_on = DayField("发布日期", [Optional()], description="还没有发布的空着。")
    also_closes = BooleanField("封存后接着封账", description="下一页再确认一次；封账不能撤销。")
    seen = HiddenField()

    @property
    def publication(self) -> Publication:
        return Publication(self.title.data or "", self.document.data or "", self.published_on.data)

    def validate_published_on(self, field: DayField) -> None:
        if field.data and field.data > today():
            raise ValidationError(f"发布日期不能晚于今天（{today()}），还没有发布的空着")


class CloseForm(FlaskForm):
    """The second confirmation."""

    understood = BooleanField(
        "我核对过上面的单元和日期，知道封账不能撤销。",
        [DataRequired("核对后勾选；不封账的，返回快照")],
    )
