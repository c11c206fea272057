from pathlib import Path

import pytest
import torch
from torch import nn

from talkface.models import FAN, IdentityEncoder, VideoEncoder
from talkface.models.warmstart import Report, load_all, start_warm
from talkface.models.weights import WarmStartError


def test_every_network_inside_a_model_is_started_and_reported(tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(FAN(1, 16, 2).state_dict(), tmp_path / "fan.pth")
    torch.save(IdentityEncoder(7, (4, 4, 4, 4, 4)).state_dict(), tmp_path / "face.pth")
    fan = FAN(1, 16, 2, init_from=tmp_path / "fan.pth")
    face = IdentityEncoder(7, (4, 4, 4, 4, 4), init_from=tmp_path / "face.pth")
    video = VideoEncoder(dim=6, face_dim=4, fan=fan, hidden=10)
    model = nn.ModuleDict({"video": video, "face": face, "other": FAN(1, 16, 2)})
    reports = start_warm(model)
    assert [report.network for report in reports] == ["FAN", "IdentityEncoder"]
    assert torch.equal(fan.conv1.weight, torch.load(tmp_path / "fan.pth")["conv1.weight"])
    assert torch.equal(face.head.bias, torch.load(tmp_path / "face.pth")["head.bias"])


def test_a_report_reads_as_one_paragraph() -> None:
    left = {"levels.0.a": "of another size", "levels.1.b": "of another size", "z": "unknown"}
    unused = ("m1.a", "m1.b", "m2.a", "m3", "m4", "m5")
    report = Report("Net", "w.pt", ("a", "b"), left, unused, "Beware.")
    assert str(report) == (
        "Net starts from w.pt: 2 of 5 tensors are loaded. Not loaded: levels.0 (1), levels.1 (1): "
        "of another size. Not loaded: z (1): unknown. "
        "Not used of the file: m1 (2), m2 (1), m3 (1), m4 (1), …. Beware."
    )
    whole = Report("Net", "w.pt", ("a", "b"), {}, ())
    assert str(whole) == "Net starts from w.pt: 2 of 2 tensors are loaded."


def test_all_tensors_are_loaded_or_none() -> None:
    network = nn.Linear(3, 2)
    weights = {"x.weight": torch.ones(2, 3), "x.bias": torch.ones(2), "weight": torch.zeros(1)}
    report = load_all(network, weights, Path("w.pt"), "Give up.", "x.")
    assert network.weight.eq(1).all()
    assert report == Report("Linear", "w.pt", ("weight", "bias"), {}, ("weight",))
    del weights["x.bias"]
    weights["x.weight"] = torch.zeros(2, 4)
    expected = (
        r"w\.pt cannot be used: 2 of 2 tensors do not fit: x\.weight is \(2, 4\) there and "
        r"\(2, 3\) here; x\.bias is missing there\. Give up\."
    )
    with pytest.raises(WarmStartError, match=expected):
        load_all(network, weights, Path("w.pt"), "Give up.", "x.")
    assert network.weight.eq(1).all()
