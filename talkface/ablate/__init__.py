"""Ablations: a base experiment and overlays, over seeds, run here or through a scheduler."""
