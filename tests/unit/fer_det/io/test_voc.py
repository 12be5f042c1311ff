from pathlib import Path

import pytest

from fer_det.core.box import FaceBox
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from fer_det.io.voc import MANIFEST, VocFolder, read_manifest_rows
from fer_det.io.voc_annotation import (
    VocAnnotation,
    VocObject,
    check_image_id,
)

FACE = VocAnnotation("a", 100, 80, (VocObject("fear", FaceBox(10, 20, 30, 60)),), "RAF-DB")


class TestIds:
    @pytest.mark.parametrize("image_id", ["a", "train_00001", "S005-001_B", "0"])
    def test_good(self, image_id: str) -> None:
        assert check_image_id(image_id) == image_id

    @pytest.mark.parametrize(
        "image_id",
        [
            "",
            ".",
            "..",
            "../a",
            "a/b",
            "a\\b",
            "a.b",
            "/etc/passwd",
            "a b",
            "é",
            "a\n",
            "a\0",
            "C:",
        ],
    )
    def test_escapes_and_oddities(self, folder: VocFolder, image_id: str) -> None:
        for use in (
            check_image_id,
            folder.image_path,
            folder.annotation_path,
            folder.read,
            lambda name: folder.write(VocAnnotation(name, 9, 9, ())),
        ):
            with pytest.raises(DatasetFormatError, match="letters, digits, _ and - only"):
                use(image_id)

    def test_in_a_list_the_list_is_named(self, folder: VocFolder) -> None:
        folder.image_set_path("train").write_text("a\n../../b\n")
        with pytest.raises(DatasetFormatError, match=r"'\.\./\.\./b' in .*train\.txt"):
            folder.image_ids("train")


class TestLists:
    @pytest.mark.parametrize(
        "data",
        [
            b"a\nb-2\n",
            b"a\r\nb-2\r\n",
            b"\xef\xbb\xbfa\nb-2",
            b"a  1\n\nb-2 -1\n",
            b"  a\n\tb-2\n\n\n",
        ],
    )
    def test_line_ends_marks_and_blanks(self, folder: VocFolder, data: bytes) -> None:
        folder.image_set_path("train").write_bytes(data)
        assert folder.image_ids("train") == ["a", "b-2"]

    def test_written_by_split_and_by_class(self, folder: VocFolder) -> None:
        folder.write_image_sets(
            {"train": ["b", "a"], "test": ["c"]},
            {"a": ["fear"], "b": {"surprise", "fear"}, "c": []},
        )
        assert folder.splits() == ("train", "test")
        assert folder.image_ids("train") == ["b", "a"]
        texts = {
            path.stem: path.read_text() for path in folder.image_set_path("x").parent.iterdir()
        }
        assert texts == {
            "train": "b\na\n",
            "test": "c\n",
            "surprise_train": "b  1\na -1\n",
            "fear_train": "b  1\na  1\n",
            "surprise_test": "c -1\n",
            "fear_test": "c -1\n",
        }

    def test_empty_split(self, folder: VocFolder) -> None:
        folder.write_image_sets({"val": []}, {})
        assert folder.image_ids("val") == []

    def test_absent_split_names_those_that_are_there(self, folder: VocFolder) -> None:
        with pytest.raises(DatasetNotFoundError, match="choose one of: none exists"):
            folder.image_ids("val")
        folder.write_image_sets({"train": [], "test": []}, {})
        with pytest.raises(DatasetNotFoundError, match="choose one of: train, test"):
            folder.image_ids("val")

    def test_list_that_is_no_text(self, folder: VocFolder) -> None:
        folder.image_set_path("train").write_bytes(b"\xff\xd8\xff\xe0")
        with pytest.raises(DatasetFormatError, match=r"train\.txt"):
            folder.image_ids("train")


