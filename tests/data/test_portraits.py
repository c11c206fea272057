from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LightningCLI
from torch import Tensor, nn

from talkface.data.augment import Augment
from talkface.data.datamodule import TalkFaceData
from talkface.data.layout import LayoutError, ManifestNotFoundError
from talkface.data.portrait_layout import (
    Person,
    PersonEntry,
    PortraitCorpus,
    is_written,
    read_entries,
    read_person,
    read_picture,
    read_portraits,
    write_person,
    write_portraits,
)
from talkface.data.portraits import PortraitData, PortraitDataset
from talkface.data.windows import ResolutionError
from talkface.types import Portraits

SIDE = 16
PEOPLE = ("anna", "bela", "carl")


def picture(person: int, number: int) -> Tensor:
    """Red tells the person, green the number; the left half is bright blue."""
    image = torch.zeros(3, SIDE, SIDE, dtype=torch.uint8)
    image[0], image[1] = 50 * person + 20, 40 * number + 20
    image[2, :, : SIDE // 2] = 220
    return image


def told(image: Tensor) -> tuple[int, int]:
    """Person and number of a picture in [-1, 1]."""
    red, green = ((image[:2].mean(dim=(1, 2)) + 1) * 127.5).tolist()
    return round((red - 20) / 50), round((green - 20) / 40)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people with three pictures to train and two for validation; two unseen with two."""
    folder = tmp_path_factory.mktemp("portraits")
    entries: dict[str, list[PersonEntry]] = {"train": [], "val": [], "unseen": []}
    for index, name in enumerate(PEOPLE):
        write_person(folder, name, {f"{i}": picture(index, i) for i in range(5)}, {})
        person = read_person(folder, name)
        entries["train"].append(PersonEntry(name, person.spans([0, 2, 4])))
        entries["val"].append(PersonEntry(name, person.spans([1, 3])))
    for index, name in enumerate(("dora", "emil"), start=3):
        write_person(folder, name, {f"{i}": picture(index, i) for i in range(2)}, {})
        entries["unseen"].append(PersonEntry(name, read_person(folder, name).spans(range(2))))
    write_portraits(folder, PortraitCorpus("fake", SIDE, PEOPLE), entries)
    return folder


class Recorder(pl.LightningModule):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.trained: list[Portraits] = []
        self.checked: dict[int, list[Portraits]] = {0: [], 1: []}

    def training_step(self, batch: Portraits, index: int) -> Tensor:
        self.trained.append(batch)
        loss: Tensor = self.layer(batch.image.mean().view(1, 1)).sum()
        return loss

    def validation_step(self, batch: Portraits, index: int, dataloader_idx: int) -> None:
        self.checked[dataloader_idx].append(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.0)


def run(root: Path, folder: Path, epochs: int = 1, **options: Any) -> Recorder:
    model = Recorder()
    data = PortraitData(root, SIDE, batch_size=3, workers=0, **options)
    pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        max_epochs=epochs,
    ).fit(model, data)
    return model


def shown(batches: list[Portraits]) -> list[tuple[int, int]]:
    return [told(image) for batch in batches for image in batch.image]


def test_training_shows_every_picture_once_per_epoch_in_another_order(
    root: Path, tmp_path: Path
) -> None:
    model = run(root, tmp_path, epochs=2, augment=None)
    orders = [shown(model.trained[:3]), shown(model.trained[3:])]
    everything = [(person, number) for person in range(3) for number in (0, 2, 4)]
    assert [sorted(order) for order in orders] == [everything, everything]
    assert orders[0] != orders[1] != everything
    for batch in model.trained:
        assert [told(image)[0] for image in batch.image] == batch.person.tolist()
        assert batch.image.dtype == torch.float32


def test_validation_shows_seen_people_by_class_then_unseen_people(
    root: Path, tmp_path: Path
) -> None:
    model = run(root, tmp_path, epochs=2)
    seen, unseen = model.checked[0], model.checked[1]
    assert shown(seen) == 2 * [(0, 1), (0, 3), (1, 1), (1, 3), (2, 1), (2, 3)]
    assert torch.cat([batch.person for batch in seen]).tolist() == 2 * [0, 0, 1, 1, 2, 2]
    assert shown(unseen) == 2 * [(3, 0), (3, 1), (4, 0), (4, 1)]
    assert torch.cat([batch.person for batch in unseen]).tolist() == 2 * [0, 0, 1, 1]


def lit(image: Tensor) -> str:
    """Which half is bright."""
    left, right = image[2].chunk(2, dim=1)
    return "left" if left.mean() > right.mean() else "right"


def test_half_of_the_training_pictures_are_mirrored_and_no_others(
    root: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = run(root, tmp_path, epochs=20, augment=None)
    sides = [lit(image) for batch in model.trained for image in batch.image]
    assert 60 < sides.count("right") < 120
    others = [image for seen in model.checked.values() for batch in seen for image in batch.image]
    assert {lit(image) for image in others} == {"left"}
    still = run(root, tmp_path, augment=None, flip=False)
    assert {lit(image) for batch in still.trained for image in batch.image} == {"left"}


def test_training_pictures_are_augmented_each_by_its_own_draw(root: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = run(root, tmp_path, flip=False, augment=Augment(brightness=0.5, degrees=20.0))
    blues = torch.cat([batch.image[:, 2] for batch in model.trained])
    plain = blues.new_zeros(len(blues), SIDE, SIDE) - 1
    plain[:, :, : SIDE // 2] = 220 / 127.5 - 1
    changed = (blues - plain).abs().mean(dim=(1, 2))
    assert changed.min() > 0.02
    assert torch.pdist(blues.flatten(1)).min() > 0.5
    assert blues.min() >= -1
    assert blues.max() <= 1
    for batch in model.checked[0]:
        assert batch.image[:, 2].mean() == pytest.approx(plain.mean().item(), abs=0.02)


def test_test_and_validation_are_the_same(root: Path) -> None:
    data = PortraitData(root, SIDE, workers=0)
    data.setup("test")
    for one, other in zip(data.val_dataloader(), data.test_dataloader(), strict=True):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a.image, b.image)
            assert torch.equal(a.person, b.person)


def test_the_number_of_people_is_known_before_training_whatever_the_limit(root: Path) -> None:
    data = PortraitData(root, SIDE, workers=0, limit=4)
    assert data.people == 3
    data.setup("fit")
    assert [len(data.train), len(data.val), len(data.unseen)] == [4, 4, 4]
    assert [int(data.train[i].person) for i in range(4)] == [0, 0, 0, 1]


def test_a_corpus_smaller_than_a_batch_still_trains_and_a_rest_is_dropped(root: Path) -> None:
    for size, batches in ((16, [9]), (4, [4, 4])):
        data = PortraitData(root, SIDE, batch_size=size, workers=0)
        data.setup("fit")
        assert [len(batch.image) for batch in data.train_dataloader()] == batches


def test_workers_do_not_change_the_batches(root: Path) -> None:
    def people(workers: int) -> list[list[int]]:
        data = PortraitData(root, SIDE, batch_size=2, workers=workers)
        data.setup("fit")
        return [batch.person.tolist() for batch in data.train_dataloader()]

    assert people(0) == people(1)


def test_pictures_are_made_smaller_not_larger(root: Path) -> None:
    small = PortraitDataset(root, "val", resolution=8)[3].image
    assert small.shape == (3, 8, 8)
    large = PortraitDataset(root, "val", resolution=SIDE)[3].image
    pooled = torch.nn.functional.avg_pool2d(large.float(), 2)
    assert (small - pooled).abs()[:, :, [0, 1, 6, 7]].max() <= 2
    with pytest.raises(ResolutionError, match=r"stored at 16 px.*data\.resolution"):
        PortraitData(root, resolution=32)


def test_wrong_arguments_are_named(root: Path, prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestNotFoundError, match=r"no manifest at all.*data_prep.*data\.root"):
        PortraitData(tmp_path)
    with pytest.raises(ValueError, match=r"`data\.batch_size` is 0; use at least 1"):
        PortraitData(root, batch_size=0)
    with pytest.raises(LayoutError, match=r"holds clips, but here portraits.*data_prep msceleb"):
        PortraitData(prepared)
    with pytest.raises(LayoutError, match=r"holds portraits.*here clips are needed"):
        TalkFaceData(root)
    with pytest.raises(ManifestNotFoundError, match=r"split 'test'.*'train', 'unseen', 'val'"):
        PortraitDataset(root, "test", SIDE)


@pytest.mark.parametrize(("text", "expected"), [("{}", Augment()), ("{augment: null}", None)])
def test_it_can_be_written_in_yaml(
    root: Path, tmp_path: Path, text: str, expected: Augment | None
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"data: {text}\n")
    cli = LightningCLI(
        Recorder,
        PortraitData,
        run=False,
        save_config_callback=None,
        args=[f"--config={config}", f"--data.root={root}", f"--data.resolution={SIDE}"],
    )
    assert cli.datamodule.augment == expected


def test_a_person_is_complete_with_the_record_and_comes_back(tmp_path: Path) -> None:
    pictures = {"b.jpg": picture(1, 2), "a.jpg": picture(0, 1)}
    write_person(tmp_path, "n01", pictures, {"c.jpg": "no face"})
    person = read_person(tmp_path, "n01")
    assert (person.id, person.pictures, person.skipped) == (
        "n01",
        ("b.jpg", "a.jpg"),
        {"c.jpg": "no face"},
    )
    assert person.offsets[-1] == (tmp_path / "people" / "n01.jpgs").stat().st_size
    for span, image in zip(person.spans([0, 1]), pictures.values(), strict=True):
        assert (read_picture(tmp_path, "n01", span).int() - image.int()).abs().max() < 12
    (tmp_path / "people" / "n01.json").unlink()
    assert not is_written(tmp_path, "n01")


def test_damage_is_explained(root: Path, tmp_path: Path) -> None:
    write_person(tmp_path, "n01", {"a": picture(0, 0)}, {})
    write_portraits(tmp_path, PortraitCorpus("x", SIDE, ("n01",)), {})
    with pytest.raises(LayoutError, match=r"n01\.jpgs is missing or damaged.*prepare"):
        read_picture(tmp_path, "n01", (3, 30))
    (tmp_path / "people" / "n01.json").write_text('{"id": "n01"}')
    with pytest.raises(LayoutError, match=r"n01\.json is missing or damaged"):
        read_person(tmp_path, "n01")
    (tmp_path / "train.jsonl").write_text('{"id": "n01", "spans": [3]}\n')
    with pytest.raises(LayoutError, match=r"train\.jsonl is missing or damaged"):
        list(read_entries(tmp_path, "train"))
    (tmp_path / "corpus.json").write_text('{"kind": "portraits", "format": 1}')
    with pytest.raises(LayoutError, match=r"corpus\.json is missing or damaged"):
        read_portraits(tmp_path)
    for name in ("", "../n01", ".hidden"):
        with pytest.raises(LayoutError, match="cannot name a person"):
            write_person(tmp_path, name, {}, {})


def test_splits_without_pictures_have_no_manifest(tmp_path: Path) -> None:
    entry = PersonEntry("a", ((0, 3),))
    corpus = PortraitCorpus("x", SIDE, ("a",))
    write_portraits(tmp_path, corpus, {"train": [entry], "unseen": [entry]})
    write_portraits(tmp_path, corpus, {"train": [entry], "unseen": []})
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["train.jsonl"]
    assert list(read_entries(tmp_path, "train")) == [entry]
    assert read_portraits(tmp_path) == corpus
    assert Person("a", ("x", "y"), (0, 3, 7)).spans([1]) == ((3, 7),)
