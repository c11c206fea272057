"""The portrait and the speech that a demo is made of."""

import wave
from pathlib import Path

import pytest
import torch

from data_prep.sample import main
from talkface.data.layout import ClipReader, read_manifest
from talkface.data.media import read_image


def test_portrait_and_speech_are_those_of_one_speaker(prepared: Path, tmp_path: Path) -> None:
    main([str(prepared), "--split=train", "--clips=2", f"--output={tmp_path}"])
    records = read_manifest(prepared, "train")
    first = ClipReader(prepared, records[0])
    assert torch.equal(read_image(tmp_path / "portrait.png"), first.frames([0])[0])
    same = [record for record in records if record.speaker == records[0].speaker][:2]
    with wave.open(str(tmp_path / "speech.wav"), "rb") as file:
        assert file.getframerate() == 16_000
        assert file.getnframes() == sum(record.samples for record in same)


def test_a_folder_that_was_never_prepared_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "nothing"), f"--output={tmp_path}"])
    assert stop.value.code == 2
    assert "nothing" in capsys.readouterr().err
