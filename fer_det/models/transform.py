"""Pictures into the detector's batch: letterboxed to the input size and normalised."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList

Target = dict[str, Tensor]


class LetterboxTransform(nn.Module):
    """torchvision's transform contract with one square input size and an antialiased resize.

    A batch that already has the input size, as the loader makes it, is only normalised.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, size: int, image_mean: Sequence[float], image_std: Sequence[float]) -> None:
        super().__init__()
        self.size = size
        for name, values in (("image_mean", image_mean), ("image_std", image_std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> tuple[ImageList, list[Target] | None]:
        """images [3, H, W] in 0..1 -> batch [B, 3, size, size]; boxes are scaled along."""
        shape = (3, self.size, self.size)
        if not isinstance(images, Tensor):
            if all(image.shape == shape for image in images):
                images = torch.stack(list(images))
            else:
                return self._resized(images, targets)
        if images.shape[1:] != shape:
            return self._resized(list(images), targets)
        extents = [(self.size, self.size)] * len(images)
        return self._listed(self._normalised(images), extents), targets

    def postprocess(
        self,
        result: list[Target],
        image_shapes: list[tuple[int, int]],  # noqa: ARG002  (torchvision's signature)
        original_image_sizes: list[tuple[int, int]],
    ) -> list[Target]:
        """Boxes in the input -> boxes in the pictures as they came (H, W), clipped to them."""
        for found, (height, width) in zip(result, original_image_sizes, strict=False):
            bounds = found["boxes"].new_tensor([width, height, width, height])
            scale = self.size / max(height, width)
            found["boxes"] = torch.minimum(found["boxes"] / scale, bounds)
        return result

    def _resized(
        self, images: Sequence[Tensor], targets: list[Target] | None
    ) -> tuple[ImageList, list[Target] | None]:
        sizes = [image.shape[-2:] for image in images]
        scales = [self.size / max(size) for size in sizes]
        batch = images[0].new_zeros((len(images), 3, self.size, self.size))
        for place, image, scale in zip(batch, images, scales, strict=True):
            height, width = (max(1, round(side * scale)) for side in image.shape[-2:])
            # Normalised before it is padded, so that the padding is the mean colour.
            place[:, :height, :width] = F.interpolate(
                self._normalised(image)[None], size=(height, width), mode="bilinear", antialias=True
            )[0]
        if targets is not None:
            targets = [
                {**target, "boxes": target["boxes"] * scale}
                for target, scale in zip(targets, scales, strict=True)
            ]
        # Boxes are clipped to these, so that none lies in the padding.
        extents = [(h * s, w * s) for (h, w), s in zip(sizes, scales, strict=True)]
        return self._listed(batch, extents), targets

    def _normalised(self, images: Tensor) -> Tensor:
        if not images.is_floating_point():
            raise TypeError(f"pictures must be float in 0..1, found {images.dtype}")
        return (images - self.image_mean) / self.image_std

    def _listed(self, batch: Tensor, extents: Sequence[tuple[float, float]]) -> ImageList:
        """extents: (height, width) of each picture in the input, without its padding."""
        batch = batch.contiguous(memory_format=torch.channels_last)
        return ImageList(batch, list(extents))
