"""For the auditor: the log read, searched, proved and taken along; refused access that is written into it."""
