"""The totals page: any two dimensions, its question, its files, what the command line prints, saved views."""
