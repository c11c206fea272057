from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from data_prep.quality.judges import SyncNetJudge, sync_judge
from talkface.data.layout import ClipReader, read_manifest
from talkface.data.mfcc import Mfcc
from talkface.metrics.sync_judge import LipSync
from talkface.models.syncnet import SyncNetError


class Numbered:
    """Stands for SyncNet: the n-th window of lips has the code of the (n - late)-th of sound."""

    def __init__(self, late: int) -> None:
        self.late, self.seen = late, 0

    def audio(self, mfcc: Tensor) -> Tensor:
        return 3 * F.one_hot(torch.arange(len(mfcc)) + 20, 200).float()

    def lips(self, video: Tensor) -> Tensor:
        places = torch.arange(self.seen, self.seen + len(video))
        self.seen += len(video)
        return 3 * F.one_hot(places - self.late + 20, 200).float()

    def to(self, device: torch.device) -> None:
        """Stay."""


class OneBatch(LipSync):
    """Hears a whole clip at once."""

    def audio_codes(self, sound: Tensor, count: int, device: torch.device) -> Tensor:
        return self.network.audio(torch.zeros(count, 1, 13, 20))


@pytest.mark.parametrize("late", [-4, 0, 3])
def test_syncnet_says_how_late_lips_are_with_the_same_sign(prepared: Path, late: int) -> None:
    reader = ClipReader(prepared, read_manifest(prepared, "train")[0])
    found = SyncNetJudge(OneBatch(Numbered(late), Mfcc("psf")))(reader)
    assert found.offset == late
    assert found.confidence > 3  # codes that belong together are alike, others 3 sqrt 2 apart


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SyncNetError, match="there is no such file"):
        sync_judge(tmp_path / "syncnet_v2.model")
