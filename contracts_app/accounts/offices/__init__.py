"""Who holds which office: roles granted by two people, lent to a colleague, looked at once a year."""
