import re
from pathlib import Path

import numpy as np
import pytest

from data_prep.build import ClipJob, build
from data_prep.corpora.actors import read_actors
from data_prep.corpora.cremad import EMOTIONS, SENTENCES, STEM
from data_prep.puppets import PuppetSettings
from data_prep.puppets.corpus import plan_recordings
from data_prep.puppets.recording import is_complete, perform
from data_prep.rendered import render_puppets
from data_prep.splits import Holdout
from talkface.data.layout import read_manifest
from talkface.data.media import read_audio, read_video

SMALL = PuppetSettings(
    identities=1,
    val_identities=0,
    test_identities=1,
    clips_per_identity=1,
    side=64,
    workers=0,
    layout="cremad",
)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("espeakng_loader", reason="needs talkface[demo]")
    folder = tmp_path_factory.mktemp("puppets")
    job = ClipJob(render_puppets(folder, SMALL), folder, side=64, landmarks="sidecar")
    assert build(job, Holdout(), workers=0).skipped == {}
    return folder


def test_an_actor_has_the_recordings_of_the_corpus_feelings_in_turn() -> None:
    recordings = plan_recordings(PuppetSettings(identities=1, clips_per_identity=82))[:82]
    assert len({recording.stem for recording in recordings}) == 82
    assert all(STEM.fullmatch(recording.stem) for recording in recordings)
    assert {r.sentence for r in recordings} == set(SENTENCES)
    for first in (0, 6, 12):
        assert {r.emotion for r in recordings[first : first + 6]} == set(EMOTIONS)
    assert {r.level for r in recordings if r.sentence == "IEO"} == {"LO", "MD", "HI", "XX"}
    with pytest.raises(ValueError, match="has 82 recordings in CREMA-D; found 83"):
        PuppetSettings(clips_per_identity=83, layout="cremad")


def test_every_file_of_cremad_and_the_sidecars(output: Path) -> None:
    raw = output / "raw"
    assert read_actors(raw / "VideoDemographics.csv").keys() == {"1001", "1002"}
    for recording in plan_recordings(SMALL):
        assert is_complete(raw, recording)
        assert re.fullmatch(r"VideoFlash/100[12]_[A-Z_]+\.flv", str(recording.video(Path())))
        frames = read_video(recording.video(raw))
        sound = read_audio(recording.sound(raw))
        assert len(sound) == len(frames) * 640
        points = np.load(recording.video(raw, ".landmarks.npy"))
        assert points.shape == (len(frames), 68, 2)
    assert not list(output.rglob("*.part"))


def test_the_video_holds_what_was_painted(output: Path) -> None:
    recording = plan_recordings(SMALL)[0]
    performance = perform(recording)
    heard = read_audio(recording.sound(output / "raw")).numpy()
    np.testing.assert_array_equal(heard, performance.utterance.sound)
    assert len(performance.moments) * 1600 == len(heard) * 3
    assert np.abs(heard[: round(performance.utterance.start * 16_000)]).max() < 150
    assert np.abs(heard).max() > 3000


def test_they_are_prepared_through_the_reader_by_actor(output: Path) -> None:
    records = [record for split in ("train", "test") for record in read_manifest(output, split)]
    assert sorted(record.speaker for record in records) == ["1001", "1002"]
    for recording in plan_recordings(SMALL):
        (record,) = (r for r in records if r.id.endswith(recording.stem))
        assert (record.emotion, record.level) == (recording.emotion, recording.level)
        assert record.text == SENTENCES[recording.sentence]
        (span,) = record.words
        utterance = perform(recording).utterance
        assert (span.start, span.end) == pytest.approx((utterance.start, utterance.end), abs=1e-3)
        assert record.demographics is not None


def test_settings_of_words_are_stored_as_ever(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="needs talkface[demo]")
    nobody = PuppetSettings(identities=0, val_identities=0, test_identities=0)
    render_puppets(tmp_path, nobody)
    assert "layout" not in (tmp_path / "raw" / "puppets.json").read_text()
