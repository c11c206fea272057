"""Whether two prepared folders are the same, byte for byte."""

import hashlib
from pathlib import Path


def contents(root: Path) -> dict[str, str]:
    """What every file under ``root`` holds, as a sum, by name: leftovers and locks included."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
