import pytest

from talkface.diagrams.units import operations, parameters, shape


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.00 k"),
        (65_999, "66.0 k"),
        (456_789, "457 k"),
        (2_421_152, "2.42 M"),
        (28_810_993, "28.8 M"),
    ],
)
def test_parameters_have_three_figures(count: int, text: str) -> None:
    assert parameters(count) == text


@pytest.mark.parametrize(
    ("flops", "text"),
    [
        (0, "0 FLOP"),
        (512, "512 FLOP"),
        (131_584, "132 kFLOP"),
        (35_700_000, "35.7 MFLOP"),
        (32_456_000_000, "32.5 GFLOP"),
    ],
)
def test_operations_have_three_figures_and_a_unit(flops: int, text: str) -> None:
    assert operations(flops) == text


def test_shapes_are_read_as_products() -> None:
    assert shape((64, 16, 16)) == "64 × 16 × 16"
    assert shape((256,)) == "256"
