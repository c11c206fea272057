import json
import os
from pathlib import Path

import pytest

from talkface.report.arms import check_tests, group_runs, notes
from talkface.report.errors import (
    DamagedRunError,
    DifferentTestsError,
    RunNotFoundError,
    SameRunError,
    UnknownArmError,
)
from talkface.report.history import Curve, read_history
from talkface.report.runs import find_runs, find_test
from tests.report.fakes import CONFIG, psnr, write_run, write_test


def test_runs_are_found_at_any_depth_and_tests_are_none(tmp_path: Path) -> None:
    for name in ("grid", "grid+l1"):
        for seed in (0, 1):
            folder = write_run(tmp_path / name / f"seed{seed}", psnr(20), seed=seed)
            (folder / "test" / "config.yaml").write_text("{}")
    arms = group_runs(find_runs([str(tmp_path)]))
    assert [(arm.name, [run.seed for run in arm.runs]) for arm in arms] == [
        ("grid", [0, 1]),
        ("grid+l1", [0, 1]),
    ]


def test_what_lies_inside_a_test_or_a_run_is_no_run(tmp_path: Path) -> None:
    fit = write_run(tmp_path / "fit")
    write_test(tmp_path / "test", psnr(20), {})
    for folder in (fit, tmp_path / "test"):
        files = folder / "wandb" / "run-1_2-a" / "files"
        files.mkdir(parents=True)
        (files / "config.yaml").write_text("seed_everything: 0")
    assert [run.folder for run in find_runs([str(tmp_path)])] == [fit]


def test_a_run_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "runs" / "grid")
    assert len(find_runs([str(folder), str(tmp_path)])) == 1


def test_runs_can_be_named_on_the_command_line(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a" / "fit")
    second = write_run(tmp_path / "b" / "fit")
    arms = group_runs(find_runs([f"base={first}", f"other={second}"]))
    assert [arm.name for arm in arms] == ["base", "other"]


def test_unnamed_folders_are_told_apart_by_those_around_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name / "fit")
    assert [arm.name for arm in group_runs(find_runs([str(tmp_path)]))] == ["a/fit", "b/fit"]


def test_the_group_of_wandb_names_an_arm(tmp_path: Path) -> None:
    for seed in (0, 1):
        config = {"wandb": {"group": "grid"}}
        write_run(tmp_path / f"run{seed}", seed=seed, config=config)
    assert [arm.name for arm in group_runs(find_runs([str(tmp_path)]))] == ["grid"]


def test_the_base_comes_first(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name)
    runs = find_runs([str(tmp_path)])
    assert [arm.name for arm in group_runs(runs, "b")] == ["b", "a"]
    with pytest.raises(UnknownArmError, match="--base is one of: a, b"):
        group_runs(runs, "c")


def test_a_seed_twice_is_refused(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / "grid" / f"seed{seed}", seed=7)
    with pytest.raises(SameRunError, match=r"are both seed 7 of 'grid'.*NAME=RUN"):
        group_runs(find_runs([str(tmp_path)]))


def test_a_folder_without_a_run_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunNotFoundError, match=r"holds notes.txt.*talkface fit"):
        find_runs([str(tmp_path)])
    with pytest.raises(RunNotFoundError, match="does not exist"):
        find_runs([str(tmp_path / "nowhere")])


def test_the_newest_test_counts(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "grid", psnr(20))
    write_test(folder / "test-2", psnr(21), {})
    os.utime(folder / "test" / "table.json", (1, 1))
    assert find_test(folder) == folder / "test-2"


def test_a_test_beside_the_run_is_found_by_its_checkpoint(tmp_path: Path) -> None:
    fit = write_run(tmp_path / "fit")
    write_test(tmp_path / "test", psnr(20), {})
    (tmp_path / "test" / "config.yaml").write_text("ckpt_path: x/other/checkpoints/last.ckpt")
    assert find_test(fit) is None
    (tmp_path / "test" / "config.yaml").write_text("ckpt_path: x/fit/checkpoints/last.ckpt")
    assert find_test(fit) == tmp_path / "test"


