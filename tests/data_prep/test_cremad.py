import json
import logging
from pathlib import Path

import pytest
import torch

from data_prep.__main__ import main
from data_prep.build import ClipJob, build
from data_prep.corpora import ClipError, CorpusError, CremadCorpus
from data_prep.corpora.actors import read_actors
from data_prep.corpora.speech import spoken_span
from data_prep.splits import Holdout, Speakers, SplitBySpeaker
from talkface.data.layout import ClipReader, Demographics, read_corpus, read_manifest
from talkface.data.media import read_audio, read_video
from tests.data_prep.trees import cremad_tree, write_recording, write_speaker, write_wav

STEM = "1001_DFA_ANG_XX"


def listed(root: Path, *stems: str) -> Path:
    """Empty files where a corpus has its recordings, for tests that open none."""
    for folder, suffix in (("VideoFlash", ".flv"), ("AudioWAV", ".wav")):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for stem in stems:
            (root / folder / f"{stem}{suffix}").touch()
    return root


def reason(root: Path, stem: str) -> str:
    corpus = CremadCorpus(root)
    (clip,) = (clip for clip in corpus.clips() if clip.video.stem == stem)
    with pytest.raises(ClipError) as caught:
        corpus.annotate(clip)
    return str(caught.value)


def test_the_name_tells_actor_sentence_emotion_and_level(tmp_path: Path) -> None:
    corpus = CremadCorpus(cremad_tree(tmp_path, ("1001_IEO_SAD_HI",)))
    (clip,) = corpus.clips()
    assert (clip.id, clip.group, clip.split) == ("1001/1001_IEO_SAD_HI", "1001", None)
    annotation = corpus.annotate(clip)
    assert annotation.speaker == "1001"
    assert [span.word for span in annotation.words] == ["IEO"]
    assert (annotation.emotion, annotation.level) == ("SAD", "HI")
    assert annotation.text == "It's eleven o'clock"
    assert annotation.demographics == Demographics(51, "Male", "Caucasian", "Not Hispanic")


def test_the_corpus_is_prepared_with_the_sound_of_the_wav(tmp_path: Path) -> None:
    corpus = CremadCorpus(cremad_tree(tmp_path / "raw", (STEM, "1002_TIE_HAP_LO")))
    job = ClipJob(corpus, tmp_path / "out", side=64, landmarks="sidecar")
    assert build(job, Holdout(0, 0), workers=0).skipped == {}
    assert read_corpus(job.output).words == ("DFA", "TIE")
    first, second = read_manifest(job.output, "train")
    assert (first.emotion, first.level, first.text) == ("ANG", "XX", "Don't forget a jacket")
    assert first.demographics == Demographics(51, "Male", "Caucasian", "Not Hispanic")
    assert second.demographics is None
    assert (first.frames, first.samples) == (25, 16_000)
    wav = read_audio(tmp_path / "raw" / "AudioWAV" / f"{STEM}.wav")
    torch.testing.assert_close(ClipReader(job.output, first).sound(), wav)
    (span,) = first.words
    assert [span.start, span.end] == pytest.approx([0.20, 0.80], abs=0.02)


def test_thirty_frames_a_second_become_twenty_five_that_fit_their_landmarks(tmp_path: Path) -> None:
    root = cremad_tree(tmp_path, (STEM,))
    frames = read_video(root / "VideoFlash" / f"{STEM}.flv").double()
    assert tuple(frames.shape) == (25, 3, 96, 128)
    weight = (frames.amax(dim=1) - 100).clamp(min=0)
    middle = (weight.sum(dim=1) * torch.arange(128)).sum(dim=1) / weight.sum(dim=(1, 2))
    moved = torch.tensor([round(1.2 * t) / 3 for t in range(25)]).double()
    torch.testing.assert_close(middle - middle[0], moved, atol=0.25, rtol=0)


@pytest.mark.parametrize(
    ("stem", "message"),
    [
        ("1076_MTI_SAD_XX", "damaged in the corpus as published: its video shows an error"),
        ("1064_IEO_DIS_MD", "a minute long"),
        ("1001_DFA_JOY_XX", "1001_DFA_JOY_XX is not named ACTOR_SENTENCE_EMOTION_LEVEL"),
        ("notes", "is not named"),
    ],
)
def test_bad_stems_are_explained(tmp_path: Path, stem: str, message: str) -> None:
    assert message in reason(listed(tmp_path, STEM, stem), stem)


@pytest.mark.parametrize(
    "missing", ["VideoFlash/1002_TIE_HAP_LO.flv", "AudioWAV/1002_TIE_HAP_LO.wav"]
)
def test_half_a_recording_is_explained(tmp_path: Path, missing: str) -> None:
    listed(tmp_path, STEM, "1002_TIE_HAP_LO")
    (tmp_path / missing).unlink()
    assert f"No file {tmp_path / missing}" in reason(tmp_path, "1002_TIE_HAP_LO")


def test_a_pointer_of_git_lfs_is_explained(tmp_path: Path) -> None:
    root = listed(tmp_path, STEM)
    (root / "VideoFlash" / f"{STEM}.flv").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "git lfs pull" in reason(root, STEM)


