"""SyncNet, the public judge of lip sync.

Chung & Zisserman 2016, "Out of time", https://doi.org/10.1007/978-3-319-54427-4_19. Module names
follow the released model, so that its state dict loads.
"""

from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.weights import WarmStartError, named_tensors, read_checkpoint

SHOWN_NAMES = 3
"""Names quoted of parameters that are missing or have another shape."""

RELEASED = "syncnet_v2.model"


class SyncNetError(ValueError):
    """The weights of SyncNet cannot be used; the message says why and what to do."""

    def __init__(self, file: Path, found: str) -> None:
        super().__init__(
            f"SyncNet cannot start from {file}: {found}. Give the path of `{RELEASED}` (54 MB), "
            "which `download_model.sh` of its authors' project syncnet_python fetches."
        )


class SyncNet(nn.Module):
    """Sound and lips to codes whose distance is small where the two belong together.

    The codes are not normalised. The published scores are those of the released weights in
    evaluation mode; others are not comparable.

    Args:
        dim: Width of the codes; 1024 in the released model.
    """

    def __init__(self, dim: int = 1024) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_block2d(1, 64, 3, padding=1),
            nn.MaxPool2d(1),
            *_block2d(64, 192, 3, padding=1),
            nn.MaxPool2d(3, (1, 2)),
            *_block2d(192, 384, 3, padding=1),
            *_block2d(384, 256, 3, padding=1),
            *_block2d(256, 256, 3, padding=1),
            nn.MaxPool2d(3, 2),
            *_block2d(256, 512, (5, 4)),
        )
        self.netcnnlip = nn.Sequential(
            *_block3d(3, 96, (5, 7, 7), stride=2),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block3d(96, 256, (1, 5, 5), stride=2, padding=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_block3d(256, 256, (1, 3, 3), padding=1),
            *_block3d(256, 256, (1, 3, 3), padding=1),
            *_block3d(256, 256, (1, 3, 3), padding=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block3d(256, 512, (1, 6, 6)),
        )
        self.netfcaud = _head(dim)
        self.netfclip = _head(dim)

    def audio(self, mfcc: Float[Tensor, "n 1 13 20"]) -> Float[Tensor, "n d"]:
        """Codes of 0.2 s of sound each: 20 columns of python_speech_features."""
        codes: Tensor = self.netfcaud(self.netcnnaud(mfcc).flatten(1))
        return codes

    def lips(self, video: Float[Tensor, "n 3 5 224 224"]) -> Float[Tensor, "n d"]:
        """Codes of five frames each: BGR in [0, 255]."""
        codes: Tensor = self.netfclip(self.netcnnlip(video).flatten(1))
        return codes


def load_syncnet(file: Path) -> SyncNet:
    """SyncNet with released weights, frozen and in evaluation mode.

    Only tensors are read from the file: nothing that it names is imported or called.

    Raises:
        SyncNetError: The file is missing, damaged, or holds something else.
    """
    if not file.is_file():
        raise SyncNetError(file, "there is no such file")
    try:
        tensors = named_tensors(read_checkpoint(file))
    except WarmStartError as error:
        raise SyncNetError(file, "it is damaged, or holds no tensors by name") from error
    network = SyncNet()
    expected = network.state_dict()
    if not expected.keys() & tensors.keys():
        names = ", ".join([*tensors][:SHOWN_NAMES]) or "no tensors"
        raise SyncNetError(file, f"it is not a SyncNet but holds {names}")
    wrong = [
        f"{name} {_shape(tensors.get(name))} instead of {_shape(tensor)}"
        for name, tensor in expected.items()
        if not name.endswith("num_batches_tracked")  # older releases of torch did not count them
        and _shape(tensors.get(name)) != _shape(tensor)
    ]
    if wrong:
        more = f" and {len(wrong) - SHOWN_NAMES} more" if len(wrong) > SHOWN_NAMES else ""
        raise SyncNetError(file, "it has " + ", ".join(wrong[:SHOWN_NAMES]) + more)
    network.load_state_dict({name: tensors.get(name, value) for name, value in expected.items()})
    return network.eval().requires_grad_(False)


def _shape(tensor: Tensor | None) -> str:
    return "(missing)" if tensor is None else "x".join(map(str, tensor.shape))


def _block2d(
    inputs: int, outputs: int, kernel: int | tuple[int, int], padding: int = 0
) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def _block3d(
    inputs: int, outputs: int, kernel: tuple[int, int, int], stride: int = 1, padding: int = 0
) -> tuple[nn.Module, ...]:
    """A convolution that steps and is padded in space only, never in time."""
    steps, margins = (1, stride, stride), (0, padding, padding)
    convolution = nn.Conv3d(inputs, outputs, kernel, steps, margins)
    return convolution, nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)


def _head(dim: int) -> nn.Sequential:
    hidden = 512
    return nn.Sequential(
        nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, dim)
    )
