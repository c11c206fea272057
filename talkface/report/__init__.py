"""Finished runs side by side: a page, tables, figures, and the same on Weights & Biases."""

from talkface.report.api import report
from talkface.report.errors import ReportError

__all__ = ["ReportError", "report"]
