"""Compile the native operations once per machine, into a folder of the user."""

import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import torch
from filelock import FileLock

from talkface.ops.errors import OpsBuildError

log = logging.getLogger(__name__)

CSRC = Path(__file__).parent / "csrc"
SOURCES = {"cpu": "cpu.cpp", "cuda": "cuda.cu"}
"""Kinds of device that there are kernels for."""

PATIENCE = 600.0
"""Seconds to wait while another process builds."""

TORCH_LOG = "torch.utils.cpp_extension"


@dataclass(frozen=True)
class Recipe:
    """All that a library depends on; another recipe is another library."""

    device: str
    sources: str
    torch: str
    machine: str
    compiler: str
    flags: tuple[str, ...]
    cuda: str

    @property
    def key(self) -> str:
        """Name of the library's folder."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:16]


def library(device: str) -> Path:
    """The library for ``cpu`` or ``cuda``; built now if it never was.

    Processes that ask at once wait for one of them. Their lock is the kernel's and ends with its
    holder, and a library gets its name when it is complete: a build that was killed is begun anew.

    Raises:
        OpsBuildError: There is no compiler, or it fails.
        OSError: The folder cannot be written, or another process is building for ever.
    """
    recipe = recipe_for(device)
    folder = cache() / f"talkface_{device}_{recipe.key}"
    file = folder / "ops.so"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=PATIENCE):
            if not file.exists():
                log.info("Building native operations for %s, once: %s", device, file)
                _compile(recipe, file)
    return file


def cache() -> Path:
    """Where libraries lie: TORCH_EXTENSIONS_DIR, else beside the caches of the user."""
    if given := os.environ.get("TORCH_EXTENSIONS_DIR"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "talkface" / "ops"


def recipe_for(device: str) -> Recipe:
    """What a library for this machine and this torch is made from.

    Raises:
        OpsBuildError: There is no compiler.
    """
    files = sorted((*CSRC.glob("*.h"), CSRC / SOURCES[device]))
    return Recipe(
        device,
        hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest(),
        f"{torch.__version__} {torch.version.git_version}",
        platform.machine(),
        _version(os.environ.get("CXX", "c++")),
        _flags(),
        _cuda() if device == "cuda" else "",
    )


def _flags() -> tuple[str, ...]:
    """Optimisation, threads, and the vectors that torch found in this CPU.

    OpenMP is compiled in but not linked: its symbols are those of torch, hence its threads too.
    """
    flags = ["-O3", "-fno-math-errno", "-fno-trapping-math"]
    if torch.backends.openmp.is_available():
        flags.append("-fopenmp")
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        flags += ["-mavx2", "-mfma", "-mf16c"]
    return tuple(flags)


def _version(compiler: str) -> str:
    """Where a compiler is and what it calls itself."""
    command = compiler.split()
    path = shutil.which(command[0]) if command else None
    if path is None:
        raise OpsBuildError(f"no compiler {compiler!r} on PATH; install g++ or set CXX")
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise OpsBuildError(f"the compiler {path} does not run ({error})") from error
    return f"{Path(path).resolve()} {' '.join(command[1:])} {told.stdout.strip()}"


def _cuda() -> str:
    """Compiler and architectures of CUDA."""
    with _torch_is_quiet():
        from torch.utils.cpp_extension import CUDA_HOME  # noqa: PLC0415 - slow, and of use here only

    if CUDA_HOME is None:
        raise OpsBuildError("no CUDA toolkit; install the one of torch's version or set CUDA_HOME")
    seen = {torch.cuda.get_device_capability(i) for i in range(torch.cuda.device_count())}
    architectures = os.environ.get("TORCH_CUDA_ARCH_LIST") or str(sorted(seen))
    return f"{_version(str(Path(CUDA_HOME, 'bin', 'nvcc')))} {architectures}"


def _compile(recipe: Recipe, file: Path) -> None:
    """Build in a folder of one's own and move the result; the caller holds the lock."""
    for left in file.parent.glob("work-*"):  # of builders that were killed
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="work-", dir=file.parent))
    try:
        with _torch_is_quiet(), _ninja_is_found():
            from torch.utils.cpp_extension import load  # noqa: PLC0415 - slow, and of use here only

            load(
                f"ops_{recipe.key}",
                [str(CSRC / SOURCES[recipe.device])],
                extra_cflags=list(recipe.flags),
                extra_cuda_cflags=["-O3"],
                build_directory=str(work),
                is_python_module=False,
            )
        (work / f"ops_{recipe.key}.so").replace(file)
    except (RuntimeError, ImportError, subprocess.CalledProcessError) as error:
        raise OpsBuildError(_gist(str(error))) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _gist(message: str) -> str:
    """The line of a compiler's output that says what is wrong."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "No such file" in line]
    return next(iter(telling or lines), "the compiler failed without a word")


@contextmanager
def _torch_is_quiet() -> Iterator[None]:
    """Without torch's warnings about the toolkit, which read as if something were wrong."""
    logger = logging.getLogger(TORCH_LOG)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _ninja_is_found() -> Iterator[None]:
    """With the programs of this environment on PATH, also where it was not activated."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([path, sysconfig.get_path("scripts")])
    try:
        yield
    finally:
        os.environ["PATH"] = path
