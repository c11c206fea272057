"""What can be wrong with a series of ablations, said to its user."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from talkface.cli.configs import shipped_configs


class AblationError(ValueError):
    """The command line of ``talkface ablate`` cannot be followed."""


class UnknownOverlayError(AblationError):
    """An overlay is neither a file nor a shipped one."""

    def __init__(self, name: str) -> None:
        found = [Path(one) for one in shipped_configs()]
        shipped = [path.stem for path in found if path.parent.name == "ablations"]
        super().__init__(
            f"No overlay {name!r}: neither a file seen from {Path.cwd()} nor a shipped overlay. "
            f"Shipped are: {', '.join(shipped) or 'none'}."
        )


class ReservedSettingError(AblationError):
    """A setting was given that follows from the arm, the seed and the output."""

    def __init__(self, flag: str) -> None:
        super().__init__(
            f"{flag} is set for every run by `talkface ablate`. Leave it out; --config, --overlay, "
            "--seeds and --output say what it becomes."
        )


class StraySettingError(AblationError):
    """A word among the settings is none."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word!r} is no setting. Overlays follow --overlay; what every run is given follows "
            "`--`, as in `-- --trainer.max_epochs 12`."
        )


class SameFolderError(AblationError):
    """Two arms would be kept in one folder."""

    def __init__(self, folder: Path, overlays: Iterable[str]) -> None:
        super().__init__(
            f"More than one arm would be kept in {folder}: {', '.join(overlays)}. "
            "Rename one of the files: a run is named after its configs."
        )


class NoJobError(AblationError):
    """A folder holds no job."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} holds no job ({reason}). `talkface ablate … --commands FILE` writes the jobs "
            "and the commands that run them."
        )


class OtherJobError(AblationError):
    """The folder of a job has been worked in under other settings."""

    def __init__(self, folder: Path, differences: Sequence[str]) -> None:
        super().__init__(
            f"{folder} was started with other settings: {'; '.join(differences)}. Use another "
            "--output, go on with the settings of before, or delete that folder."
        )


class JobBusyError(AblationError):
    """Another process works on a job."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"Another process is working in {folder}; leave it to that one.")


class StageError(AblationError):
    """A training or a test ended, but not well."""

    def __init__(self, stage: str, reason: str, log: Path, lines: Sequence[str]) -> None:
        last = "".join(f"\n    {line}" for line in lines)
        super().__init__(f"`{stage}` {reason}; {log} ends with:{last}")


class JobsFailedError(AblationError):
    """Some jobs were not finished."""

    def __init__(self, failed: Sequence[tuple[str, Exception]], total: int) -> None:
        listed = "".join(f"\n  {name}: {error}" for name, error in failed)
        super().__init__(
            f"{len(failed)} of {total} jobs failed:{listed}\nRun the same command again to try "
            "them once more; what is done stays."
        )


class SubmitError(AblationError):
    """A job could not be handed to the scheduler."""
