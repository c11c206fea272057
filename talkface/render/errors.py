"""What can be wrong with the inputs of ``generate``, each said with the next step."""

from pathlib import Path

from talkface import faces


class RenderError(ValueError):
    """An input from which no talking face can be made; the message says what to change."""


class NoDriveError(RenderError):
    """Neither sound nor a driving video was given."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing to drive the face with: give sound (--audio speech.wav), "
            "a driving video (--driving video.mp4), or both."
        )


class NoFaceError(RenderError, faces.NoFaceError):
    """A picture or video in which a face is needed shows none."""

    def __init__(self, source: str, searched: int) -> None:
        frames = "the picture" if searched == 1 else f"{searched} frames"
        super().__init__(
            f"No face found in {source} (searched {frames}). Give an upright, well-lit, frontal "
            "face that fills a good part of the picture, or, if it is an aligned square crop "
            "already, say so with --aligned (--driving-aligned for the driving video)."
        )


class NotAlignedError(RenderError):
    """A picture said to be an aligned crop is not square."""

    def __init__(self, source: str, width: int, height: int) -> None:
        super().__init__(
            f"{source} is said to be an aligned crop but is {width}x{height}, not square. "
            "Leave the option out to have the face found, or crop it square."
        )


class OverwriteError(RenderError):
    """The output would replace one of the inputs."""

    def __init__(self, output: Path) -> None:
        super().__init__(f"The output {output} is one of the inputs. Choose another name.")


class CheckpointError(RenderError):
    """A file from which no TalkFace model can be rebuilt."""

    def __init__(self, checkpoint: Path, found: str) -> None:
        super().__init__(
            f"{checkpoint} is not a usable talkface checkpoint: {found}. Give a .ckpt file that "
            "`talkface fit` wrote, for example the last.ckpt of a run."
        )
