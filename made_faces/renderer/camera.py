"""A pinhole camera that looks along +y at a face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.surface import Floats


@dataclass(frozen=True)
class Camera:
    """Where the picture is taken from; sizes in pixels of the renderer's own resolution."""

    width: int
    height: int
    focal: float
    """Distance of the picture plane in pixels."""
    centre: tuple[float, float]
    """Column and row at which the target appears."""
    target: Floats
    """[3] the point in the world that the camera looks at."""
    distance: float
    """Metres from the camera to the target, along y."""

    @property
    def pixels_per_metre(self) -> float:
        """Scale at the target."""
        return self.focal / self.distance

    @property
    def place(self) -> Floats:
        """[3] where it stands in the world."""
        return self.target - np.array([0, self.distance, 0], np.float32)

    def project(self, points: Floats) -> Floats:
        """[N, 3] in the world -> [N, 3]: column, row, 1 / distance along the view."""
        offset = points - self.target
        nearness = 1 / (offset[:, 1] + np.float32(self.distance))
        scale = np.float32(self.focal) * nearness
        column = np.float32(self.centre[0]) + offset[:, 0] * scale
        row = np.float32(self.centre[1]) - offset[:, 2] * scale
        return np.stack([column, row, nearness], axis=1).astype(np.float32)
