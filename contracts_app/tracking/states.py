from contracts_app.core.words import Word


class VerificationState(Word):
    """The way of a 核定 from the request to the decision of the second person."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "待初核"
    CHECKED = "checked", "待核定"
    APPROVED = "approved", "已核定"
    REFUSED = "refused", "不予核定"
    WITHDRAWN = "withdrawn", "已撤回"
    REVOKED = "revoked", "核定已撤销"

    @property
    def tone(self) -> str:
        """How its tag looks."""
        return _LOOKS[self.value][0]

    @property
    def icon(self) -> str:
        return _LOOKS[self.value][1]


_LOOKS = {
    "draft": ("", "pencil"),
    "submitted": ("info", "send"),
    "checked": ("step", "check2"),
    "approved": ("ok", "check-circle-fill"),
    "refused": ("bad", "x-circle-fill"),
    "withdrawn": ("void", "arrow-counterclockwise"),
    "revoked": ("bad", "slash-circle"),
}
# Its receipts are spoken for: they cannot stand for another request, nor be struck out.
STANDING = frozenset(
    {VerificationState.DRAFT, VerificationState.SUBMITTED, VerificationState.CHECKED, VerificationState.APPROVED}
)
WAITING = frozenset({VerificationState.SUBMITTED, VerificationState.CHECKED})
