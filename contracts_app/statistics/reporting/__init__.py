"""The reports of a period and a place: one report as a page, a workbook, a PDF, and from the command line."""
