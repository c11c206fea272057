"""What differs between two resolved configs, seeds and places left out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

LEFT_OUT = ("seed_everything", "data.seed", "data.root", "trainer.default_root_dir")
LEFT_OUT_TREES = ("wandb", "ckpt_path", "weights_only")
ABSENT = "–"
CLASS = "class_path"


class Change(NamedTuple):
    """One setting that differs.

    Attributes:
        key: Its dotted key, as the command line takes it.
        before: Its value in the first config, as text.
        after: Its value in the second.
    """

    key: str
    before: str
    after: str


def changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Change]:
    """Settings that differ, in the order of the configs.

    A part that only one config has, such as a loss term that the other sets to ``null``, is one
    change. Lists of classes, such as callbacks, are compared class by class.
    """
    return [
        change
        for change in _walk("", _keyed(first), _keyed(second))
        if change.key not in LEFT_OUT and change.key.partition(".")[0] not in LEFT_OUT_TREES
    ]


def _walk(key: str, first: Any, second: Any) -> Iterator[Change]:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in dict.fromkeys([*first, *second]):
            below = f"{key}.{name}" if key else str(name)
            yield from _walk(below, first.get(name, ABSENT), second.get(name, ABSENT))
    elif shown(first) != shown(second):
        yield Change(key, shown(first), shown(second))


def _keyed(tree: Any) -> Any:
    """The tree with every list of classes as a mapping by class name."""
    if isinstance(tree, Mapping):
        return {str(name): _keyed(value) for name, value in tree.items()}
    if isinstance(tree, list) and tree and all(isinstance(v, Mapping) and CLASS in v for v in tree):
        return {_class_name(value): _keyed(value) for value in tree}
    return tree


def shown(value: Any) -> str:
    """A value in few words: classes with their own settings, files without their folders."""
    if isinstance(value, Mapping):
        inner = value.get("init_args") if CLASS in value else value
        listed = ", ".join(f"{k}: {shown(v)}" for k, v in (inner or {}).items() if v is not None)
        return f"{_class_name(value)}({listed})" if CLASS in value else f"{{{listed}}}"
    if isinstance(value, str):
        return PurePath(value).name if PurePath(value).is_absolute() else value
    if isinstance(value, Sequence):
        return f"[{', '.join(map(shown, value))}]"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _class_name(value: Mapping[str, Any]) -> str:
    return str(value[CLASS]).rpartition(".")[2]
