"""Scores videos of any method against the true ones, by one protocol."""
