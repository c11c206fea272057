"""What W&B keeps of a training and its test, read back by W&B's own reader."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import yaml

from talkface.cli import main
from tests.test_cli import TINY

SHOWN = """
trainer:
  max_epochs: 2
  callbacks:
    - class_path: talkface.callbacks.StripPanel
    - class_path: talkface.callbacks.ClipVideos
      init_args: {clips: 1}
evaluation: {reader: null}
"""

pytestmark = pytest.mark.slow


@dataclass
class Offline:
    """A directory of an offline run.

    Attributes:
        folder: Where it is.
        records: What was written, in its order, each with its ``type``.
        end: State, config and summary at the end.
    """

    folder: Path
    records: list[dict[str, Any]]
    end: dict[str, Any]

    @property
    def run(self) -> dict[str, Any]:
        (run,) = self.of("run")
        return run

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record[kind] for record in self.records if record["type"] == kind]

    def rows(self, key: str) -> list[dict[str, Any]]:
        """Rows of the history that have a key."""
        return [one["item"] for one in self.of("history") if key in one["item"]]

    def table(self, key: str) -> dict[str, Any]:
        tree: dict[str, Any] = json.loads(self.media(self.end["summary"][key]["path"]).read_text())
        return tree

    def media(self, name: str) -> Path:
        return self.folder / "files" / name


def inspect(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", *options, str(folder)]
    env = {**os.environ, "WANDB_ERROR_REPORTING": "false"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


def read(run: Path) -> Offline:
    (folder,) = (run / "wandb").glob("offline-run-*")
    records = [json.loads(line) for line in inspect(folder).splitlines()]
    return Offline(folder, records, json.loads(inspect(folder, "--summary")))


@pytest.fixture(scope="module")
def kept(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Offline, Offline]]:
    """The W&B directories of a training and of its test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("kept"))
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_SILENT", "true")
        Path("tiny.yaml").write_text(TINY)
        Path("shown.yaml").write_text(SHOWN)
        what = ["--config=tiny.yaml", "--config=shown.yaml", f"--data.root={prepared}"]
        main(["fit", *what, "--wandb.tags=[first]"])
        run = Path("runs/tiny+shown").resolve()
        main(["test", *what, f"--ckpt_path={run}/checkpoints/last.ckpt"])
        yield read(run), read(run / "test")


@pytest.fixture
def fit(kept: tuple[Offline, Offline]) -> Offline:
    return kept[0]


@pytest.fixture
def test(kept: tuple[Offline, Offline]) -> Offline:
    return kept[1]


def loudest(path: Path) -> float:
    """Loudest sample of the sound of a video, in [0, 1]."""
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(file.streams.audio[0])]
    return float(np.abs(np.concatenate(frames, axis=1)).max())


def test_a_run_is_named_grouped_and_tagged(fit: Offline) -> None:
    assert fit.run["display_name"] == "tiny+shown seed 0"
    assert fit.run["run_group"] == "tiny+shown"
    assert fit.run["job_type"] == "fit"
    assert fit.run["tags"] == ["first"]
    assert fit.end["exit_code"] == 0


def test_the_config_is_the_resolved_tree_and_the_version_of_the_code(fit: Offline) -> None:
    saved = yaml.safe_load((fit.folder.parents[1] / "config.yaml").read_text())
    config = fit.end["config"]
    assert config["model"]["terms"]["pixel"]["init_args"]["weight"] == 1.0
    assert config["model"].keys() == saved["model"].keys()
    assert config["data"]["resolution"] == saved["data"]["resolution"] == 64
    assert {key for key in config if "/" in key} == {
        *("code/version", "code/commit", "code/dirty"),
        *("code/torch", "code/lightning", "code/cuda"),
    }
    assert config["code/torch"]
    assert "terms" not in config  # the model's settings are there once


def test_the_system_is_known(fit: Offline) -> None:
    known = {key: value for part in fit.of("environment") for key, value in part.items()}
    assert known.keys() >= {"os", "python", "executable", "cpu_count", "memory"}
    assert "torch==" in fit.media("requirements.txt").read_text()
    assert fit.of("stats")


