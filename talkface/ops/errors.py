"""What can be wrong with the operations' setting, build and arguments."""

from torch import Tensor


class OpsSettingError(ValueError):
    """The environment asks for operations that do not exist."""

    def __init__(self, name: str, found: str) -> None:
        super().__init__(f"{name}={found!r} names no operations; use `native` or `reference`")


class NativeOpsError(RuntimeError):
    """Native operations were demanded, and cannot be had."""

    def __init__(self, name: str, device: str, reason: str) -> None:
        super().__init__(
            f"{name}=native, but there are no native operations for {device}: {reason}. "
            f"Mend that, or unset {name} to go on without them."
        )


class OpsBuildError(RuntimeError):
    """The sources cannot be compiled here."""


class OpsInputError(TypeError):
    """Tensors of the wrong kind, or that do not go together."""


def check(operation: str, x: Tensor, other: Tensor, role: str, *, alike: bool) -> None:
    """Refuse what no implementation is for.

    Args:
        operation: Its name, for the message.
        x: Images or features.
        other: What is applied to them.
        role: Name of ``other``, for the message.
        alike: Both must have one dtype.

    Raises:
        OpsInputError: Numbers are not floating, or devices or dtypes differ.
    """
    if not (x.is_floating_point() and other.is_floating_point()):
        found = f"{x.dtype} and {role} {other.dtype}"
        raise OpsInputError(f"{operation} is for floating numbers, got {found}; convert them")
    if x.device != other.device:
        found = f"the input is on {x.device} and the {role} on {other.device}"
        raise OpsInputError(f"{operation}: {found}; move one of them")
    if alike and x.dtype != other.dtype:
        found = f"the input is {x.dtype} and the {role} {other.dtype}"
        raise OpsInputError(f"{operation}: {found}; convert one of them")
