"""The log of who did what: its one door, the chain it is, its checkpoints, its proof."""
