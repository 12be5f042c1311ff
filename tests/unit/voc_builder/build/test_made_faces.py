from pathlib import Path

import pytest

from fer_det.core.sample import database_name
from fer_det.core.sample import MADE_RECORD
from voc_builder.build.made_faces import is_made


@pytest.mark.parametrize("given", ["rafdb", "rafdb/basic", "rafdb/basic/../basic"])
def test_a_made_tree_is_known_by_its_record(tmp_path: Path, given: str) -> None:
    (tmp_path / "rafdb/basic").mkdir(parents=True)
    assert not is_made(tmp_path / given)
    (tmp_path / "rafdb" / MADE_RECORD).write_text("{}")
    assert is_made(tmp_path / given)


def test_a_neighbour_of_a_made_tree_is_not_made(tmp_path: Path) -> None:
    for name in ("made", "real"):
        (tmp_path / name / "basic").mkdir(parents=True)
    (tmp_path / "made" / MADE_RECORD).write_text("{}")
    assert not is_made(tmp_path / "real" / "basic")


def test_made_pictures_never_go_under_the_real_name() -> None:
    assert database_name("rafdb", made=False) == "rafdb"
    assert database_name("rafdb", made=True) != "rafdb"
