"""Index of every table: for Alembic and for newcomers."""

from contracts_app.accounts import sign_in_models as sign_in
from contracts_app.accounts.models import (
    Delegation,
    Invitation,
    ParkedForm,
    Recertification,
    RoleGrant,
    SignInFailure,
    User,
    UserRole,
)
from contracts_app.brokers.models import Broker
from contracts_app.codes import models as codes
from contracts_app.contracts.books.closings import Closing
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.case_models import ContractCase
from contracts_app.contracts.counting.summaries import FacetTotal, Fold
from contracts_app.contracts.models import (
    Attachment,
    BulkPick,
    Contract,
    ContractRight,
    CorrectionItem,
    Deduction,
    DraftInput,
    HistoryLine,
    NumberCounter,
    PaperFile,
    PlannedPayment,
)
from contracts_app.core.installation import InstallationFact
from contracts_app.core.trail.audit import AuditEntry, AuditHead
from contracts_app.enterprises.models import Enterprise
from contracts_app.platforms.models import Platform
from contracts_app.regions.models import Region, Unit
from contracts_app.rules import models as rules
from contracts_app.statistics.publishing.models import Snapshot
from contracts_app.statistics.totals.saved_views import SavedView
from contracts_app.targets import models as targets
from contracts_app.tracking import models as tracking

__all__ = [
    "Attachment",
    "AuditEntry",
    "AuditHead",
    "Broker",
    "BulkPick",
    "Closing",
    "Contract",
    "ContractCase",
    "ContractRight",
    "CorrectionItem",
    "Deduction",
    "Delegation",
    "DraftInput",
    "Enterprise",
    "FacetTotal",
    "Fold",
    "HistoryLine",
    "InstallationFact",
    "Invitation",
    "LedgerEntry",
    "NumberCounter",
    "PaperFile",
    "ParkedForm",
    "PlannedPayment",
    "Platform",
    "Recertification",
    "Region",
    "RoleGrant",
    "SavedView",
    "SignInFailure",
    "Snapshot",
    "Unit",
    "User",
    "UserRole",
    "codes",
    "rules",
    "sign_in",
    "targets",
    "tracking",
]
