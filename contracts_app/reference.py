"""Index of every reference file and the one way to load them; beside `models.py`, above all the nouns."""

from hashlib import sha256
from pathlib import Path

from sqlalchemy.orm import Session

from contracts_app.codes import seeds as codes
from contracts_app.contracts.checking import (  # noqa: F401  (what rule files name)
    detail_predicates,
    money_predicates,
    paper_rules,
    party_predicates,
    predicates,
)
from contracts_app.core.database.seeds import Report, load
from contracts_app.core.settings import ROOT
from contracts_app.platforms import seeds as platforms
from contracts_app.regions import seeds as regions
from contracts_app.rules import seeds as rules
from contracts_app.targets import seeds as targets

FOLDER = ROOT / "seeds" / "reference"
FILES = (*codes.FILES, *regions.FILES, *rules.FILES, *platforms.FILES, *targets.FILES)


def load_reference(session: Session, folder: Path = FOLDER) -> Report:
    """Load or bring up to date all reference data; `core.database.seeds.SeedFaults` if a file is torn: then nothing.

    Does not commit: call it inside a unit of work.
    """
    return load(session, folder, FILES)


def edition(folder: Path = FOLDER) -> str:
    """What tells these reference files from those of another release: 64 hexadecimal digits."""
    digest = sha256()
    for file in FILES:
        path = folder / file.name
        digest.update(path.read_bytes() if path.exists() else b"missing")
    return digest.hexdigest()
