"""What happens beside training and testing: tables, strips, and whether the mouth moves."""

from talkface.callbacks.motion import MouthMotion
from talkface.callbacks.panel import StripPanel
from talkface.callbacks.reader import DetectorReader
from talkface.callbacks.table import TestTable

__all__ = ["DetectorReader", "MouthMotion", "StripPanel", "TestTable"]
