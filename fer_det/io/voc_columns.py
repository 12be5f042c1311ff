"""The annotations of many pictures in arrays, a hundredth of the memory of as many objects."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.sample import Point
from fer_det.io.voc_annotation import IGNORE, VocAnnotation, VocObject


@dataclass(frozen=True)
class LandmarkColumns:
    """The landmarks of F faces, any number each."""

    starts: NDArray[np.int64]
    """[F + 1]: the points of face f are starts[f] to starts[f + 1] - 1."""
    points: NDArray[np.float64]
    """[N, 2], see VocObject.landmarks."""

    def of(self, face: int) -> tuple[Point, ...]:
        """The landmarks of a face."""
        own = self.points[self.starts[face] : self.starts[face + 1]]
        return tuple((x, y) for x, y in own.tolist())


@dataclass(frozen=True)
class AnnotationColumns(Sequence[VocAnnotation]):
    """P annotations with F faces together; as a sequence, the annotations themselves."""

    ids: NDArray[np.bytes_]
    """[P], the image ids in ASCII."""
    sizes: NDArray[np.int32]
    """[P, 3]: width, height, depth."""
    databases: tuple[str, ...]
    database: NDArray[np.int32]
    """[P], indices into `databases`."""
    starts: NDArray[np.int64]
    """[P + 1]: the faces of picture p are starts[p] to starts[p + 1] - 1."""
    names: tuple[str, ...]
    name: NDArray[np.int32]
    """[F], indices into `names`."""
    boxes: NDArray[np.float64]
    """[F, 4], see FaceBox."""
    voted: tuple[str, ...]
    votes: NDArray[np.float64]
    """[F, classes in `voted`]: probabilities of soft labels; zeros for hard labels."""
    landmarks: LandmarkColumns

    @classmethod
    def of(cls, annotations: Iterable[VocAnnotation]) -> AnnotationColumns:
        """Put annotations into columns, one after the other."""
        ids: list[bytes] = []
        sizes, database, name = array("i"), array("i"), array("i")
        counts, boxes = array("q", [0]), array("d")
        point_counts, points = array("q", [0]), array("d")
        databases: dict[str, int] = {}
        names: dict[str, int] = {}
        voted: dict[str, int] = {}
        soft: list[tuple[int, int, float]] = []
        for each in annotations:
            ids.append(each.image_id.encode())
            sizes.extend((each.width, each.height, each.depth))
            database.append(databases.setdefault(each.database, len(databases)))
            for face in each.objects:
                for label, share in (face.probabilities or {}).items():
                    soft.append((len(name), voted.setdefault(label, len(voted)), share))
                name.append(names.setdefault(face.name, len(names)))
                boxes.extend(face.box.as_tuple())
                for point in face.landmarks:
                    points.extend(point)
                point_counts.append(len(points) // 2)
            counts.append(len(name))
        votes = np.zeros((len(name), len(voted)))
        for face_number, column, share in soft:
            votes[face_number, column] = share
        return cls(
            ids=np.array(ids, np.bytes_),
            sizes=np.array(sizes, np.int32).reshape(-1, 3),
            databases=tuple(databases),
            database=np.array(database, np.int32),
            starts=np.array(counts, np.int64),
            names=tuple(names),
            name=np.array(name, np.int32),
            boxes=np.array(boxes, np.float64).reshape(-1, 4),
            voted=tuple(voted),
            votes=votes,
            landmarks=LandmarkColumns(
                np.array(point_counts, np.int64), np.array(points, np.float64).reshape(-1, 2)
            ),
        )

    @property
    def ignored(self) -> NDArray[np.bool_]:
        """[F], the faces without a label."""
        return np.array([name == IGNORE for name in self.names], bool)[self.name]

    @property
    def picture(self) -> NDArray[np.int64]:
        """[F], the picture of each face."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.starts))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> VocAnnotation: ...
    @overload
    def __getitem__(self, place: slice) -> list[VocAnnotation]: ...
    def __getitem__(self, place: int | slice) -> VocAnnotation | list[VocAnnotation]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        width, height, depth = self.sizes[place].tolist()
        return VocAnnotation(
            image_id=self.ids[place].decode(),
            width=width,
            height=height,
            objects=tuple(
                self._face(face) for face in range(self.starts[place], self.starts[place + 1])
            ),
            database=self.databases[self.database[place]],
            depth=depth,
        )

    def _face(self, face: int) -> VocObject:
        shares = {
            label: share
            for label, share in zip(self.voted, self.votes[face].tolist(), strict=True)
            if share
        }
        box = FaceBox(*self.boxes[face].tolist())
        landmarks = self.landmarks.of(face)
        return VocObject(self.names[self.name[face]], box, shares or None, landmarks)
