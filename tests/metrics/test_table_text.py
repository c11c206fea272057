import csv
import io
import math
from pathlib import Path

from talkface.metrics.table import Cell, ResultTable
from talkface.metrics.table_text import (
    breakdown_csv,
    breakdown_markdown,
    clips_csv,
    escaped,
    to_csv,
    to_latex,
    to_markdown,
    write_table,
)


def table() -> ResultTable:
    result = ResultTable(protocol={"clips": 3, "side": 64}, notes=["One sentence."])
    result.set("audio", "psnr", Cell.mean({"a": 20.0, "b": 22.0, "c": 24.0}))
    result.set("truth", "psnr", Cell.mean({"a": math.inf, "b": math.inf, "c": math.inf}))
    result.set("audio", "holes", Cell.mean({"a": 0.5, "b": math.nan, "c": 1.5}))
    result.set("audio", "mouth_gain", Cell(0.87))
    return result


def lines_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_markdown_shows_rows_and_metrics_in_their_order_with_arrows_to_the_better() -> None:
    lines = to_markdown(table()).splitlines()
    assert lines[0] == "|  | PSNR [dB] ↑ | holes [‰] ↓ | mouth gain |"
    assert lines[1] == "| :-- | --: | --: | --: |"
    assert lines[2] == "| ground truth | ∞ | – | – |"
    assert lines[3] == "| audio-driven | 22.00 ± 2.26 | 1.000 ± 0.980 | 0.87 |"
    assert lines[5] == "Protocol: clips: 3; side: 64."
    assert lines[7] == "One sentence."


def test_latex_is_a_booktabs_table_of_the_same_figures() -> None:
    lines = to_latex(table()).splitlines()
    assert lines[0] == r"\begin{tabular}{lrrr}"
    assert lines[2] == (
        r" & PSNR [dB] $\uparrow$ & holes [\textperthousand{}] $\downarrow$ & mouth gain \\"
    )
    assert lines[4] == r"ground truth & $\infty$ & -- & -- \\"
    assert lines[5] == r"audio-driven & $22.00 \pm 2.26$ & $1.000 \pm 0.980$ & $0.87$ \\"
    assert lines[-1] == r"\end{tabular}"


def test_latex_prints_names_of_methods_as_they_are() -> None:
    assert escaped(r"a_b & 50% {x}\y") == r"a\_b \& 50\% \{x\}\textbackslash{}y"


def test_csv_has_a_line_for_every_figure_with_its_interval_and_count() -> None:
    lines = {(line["row"], line["metric"]): line for line in lines_of(to_csv(table()))}
    assert len(lines) == 4
    psnr = lines["audio", "psnr"]
    assert (float(psnr["value"]), psnr["clips"]) == (22, "3")
    assert abs(float(psnr["ci95_low"]) - (22 - 2.2632)) < 1e-3
    assert lines["audio", "holes"]["clips"] == "2"
    assert lines["truth", "psnr"] == {
        "row": "truth",
        "metric": "psnr",
        "value": "inf",
        "ci95_low": "",
        "ci95_high": "",
        "clips": "3",
    }
    assert lines["audio", "mouth_gain"]["ci95_low"] == lines["audio", "mouth_gain"]["clips"] == ""


def test_every_clip_keeps_its_figures_beside_what_is_known_about_it() -> None:
    result = table()
    result.clips = {"a": {"word": "BLUE", "speaker": "s1"}, "b": {"speaker": "s2"}}
    lines = lines_of(clips_csv(result))
    assert list(lines[0]) == ["clip", "word", "speaker", "row", "psnr", "holes"]
    by_clip = {(line["clip"], line["row"]): line for line in lines}
    assert len(by_clip) == 6
    assert by_clip["a", "audio"]["word"] == "BLUE"
    assert by_clip["b", "audio"] == {
        "clip": "b",
        "word": "",
        "speaker": "s2",
        "row": "audio",
        "psnr": "22.0",
        "holes": "",
    }
    assert by_clip["c", "truth"]["psnr"] == "inf"


def test_means_are_broken_down_by_word_and_emotion() -> None:
    result = table()
    result.clips = {
        "a": {"word": "BLUE", "emotion": "ANG"},
        "b": {"word": "RED", "emotion": "ANG"},
        "c": {"word": "BLUE", "emotion": "SAD"},
    }
    values = {
        (line["by"], line["of"]): float(line["value"])
        for line in lines_of(breakdown_csv(result))
        if (line["row"], line["metric"]) == ("audio", "psnr")
    }
    assert values == {
        ("word", "BLUE"): 22,
        ("word", "RED"): 22,
        ("emotion", "ANG"): 21,
        ("emotion", "SAD"): 24,
    }
    text = breakdown_markdown(result).split("## audio-driven, by emotion")[1].splitlines()
    assert text[2] == "|  | PSNR [dB] ↑ | holes [‰] ↓ |"
    assert text[4] == "| ANG (2) | 21.00 ± 1.96 | 0.500 |"


def test_breakdowns_are_written_only_where_there_is_something_to_break_down(
    tmp_path: Path,
) -> None:
    plain = ["clips.csv", "table.csv", "table.json", "table.md", "table.tex"]
    result = table()
    write_table(result, tmp_path / "plain")
    assert sorted(path.name for path in (tmp_path / "plain").iterdir()) == plain
    result.clips = {"a": {"speaker": "s1"}, "b": {"speaker": "s1"}}
    write_table(result, tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == plain
    result.clips["b"] = {"speaker": "s2"}
    write_table(result, tmp_path / "two")
    more = sorted([*plain, "breakdown.csv", "breakdown.md"])
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == more
