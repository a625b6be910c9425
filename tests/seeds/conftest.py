import shutil

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from contracts_app.accounts.models import User
from contracts_app.core.db import Base, db, init_app, make_engine
from contracts_app.reference import FILES, FOLDER, load_reference


@pytest.fixture
def engine(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'reference.db'}")
    Base.metadata.create_all(engine, tables=reference_tables())
    yield engine
    engine.dispose()


@pytest.fixture
def empty(engine):
    """A session on a database without a row."""
    with Session(engine) as session:
        yield session


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The office with the reference data of the repository, inside its application context. Only to be read."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('reference') / 'loaded.db'}")
    Base.metadata.create_all(engine, tables=reference_tables())
    app = Flask(__name__)
    init_app(app, engine.url, engine)
    with app.app_context():
        load_reference(db.session())
        db.session.commit()
        yield db.session()
    engine.dispose()


@pytest.fixture
def folder(tmp_path):
    """A copy of the reference files that a test may tear."""
    return shutil.copytree(FOLDER, tmp_path / "reference")


@pytest.fixture
def rewrite(folder):
    """Replace the first occurrence of a text in a file of that copy."""

    def replace(name, old, new):
        before = (folder / name).read_text(encoding="utf-8")
        assert old in before
        (folder / name).write_text(before.replace(old, new, 1), encoding="utf-8")

    return replace


def reference_tables():
    """Theirs, and that of the people who may have recorded a target."""
    return [*dict.fromkeys(file.model.__table__ for file in FILES), User.__table__]
