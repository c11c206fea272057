"""The header of a WAV file, which says the same thing twice: so damage shows."""

import struct
from pathlib import Path

from data_prep.corpora.raw import ClipError

PCM = 1
_FORMAT = struct.Struct("<HHIIHH")


def check_wav(path: Path) -> None:
    """Compare what the header says about the samples; a file without one is left to the decoder.

    Raises:
        ClipError: It contradicts itself, or the samples are compressed.
    """
    with path.open("rb") as file:
        head = file.read(36)
    if len(head) < 36 or head[12:16] != b"fmt ":  # noqa: PLR2004 - where the samples' format ends
        return
    kind, channels, rate, per_second, step, bits = _FORMAT.unpack_from(head, 20)
    if kind != PCM or step != channels * bits // 8 or per_second != rate * step:
        raise ClipError(
            f"{path} has a header that contradicts itself (format {kind}, {channels} channels of "
            f"{bits} bits, {rate} per second, {per_second} bytes per second). Fetch it again."
        )
