"""Figures of a sound and of what a test rendered; strips for those who watch a training.

Only ``strips`` is imported here: the others bring matplotlib along.
"""

from talkface.figures.strips import GAP, save_png, stack, strip

__all__ = ["GAP", "save_png", "stack", "strip"]
