"""The rules that the shape of the code follows: who imports whom, sizes, no print, no assert."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("talkface", "data_prep")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST_FILE = 350
LONGEST_BODY = 50

ALL = frozenset(
    {"types", "ranks", "draws", "optim", "ops", "data", "faces", "losses", "metrics", "figures"}
    | {"finite", "callbacks", "models", "system", "pretrain", "render", "judging"}
)
ALLOWED: dict[str, frozenset[str]] = {
    "__init__": frozenset(),
    "__main__": frozenset({"cli"}),
    "types": frozenset(),
    "ranks": frozenset(),
    "draws": frozenset(),
    "finite": frozenset(),
    "optim": frozenset(),
    "ops": frozenset(),
    "data": frozenset({"types", "ranks", "draws"}),
    "faces": frozenset({"types"}),
    "losses": frozenset({"types", "ranks"}),
    "metrics": frozenset({"types"}),
    "figures": frozenset({"types", "data", "metrics"}),
    "callbacks": frozenset({"types", "data", "metrics", "figures"}),
    "models": frozenset({"types", "ranks", "ops"}),
    "system": frozenset(
        {"types", "ranks", "draws", "finite", "models", "losses", "metrics", "optim"}
    ),
    "pretrain": frozenset({"types", "draws", "finite", "models", "losses", "metrics", "optim"}),
    "render": frozenset({"types", "data", "faces", "losses", "system"}),
    "cli": ALL,
    "judging": frozenset({"types", "data", "metrics", "models"}),
    "compare": frozenset({"types", "data", "faces", "metrics", "judging", "figures", "render"}),
    "report": frozenset({"types", "data", "metrics", "figures"}),
    "diagnose": frozenset(
        {"types", "draws", "data", "losses", "metrics", "figures", "callbacks", "models"}
        | {"system", "render"}
    ),
    "ablate": frozenset({"types", "cli"}),
    "bench": frozenset({"types", "data", "models", "system", "cli", "ops"}),
    "diagrams": frozenset({"types", "models", "cli"}),
    "data_prep": frozenset({"types", "data", "faces", "metrics", "models", "report"}),
}
"""Parts of ``talkface`` that a part of the project may import; itself is always allowed."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def layer_of(path: Path) -> str:
    package, *parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py") if package == "talkface" else package


def imported_modules(source: str, package: Sequence[str]) -> Iterator[str]:
    """Every module that a source names in an import, however deep inside a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


def modules_of(path: Path) -> list[list[str]]:
    package = path.relative_to(ROOT).parts[:-1]
    return [module.split(".") for module in imported_modules(path.read_text(), package)]


def test_the_table_sees_every_way_to_import() -> None:
    source = "def f():\n import talkface.cli\n from talkface import data\n from ..ops import bias"
    found = list(imported_modules(source, ("talkface", "models")))
    assert found == ["talkface.cli", "talkface.data", "talkface.ops.bias"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    layer = layer_of(path)
    assert layer in ALLOWED, f"{layer} is new: say in ALLOWED what it may import"
    imported = {module[1] for module in modules_of(path) if module[0] == "talkface"}
    forbidden = imported - ALLOWED[layer] - {layer}
    assert not forbidden, f"{name_of(path)} may not import {sorted(forbidden)}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_preparation_knows_preparation_and_lightning_has_one_name(path: Path) -> None:
    roots = {module[0] for module in modules_of(path)}
    assert "lightning" not in roots, "import pytorch_lightning: mixing the two breaks isinstance"
    assert layer_of(path) == "data_prep" or "data_prep" not in roots


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_errors_are_raised_and_messages_logged(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{where} asserts; raise a typed error"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{where} prints; use a logger"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_bodies_stay_readable(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert length <= LONGEST_BODY, f"{name_of(path)}: {node.name} has {length} lines"
