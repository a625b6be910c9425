"""What is kept apart from plain columns: files under their hash, and values that lie sealed."""
