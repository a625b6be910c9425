"""Which contracts are meant: who may see which, words in titles and numbers, the one query and its filter bar."""
