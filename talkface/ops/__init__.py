"""Operations that torch has not, or not as quick: FIR re-sampling, bias-activation, convolution."""

from talkface.ops.bias_act import bias_act
from talkface.ops.conv import conv3x3
from talkface.ops.errors import NativeOpsError, OpsInputError, OpsSettingError
from talkface.ops.upfirdn import fir_kernel, upfirdn2d

__all__ = [
    "NativeOpsError",
    "OpsInputError",
    "OpsSettingError",
    "bias_act",
    "conv3x3",
    "fir_kernel",
    "upfirdn2d",
]
