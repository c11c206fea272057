"""How good the clips of a prepared corpus are: measured, listed, and the bad ones left out."""

from data_prep.quality.command import add_quality, assess

__all__ = ["add_quality", "assess"]
