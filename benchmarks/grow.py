"""Make a large database out of a demonstration: every contract and every entry of the ledger, many times over.

    INSTANCE_DIR=/somewhere flask --app wsgi init
    INSTANCE_DIR=/somewhere flask --app wsgi demo --contracts 20000
    INSTANCE_DIR=/somewhere python -m benchmarks.grow 50       a million contracts in some minutes

Quicker than generating a million of them one by one, and as large where lists and totals are concerned. Histories,
files and payments are not copied, and the copies are not in the search index; parties, brokers and platforms have many
times the contracts they would have. Ends with folding the ledger. For measuring only.
"""

import argparse
import time

from sqlalchemy import Column, func, literal, select, text

from contracts_app import create_app
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.counting import summaries
from contracts_app.contracts.models import Contract
from contracts_app.core.db import Base, db, unit_of_work


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("times", type=int, help="how many times as large the database becomes")
    times = options.parse_args().times
    begun = time.perf_counter()
    with create_app().app_context():
        with unit_of_work() as work:
            step = (work.scalar(select(func.max(Contract.id))) or 0) + 1
            tables = [Base.metadata.tables[model.__tablename__] for model in (Contract, LedgerEntry)]
            indexes = [index for table in tables for index in table.indexes if not index.unique]
            connection = work.connection()
            for index in indexes:
                index.drop(connection)
            for copy in range(1, times):
                for table in tables:
                    columns = [
                        column for column in table.columns if (table.name, column.name) != ("ledger_entries", "id")
                    ]
                    values = [_copied(table.name, column, copy, step) for column in columns]
                    own = table.c.id if table.name == "contracts" else table.c.contract_id
                    connection.execute(table.insert().from_select(columns, select(*values).where(own < step)))
            for index in indexes:
                index.create(connection)
            if connection.dialect.name == "postgresql":
                work.execute(text("SELECT setval(pg_get_serial_sequence('contracts', 'id'), max(id)) FROM contracts"))
            print(f"{work.scalar(select(func.count()).select_from(Contract)):,} contracts")
        print(f"grown after {time.perf_counter() - begun:.0f} s")
        summaries.fold()
        with unit_of_work() as work:
            if db.engine.dialect.name == "postgresql":
                work.execute(text("ANALYZE"))
        print(f"folded after {time.perf_counter() - begun:.0f} s")


def _copied(table: str, column: Column, copy: int, step: int):  # type: ignore[no-untyped-def,type-arg]
    """What a copy has in a column: its own id and numbers, all else as the contract it was copied from."""
    if column.name == ("id" if table == "contracts" else "contract_id"):
        return column + copy * step
    if column.name == "registration_number":  # of another century for each copy
        return literal(f"{20 + copy:02}") + func.substr(column, 3, 14)
    if column.name == "acceptance_number":
        return column + literal(f"-{copy}")
    return column


if __name__ == "__main__":
    main()
