"""What is found about a contract before it is submitted and while it is reviewed: the same for filer and office.

The rules are data (``seeds/reference/rules``), a set for each time; the tests they name are in ``predicates``. A
finding names the part of the filing and the field it belongs to, so that every page can lead there, and its rule.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from contracts_app.contracts.models import Contract
from contracts_app.rules.models import Level, Section
from contracts_app.rules.predicates import PREDICATES
from contracts_app.rules.queries import RuleFacts, rule_set_named, rule_set_on, rules_of

from . import paper_rules  # noqa: F401  (declares the test for files that the rules name)
from .lookups import lookups_for
from .party_predicates import PARTY_ID
from .predicates import Context

__all__ = ["Finding", "Level", "Readiness", "Section", "errors", "findings", "readiness"]

WHOLE = 100
COSTS = {Level.ERROR: 10, Level.WARNING: 3, Level.INFO: 1}


@dataclass(frozen=True)
class Finding:
    """One thing a rule found: where, how grave, what to do, how, and what it rests on.

    `reason_code` is the ground for refusal it may lead to; `is_to_verify`: the clause was not read as issued;
    `party_id`: the party whose blank answers it is about, which are filled in in the register.
    """

    section: Section
    field: str
    level: Level
    sentence: str
    code: str = ""
    remedy: str = ""
    citation: str = ""
    is_to_verify: bool = False
    reason_code: str | None = None
    party_id: int | None = None

    @property
    def title(self) -> str:
        """The part of the filing it is about."""
        return self.section.label

    @property
    def cite(self) -> str:
        """The rule it rests on, as pages print it: T-03 《…》第10条（条文待核）."""
        doubt = "（条文待核）" if self.is_to_verify else ""
        return f"{self.code} {self.citation}{doubt}".strip()


def findings(contract: Contract, on: date, section: Section | None = None) -> list[Finding]:
    """Everything found on this day, in the order of the form; only one part's when ``section`` is given.

    The rules are those of the contract's filing date; a contract not filed yet is held against today's.
    """
    context = context_of(contract, on)
    return list(found_by(rules_of(context.rule_set.code), contract, context, section))


def context_of(contract: Contract, on: date) -> Context:
    """The rule set that holds for the contract on this day, and what is known around it."""
    filed_under = contract.rule_set_code
    rule_set = rule_set_named(filed_under) if filed_under else rule_set_on(on)
    return Context(on, rule_set, lookups_for(contract))


def found_by(
    rules: Iterable[RuleFacts], contract: Contract, context: Context, section: Section | None = None
) -> Iterator[Finding]:
    """What these rules find about a contract."""
    for rule in rules:
        if section not in (None, rule.section):
            continue
        said = PREDICATES[rule.predicate].test(contract, context, **rule.parameters)
        if said:
            yield _finding(rule, said if isinstance(said, dict) else {})


def _finding(rule: RuleFacts, said: dict[str, str]) -> Finding:
    return Finding(
        section=rule.section,
        field=rule.field,
        level=rule.severity,
        sentence=rule.sentence.format_map(said) if said else rule.sentence,
        code=rule.code,
        remedy=rule.remedy,
        citation=rule.citation,
        is_to_verify=rule.is_to_verify,
        reason_code=rule.reason_code,
        party_id=int(said[PARTY_ID]) if PARTY_ID in said else None,
    )


def errors(contract: Contract, on: date) -> list[Finding]:
    """What stops the submission."""
    return [finding for finding in findings(contract, on) if finding.level is Level.ERROR]


@dataclass(frozen=True)
class Readiness:
    """How near a contract is to being registered without a question (准备度), of 100, and what is missing."""

    score: int
    missing: str

    @property
    def words(self) -> str:
        """准备度 85 分."""
        return f"准备度 {self.score} 分"


def readiness(found: Sequence[Finding]) -> Readiness:
    """The score of these findings: 100 less 10 for each error, 3 for each warning, 1 for each information; at least 0.

    So it is 100 only where nothing at all was found, and at most 90 while anything stops the submission. It counts
    findings and says nothing about the outcome: a contract of 100 may still be refused by the people who read it.
    """
    counts = {level: sum(one.level is level for one in found) for level in Level}
    score = max(0, WHOLE - sum(COSTS[level] * number for level, number in counts.items()))
    missing = "，".join(f"{level.label} {number} 处" for level, number in counts.items() if number)
    return Readiness(score, missing)
