"""The public networks that LPIPS and FID are defined by, or why they cannot be had."""

import http.client
import importlib.util
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torchmetrics.image.fid import NoTrainInceptionV3
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
from torchvision.models import AlexNet_Weights

INCEPTION = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth"
)
"""Where torch-fidelity has its weights: those of the original FID, as pytorch-fid has them too."""

PATIENCE = 10.0
"""Seconds without an answer after which a download is given up."""

_NOT_FETCHED = (OSError, http.client.HTTPException, RuntimeError)  # RuntimeError: wrong checksum
_NOT_READ = (RuntimeError, ValueError, KeyError, OSError, EOFError, pickle.UnpicklingError)


class MissingWeightsError(RuntimeError):
    """A metric cannot be measured without a public network; the message says how to get it."""

    def __init__(self, metric: str, found: str, advice: str) -> None:
        super().__init__(f"the network of {metric} is missing: {found}. {advice}")


def lpips_network() -> LearnedPerceptualImagePatchSimilarity:
    """LPIPS 0.1 with AlexNet (Zhang et al. 2018): a distance per picture of RGB in [0, 1].

    torchmetrics brings the weights of the distance; those of AlexNet are torchvision's.

    Raises:
        MissingWeightsError: The weights are not in the torch hub cache and cannot be downloaded,
            or are damaged.
    """
    file = cached("LPIPS", AlexNet_Weights.IMAGENET1K_V1.url)
    try:
        return LearnedPerceptualImagePatchSimilarity("alex", reduction="none", normalize=True)
    except _NOT_READ as error:
        raise _damaged("LPIPS", "torchvision's AlexNet", file) from error


def fid_network(weights: Path | None = None) -> NoTrainInceptionV3:
    """Inception v3 of the original FID (Heusel et al. 2017): bytes of RGB to 2048 features.

    Pictures are resized as the original does, so figures are those of pytorch-fid and
    torch-fidelity, which torchmetrics' are not by default.

    Args:
        weights: File of pytorch-fid or torch-fidelity; None for the one in the torch hub cache,
            downloaded if it is not there. Only tensors are read from it.

    Raises:
        MissingWeightsError: The package torch-fidelity is not installed, or the weights are
            missing and cannot be downloaded, or are damaged.
    """
    if importlib.util.find_spec("torch_fidelity") is None:
        found = "the package torch-fidelity is not installed"
        raise MissingWeightsError("FID", found, "Run `pip install 'talkface[fid]'`.")
    file = cached("FID", INCEPTION) if weights is None else weights
    if not file.is_file():
        advice = "Give the path of a weights file of pytorch-fid, or none to use the cached one."
        raise MissingWeightsError("FID", f"there is no file {file}", advice)
    try:
        torch.load(file, map_location="cpu", weights_only=True)  # torch-fidelity would run code
        return NoTrainInceptionV3(
            name="inception-v3-compat",
            features_list=["2048"],
            feature_extractor_weights_path=str(file),
            antialias=False,
        )
    except _NOT_READ as error:
        raise _damaged("FID", "Inception v3 of pytorch-fid", file) from error


def cached(metric: str, url: str) -> Path:
    """The file of that name in the torch hub cache, downloaded and verified if it is not there.

    Args:
        metric: What needs it, for the message.
        url: Where it is published; its name ends in the first digits of its SHA-256.

    Raises:
        MissingWeightsError: It cannot be downloaded.
    """
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if file.is_file():
        return file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _patience(PATIENCE):
            torch.hub.download_url_to_file(url, str(file), file.stem.rpartition("-")[2])
    except _NOT_FETCHED as error:
        found = f"its weights are not there and could not be downloaded ({error})"
        advice = f"Without a network put `{file.name}` from {url} into {file.parent}."
        raise MissingWeightsError(metric, found, advice) from error
    return file


def _damaged(metric: str, network: str, file: Path) -> MissingWeightsError:
    found = f"{file} is damaged, or does not hold the weights of {network}"
    return MissingWeightsError(metric, found, "Delete it to have it downloaded again.")


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Let no connection wait longer; torch downloads without any limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
