"""Pictures into a model's batch: scaled by View into the square input, and normalised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from fer_det.config.model import Illumination
from fer_det.imaging.view import View
from fer_det.models.illumination import normalise_illumination

Target = dict[str, Tensor]


class ViewTransform(nn.Module):
    """torchvision's transform contract with one square input size.

    A batch that already has the input size, as the loader makes it, is only normalised. Other
    pictures pass through `View.whole`, the same scaling as in loader and predictor.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(
        self,
        size: int,
        image_mean: Sequence[float],
        image_std: Sequence[float],
        illumination: Illumination = "none",
    ) -> None:
        """size: side of the square input; mean and std of red, green and blue in 0..1."""
        super().__init__()
        self.size, self._illumination = size, illumination
        for name, values in (("image_mean", image_mean), ("image_std", image_std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> tuple[ImageList, list[Target] | None]:
        """Images [3, H, W] float in 0..1 -> batch [B, 3, size, size]; boxes are scaled alike."""
        shape = (3, self.size, self.size)
        if not isinstance(images, Tensor) and all(image.shape == shape for image in images):
            images = torch.stack(list(images))
        if isinstance(images, Tensor) and images.shape[1:] == shape:
            extents = [(float(self.size), float(self.size))] * len(images)
            return self._batch(images, extents), targets
        views = [View.whole(image.shape[-1], image.shape[-2], self.size) for image in images]
        batch = torch.stack(
            [self._render(image, view) for image, view in zip(images, views, strict=True)]
        )
        scales = [float(view.matrix[0, 0]) for view in views]
        if targets is not None:
            targets = [
                {**target, "boxes": target["boxes"] * scale}
                for target, scale in zip(targets, scales, strict=True)
            ]
        # Boxes are clipped to the extents, so that none lies in the padding.
        extents = [
            (image.shape[-2] * scale, image.shape[-1] * scale)
            for image, scale in zip(images, scales, strict=True)
        ]
        return self._batch(batch, extents), targets

    def postprocess(
        self,
        result: list[Target],
        image_shapes: list[tuple[int, int]],  # noqa: ARG002  (torchvision's signature)
        original_image_sizes: list[tuple[int, int]],
    ) -> list[Target]:
        """Map boxes in the input to boxes in the pictures as they came (H, W), clipped to them."""
        for found, (height, width) in zip(result, original_image_sizes, strict=False):
            bounds = found["boxes"].new_tensor([width, height, width, height])
            scale = self.size / max(height, width)
            found["boxes"] = torch.minimum(found["boxes"] / scale, bounds)
        return result

    def _render(self, image: Tensor, view: View) -> Tensor:
        if not image.is_floating_point():
            raise TypeError(f"pictures must be float in 0..1, found {image.dtype}")
        red, green, blue = self.image_mean.flatten().tolist()
        pixels = image.detach().permute(1, 2, 0).to("cpu", torch.float32).numpy()
        rendered = view.render(np.ascontiguousarray(pixels), (red, green, blue))
        return torch.from_numpy(rendered).permute(2, 0, 1).to(image)

    def _batch(self, images: Tensor, extents: Sequence[tuple[float, float]]) -> ImageList:
        """extents: (height, width) of each picture in the input, without its padding."""
        if not images.is_floating_point():
            raise TypeError(f"pictures must be float in 0..1, found {images.dtype}")
        if self._illumination != "none":
            images = normalise_illumination(images, self._illumination)
        batch = (images - self.image_mean) / self.image_std
        return ImageList(batch.contiguous(memory_format=torch.channels_last), list(extents))
