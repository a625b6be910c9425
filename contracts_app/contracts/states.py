from contracts_app.core.words import Word


class State(Word):
    """The states of a contract's registration (domain facts 1.8)."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "已提交"
    CORRECTION = "correction", "待补正"
    ACCEPTED = "accepted", "已受理"
    REVIEWED = "reviewed", "初审通过"
    REGISTERED = "registered", "已登记"
    REFUSED = "refused", "不予登记"
    WITHDRAWN = "withdrawn", "已撤回"
