"""One raw clip to one prepared clip, or to its parts: decode, landmarks, align, crop."""

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float, Int16, UInt8
from torch import Tensor

from data_prep.corpora.raw import Annotation, ClipError, RawClip, RawCorpus
from data_prep.faces import LandmarkSource
from data_prep.parts import part_names, sound_within, usable_parts, words_within
from data_prep.rules import USUAL, Rules
from data_prep.windows import WordWindow, cut_around
from talkface.data.layout import ClipRecord, PreparedClip
from talkface.data.media import iter_video, read_audio
from talkface.faces.align import align_landmarks
from talkface.types import FPS, SAMPLE_RATE

TOLERANCE = 0.5
"""By how many seconds sound and words may end before or after the picture."""

MOST_BYTES = 4 * 2**30
"""Bytes of decoded pictures: 27 seconds of 1920 x 1080."""


def prepare_clip(
    corpus: RawCorpus,
    clip: RawClip,
    source: LandmarkSource,
    *,
    side: int,
    rules: Rules = USUAL,
) -> list[PreparedClip]:
    """Prepare one clip.

    Args:
        corpus: The corpus that knows its words.
        clip: The clip, whose ``split`` is known.
        source: Gives the landmarks.
        side: Side S of the crops in pixels.
        rules: Which faces and frames are used.

    Returns:
        The clip; or its parts, if ``rules`` split it.

    Raises:
        ClipError: Annotation or sidecar is missing or damaged, the sound is too short, or the
            rules leave nothing.
        MediaError: The video cannot be decoded.
        FaceError: The face is not seen well enough.
    """
    annotation = corpus.annotate(clip)
    frames, sound = read_clip(clip, annotation)
    if isinstance(clip, WordWindow):
        word, frames, sound = cut_around(annotation.words[0], frames, sound)
        annotation = replace(annotation, words=(word,))
    faces = source.faces(frames, clip.sidecar)
    points, parts = usable_parts(frames, faces, sound, rules)
    whole = _record(clip, annotation, frames=len(frames), samples=len(sound))
    if parts == [range(len(frames))]:
        return [_prepared(whole, frames, points, sound, side)]
    said = [(part, words) for part in parts if (words := words_within(whole.words, part))]
    if not said:
        spans = ", ".join(f"{part[0]}-{part[-1]}" for part in parts)
        raise ClipError(f"No whole word is said in the parts that are left (frames {spans}).")
    prepared = []
    for name, (part, words) in zip(part_names(clip.id, len(said)), said, strict=True):
        of = slice(part.start, part.stop)
        piece = sound_within(sound, part)
        record = replace(whole, id=name, frames=len(part), samples=len(piece), words=words)
        prepared.append(_prepared(record, frames[of], points[of], piece, side))
    return prepared


def read_clip(
    clip: RawClip, annotation: Annotation
) -> tuple[UInt8[Tensor, "n 3 h w"], Int16[Tensor, " samples"]]:
    """Pictures and sound, which ends at most ``TOLERANCE`` before or after the picture.

    Raises:
        ClipError: They do not fit each other, or what is said; or they are too large.
        MediaError: One of them cannot be decoded.
    """
    heard, frames = clip.audio or clip.video, _pictures(clip.video)
    if annotation.frames is not None and abs(len(frames) - annotation.frames) > 1:
        raise ClipError(
            f"{clip.video} has {len(frames)} frames, but clips of this corpus have "
            f"{annotation.frames}: when its word is said would be unknown."
        )
    sound, seconds = read_audio(heard), len(frames) / FPS
    short = seconds - len(sound) / SAMPLE_RATE
    if short > TOLERANCE:
        raise ClipError(f"The sound of {heard} ends {short:.2f} s before the picture.")
    late = [word for word in annotation.words if word.end > seconds + TOLERANCE]
    if late:
        raise ClipError(
            f"{late[0].word!r} is said until {late[0].end:.2f} s, but {clip.video} has pictures "
            f"for {seconds:.2f} s only."
        )
    return frames, sound[: round((seconds + TOLERANCE) * SAMPLE_RATE)]


def _pictures(path: Path) -> UInt8[Tensor, "n 3 h w"]:
    """All pictures, unless they are too many, or too large."""
    parts, size = [], 0
    for part in iter_video(path, batch=1):
        parts.append(part)
        size += part.nbytes
        if size > MOST_BYTES:
            height, width = part.shape[-2:]
            raise ClipError(
                f"{path} has more than {len(parts)} pictures of {width} x {height}: too many to be "
                f"held in memory ({MOST_BYTES / 2**30:g} GiB). Cut it into clips, or scale it down."
            )
    return torch.cat(parts)


def _record(clip: RawClip, annotation: Annotation, *, frames: int, samples: int) -> ClipRecord:
    return ClipRecord(
        id=clip.id,
        split=clip.split or "",
        frames=frames,
        samples=samples,
        speaker=annotation.speaker,
        words=annotation.words,
        source=str(clip.video),
        emotion=annotation.emotion,
        level=annotation.level,
        text=annotation.text,
        demographics=annotation.demographics,
    )


def _prepared(
    record: ClipRecord,
    frames: UInt8[Tensor, "n 3 h w"],
    points: Float[Tensor, "n 68 2"],
    sound: Int16[Tensor, " samples"],
    side: int,
) -> PreparedClip:
    aligned = align_landmarks(frames, points, side)
    return PreparedClip(record, aligned.frames, aligned.landmarks, aligned.transforms, sound)
