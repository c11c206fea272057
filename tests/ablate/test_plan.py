"""From a command line to jobs."""

from pathlib import Path

import pytest
import yaml

from talkface.ablate.errors import (
    ReservedSettingError,
    SameFolderError,
    StraySettingError,
    UnknownOverlayError,
)
from talkface.ablate.job import Job
from talkface.ablate.overlays import find_overlays, questions
from talkface.ablate.plan import RESERVED, plan
from talkface.cli.configs import ConfigNotFoundError, config_folder, find_config
from talkface.cli.trainer import TalkFaceCLI

OUT = Path("out")


def value(command: tuple[str, ...], flag: str) -> str:
    """What the last of these flags says."""
    at = len(command) - 1 - command[::-1].index(flag)
    return command[at + 1]


def resolved(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """All settings of a command line, as Lightning's parser understands them."""
    words = [find_config(one) if one.endswith(".yaml") else one for one in command]
    with pytest.raises(SystemExit):
        TalkFaceCLI.run([*words, "--data.root", "x", "--print_config"])
    tree: dict[str, object] = yaml.safe_load(capsys.readouterr().out)
    return tree


def job(arm: str, *settings: str) -> Job:
    return plan(["grid.yaml"], [arm], [0], OUT, settings)[1]


def test_every_arm_and_the_base_run_with_every_seed_one_seed_after_the_other() -> None:
    jobs = plan(["grid.yaml"], ["l1", "no_words"], [0, 7], OUT)
    assert [one.folder.as_posix() for one in jobs] == [
        *("out/grid/seed0", "out/grid+l1/seed0", "out/grid+no_words/seed0"),
        *("out/grid/seed7", "out/grid+l1/seed7", "out/grid+no_words/seed7"),
    ]


def test_what_is_asked_for_twice_runs_once() -> None:
    assert len(plan(["grid.yaml"], ["l1", "ablations/l1.yaml"], [3, 3], OUT)) == 2


def test_a_job_is_grouped_by_its_arm_and_draws_by_its_seed() -> None:
    l1 = plan(["grid.yaml"], ["l1"], [5], OUT)[1]
    for command in (l1.fit, l1.test):
        assert value(command, "--wandb.group") == "grid+l1"
        assert value(command, "--seed_everything") == "5"
    assert value(l1.fit, "--data.seed") == "5"
    assert value(l1.fit, "--trainer.default_root_dir") == "out/grid+l1/seed5"


def test_a_test_reads_the_weights_that_the_training_leaves() -> None:
    l1 = job("l1")
    assert value(l1.test, "--ckpt_path") == "out/grid+l1/seed0/checkpoints/last.ckpt"
    assert value(l1.test, "--trainer.default_root_dir") == "out/grid+l1/seed0/test"


def test_the_reader_of_a_test_is_fitted_on_the_same_windows_for_all_seeds() -> None:
    assert all("--data.seed" not in one.test for one in plan(["grid.yaml"], [], [0, 1], OUT))


def test_settings_reach_trainings_and_tests_and_those_of_tests_no_training() -> None:
    (base,) = plan(["grid.yaml"], [], [0], OUT, ["--data.limit", "4"], ["--evaluation.strips=1"])
    assert value(base.fit, "--data.limit") == value(base.test, "--data.limit") == "4"
    assert "--evaluation.strips=1" in base.test
    assert "--evaluation.strips=1" not in base.fit


def test_a_setting_does_not_bring_back_what_the_overlay_takes_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree = resolved(job("l1", "--model.terms.vgg.init_args.network", "vgg.pt2").fit, capsys)
    model = tree["model"]
    assert isinstance(model, dict)
    assert model["terms"]["vgg"] is None
    assert model["terms"]["pixel"]["init_args"]["power"] == 1


def test_settings_count_where_no_overlay_says_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    tree = resolved(job("no_words", "--trainer.max_epochs", "3", "--data.frames=7").fit, capsys)
    trainer, data = tree["trainer"], tree["data"]
    assert isinstance(trainer, dict)
    assert isinstance(data, dict)
    assert (trainer["max_epochs"], trainer["enable_progress_bar"]) == (3, False)
    assert (data["frames"], data["seed"]) == (7, 0)


def test_overlays_join_in_the_order_given() -> None:
    both = job("whole_picture+upsampling_decoder")
    assert both.folder == OUT / "grid+whole_picture+upsampling_decoder" / "seed0"
    configs = [
        word for before, word in zip(both.fit, both.fit[1:], strict=False) if before == "--config"
    ]
    names = ("grid.yaml", "ablations/whole_picture.yaml", "ablations/upsampling_decoder.yaml")
    assert configs == list(names)


def test_an_overlay_may_be_a_file_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a+b.yaml").write_text("trainer: {max_epochs: 1}")
    Path("mine.yaml").write_text("trainer: {max_epochs: 2}")
    assert find_overlays("a+b.yaml") == ("a+b.yaml",)
    assert find_overlays("mine+l1") == ("mine.yaml", "ablations/l1.yaml")
    assert job("mine").configs["mine.yaml"] == {"trainer": {"max_epochs": 2}}


@pytest.mark.parametrize("arm", ["l2", "l1+l2", "l1.yaml", "grid", ""])
def test_an_overlay_found_nowhere_lists_the_shipped_ones(arm: str) -> None:
    with pytest.raises(UnknownOverlayError, match=r"No overlay .*Shipped are: .*l1, .*no_words"):
        find_overlays(arm)


def test_a_base_found_nowhere_is_told() -> None:
    with pytest.raises(ConfigNotFoundError, match=r"grit\.yaml"):
        plan(["grit.yaml"], [], [0], OUT)


@pytest.mark.parametrize("flag", sorted(RESERVED))
@pytest.mark.parametrize("form", ["{} x", "{}=x"])
def test_what_follows_from_arm_seed_and_output_cannot_be_set(flag: str, form: str) -> None:
    words = form.format(flag).split()
    for settings, tests in ((words, []), ([], words)):
        with pytest.raises(ReservedSettingError, match=f"^{flag} is set for every run"):
            plan(["grid.yaml"], [], [0], OUT, settings, tests)


def test_a_word_that_is_no_setting_is_told() -> None:
    with pytest.raises(StraySettingError, match=r"'l1' is no setting.*--overlay"):
        plan(["grid.yaml"], [], [0], OUT, ["l1"])


def test_two_overlays_of_one_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("l1.yaml").write_text("{}")
    with pytest.raises(SameFolderError, match=r"out/grid\+l1.*ablations/l1\.yaml, l1\.yaml"):
        plan(["grid.yaml"], ["l1", "l1.yaml"], [0], OUT)


def test_every_shipped_overlay_is_one_and_asks_a_question() -> None:
    shipped = {path.stem for path in (config_folder() / "ablations").glob("*.yaml")}
    assert set(questions()) == shipped
    assert all("?" in question for question in questions().values())
    assert all(find_overlays(name) == (f"ablations/{name}.yaml",) for name in shipped)


def test_the_documentation_lists_every_overlay_with_its_question() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ablations.md").read_text()
    listed = [line for line in page.splitlines() if line.startswith("| `")]
    assert listed == [f"| `{name}` | {asked} |" for name, asked in questions().items()]
