"""A training that was ended and goes on comes out as if it had not been, bit for bit."""

from pathlib import Path

import pytest

from talkface.cli import main
from tests.survival.survivor import command, content, differences

pytestmark = pytest.mark.slow

STOP = "--trainer.callbacks+=tests.survival.survivor.EndAfter"
VALIDATION = "--trainer.callbacks+=tests.survival.survivor.EndInValidation"


@pytest.fixture(scope="module")
def whole(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an undisturbed run."""
    run = tmp_path_factory.mktemp("whole") / "run"
    main(command(prepared, run))
    return run


def ended(prepared: Path, run: Path, batches: int) -> None:
    with pytest.raises(SystemExit) as stop:
        main(command(prepared, run, STOP, f"--trainer.callbacks.batches={batches}"))
    assert stop.value.code == 143


@pytest.mark.parametrize("told", [{1: 1, 3: 3}, {4: 3, 6: 6}], ids=str)
def test_a_run_ended_anywhere_comes_out_as_an_undisturbed_one(
    prepared: Path, whole: Path, tmp_path: Path, told: dict[int, int]
) -> None:
    run = tmp_path / "run"
    for batch, saved in told.items():
        ended(prepared, run, batch)
        assert content(run)["talkface_steps"] == saved  # a validation follows batch 4
    main(command(prepared, run))
    assert differences(content(run), content(whole)) == []
    assert (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()


@pytest.mark.parametrize(("epoch", "batches"), [(0, 3), (1, 8)], ids=["at once", "at its end"])
def test_a_signal_ends_a_validation_that_may_be_long_and_waits_for_a_short_one(
    prepared: Path, whole: Path, tmp_path: Path, epoch: int, batches: int
) -> None:
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as end:
        main(command(prepared, run, VALIDATION, f"--trainer.callbacks.epoch={epoch}"))
    assert end.value.code == 143
    assert content(run)["talkface_steps"] == batches
    main(command(prepared, run))
    assert differences(content(run), content(whole)) == []
    assert (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()


def test_a_signal_ends_the_check_before_a_training_at_once(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    more = ["--trainer.callbacks.epoch=-1", "--trainer.num_sanity_val_steps=1"]
    with pytest.raises(SystemExit) as end:
        main(command(prepared, tmp_path / "run", VALIDATION, *more))
    assert end.value.code == 143
    assert "ended by SIGTERM after 0 batches. Go on" in caplog.text
    assert not list((tmp_path / "run").glob("checkpoints/*"))
