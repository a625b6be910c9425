from contracts_app.core.words import Word


class State(Word):
    """The states of a contract's registration (domain facts 1.8). Archived is no state but a box number."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "已提交"
    CORRECTION = "correction", "待补正"
    NOT_ACCEPTED = "not_accepted", "不予受理"
    ACCEPTED = "accepted", "已受理"
    REVIEWED = "reviewed", "初审通过"
    EXPERT = "expert", "专家审核"
    CHECKED = "checked", "复核通过"  # a large contract on its way to the third person
    REGISTERED = "registered", "已登记"
    REFUSED = "refused", "不予登记"
    WITHDRAWN = "withdrawn", "已撤回"
    CHANGING = "changing", "变更中"
    CANCELLING = "cancelling", "注销中"
    CANCELLED = "cancelled", "已注销"
    REVOKING = "revoking", "撤销调查"
    REVOKED = "revoked", "已撤销"
    OBJECTION = "objection", "异议中"


# With a number: once registered, whatever came after. An objection may stand against a refusal too and is in neither.
NUMBERED = frozenset(
    {State.REGISTERED, State.CHANGING, State.CANCELLING, State.CANCELLED, State.REVOKING, State.REVOKED}
)
# Where the office has something to do: its inbox, and its clock.
IN_OFFICE = frozenset(
    {
        State.SUBMITTED,
        State.ACCEPTED,
        State.REVIEWED,
        State.EXPERT,
        State.CHECKED,
        State.CHANGING,
        State.CANCELLING,
        State.REVOKING,
        State.OBJECTION,
    }
)
# No longer counted: its entries in the ledger add up to nothing.
STRUCK_OFF = frozenset({State.CANCELLED, State.REVOKED})
