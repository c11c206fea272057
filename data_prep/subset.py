"""A part of a raw corpus: some words, some speakers."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from data_prep.corpora.raw import Annotation, ClipError, CorpusError, RawClip, RawCorpus
from talkface.data.vocabulary import choose_words

EXPERIMENTS = (".yaml", ".yml")
NAMED = 8
"""Names that an error lists."""


@dataclass(frozen=True)
class Subset:
    """The clips of a raw corpus in which one of some words is said, by one of some speakers.

    Attributes:
        corpus: The whole corpus.
        words: These words, or so many, evenly spread over the sorted words; None for all.
        speakers: These speakers; None for all.
    """

    corpus: RawCorpus
    words: int | Sequence[str] | None = None
    speakers: Sequence[str] | None = None

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.corpus.name

    def clips(self) -> list[RawClip]:
        """The clips of the part; those that do not tell what is said stay, to be skipped later.

        Raises:
            CorpusError: There is no such word or speaker, or nothing is left.
        """
        whole = clips = self.corpus.clips()
        if self.words is not None:
            clips = self._saying(whole, self.words)
        if self.speakers is not None:
            _check("speaker", self.speakers, {c.group for c in whole if c.group}, self.name)
            clips = [clip for clip in clips if clip.group in self.speakers]
        if not clips:
            raise CorpusError(
                f"None of these speakers of {self.name} says any of these words. Leave out "
                "`--words` or `--speakers`, or name more."
            )
        return clips

    def annotate(self, clip: RawClip) -> Annotation:
        """As the corpus does it."""
        return self.corpus.annotate(clip)

    def _saying(self, clips: Sequence[RawClip], choice: int | Sequence[str]) -> list[RawClip]:
        said = [self._said(clip) for clip in clips]
        known = sorted({word for words in said if words is not None for word in words})
        if isinstance(choice, int):
            if not 1 <= choice <= len(known):
                raise CorpusError(
                    f"`--words {choice}` was asked for, but {self.name} has {len(known)} words "
                    "here. Ask for fewer, or leave the option out for all."
                )
            chosen = set(choose_words(Path(self.name), known, choice))
        else:
            _check("word", choice, known, self.name)
            chosen = set(choice)
        pairs = zip(clips, said, strict=True)
        return [clip for clip, words in pairs if words is None or not chosen.isdisjoint(words)]

    def _said(self, clip: RawClip) -> set[str] | None:
        """The words of a clip, None where it does not tell."""
        if clip.words is not None:
            return set(clip.words)
        try:
            return {span.word for span in self.corpus.annotate(clip).words}
        except ClipError:
            return None


def parse_words(given: Sequence[str] | None) -> int | list[str] | None:
    """What ``--words`` means: words, a number of them, or ``data.words`` of an experiment.

    Raises:
        CorpusError: The experiment does not say which words it trains with.
        OSError: It cannot be read.
    """
    if given is None or len(given) != 1:
        return None if given is None else list(given)
    (only,) = given
    if only.isdigit():
        return int(only)
    return _words_of(Path(only)) if only.endswith(EXPERIMENTS) else [only]


def _words_of(path: Path) -> int | list[str]:
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CorpusError(f"{path} is not YAML ({error}).") from error
    data = fields.get("data") if isinstance(fields, dict) else None
    words = data.get("words") if isinstance(data, dict) else None
    if isinstance(words, int):
        return words
    if isinstance(words, list) and words:
        return [str(word) for word in words]
    raise CorpusError(
        f"{path} has no `data.words`, a number or a list, so it does not say which words it "
        "trains with. Name the words after `--words` instead."
    )


def _check(what: str, asked: Sequence[str], known: Iterable[str], corpus: str) -> None:
    """Raise CorpusError unless all that is asked for is known; say what is like it."""
    names = sorted(known)
    missing = [name for name in asked if name not in names]
    if not missing:
        return
    if not names:
        raise CorpusError(
            f"The folders of {corpus} name no {what}s, so none can be chosen. Leave out "
            f"`--{what}s`."
        )
    close = list(dict.fromkeys(name for wanted in missing for name in _close(wanted, names)))
    kind, some = "Close are", ", ".join(close)
    if not close:
        kind, some = "The first are", ", ".join(names[:NAMED])
    raise CorpusError(
        f"{corpus} has no {what} {', '.join(map(repr, missing))} among its {len(names)} {what}s. "
        f"{kind} {some}. Correct `--{what}s`."
    )


def _close(wanted: str, names: Sequence[str]) -> list[str]:
    """Names that differ by a slip, or by upper and lower case."""
    folded = {name.casefold(): name for name in names}
    return [folded[name] for name in difflib.get_close_matches(wanted.casefold(), folded, n=3)]
