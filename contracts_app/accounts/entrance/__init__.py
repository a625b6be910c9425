"""The way in: passwords, second factor, locks, sessions, and what happens when one has ended."""
