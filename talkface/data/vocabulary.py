"""Which words of a corpus are classes."""

from collections.abc import Sequence
from pathlib import Path


class VocabularyError(ValueError):
    """Words are asked for that a corpus does not have."""


def choose_words(
    root: Path, words: Sequence[str], choice: int | Sequence[str] | None
) -> tuple[str, ...]:
    """The words that count as classes; the place of a word is its class.

    Args:
        root: Folder of the corpus, for the message.
        words: All words of the corpus, sorted.
        choice: These words, or so many, evenly spread over ``words``, or all for None.

    Raises:
        VocabularyError: If the corpus does not have them.
    """
    if choice is None:
        return tuple(words)
    if isinstance(choice, int):
        if not 1 <= choice <= len(words):
            raise VocabularyError(
                f"`data.words` asks for {choice} words, but the corpus under {root} has "
                f"{len(words)}. Ask for 1 to {len(words)}, or leave it empty for all."
            )
        return tuple(words[i * len(words) // choice] for i in range(choice))
    missing = sorted(set(choice) - set(words))
    if missing or not choice:
        raise VocabularyError(
            f"`data.words` names {missing or 'no word at all'}; the corpus under {root} has "
            f"{', '.join(words) or 'no words'}."
        )
    return tuple(sorted(set(choice)))
