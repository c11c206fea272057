from talkface.metrics.protocol import STATEMENTS, statements
from talkface.metrics.table import COLUMNS


def test_only_what_was_measured_is_stated_under_its_title() -> None:
    told = statements(["psnr", "eye_r", "sparkle"])
    assert list(told) == ["PSNR [dB]"]
    assert "[0, 1]" in told["PSNR [dB]"]


def test_every_metric_has_a_statement_of_its_own_or_that_of_another() -> None:
    assert set(COLUMNS) - set(STATEMENTS) == {"eye_r", "eye_gain", "head_gain", "lse_offset"}
