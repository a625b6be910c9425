"""What is counted: the ledger, the words by which its figures are split, and the days up to which it is closed."""
