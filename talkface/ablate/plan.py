"""From a command line to jobs: every arm with every seed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from talkface.ablate.errors import ReservedSettingError, SameFolderError, StraySettingError
from talkface.ablate.job import Job
from talkface.ablate.overlays import find_overlays
from talkface.cli.configs import find_config
from talkface.cli.runs import run_name

RESERVED = frozenset(
    {"--config", "-c", "--seed_everything", "--data.seed", "--ckpt_path", "--wandb.group"}
    | {"--trainer.default_root_dir"}
)
"""Settings that follow from arm, seed and output."""

QUIET = ("--trainer.enable_progress_bar", "false")
"""A default, as nobody watches the bar of a log; a config or a setting can bring it back."""


def plan(
    base: Sequence[str],
    arms: Sequence[str],
    seeds: Sequence[int],
    output: Path,
    settings: Sequence[str] = (),
    test_settings: Sequence[str] = (),
) -> list[Job]:
    """Every arm with every seed; all arms of one seed come before the next seed.

    Args:
        base: Configs of the experiment.
        arms: Overlays, as ``find_overlays`` takes them; the base without overlay is always an arm.
        seeds: Seeds of weights, and of the order and choice of windows.
        output: Jobs are kept in ``output/NAME/seedK``, the name being that of the run.
        settings: Options that every training and test is given. They stand before the overlay:
            after it, one such as ``--model.terms.vgg.init_args.network`` would bring back the term
            that the overlay takes out.
        test_settings: More options of the tests.

    Raises:
        ConfigNotFoundError: If a base config does not exist.
        UnknownOverlayError: If an overlay does not exist.
        ReservedSettingError: If a setting is one that is set for every job.
        StraySettingError: If the settings do not begin with an option.
        SameFolderError: If two arms have one name.
    """
    _check(settings)
    _check(test_settings)
    overlays = list(dict.fromkeys([(), *map(find_overlays, arms)]))
    _check_names(base, overlays, output)
    return [
        _job(base, overlay, seed, output, settings, test_settings)
        for seed in dict.fromkeys(seeds)
        for overlay in overlays
    ]


def _job(
    base: Sequence[str],
    overlay: Sequence[str],
    seed: int,
    output: Path,
    settings: Sequence[str],
    test_settings: Sequence[str],
) -> Job:
    name = _name(base, overlay)
    folder = output / name / f"seed{seed}"
    kept = Job(folder, (), ())
    what = (*QUIET, *_flags(base), *settings, *_flags(overlay))
    which = ("--seed_everything", str(seed), "--wandb.group", name)
    where = "--trainer.default_root_dir"
    # Windows follow the seed in training only: the reader of a test is fitted on windows, too.
    fit = ("fit", *what, *which, "--data.seed", str(seed), where, str(folder))
    checkpoint = ("--ckpt_path", str(kept.checkpoint))
    test = ("test", *what, *test_settings, *which, where, str(kept.table.parent), *checkpoint)
    return Job(folder, fit, test, {config: _content(config) for config in (*base, *overlay)})


def _flags(configs: Sequence[str]) -> Iterator[str]:
    for config in configs:
        yield from ("--config", config)


def _name(base: Sequence[str], overlay: Sequence[str]) -> str:
    return run_name([Path(config) for config in (*base, *overlay)])


def _content(config: str) -> Any:
    """What a config says; its text if that cannot be understood, which the training will tell."""
    text = Path(find_config(config)).read_text()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _check(settings: Sequence[str]) -> None:
    for word in settings:
        flag = word.partition("=")[0]
        if flag in RESERVED:
            raise ReservedSettingError(flag)
    if settings and not settings[0].startswith("--"):
        raise StraySettingError(settings[0])


def _check_names(base: Sequence[str], overlays: Sequence[Sequence[str]], output: Path) -> None:
    arms: dict[str, list[str]] = {}
    for overlay in overlays:
        arms.setdefault(_name(base, overlay), []).append(" and ".join(overlay) or "the base")
    for name, same in arms.items():
        if len(same) > 1:
            raise SameFolderError(output / name, same)
