"""Faults tried on the real server, as processes on this machine: what was lost is counted afterwards."""
