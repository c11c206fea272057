"""Operations of StyleGAN2 that are not in torch: FIR re-sampling and fused bias-activation."""

from talkface.ops.bias_act import bias_act
from talkface.ops.errors import NativeOpsError, OpsInputError, OpsSettingError
from talkface.ops.upfirdn import fir_kernel, upfirdn2d

__all__ = [
    "NativeOpsError",
    "OpsInputError",
    "OpsSettingError",
    "bias_act",
    "fir_kernel",
    "upfirdn2d",
]
