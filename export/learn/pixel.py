"""The pixel autoencoder: the classic baseline, a small convolutional autoencoder trained from scratch on raw patches.

It reconstructs defects happily, and so misses many; it is here to be compared with.
Source: Bergmann et al., Improving Unsupervised Defect Segmentation by Applying SSIM to Autoencoders, VISAPP 2019
(the architecture's kind; the loss here is the squared error of the research script this project grew from).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

from export.learn.levels import ALL, Rows
from export.learn.scores import Units, top_mean

WIDTHS = (16, 32, 64)  # channels after each halving
CODE = 16  # channels of the bottleneck: 16 x 16 x 16 numbers for a 128-pixel patch
BATCH = 16
RATE = 2e-3


class Scale(nn.Module):
    """uint8 BGR patches (n, patch, patch, 3) -> (n, 3, patch, patch) float32 in 0..1."""

    def forward(self, patches: Tensor) -> Tensor:
        return patches.permute(0, 3, 1, 2).float() / 255


class PixelAutoencoder(nn.Module):
    """Scaled patches (n, 3, p, p) -> anomaly maps (n, p/4, p/4), scores (n), and reconstructions (k, 2, p, p, 3).

    A map is the squared error in units of good parts' mean error, and of the limit once that is set; the
    reconstructions, uint8 and only of the k `wanted` patches, hold each patch and what was made of it, in BGR.
    """

    usual_error: Tensor
    limits: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in WIDTHS:
            layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.ReLU()]
            channels = width
        layers += [nn.Conv2d(channels, CODE, 1)]
        self.encode = nn.Sequential(*layers)
        layers = [nn.Conv2d(CODE, channels, 1), nn.ReLU()]
        for width in (*WIDTHS[-2::-1], 3):
            layers += [nn.ConvTranspose2d(channels, width, 4, 2, 1), nn.ReLU()]
            channels = width
        self.decode = nn.Sequential(*layers[:-1])
        self.register_buffer("usual_error", torch.ones(()))
        self.register_buffer("limits", torch.ones(1))

    def reconstruct(self, patches: Tensor) -> Tensor:
        out: Tensor = self.decode(self.encode(patches))
        return out

    def components(self, patches: Tensor) -> Tensor:
        """Return scores of each kind, (n, 1); the limit is not minded."""
        return top_mean(self._maps(patches, self.reconstruct(patches)))[:, None]

    def use(self, units: Units) -> None:
        """Give maps and scores in these from now on."""
        self.limits.copy_(torch.from_numpy(units.limits))

    def _maps(self, patches: Tensor, reconstruction: Tensor) -> Tensor:
        error = (reconstruction - patches).square().mean(1, keepdim=True)
        return F.avg_pool2d(error, 4)[:, 0] / self.usual_error

    def forward(self, patches: Tensor, wanted: Rows = ALL) -> tuple[Tensor, Tensor, Tensor]:
        reconstruction = self.reconstruct(patches)
        maps = self._maps(patches, reconstruction) / self.limits
        reconstructions = torch.stack([patches[wanted], reconstruction[wanted]], 1).permute(0, 1, 3, 4, 2)
        return maps, top_mean(maps), (255 * reconstructions.clamp(0, 1)).to(torch.uint8)


class PixelModel(nn.Module):
    """uint8 BGR patches (n, p, p, 3) -> what the autoencoder says of them."""

    def __init__(self, scale: Scale, autoencoder: PixelAutoencoder) -> None:
        super().__init__()
        self.scale = scale
        self.autoencoder = autoencoder

    def forward(self, patches: Tensor, wanted: Rows = ALL) -> tuple[Tensor, Tensor, Tensor]:
        found: tuple[Tensor, Tensor, Tensor] = self.autoencoder(self.scale(patches), wanted)
        return found


@torch.enable_grad()
def fit(
    patches: Tensor, epochs: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> PixelAutoencoder:
    """Train on good patches (n, 3, p, p) float32 in 0..1 by Adam; `progress` is told epochs done and in all."""
    torch.manual_seed(seed)
    model = PixelAutoencoder().to(patches.device)
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    for epoch in range(epochs):
        for chosen in torch.randperm(len(patches)).to(patches.device).split(BATCH):
            optimiser.zero_grad()
            F.mse_loss(model.reconstruct(patches[chosen]), patches[chosen]).backward()
            optimiser.step()
        progress(epoch + 1, epochs)
    return _scaled(model.eval(), patches)


@torch.no_grad()
def _scaled(model: PixelAutoencoder, patches: Tensor) -> PixelAutoencoder:
    errors = [F.mse_loss(model.reconstruct(p), p, reduction="sum") for p in patches.split(BATCH)]
    model.usual_error.copy_(torch.stack(errors).sum() / patches.numel())
    return model.requires_grad_(False)
