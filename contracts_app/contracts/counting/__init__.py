"""What a query adds up to, split by any dimensions, and the summaries that make it quick."""
