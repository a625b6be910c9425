"""The moves from acceptance to the register: what they ask, why not, and what they do besides."""
