"""A portrait plus speech, a driving video, or both, to a talking face."""

from talkface.render.api import Report, generate
from talkface.render.checkpoint import load_model
from talkface.render.errors import (
    CheckpointError,
    NoDriveError,
    NoFaceError,
    NotAlignedError,
    OverwriteError,
    RenderError,
)
from talkface.render.model import Model
from talkface.render.talker import Talker

__all__ = [
    "CheckpointError",
    "Model",
    "NoDriveError",
    "NoFaceError",
    "NotAlignedError",
    "OverwriteError",
    "RenderError",
    "Report",
    "Talker",
    "generate",
    "load_model",
]