def test_runs_without_results_are_named(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    old = write_run(tmp_path / "b", psnr(20))
    (old / "test" / "table.json").write_text('{"format": 1}')
    said = notes(group_runs(find_runs([str(tmp_path)])))
    assert "a (a) has curves only: it was not tested." in said[0]
    assert "its table.json has format 1" in said[1]


@pytest.mark.parametrize(("key", "value"), [("corpus", "grid"), ("side", 128)])
def test_tests_of_another_corpus_or_size_are_refused(
    tmp_path: Path, key: str, value: str | int
) -> None:
    write_run(tmp_path / "a", psnr(20))
    write_run(tmp_path / "b", psnr(20), protocol={key: value})
    with pytest.raises(DifferentTestsError, match=f"another {key} each.*b, seed 0: {value}"):
        check_tests(group_runs(find_runs([str(tmp_path)])))


def test_what_does_not_compare_is_said(tmp_path: Path) -> None:
    write_run(tmp_path / "a" / "seed0", psnr(20, 21))
    other = {"model": {"terms": {"pixel": None}}}
    write_run(tmp_path / "a" / "seed1", psnr(20, 21), seed=1, config=other)
    write_run(tmp_path / "b", psnr(20), protocol={"CPBD": "in another way"})
    said = notes(group_runs(find_runs([str(tmp_path)])))
    assert said[0] == "The runs of a differ in more than the seed: model.terms.pixel."
    assert "different clips (a: 2, b: 1)" in said[1]
    assert said[2].endswith("they differ in: CPBD.")


def test_what_a_run_says_about_itself(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "grid", psnr(20))
    (run,) = find_runs([str(folder)])
    assert (run.corpus, run.seed, run.checkpoint, run.command) == ("puppets", 0, None, None)
    assert run.seconds is None
    (folder / "job.json").write_text(json.dumps({"fit": ["fit", "--config", "my grid.yaml"]}))
    for name, seconds in (("run-1_1-a", 30), ("run-2_2-b", 60)):
        summary = folder / "wandb" / name / "files" / "wandb-summary.json"
        summary.parent.mkdir(parents=True)
        summary.write_text(json.dumps({"_runtime": seconds}))
    assert run.command == "talkface fit --config 'my grid.yaml'"
    assert run.seconds == 90


def test_curves_are_read_and_what_came_again_replaces_what_came_before(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(
        "epoch,step,val/x,train/y\n0,1,,0.5\n0,2,1.0,\n1,4,2.0,\n1,5,nan,\n1,4,3.0,\n"
    )
    history = read_history(tmp_path)
    assert history.curves == {
        "train/y": Curve([1], [0.5]),
        "val/x": Curve([2, 4], [1.0, 3.0]),
    }
    assert (history.epochs, history.steps) == (2, 6)


@pytest.mark.parametrize("text", ["epoch,step,x\n0,one,2\n", "epoch,step,x\n0,1,2,3,4\n", "x\n1\n"])
def test_a_damaged_history_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.csv").write_text(text)
    with pytest.raises(DamagedRunError, match=r"metrics.csv is damaged"):
        read_history(tmp_path)


@pytest.mark.parametrize("text", ["a: [", "just words"])
def test_a_damaged_config_is_named(tmp_path: Path, text: str) -> None:
    (write_run(tmp_path / "a") / "config.yaml").write_text(text)
    with pytest.raises(DamagedRunError, match=r"config.yaml is damaged"):
        find_runs([str(tmp_path)])


def test_a_running_mean_is_narrower_at_the_ends() -> None:
    curve = Curve([0, 1, 2, 3, 4], [0.0, 3.0, 6.0, 0.0, 9.0])
    assert curve.smooth(0.6).values == [0.0, 3.0, 3.0, 5.0, 9.0]
    assert curve.smooth(0.1).values == curve.values


def test_the_config_of_the_fakes_is_the_one_that_is_read(tmp_path: Path) -> None:
    (run,) = find_runs([str(write_run(tmp_path / "a"))])
    assert run.config == CONFIG
