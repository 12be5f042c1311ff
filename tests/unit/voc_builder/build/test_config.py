from pathlib import Path

import pytest

from fer_det.core.sample import MADE_RECORD
from voc_builder.build.config import Source


def is_made(root: Path) -> bool:
    return Source("rafdb", root, None).made


@pytest.mark.parametrize("given", ["rafdb", "rafdb/basic", "rafdb/basic/../basic"])
def test_made_faces_are_known_by_their_record(tmp_path: Path, given: str) -> None:
    (tmp_path / "rafdb/basic").mkdir(parents=True)
    assert not is_made(tmp_path / given)
    (tmp_path / "rafdb" / MADE_RECORD).write_text("{}")
    assert is_made(tmp_path / given)


def test_a_neighbour_of_made_faces_is_not_made(tmp_path: Path) -> None:
    for name in ("made", "real"):
        (tmp_path / name / "basic").mkdir(parents=True)
    (tmp_path / "made" / MADE_RECORD).write_text("{}")
    assert not is_made(tmp_path / "real" / "basic")
