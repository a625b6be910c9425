"""Around the database: migrations, a standby, the index of words, reference data from files."""
