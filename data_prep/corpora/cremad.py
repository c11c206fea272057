"""CREMA-D: 91 actors say 12 sentences in six emotions, some of them at three levels.

Cao, Cooper, Keutmann, Gur, Nenkova and Verma 2014, https://doi.org/10.1109/TAFFC.2014.2336244;
https://github.com/CheyneyComputerScience/CREMA-D. Read are ``VideoFlash/1001_DFA_ANG_XX.flv``,
``AudioWAV/1001_DFA_ANG_XX.wav`` and ``VideoDemographics.csv``. The sound is that of the WAV: some
videos have none. There is no official split. A ``.json`` beside a video may add the exact times
``word_start`` and ``word_end`` of the sentence; else they are taken from the loudness.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from data_prep.corpora.actors import read_actors
from data_prep.corpora.raw import Annotation, ClipError, CorpusError, RawClip, check_span
from data_prep.corpora.sidecar import exact_times, read_sidecar
from data_prep.corpora.speech import spoken_span
from data_prep.corpora.wav import check_wav
from talkface.data.layout import Demographics, WordSpan
from talkface.data.media import read_audio

VIDEOS, SOUNDS, ACTORS = "VideoFlash", "AudioWAV", "VideoDemographics.csv"

SENTENCES: Mapping[str, str] = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
EMOTIONS: Mapping[str, str] = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
LEVELS: Mapping[str, str] = {"LO": "low", "MD": "medium", "HI": "high", "XX": "not given"}

KNOWN_BAD: Mapping[str, str] = {
    "1064_IEO_DIS_MD": "it is a minute long and shows all emotions",
    "1064_TIE_SAD_XX": "its video has no duration",
    "1076_MTI_NEU_XX": "its video is cut short",
    "1076_MTI_SAD_XX": "its video shows an error message and has no sound",
}
"""Clips that are damaged in the corpus as published."""

STEM = re.compile(
    rf"(?P<actor>\d{{4,}})_(?P<sentence>{'|'.join(SENTENCES)})"
    rf"_(?P<emotion>{'|'.join(EMOTIONS)})_(?P<level>LO|MD|HI|XX?)"  # 1040_ITH_SAD_X is published so
)
POINTER = b"version https://git-lfs"
"""How the files begin that git leaves in place of the large ones."""

logger = logging.getLogger("data_prep")


@dataclass(frozen=True)
class CremadCorpus:
    """The folder that holds ``VideoFlash``, ``AudioWAV`` and ``VideoDemographics.csv``."""

    source: Path
    name: str = "cremad"

    def clips(self) -> list[RawClip]:
        """All recordings that have a video or a sound, by actor and name."""
        stems = self._stems(VIDEOS, ".flv") | self._stems(SOUNDS, ".wav")
        clips = [self._clip(stem) for stem in sorted(stems)]
        actors = {clip.group for clip in clips if clip.group}
        unknown = sorted(actors - self._actors.keys())
        if unknown:
            logger.warning(
                "%s does not describe %s: their clips are prepared without age, sex, race and "
                "ethnicity.",
                self.source / ACTORS,
                f"actors {', '.join(unknown)}" if self._actors else "any actor",
            )
        return clips

    def annotate(self, clip: RawClip) -> Annotation:
        """Everything by the name of the file, demographics by the table of actors."""
        stem, sound = clip.video.stem, self._sound(clip.video.stem)
        found = STEM.fullmatch(stem)
        if found is None:
            raise ClipError(
                f"{stem} is not named ACTOR_SENTENCE_EMOTION_LEVEL as 1001_DFA_ANG_XX is: four "
                f"digits, one of {', '.join(SENTENCES)}, one of {', '.join(EMOTIONS)}, one of "
                f"{', '.join(LEVELS)}."
            )
        if stem in KNOWN_BAD:
            raise ClipError(f"{stem} is damaged in the corpus as published: {KNOWN_BAD[stem]}.")
        for path in (clip.video, sound):
            _check(path)
        check_wav(sound)
        told = clip.video.with_suffix(".json")
        start, end = exact_times(told, read_sidecar(told)) or spoken_span(read_audio(sound))
        sentence, level = found["sentence"], found["level"]
        return Annotation(
            speaker=found["actor"],
            words=(check_span(told, WordSpan(sentence, start, end)),),
            emotion=found["emotion"],
            level="XX" if level == "X" else level,
            text=SENTENCES[sentence],
            demographics=self._actors.get(found["actor"]),
        )

    @cached_property
    def _actors(self) -> dict[str, Demographics]:
        return read_actors(self.source / ACTORS)

    def _clip(self, stem: str) -> RawClip:
        video, found = self.source / VIDEOS / f"{stem}.flv", STEM.fullmatch(stem)
        actor = found["actor"] if found else ""
        name = f"{actor}/{stem}" if actor else stem
        words = (found["sentence"],) if found else None
        return RawClip(name, video, group=actor, audio=self._sound(stem), words=words)

    def _sound(self, stem: str) -> Path:
        return self.source / SOUNDS / f"{stem}.wav"

    def _stems(self, folder: str, suffix: str) -> set[str]:
        stems = {path.stem for path in (self.source / folder).glob(f"[!.]*{suffix}")}
        if not stems:
            raise CorpusError(
                f"No {suffix} under {self.source / folder}. `--source` must be the folder of "
                f"CREMA-D that holds {VIDEOS}, {SOUNDS} and {ACTORS}."
            )
        return stems


def _check(path: Path) -> None:
    """Say what is wrong with a file that cannot be the recording."""
    if not path.is_file():
        raise ClipError(f"No file {path}. Fetch it again, or leave its other half out as well.")
    with path.open("rb") as file:
        if file.read(len(POINTER)) == POINTER:
            raise ClipError(
                f"{path} is what git keeps in place of a large file, not the recording. Install "
                "git-lfs and run `git lfs pull` in the corpus."
            )
