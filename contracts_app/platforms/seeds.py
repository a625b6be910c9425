"""The file of the platforms and organisations that the documents name."""

from contracts_app.core.database.seeds import SeedFile, code_of, text, word
from contracts_app.regions.models import Region

from .models import Platform, PlatformKind, PlatformLevel

FILES = (
    SeedFile(
        "platforms.csv",
        Platform,
        {
            "code": text(40),
            "name": text(120),
            "short_name": text(60, optional=True),
            "kind": word(PlatformKind),
            "level": word(PlatformLevel, optional=True),
            "region_code": code_of(Region),
            "place": text(60, optional=True),
            "host": text(120, optional=True),
            "opened": text(10, optional=True),
            "source": text(200),
            "note": text(optional=True),
        },
    ),
)
