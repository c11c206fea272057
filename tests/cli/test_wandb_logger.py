"""Which W&B run something belongs to, what its summary has, and that it ends no training."""

from pathlib import Path
from typing import Any

import pytest

from talkface.cli import wandb_rows
from talkface.cli.history import NAME
from talkface.cli.runs import Wandb, kept_run, make_loggers, start_wandb, stop_wandb
from talkface.cli.wandb_logger import KEPT, KeptRun, RunLogger, best


class Run:
    """Stands for a W&B run, and keeps book of what it is asked."""

    def __init__(self, **options: Any) -> None:
        self.options, self.id = options, options.get("id") or "new"
        self.metrics: list[tuple[str, dict[str, Any]]] = []
        self.rows: list[dict[str, Any]] = []
        self.config: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.broken = self.finished = False
        self.starting_step = 0

    def define_metric(self, name: str, **options: Any) -> None:
        self.metrics.append((name, options))

    def log(self, row: dict[str, Any]) -> None:
        if self.broken:
            raise BrokenPipeError("the service is gone")
        self.rows.append(row)

    def finish(self) -> None:
        self.finished = True
        if self.broken:
            raise BrokenPipeError("the service is gone")


class Config(dict[str, Any]):
    """W&B's, which is asked whether values may change."""

    def update(self, tree: dict[str, Any], allow_val_change: bool) -> None:  # type: ignore[override]
        assert allow_val_change
        super().update(tree)


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that are started."""
    started: list[Run] = []

    def init(**options: Any) -> Run:
        started.append(Run(**options))
        started[-1].config = Config()
        return started[-1]

    monkeypatch.setattr("wandb.init", init)
    monkeypatch.setenv("PL_GLOBAL_SEED", "3")
    return started


OFFLINE = Wandb(mode="offline")


def trained(folder: Path) -> Path:
    """The folder of a run, and the checkpoint in it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").touch()
    return folder / "checkpoints" / "last.ckpt"


def start(folder: Path, command: str = "fit", checkpoint: Path | None = None) -> RunLogger:
    logger = start_wandb(folder, "lrw+l1", OFFLINE, command, checkpoint)
    assert logger is not None
    return logger


@pytest.mark.parametrize(
    ("key", "which"),
    [
        ("train/vgg", "min"),
        ("train/accuracy", "max"),
        ("val/psnr_audio", "max"),
        ("val/sync_accuracy", "max"),
        ("val/verification_unseen", "max"),
        ("val/threshold_seen", None),
        ("val/videos", None),
        ("adversary/gan", None),
        ("test/audio/psnr", None),
        ("epoch", None),
    ],
)
def test_the_best_of_a_metric_is_its_largest_or_smallest_value(key: str, which: str | None) -> None:
    assert best(key) == which


def test_seeds_of_the_same_configs_are_told_apart_and_grouped(
    tmp_path: Path, runs: list[Run]
) -> None:
    start(tmp_path)
    assert runs[0].options["name"] == "lrw+l1 seed 3"
    assert runs[0].options["group"] == "lrw+l1"
    assert runs[0].options["job_type"] == "fit"
    start_wandb(tmp_path, "lrw+l1", Wandb(mode="offline", group="mine"))
    assert runs[1].options["group"] == "mine"


def test_a_test_is_added_to_the_run_of_its_training_and_brings_its_summary(
    tmp_path: Path, runs: list[Run]
) -> None:
    fit = start(tmp_path)
    runs[0].summary = {"val/psnr_audio": {"max": 30.0, "last": 29.0}, "epoch": 4, "_step": 7}
    runs[0].summary["val/strips"] = {"_type": "images", "count": 1}
    stop_wandb([fit])
    assert runs[0].finished

    test = start(tmp_path / "test", "test", trained(tmp_path))
    assert runs[1].options["id"] == runs[0].id
    assert runs[1].options["resume"] == "allow"
    assert not {"job_type"} & runs[1].options.keys()
    assert runs[1].options["name"] is None
    assert runs[1].summary == {"val/psnr_audio": {"max": 30.0, "last": 29.0}, "epoch": 4}
    runs[1].summary["test/audio/psnr"] = 28.0
    stop_wandb([test])
    known = KeptRun.read(tmp_path / KEPT)
    assert known is not None
    assert known.summary["test/audio/psnr"] == 28.0


def test_settings_and_steps_of_a_training_outlive_its_test(tmp_path: Path, runs: list[Run]) -> None:
    start(tmp_path).log_hyperparams({"data": {"root": "lrw"}})
    test = start(tmp_path / "test", "test", trained(tmp_path))
    test.log_hyperparams({"data": {"root": "grid"}})
    test.log_hyperparams({"ckpt_path": "last.ckpt"})
    test.log_metrics({"test/audio/psnr": 28.0, "epoch": 0}, step=0)
    assert runs[0].config["data"] == {"root": "lrw"}
    assert runs[1].config.keys() == {"test"}
    settings = runs[1].config["test"]
    assert settings["data"] == {"root": "grid"}
    assert settings["ckpt_path"] == "last.ckpt"
    assert "code/version" in settings
    assert runs[1].rows == [{"test/audio/psnr": 28.0}]
    assert runs[1].metrics[-1] == ("*", {"overwrite": True})


