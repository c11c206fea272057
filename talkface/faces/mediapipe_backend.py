"""Landmarks by MediaPipe's Face Landmarker, which runs offline from one ``.task`` file."""

import os
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from talkface.faces.errors import LandmarkModelError
from talkface.faces.landmarks import Face, largest_first

FRAME_MS = 40
MAX_FACES = 4
STDERR = 2

CONTOUR = (162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389)
BROWS = (71, 63, 105, 66, 107, 336, 296, 334, 293, 301)
NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)
IBUG: Final = CONTOUR + BROWS + NOSE + EYES + OUTER_LIPS + INNER_LIPS
"""Which of MediaPipe's 478 mesh points stands for each iBUG-68 point.

MediaPipe follows the surface of the head, iBUG the visible outline, so the contour differs most.
"""


class MediaPipeDetector:
    """MediaPipe Face Landmarker behind the interface of ``LandmarkDetector``.

    Clips are tracked in its video mode, a fresh tracker for each, so that a result never depends
    on the clip before; the one for unrelated pictures remembers nothing and is kept. Several faces
    are looked for even where one is expected: with one alone MediaPipe smooths the points over
    time, which makes the lips late.
    """

    def __init__(self, task: Path) -> None:
        """Load the model.

        Args:
            task: The file ``face_landmarker.task``.

        Raises:
            LandmarkModelError: ``mediapipe`` is not installed, or ``task`` is not such a file.
        """
        self._vision = _import_mediapipe()
        if not task.is_file():
            raise LandmarkModelError(
                f"No MediaPipe model at {task}. Download `face_landmarker.task` "
                "(MediaPipe Face Landmarker, float16) and give its path."
            )
        self._task = task
        self._model = task.read_bytes()
        self._still = self._landmarker(tracked=False)  # a damaged file shows here, not in mid-work
        weakref.finalize(self, self._still.close)  # at exit it would be closed too late

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """Faces of every picture, largest first."""
        if not tracked:
            return [self._faces(self._still.detect(self._image(frame)), frame) for frame in frames]
        faces = []
        with self._landmarker(tracked=True) as network:
            for t, frame in enumerate(frames):
                result = network.detect_for_video(self._image(frame), t * FRAME_MS)
                faces.append(self._faces(result, frame))
        return faces

    def _landmarker(self, *, tracked: bool) -> Any:
        from mediapipe.tasks.python import BaseOptions  # noqa: PLC0415

        mode = self._vision.RunningMode
        options = self._vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=self._model),
            running_mode=mode.VIDEO if tracked else mode.IMAGE,
            num_faces=MAX_FACES,
        )
        try:
            with _native_log_muted():
                return self._vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise LandmarkModelError(
                f"{self._task} is not a Face Landmarker model that MediaPipe can load ({error}). "
                "Download `face_landmarker.task` again."
            ) from error

    def _image(self, frame: UInt8[Tensor, "3 h w"]) -> Any:
        import mediapipe as mp  # noqa: PLC0415

        pixels = frame.permute(1, 2, 0).contiguous().cpu().numpy()
        return mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)

    @staticmethod
    def _faces(result: Any, frame: UInt8[Tensor, "3 h w"]) -> list[Face]:
        height, width = frame.shape[-2:]
        meshes = [torch.tensor([(p.x, p.y) for p in mesh]) for mesh in result.face_landmarks]
        size = torch.tensor([width, height], dtype=torch.float32)
        return largest_first(Face.around(to_ibug(mesh * size - 0.5)) for mesh in meshes)


def to_ibug(mesh: Float[Tensor, "*n points 2"]) -> Float[Tensor, "*n 68 2"]:
    """The 68 iBUG points of MediaPipe's mesh of 468 or, with irises, 478 points."""
    return mesh[..., list(IBUG), :]


@contextmanager
def _native_log_muted() -> Iterator[None]:
    """MediaPipe's native side greets on every start and has no switch for it: mute it."""
    sys.stderr.flush()
    saved = os.dup(STDERR)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), STDERR)
        yield
    finally:
        os.dup2(saved, STDERR)
        os.close(saved)


def _remember_sigprof() -> None:
    """Tell Python that SIGPROF is ignored.

    MediaPipe's native side sends it to this process and ignores it, unknown to Python. Lightning
    puts back what Python knows when it is done, and the next one would kill a finished test.
    """
    if hasattr(signal, "SIGPROF") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGPROF, signal.SIG_IGN)


def _import_mediapipe() -> Any:
    try:
        from mediapipe.tasks.python import vision  # noqa: PLC0415
    except ImportError as error:
        raise LandmarkModelError(
            f"The mediapipe backend needs the package mediapipe ({error}). "
            "Install it with `pip install 'talkface[mediapipe]'`."
        ) from error
    _remember_sigprof()
    return vision