def test_metrics_have_a_best_and_a_last_value(fit: Offline) -> None:
    summary = fit.end["summary"]
    for key, best in {
        "train/pixel": "min",
        "val/psnr_audio": "max",
        "val/psnr_video": "max",
        "val/psnr_copy": "max",
        "val/sync_accuracy": "max",
    }.items():
        values = [row[key] for row in fit.rows(key)]
        assert len(values) >= 2
        extreme = min(values) if best == "min" else max(values)
        assert summary[key] == {best: extreme, "last": values[-1]}


def test_the_step_counts_training_batches(fit: Offline) -> None:
    assert [row["trainer/global_step"] for row in fit.rows("train/pixel")] == [0, 1, 2, 3]
    assert [row["trainer/global_step"] for row in fit.rows("val/psnr_audio")] == [1, 3]
    assert [row["epoch"] for row in fit.rows("val/psnr_audio")] == [0, 1]
    metrics = {one["name"]: one for one in fit.of("metric") if "name" in one}
    assert metrics["val/psnr_audio"]["step_metric"] == "trainer/global_step"


def test_strips_and_videos_with_sound_of_every_validation_are_there(fit: Offline) -> None:
    strips, videos = fit.rows("val/strips._type"), fit.rows("val/videos._type")
    assert len(strips) == len(videos) == 2
    for row in strips:
        (name,) = row["val/strips.filenames"]
        assert fit.media(name).read_bytes().startswith(b"\x89PNG")
    for row in videos:
        (video,) = row["val/videos.videos"]
        assert video["caption"] == "s0/clip4"
        assert loudest(fit.media(video["path"])) > 0.05


def test_a_test_is_added_to_the_run_of_its_training(fit: Offline, test: Offline) -> None:
    assert test.run["run_id"] == fit.run["run_id"]
    assert test.run["resume"] is True
    assert not {"display_name", "job_type", "run_group", "tags"} & test.run.keys()
    assert test.end["config"].keys() == {"test"}
    assert test.end["config"]["test"]["ckpt_path"].endswith("last.ckpt")
    assert "code/version" in test.end["config"]["test"]


def test_a_test_leaves_the_summary_of_its_training(fit: Offline, test: Offline) -> None:
    numbers = {"epoch", "trainer/global_step", "train/pixel", "val/psnr_audio"}
    for key in numbers:
        assert test.end["summary"][key] == fit.end["summary"][key]


def test_figures_of_a_test_are_numbers_in_the_summary(test: Offline) -> None:
    results = json.loads((test.folder.parents[1] / "table.json").read_text())
    for row in ("copy", "audio", "video"):
        for metric in ("psnr", "ssim"):
            expected = results["rows"][row][metric]["value"]
            assert test.end["summary"][f"test/{row}/{metric}"] == pytest.approx(expected)


def test_tables_of_a_test_hold_plain_numbers(test: Offline) -> None:
    results = json.loads((test.folder.parents[1] / "table.json").read_text())
    clips, rows = test.table("test/clips"), test.table("test/table")
    assert clips["columns"][:5] == ["clip", "word", "speaker", "row", "psnr"]
    lines = {line[3]: line for line in clips["data"]}
    assert list(lines) == ["truth", "copy", "audio", "video"]
    assert lines["audio"][:3] == ["s1/clip5", "NORTH", "bela"]
    assert lines["audio"][4] == pytest.approx(results["rows"]["audio"]["psnr"]["value"])
    assert lines["truth"][4] is None  # infinite
    assert next(line[0] for line in rows["data"]) == "ground truth"
    assert rows["columns"][:3] == ["row", "psnr", "psnr ±"]


def test_strips_and_renderings_with_sound_of_a_test_are_there(test: Offline) -> None:
    summary = test.end["summary"]
    (strip,) = summary["test/strips"]["filenames"]
    assert test.media(strip).read_bytes() == (test.folder.parents[1] / "strip.png").read_bytes()
    (video,) = summary["test/videos"]["videos"]
    assert video["caption"] == "s1/clip5"
    assert loudest(test.media(video["path"])) > 0.05
