"""One raw clip to one prepared clip, or to its parts: decode, landmarks, align, crop."""

from dataclasses import replace

from jaxtyping import Float, Int16, UInt8
from torch import Tensor

from data_prep.corpora.raw import Annotation, ClipError, RawClip, RawCorpus
from data_prep.faces import LandmarkSource
from data_prep.parts import part_names, sound_within, usable_parts, words_within
from data_prep.rules import USUAL, Rules
from data_prep.windows import WordWindow, cut_around
from talkface.data.layout import ClipRecord, PreparedClip
from talkface.data.media import read_audio, read_video
from talkface.faces.align import align_landmarks
from talkface.types import FPS, SAMPLE_RATE

TOLERANCE = 0.5
"""By how many seconds the sound may end before the picture."""


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
    heard = clip.audio or clip.video
    frames, sound = read_video(clip.video), read_audio(heard)
    short = len(frames) / FPS - len(sound) / SAMPLE_RATE
    if short > TOLERANCE:
        raise ClipError(f"The sound of {heard} ends {short:.2f} s before the picture.")
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