def test_the_one_level_that_was_published_short_is_read(tmp_path: Path) -> None:
    corpus = CremadCorpus(listed(tmp_path, "1040_ITH_SAD_X"))
    write_wav(tmp_path / "AudioWAV" / "1040_ITH_SAD_X.wav", 1.0)
    assert corpus.annotate(corpus.clips()[0]).level == "XX"


def test_a_sidecar_adds_exact_times(tmp_path: Path) -> None:
    corpus = CremadCorpus(cremad_tree(tmp_path, (STEM,)))
    clip = corpus.clips()[0]
    write_speaker(clip.video, word_start=0.31, word_end=0.77)
    (span,) = corpus.annotate(clip).words
    assert (span.start, span.end) == (0.31, 0.77)


def test_actors_without_demographics_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = listed(tmp_path, STEM, "1002_TIE_HAP_LO", "1003_TIE_HAP_LO")
    with caplog.at_level(logging.WARNING):
        CremadCorpus(root).clips()
        (root / "VideoDemographics.csv").write_text(
            "ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,Caucasian,Not Hispanic\n"
        )
        CremadCorpus(root).clips()
    none, some = caplog.messages
    assert "does not describe any actor" in none
    assert "does not describe actors 1002, 1003: their clips are prepared without" in some


def test_the_table_of_actors_may_have_gaps_but_no_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "VideoDemographics.csv"
    path.write_text("\ufeffActorID,Age,Sex,Race,Ethnicity\r\n1002,,Female,Asian,\r\n")
    assert read_actors(path) == {"1002": Demographics(None, "Female", "Asian", None)}
    path.write_text("ActorID,Age,Sex,Race,Ethnicity\n1002,old,Female,Asian,\n")
    with pytest.raises(CorpusError, match="'1002' of age 'old'"):
        read_actors(path)
    path.write_text("ActorID,Age\n1002,3\n")
    with pytest.raises(CorpusError, match="has columns ActorID, Age; expected are ActorID, Age, S"):
        read_actors(path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"No \.flv under .* `--source` must be the folder of"):
        CremadCorpus(tmp_path).clips()


def test_every_actor_is_in_one_split_whatever_else_is_there(tmp_path: Path) -> None:
    stems = [f"{actor}_{code}_NEU_XX" for actor in range(1001, 1021) for code in ("DFA", "TSI")]
    corpus = CremadCorpus(listed(tmp_path, "notes", *stems))
    clips = SplitBySpeaker(corpus, Speakers(val=3, test=4)).clips()
    splits = {s: {c.group for c in clips if c.split == s} for s in ("train", "val", "test")}
    assert {name: len(actors - {""}) for name, actors in splits.items()} == {
        "train": 13,
        "val": 3,
        "test": 4,
    }
    assert sum(map(len, splits.values())) == len(set.union(*splits.values()))
    more = SplitBySpeaker(corpus, Speakers(val=9, test=4)).clips()
    assert {c.group for c in more if c.split == "test"} == splits["test"]
    other = SplitBySpeaker(corpus, Speakers(val=3, test=4, seed=1)).clips()
    assert {c.group for c in other if c.split == "test"} != splits["test"]
    with pytest.raises(CorpusError, match=r"20 speakers, but 12 .* 9 .*Lower `--test` and `--val`"):
        SplitBySpeaker(corpus, Speakers(val=9, test=12)).clips()


def test_it_has_its_command_and_says_what_it_skips(tmp_path: Path) -> None:
    stems = ("1002_DFA_ANG_XX", "1003_DFA_ANG_XX", "1076_DFA_ANG_XX")
    source = cremad_tree(tmp_path / "raw", stems, "1002,33,Female,Asian,Hispanic\n")
    write_recording(source, "1076_MTI_SAD_XX")
    options = ["--val=1", "--test=1", "--side=64", "--landmarks=sidecar", "--workers=0"]
    output = tmp_path / "out"
    assert main(["cremad", f"--source={source}", f"--output={output}", *options]) == 0
    records = [r for s in ("train", "val", "test") for r in read_manifest(output, s)]
    assert sorted(record.id for record in records) == [f"{s[:4]}/{s}" for s in stems]
    (skipped,) = (output / "skipped.jsonl").read_text().splitlines()
    assert json.loads(skipped)["id"] == "1076/1076_MTI_SAD_XX"


def test_speech_is_found_by_its_loudness() -> None:
    rng = torch.Generator().manual_seed(0)
    sound = 30 * torch.randn(32_000, generator=rng)
    sound[8_000:20_000] += 5_000 * torch.sin(torch.arange(12_000) / 10)
    assert spoken_span(sound.short()) == pytest.approx((0.45, 1.30), abs=0.011)
    assert spoken_span(torch.zeros(16_000, dtype=torch.int16)) == (0.0, 1.0)
    assert spoken_span(sound[8_000:20_000].short()) == (0.0, 0.75)
    assert spoken_span(torch.zeros(0, dtype=torch.int16)) == (0.0, 0.0)
