"""RAF-DB "compound": photos with one of eleven compound expressions, as happily surprised.

Du, Tao and Martinez, "Compound facial expressions of emotion", PNAS 2014, name them; the data set
is Li, Deng and Du's (see rafdb.py) and has the layout of the basic part, below compound/. File
names are the same as in the basic part, and other pictures. As labels both expressions of a
compound have probability 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.core.label import COMPOUNDS, LabelDistribution
from fer_det.core.sample import Face, Sample
from fer_det.errors import DatasetNotFoundError
from voc_builder.readers import rafdb_files as files
from voc_builder.readers.table import refuse_duplicates
from voc_builder.readers.tree import Tree

TITLE = "RAF-DB compound"

_LAYOUT = "RAF-DB's compound/{EmoLabel,Image}"


@dataclass(frozen=True)
class Options:
    """How to read RAF-DB's compound part."""

    images: Literal["auto", "original", "aligned"] = "auto"
    """Which pictures: original photos, aligned crops, or (auto) photos if there are any."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """No count of this part could be checked."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures of the list in its order. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    files.select_part(tree, "compound")
    paths, framing = files.choose_pictures(tree, *files.take_pictures(tree), options.images)
    boxes, manuals = files.take_annotations(tree)
    lists = [path for path, _ in tree.take_named(files.LIST)]
    if not lists:
        raise DatasetNotFoundError(
            f"{root} has {len(paths)} pictures, but EmoLabel/list_patition_label.txt is absent",
            _LAYOUT,
            "complete the copy of the data set",
        )
    names = dict(enumerate(COMPOUNDS, start=1))
    listed = files.read_list(tree.root / lists[0], names)
    refuse_duplicates((each.stem, each.row) for each in listed if each.row is not None)
    places = files.place_pictures(tree, paths, listed)
    for each, path in zip(listed, places, strict=True):
        assert each.row is not None
        if each.code is None or each.code not in names:
            raise each.row.error(
                f"label {each.row.text!r}", "one of 1 to 11", "give the folder compound/"
            )
        name = names[each.code]
        first, second = COMPOUNDS[name]
        landmarks, attributes = files.read_manual(tree, manuals.get(each.stem))
        is_photo = framing == "photo"
        box = files.read_box(tree, boxes.get(each.stem)) if is_photo else None
        label = LabelDistribution({first: 0.5, second: 0.5})
        yield Sample(
            sample_id=f"rafdb_compound_{each.stem}",
            dataset="rafdb_compound",
            picture=tree.picture(path),
            faces=(Face(label, box, landmarks if is_photo else ()),),
            split="test" if each.stem.startswith("test") else "train",
            framing=framing,
            attributes={"compound": name.replace("_", " "), **attributes},
        )
    for path in paths:
        if path not in places:
            yield tree.left_out("rafdb_compound", path, "not in the list")
    yield from tree.finish("rafdb_compound")
