"""Index of every table: for Alembic and for newcomers."""

from contracts_app.accounts.models import Invitation, ParkedForm, SignInFailure, User, UserRole
from contracts_app.brokers.models import Broker
from contracts_app.codes import models as codes
from contracts_app.contracts.ledger import DailyTotal, LedgerEntry
from contracts_app.contracts.models import (
    Attachment,
    Contract,
    CorrectionItem,
    DraftInput,
    HistoryLine,
    NumberCounter,
    PlannedPayment,
)
from contracts_app.core.audit import AuditEntry
from contracts_app.core.installation import InstallationFact
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region, Unit
from contracts_app.rules import models as rules
from contracts_app.targets import models as targets

__all__ = [
    "Attachment",
    "AuditEntry",
    "Broker",
    "Contract",
    "CorrectionItem",
    "DailyTotal",
    "DraftInput",
    "Enterprise",
    "HistoryLine",
    "InstallationFact",
    "Invitation",
    "LedgerEntry",
    "NumberCounter",
    "ParkedForm",
    "PlannedPayment",
    "Platform",
    "Region",
    "SignInFailure",
    "Unit",
    "User",
    "UserRole",
    "codes",
    "rules",
    "targets",
]
