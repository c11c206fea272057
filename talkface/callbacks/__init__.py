"""What happens beside training and testing: tables, strips, and whether the mouth moves."""

from talkface.callbacks.board import Board
from talkface.callbacks.curves import MotionCurves
from talkface.callbacks.fid import RowFid
from talkface.callbacks.identity import IdentityRank
from talkface.callbacks.motion import MouthMotion
from talkface.callbacks.panel import StripPanel
from talkface.callbacks.reader import DetectorReader
from talkface.callbacks.sync import OwnSync
from talkface.callbacks.table import TestTable
from talkface.callbacks.videos import ClipVideos
from talkface.callbacks.watch import Watch

__all__ = [
    "Board",
    "ClipVideos",
    "DetectorReader",
    "IdentityRank",
    "MotionCurves",
    "MouthMotion",
    "OwnSync",
    "RowFid",
    "StripPanel",
    "TestTable",
    "Watch",
]
