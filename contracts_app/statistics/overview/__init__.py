"""A year at a glance: how it stands, its pace, what it may end with, what is under way; also on the wall."""
