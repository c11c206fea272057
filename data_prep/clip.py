"""One raw clip to one prepared clip: decode, landmarks, align, crop."""

from data_prep.corpora.raw import ClipError, RawClip, RawCorpus
from data_prep.faces import LandmarkSource
from data_prep.windows import WordWindow, cut_around
from talkface.data.layout import ClipRecord, PreparedClip
from talkface.data.media import read_audio, read_video
from talkface.faces.align import align_landmarks
from talkface.types import FPS, SAMPLE_RATE

TOLERANCE = 0.5
"""By how many seconds the sound may end before the picture."""


def prepare_clip(
    corpus: RawCorpus, clip: RawClip, source: LandmarkSource, *, side: int
) -> PreparedClip:
    """Prepare one clip.

    Args:
        corpus: The corpus that knows its words.
        clip: The clip, whose ``split`` is known.
        source: Gives the landmarks.
        side: Side S of the crops in pixels.

    Raises:
        ClipError: Annotation or sidecar is missing or damaged, or the sound is too short.
        MediaError: The video cannot be decoded.
        FaceError: The face is not seen well enough.
    """
    annotation = corpus.annotate(clip)
    heard = clip.audio or clip.video
    frames, sound = read_video(clip.video), read_audio(heard)
    short = len(frames) / FPS - len(sound) / SAMPLE_RATE
    if short > TOLERANCE:
        raise ClipError(f"The sound of {heard} ends {short:.2f} s before the picture.")
    words = annotation.words
    if isinstance(clip, WordWindow):
        word, frames, sound = cut_around(words[0], frames, sound)
        words = (word,)
    aligned = align_landmarks(frames, source.points(frames, clip.sidecar), side)
    record = ClipRecord(
        id=clip.id,
        split=clip.split or "",
        frames=len(frames),
        samples=len(sound),
        speaker=annotation.speaker,
        words=words,
        source=str(clip.video),
        emotion=annotation.emotion,
        level=annotation.level,
        text=annotation.text,
        demographics=annotation.demographics,
    )
    return PreparedClip(record, aligned.frames, aligned.landmarks, aligned.transforms, sound)
