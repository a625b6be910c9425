"""What a bureau publishes: the sentence with its figures, and snapshots that are frozen, closed and restated."""
