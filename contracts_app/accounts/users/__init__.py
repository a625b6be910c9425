"""Accounts as administrators keep them: opened, changed, invited, disabled; on pages and at the machine."""
