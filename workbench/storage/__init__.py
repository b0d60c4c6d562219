"""Keeping the stores one: all writes, reads by id, loads, verification."""