def test_a_test_of_a_checkpoint_from_elsewhere_is_a_run_of_its_own(
    tmp_path: Path, runs: list[Run]
) -> None:
    start(tmp_path, "test", tmp_path / "elsewhere.ckpt").log_hyperparams({"data": 1})
    assert runs[0].options["id"] is None
    assert runs[0].options["job_type"] == "test"
    assert runs[0].config["data"] == 1
    assert not (tmp_path / KEPT).exists()


def test_a_training_that_goes_on_stays_the_same_run_and_a_new_one_does_not(
    tmp_path: Path,
) -> None:
    KeptRun("abc", {}).write(tmp_path / KEPT)
    checkpoint = trained(tmp_path)
    assert kept_run(tmp_path, "fit", checkpoint) == (tmp_path / KEPT, KeptRun("abc", {}))
    assert kept_run(tmp_path, "fit", None) == (tmp_path / KEPT, None)
    other = tmp_path / "other"
    assert kept_run(other, "fit", checkpoint) == (other / KEPT, None)
    assert kept_run(other, "validate", checkpoint) == (None, None)


def test_a_run_that_is_not_known_or_damaged_is_none(tmp_path: Path) -> None:
    assert KeptRun.read(tmp_path / "run.json") is None
    for text in ("", "[]", "{}", '{"id": "a"}'):
        (tmp_path / "run.json").write_text(text)
        assert KeptRun.read(tmp_path / "run.json") is None


def test_a_prediction_starts_no_run(tmp_path: Path, runs: list[Run]) -> None:
    assert len(make_loggers(tmp_path, "lrw", OFFLINE, "predict")) == 1
    assert runs == []


def test_a_metric_is_defined_once_by_its_full_name(tmp_path: Path, runs: list[Run]) -> None:
    logger = start(tmp_path)
    for step in (5, 6):
        logger.log_metrics({"val/psnr_audio": 1.0, "adversary/gan": 2.0}, step)
    summed = [(name, options) for name, options in runs[0].metrics if "summary" in options]
    options = {"step_metric": "trainer/global_step", "summary": "max,last"}
    assert summed == [("val/psnr_audio", options)]
    assert [row["trainer/global_step"] for row in runs[0].rows] == [5, 6]


def test_settings_that_lightning_logs_of_the_model_are_not_logged_twice(
    tmp_path: Path, runs: list[Run]
) -> None:
    start(tmp_path).log_hyperparams({"_instantiator": "x", "terms": {}})
    assert "terms" not in runs[0].config


def test_no_failure_of_wandb_ends_a_training_and_one_is_told(
    tmp_path: Path, runs: list[Run], caplog: pytest.LogCaptureFixture
) -> None:
    logger = start(tmp_path)
    runs[0].broken = True
    for step in range(3):
        logger.log_metrics({"train/pixel": 1.0}, step)
    stop_wandb([logger])
    assert caplog.text.count("the service is gone") == 1


@pytest.fixture
def gone_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunLogger:
    """A logger of a run of which W&B has training rows up to step 3, and a validation at 1."""
    last = {"train/pixel": 3, "val/psnr_audio": 1, "epoch": 3}
    monkeypatch.setattr(wandb_rows.Rows, "read", lambda *_: wandb_rows.Rows(last))
    KeptRun("abc", {}).write(tmp_path / KEPT)
    rows = ["epoch,step,train/pixel,val/psnr_audio"]
    rows += ["0,1,0.5,", "0,1,,9.0", "1,3,0.25,", "1,3,,10.0"]
    (tmp_path / NAME).write_text("\n".join(rows) + "\n")
    return start(tmp_path, "fit", trained(tmp_path))


def test_a_training_that_goes_on_logs_no_row_again(gone_on: RunLogger, runs: list[Run]) -> None:
    for step in (2, 3, 4):
        gone_on.log_metrics({"train/pixel": 1.0 * step, "epoch": 1}, step)
    assert [row["trainer/global_step"] for row in runs[0].rows] == [4]


def test_a_training_that_goes_on_logs_what_a_kill_took_from_wandb(
    gone_on: RunLogger, runs: list[Run]
) -> None:
    gone_on.log_metrics({"train/pixel": 7.0, "epoch": 2}, 4)
    lost, new = runs[0].rows
    assert lost == {"val/psnr_audio": 10.0, "trainer/global_step": 3}
    assert new == {"train/pixel": 7.0, "epoch": 2, "trainer/global_step": 4}
