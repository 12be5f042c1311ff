from pathlib import Path, PurePosixPath

import pytest

from fer_det.core.expression import Expression
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.picture_index import PictureIndex, safe_id
from voc_builder.readers.tree import Tree


def tree_of(root: Path, *names: str) -> Tree:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return Tree(root, "X set", "X's layout")


def paths(found: list[tuple[PurePosixPath, object]]) -> list[str]:
    return [path.as_posix() for path, _ in found]


class TestTree:
    def test_files_come_sorted_and_without_litter(self, tmp_path: Path) -> None:
        litter = (".DS_Store", "a/Thumbs.db", "a/._c.png", "__MACOSX/c.png", "@eaDir/d.png")
        tree = tree_of(tmp_path, "b.png", "a/c.png", "a b/d.png", *litter)
        assert [path.as_posix() for path in tree.rest] == ["a/c.png", "a b/d.png", "b.png"]

    def test_links_to_folders_are_followed_and_circles_are_not(self, tmp_path: Path) -> None:
        tree_of(tmp_path / "store", "c.png")
        (tmp_path / "root" / "a").mkdir(parents=True)
        (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root")
        (tmp_path / "root" / "link").symlink_to(tmp_path / "store")
        assert [path.as_posix() for path in tree_of(tmp_path / "root").rest] == ["link/c.png"]

    def test_taken_once(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, "x/S1.PNG", "x/s2.jpg", "x/S3.txt", "S44.png")
        assert paths(tree.take_pictures(r"S\d")) == ["x/S1.PNG", "x/s2.jpg"]
        assert tree.take_pictures(r"S\d") == []
        assert paths(tree.take_named(r"s\d\.txt")) == ["x/S3.txt"]

    def test_class_folders(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, "train/Happy/1/a.png", "none/b.png", "other things/c.png")
        assert [(path.name, label) for path, label in tree.take_class_folders()] == [
            ("b.png", None),
            ("a.png", Expression.HAPPINESS),
        ]

    def test_the_rest_is_refused_or_left_out(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, "read-me.txt", "known/a.bin", "list.xlsx", "b.jpg")
        tree.know(r"known/.*")
        with pytest.raises(DatasetFormatError, match=r"1 pictures .* as X set names .* b\.jpg; "):
            list(tree.finish("x"))
        tree.take_pictures("b")
        (left_out,) = tree.finish("x")
        assert (left_out.picture.name, left_out.left_out) == ("list.xlsx", "not a file of X set")

    def test_not_found_shows_what_is_there(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, *(f"{letter}/a.txt" for letter in "abcdefgh"))
        told = str(tree.not_found())
        assert "not laid out as X set; it holds a/, b/, c/, d/, e/, f/, ...; wanted X's" in told

    @pytest.mark.parametrize("make", [False, True])
    def test_nothing_there(self, tmp_path: Path, make: bool) -> None:
        if make:
            (tmp_path / "x").mkdir()
        with pytest.raises(DatasetNotFoundError, match="is empty" if make else "is absent"):
            Tree(tmp_path / "x", "X", "a layout")


class TestPictureIndex:
    def index(self, root: Path, *names: str) -> PictureIndex:
        tree = tree_of(root, *names)
        return PictureIndex(tree.root, tree.rest)

    @pytest.mark.parametrize(
        "name",
        ["x/a.b.png", "a.b.png", "A.B.PNG", "a.b.jpg", "a.b", "x\\a.b.png", "C:\\d\\a.b.png"],
    )
    def test_whatever_folder_suffix_and_case(self, tmp_path: Path, name: str) -> None:
        found = self.index(tmp_path, "x/a.b.png", "x/a.c.png").find(name)
        assert found == PurePosixPath("x/a.b.png")

    def test_absent(self, tmp_path: Path) -> None:
        assert self.index(tmp_path, "x/a.png").find("b.png") is None

    def test_of_two_the_listed_path(self, tmp_path: Path) -> None:
        index = self.index(tmp_path, "x/happy/a.png", "x/sad/a.png")
        assert index.find("sad/a.png") == PurePosixPath("x/sad/a.png")
        with pytest.raises(DatasetFormatError, match=r"a\.png is listed, and x/happy/a\.png and"):
            index.find("a.png")


class TestSafeId:
    def test_plain_names_stay(self) -> None:
        assert safe_id("x", "a_B-9") == "x_a_B-9"

    def test_others_differ(self) -> None:
        ids = [safe_id("x", name) for name in ("a b", "a/b", "a-b", "ä", "ö", "a" * 500)]
        assert len({each.lower() for each in ids}) == len(ids)
        assert max(map(len, ids)) < 140
