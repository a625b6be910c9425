"""Which edition of the system this is: what a frozen figure says it was counted by."""

VERSION = "0.1.0"  # the newest heading of CHANGELOG.md; a test compares the two
