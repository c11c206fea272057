"""Prepared corpora: the on-disk layout, media files, sound features and windows for training."""