class TestLabelMap:
    def test_form_and_colours(self, folder: VocFolder) -> None:
        # The VOC palette: class 1 is (128, 0, 0), 2 (0, 128, 0), 3 (128, 128, 0).
        assert folder.label_map_path.read_text().splitlines() == [
            "# label:color_rgb:parts:actions",
            "background:0,0,0::",
            "surprise:128,0,0::",
            "fear:0,128,0::",
            "ignore:128,128,0::",
        ]
        assert folder.classes() == ("surprise", "fear")

    @pytest.mark.parametrize(
        "text",
        ["surprise\nfear\n", "\ufeff# x\r\nsurprise:1,2,3::\r\nfear:::\r\n", "surprise::\n\nfear"],
    )
    def test_forms_of_others(self, folder: VocFolder, text: str) -> None:
        folder.label_map_path.write_bytes(text.encode())
        assert folder.classes() == ("surprise", "fear")

    @pytest.mark.parametrize("word", ["happy", "Fear", "person"])
    def test_class_that_no_command_could_answer(self, folder: VocFolder, word: str) -> None:
        folder.label_map_path.write_text(f"surprise::\n{word}::\n")
        found = rf"has the class '{word}'; wanted expressions: surprise, .*contempt; import"
        with pytest.raises(DatasetFormatError, match=found):
            folder.classes()

    def test_absent(self, folder: VocFolder) -> None:
        folder.label_map_path.unlink()
        with pytest.raises(DatasetNotFoundError, match=r"labelmap\.txt is absent"):
            folder.classes()

    def test_no_text(self, folder: VocFolder) -> None:
        folder.label_map_path.write_bytes(b"\xff\xd8\xff\xe0")
        with pytest.raises(DatasetFormatError, match=r"labelmap\.txt"):
            folder.classes()


class TestImporter:
    ERROR = DatasetFormatError("a picture is absent", "pictures", "complete the folder")

    def raised(self, folder: VocFolder, error: DatasetFormatError = ERROR) -> str:
        with pytest.raises(DatasetFormatError) as caught, folder.name_importer():
            raise error
        return caught.value.remedy

    def test_is_named_for_folders_of_other_tools(self, folder: VocFolder, tmp_path: Path) -> None:
        importer = f"or import the folder with: fer-det build-voc --voc {tmp_path}"
        assert self.raised(folder) == f"complete the folder; {importer}"

    def test_is_named_once(self, folder: VocFolder) -> None:
        with pytest.raises(DatasetFormatError) as caught:
            folder.image_path("a.b")
        assert self.raised(folder, caught.value) == caught.value.remedy

    def test_is_not_named_for_our_own(self, folder: VocFolder) -> None:
        (folder.home / MANIFEST).touch()
        assert self.raised(folder) == "complete the folder"


class TestPlace:
    @pytest.mark.parametrize("inside", [".", "VOCdevkit", "VOCdevkit/VOC2007"])
    def test_found_from_any_of_its_folders(self, folder: VocFolder, inside: str) -> None:
        root = folder.root.parents[1]
        assert VocFolder(root / inside).root.resolve() == folder.root.resolve()

    def test_create_keeps_what_is_there(self, folder: VocFolder) -> None:
        folder.write(FACE)
        assert VocFolder.create(folder.root.parents[1]).read("a") == FACE

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match="build one with: fer-det build-voc"):
            VocFolder(tmp_path / "absent")
        (tmp_path / "JPEGImages").mkdir()
        with pytest.raises(DatasetNotFoundError, match="Annotations"):
            VocFolder(tmp_path)


class TestBesideTheFolder:
    @pytest.mark.parametrize("name", ["summary.json", "report.json"])
    def test_summary_also_of_earlier_versions(self, folder: VocFolder, name: str) -> None:
        assert folder.build_summary() == {}
        (folder.home / name).write_text('{"made_by": "build_voc"}')
        assert folder.build_summary() == {"made_by": "build_voc"}
        (folder.home / name).write_text("[]")
        with pytest.raises(DatasetFormatError, match=f"{name} is no JSON object"):
            folder.build_summary()

    def test_manifest_also_of_earlier_versions(self, folder: VocFolder) -> None:
        assert read_manifest_rows(folder.home) == []
        rows = '{"id": "a", "group": "S1"}\n{"id": "b", "subject": "S2"}\n{"id": "c"}\n'
        (folder.home / "manifest.jsonl").write_text(rows)
        groups = {row["id"]: row["group"] for row in read_manifest_rows(folder.home)}
        assert groups == {"a": "S1", "b": "S2", "c": None}

    @pytest.mark.parametrize("line", ["", "[]", "{}", "no", '{"id": '])
    def test_a_line_that_is_no_row(self, folder: VocFolder, line: str) -> None:
        (folder.home / "manifest.jsonl").write_text(f'{{"id": "a"}}\n{line}\n')
        with pytest.raises(DatasetFormatError, match="line 2 is not a row of a manifest"):
            read_manifest_rows(folder.home)
