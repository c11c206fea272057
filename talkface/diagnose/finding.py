"""What a diagnosis finds."""

from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from talkface.metrics.table import ResultTable


@dataclass
class Finding:
    """Numbers and pictures of one diagnosis, or why there are none.

    Attributes:
        question: What it asks, for whoever reads the table.
        table: The numbers.
        figures: Pictures by the name of their file, without suffix.
        skipped: Why the diagnosis was not made; empty if it was.
    """

    question: str
    table: ResultTable = field(default_factory=ResultTable)
    figures: dict[str, Figure] = field(default_factory=dict)
    skipped: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values, with those of every clip."""
        if self.skipped:
            return {"question": self.question, "skipped": self.skipped}
        return {
            "question": self.question,
            **self.table.to_json(),
            "pictures": [f"{name}.png" for name in self.figures],
        }
