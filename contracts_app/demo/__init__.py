"""Demonstration data: contracts, people and firms that do not exist, made the same way from the same seed."""
