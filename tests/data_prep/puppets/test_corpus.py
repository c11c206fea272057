import json
import re
from pathlib import Path

import numpy as np
import pytest

from data_prep.puppets import PuppetSettings, write_corpus
from data_prep.puppets import corpus as module
from data_prep.puppets.clip import is_complete, perform
from data_prep.puppets.corpus import plan
from data_prep.puppets.utterance import FRAMES, WORDS
from talkface.data.media import read_audio, read_video

pytest.importorskip("espeakng_loader", reason="needs talkface[demo]")
SMALL = PuppetSettings(
    identities=1, val_identities=1, test_identities=1, clips_per_identity=1, side=64, workers=0
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("puppets")
    write_corpus(root, SMALL)
    return root


def test_the_vocabulary_is_large_enough() -> None:
    assert len(set(WORDS)) == len(WORDS) >= 40


def test_no_person_appears_in_two_splits() -> None:
    clips = plan(PuppetSettings(identities=20, val_identities=5, test_identities=5))
    people = {s: {c.speaker for c in clips if c.split == s} for s in ("train", "val", "test")}
    assert [len(people[s]) for s in people] == [20, 5, 5]
    assert len(set.union(*people.values())) == 30
    other = plan(PuppetSettings(identities=20, seed=1))
    assert not {c.speaker for c in other} & {c.speaker for c in clips}


def test_words_are_spread_and_names_are_unique() -> None:
    clips = plan(PuppetSettings(identities=12, clips_per_identity=48))
    assert len({c.path(Path(), ".mp4") for c in clips}) == len(clips)
    assert {c.word for c in clips if c.speaker == "puppet000003"} == set(WORDS)


def test_every_file_of_lrw_and_the_sidecars(written: Path) -> None:
    for clip in plan(SMALL):
        assert is_complete(written, clip)
        relative = clip.path(written, ".mp4").relative_to(written).as_posix()
        assert re.fullmatch(r"lipread_mp4/[A-Z]+/(train|val|test)/[A-Z]+_00001\.mp4", relative)
        points = np.load(clip.path(written, ".landmarks.npy"))
        assert points.shape == (FRAMES, 68, 2)
        assert points.dtype == np.float32
        assert np.isfinite(points).all()
    assert not list(written.rglob("*.part*"))


def test_the_text_is_as_lrw_has_it(written: Path) -> None:
    clip = plan(SMALL)[0]
    text = clip.path(written, ".txt").read_text()
    keys = [line.partition(":")[0] for line in text.splitlines()]
    assert keys == [
        "Disk reference", "Channel", "Program start", "Clip start", "Clip end", "Duration",
    ]  # fmt: skip
    duration = re.search(r"^Duration: (\d+\.\d+) seconds$", text, re.MULTILINE)
    extra = json.loads(clip.path(written, ".json").read_text())
    assert duration is not None
    assert float(duration[1]) == pytest.approx(extra["word_end"] - extra["word_start"], abs=2e-3)
    assert (extra["word_end"] + extra["word_start"]) / 2 == pytest.approx(0.58, abs=1e-3)
    assert extra["speaker"] == clip.speaker
    assert {"speaker", "word_start", "word_end", "phonemes"} <= extra.keys()


def test_the_video_holds_what_was_painted_and_said(written: Path) -> None:
    clip = plan(SMALL)[0]
    frames = read_video(clip.path(written, ".mp4"))
    assert tuple(frames.shape) == (FRAMES, 3, 64, 64)
    heard = read_audio(clip.path(written, ".mp4")).numpy().astype(float)
    said = perform(clip).utterance.sound.astype(float)
    count = min(len(heard), len(said))
    assert count >= 0.95 * len(said)
    assert np.corrcoef(heard[:count], said[:count])[0, 1] > 0.9


def test_the_same_seed_is_the_same_clip() -> None:
    clip = plan(SMALL)[1]
    first, again = perform(clip), perform(clip)
    np.testing.assert_array_equal(first.utterance.sound, again.utterance.sound)
    assert first.moments == again.moments


def test_lips_are_closed_at_the_bilabials_of_real_speech() -> None:
    clips = [c for c in plan(PuppetSettings(identities=6)) if c.split == "train"][::4]
    checked = 0
    for clip in clips:
        performance = perform(clip)
        opening = np.array([now.opening for now in performance.moments])
        for phoneme in performance.utterance.phonemes:
            if phoneme.ipa in {"m", "b", "p"} and 0.06 < phoneme.start < phoneme.end < 1.14:
                first, last = int((phoneme.start - 0.06) * 25), int(phoneme.end * 25) + 1
                assert opening[first:last].min() == 0
                checked += 1
    assert checked > 5


def test_the_mouth_opens_with_the_sound() -> None:
    pairs = []
    for clip in plan(PuppetSettings(identities=16, clips_per_identity=1)):
        performance = perform(clip)
        opening = np.array([now.opening for now in performance.moments])
        sound = performance.utterance.sound.astype(float).reshape(FRAMES, -1)
        loudness = np.log(sound.std(axis=1) + 50)
        pairs.append(np.stack([opening - opening.mean(), loudness - loudness.mean()]))
    joined = np.concatenate(pairs, axis=1)
    matched = np.corrcoef(joined)[0, 1]
    assert matched > 0.3
    assert matched > np.corrcoef(joined[0], np.roll(joined[1], 4))[0, 1] + 0.2


def test_complete_clips_are_kept_and_broken_ones_made_again(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = plan(SMALL)
    kept, broken = clips[0].path(written, ".mp4"), clips[1].path(written, ".landmarks.npy")
    stamp = kept.stat().st_mtime_ns
    broken.unlink()
    calls: list[tuple[int, int]] = []
    write_corpus(written, SMALL, on_clip=lambda done, total: calls.append((done, total)))
    assert calls == [(2, 3), (3, 3)]
    assert kept.stat().st_mtime_ns == stamp
    assert broken.is_file()
    monkeypatch.setattr(module, "require_engine", pytest.fail)
    write_corpus(written, SMALL)


def test_a_clip_of_other_settings_is_not_taken_for_complete(written: Path) -> None:
    larger = plan(PuppetSettings(identities=1, clips_per_identity=1, side=96))[0]
    assert not is_complete(written, larger)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"side": 100}, "multiple of 32"),
        ({"words": ("PEOPLE", "XYLOPHONE")}, r"do not know the words \['XYLOPHONE'\]"),
        ({"identities": -1}, "Counts of people"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PuppetSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    write_corpus(tmp_path / "one", SMALL)
    several = PuppetSettings(**{**vars(SMALL), "workers": 2})
    write_corpus(tmp_path / "two", several)
    for path in sorted((tmp_path / "one").rglob("*.json")):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert other.read_bytes() == path.read_bytes()
        first, second = (read_video(p.with_suffix(".mp4")) for p in (path, other))
        np.testing.assert_array_equal(first.numpy(), second.numpy())
