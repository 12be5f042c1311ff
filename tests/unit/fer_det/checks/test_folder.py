"""Every defect that a VOC folder can have is found and printed with its file."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_data.voc_tree import drawn_face, modification_times, write_voc_tree
from PIL import Image, ImageOps

from fer_det.checks.folder import CheckedFolder, check_folder
from fer_det.cli.check import main
from fer_det.config.check import CheckConfig
from fer_det.errors import ConfigError, DatasetNotFoundError
from fer_det.imaging.decode import encode_jpeg
from fer_det.io.voc import VocFolder

SPLITS = {"train": ["fear", "anger", "fear"], "val": ["anger", "fear"], "test": ["fear", "anger"]}
CLASSES = ("fear", "anger")
Spoil = Callable[[VocFolder], object]


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    """A folder without a defect, in which no two pictures are alike."""
    folder = write_voc_tree(tmp_path / "voc", SPLITS, CLASSES)
    rows = []
    for number, path in enumerate(sorted((folder.root / "JPEGImages").iterdir())):
        path.write_bytes(encode_jpeg(scene(number)))
        split = path.stem.split("_")[0]
        rows.append(row(path.stem, split, f"{path.stem}.png", f"person {number}"))
    write_manifest(folder, rows)
    return folder


def scene(seed: int) -> np.ndarray:
    """A face before clouds, which differ from seed to seed."""
    fields = np.random.default_rng(seed).integers(0, 255, (8, 10, 3), dtype=np.uint8)
    clouds = Image.fromarray(fields).resize((60, 48), Image.Resampling.BICUBIC)
    pixels = np.array(clouds)
    pixels[10:36, 20:40] = drawn_face(seed)[10:36, 20:40]
    return pixels


def row(name: str, split: str, source: str, group: str | None) -> dict[str, object]:
    return {
        "id": name,
        "dataset": "drawn",
        "source": source,
        "status": "written",
        "split": split,
        "group": group,
        "picture": "encoded",
        "sha256": "0" * 64,
    }


def write_manifest(folder: VocFolder, rows: list[dict[str, object]]) -> None:
    text = "".join(json.dumps(each) + "\n" for each in rows)
    (folder.home / "manifest.jsonl").write_text(text)


def change_manifest(folder: VocFolder, name: str, **changes: object) -> None:
    lines = (folder.home / "manifest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    for each in rows:
        if each["id"] == name:
            each |= changes
    kept = [{key: value for key, value in each.items() if value is not ...} for each in rows]
    write_manifest(folder, kept)


def check(folder: VocFolder, **settings: object) -> CheckedFolder:
    return check_folder(CheckConfig(data=folder.home, threads=1, **settings))


def lines_of(folder: VocFolder, **settings: object) -> list[str]:
    return [str(finding) for finding in check(folder, **settings).findings]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def picture(change: Callable[[bytes], bytes], name: str = "train_0001") -> Spoil:
    return lambda folder: rewrite(folder.image_path(name), change)


def xml(old: str, new: str, name: str = "train_0001") -> Spoil:
    def spoil(folder: VocFolder) -> None:
        text = folder.annotation_path(name).read_text()
        assert old in text
        folder.annotation_path(name).write_text(text.replace(old, new, 1))

    return spoil


def image_set(change: Callable[[str], str], split: str = "train") -> Spoil:
    def spoil(folder: VocFolder) -> None:
        path = folder.image_set_path(split)
        path.write_text(change(path.read_text()))

    return spoil


def saved(image_format: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene(1)).save(buffer, image_format, **how)
    return buffer.getvalue()


def rotated_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved("JPEG", exif=exif)


def link_out(folder: VocFolder, path: Path) -> None:
    outside = folder.home.parent / f"outside{path.suffix}"
    shutil.move(path, outside)
    path.symlink_to(outside)


IMAGE, XML = "JPEGImages/train_0001.jpg", "Annotations/train_0001.xml"
LISTS = "ImageSets/Main"

DEFECTS: list[tuple[str, Spoil, str, str]] = [
    ("absent picture", lambda f: f.image_path("train_0001").unlink(), IMAGE, "is absent"),
    ("empty picture", picture(lambda data: b""), IMAGE, "is empty"),
    ("half a picture", picture(lambda data: data[: len(data) // 2]), IMAGE, "is broken"),
    (
        "half a picture and an end",
        picture(lambda data: data[: len(data) // 2] + b"\xff\xd9"),
        IMAGE,
        "is broken (Corrupt JPEG data",
    ),
    ("web page", picture(lambda data: b"<html>404</html>"), IMAGE, "is not a picture we read"),
    ("other type", picture(lambda data: saved("PNG")), IMAGE, "is a PNG, not a JPEG"),
    (
        "rotated by EXIF",
        picture(lambda data: rotated_by_exif()),
        IMAGE,
        "other programs show rotated",
    ),
    (
        "other size",
        picture(lambda data: encode_jpeg(scene(1)[:, :50])),
        XML,
        "states 60 x 48 pixels, the picture has 50 x 48",
    ),
    (
        "other bytes than recorded",
        lambda f: change_manifest(f, "train_0001", picture="copied"),
        IMAGE,
        "is not the file that the manifest names",
    ),
    (
        "folder for a picture",
        lambda f: (f.root / "JPEGImages" / "more").mkdir(),
        "JPEGImages/more",
        "is a folder",
    ),
    (
        "picture in no split",
        lambda f: f.image_path("extra").write_bytes(b"x"),
        "JPEGImages/extra.jpg",
        "is in no image set",
    ),
    (
        "annotation in no split",
        lambda f: f.annotation_path("extra").write_bytes(b"x"),
        "Annotations/extra.xml",
        "is in no image set",
    ),
    (
        "suffix",
        lambda f: (f.root / "JPEGImages" / "train_0001.png").write_bytes(b"x"),
        "JPEGImages/train_0001.png",
        "is not named with an image id and .jpg",
    ),
    ("absent annotation", lambda f: f.annotation_path("train_0001").unlink(), XML, "is absent"),
    ("no XML", xml("</annotation>", ""), XML, "is not XML"),
    ("doctype", xml("<annotation>", "<!DOCTYPE annotation><annotation>"), XML, "DOCTYPE"),
    (
        "entity",
        xml("<annotation>", '<!DOCTYPE a [<!ENTITY e "fear">]><annotation>'),
        XML,
        "DOCTYPE",
    ),
    ("no area", xml("<xmin>21<", "<xmin>41<"), XML, "has no area"),
    ("outside", xml("<xmax>40<", "<xmax>61<"), XML, "outside 60 x 48"),
    ("not a number", xml("<ymin>11<", "<ymin>nan<"), XML, "is not finite"),
    (
        "label",
        xml("<name>anger<", "<name>rage<"),
        XML,
        "names 'rage', which is not in the label map",
    ),
    ("no label", xml("<name>anger<", "<name>ignore<"), XML, "has no labelled face"),
    (
        "class list",
        lambda f: f.image_set_path("fear_train").write_text(
            "train_0000 1\ntrain_0001 1\ntrain_0002 1\n"
        ),
        f"{LISTS}/fear_train.txt",
        "contradicts 1 annotations, first that of train_0001",
    ),
    (
        "class list of others",
        lambda f: f.image_set_path("fear_train").write_text("train_0000 1\n"),
        f"{LISTS}/fear_train.txt",
        "lists other pictures than its split",
    ),
    (
        "listed twice",
        image_set(lambda text: text + "train_0001\n"),
        f"{LISTS}/train.txt",
        "lists train_0001 2 times",
    ),
    (
        "path that climbs",
        image_set(lambda text: text + "../../train_0001\n"),
        f"{LISTS}/train.txt",
        "'../../train_0001' is not an image id",
    ),
    (
        "absolute path",
        image_set(lambda text: text + "/etc/passwd\n"),
        f"{LISTS}/train.txt",
        "'/etc/passwd' is not an image id",
    ),
    (
        "id without files",
        image_set(lambda text: text + "train_0009\n"),
        "JPEGImages/train_0009.jpg",
        "is absent",
    ),
    (
        "two splits",
        image_set(lambda text: text + "train_0001\n", "test"),
        f"{LISTS}/test.txt",
        "lists train_0001, as train.txt does",
    ),
    (
        "trainval",
        image_set(lambda text: text.replace("val_0000\n", ""), "trainval"),
        f"{LISTS}/trainval.txt",
        "differs from train and val together in 1 ids, first val_0000",
    ),
    (
        "list that is no text",
        lambda f: f.image_set_path("test").write_bytes(b"\xff\xd8"),
        f"{LISTS}/test.txt",
        "is not text",
    ),
    ("empty list", lambda f: f.image_set_path("val").write_text(""), f"{LISTS}/val.txt", "lists"),
    ("no label map", lambda f: f.label_map_path.unlink(), "labelmap.txt", "is absent"),
    (
        "no class",
        lambda f: f.label_map_path.write_text("background\n"),
        "labelmap.txt",
        "names no class",
    ),
    (
        "class of other words",
        lambda f: f.label_map_path.write_text("fear\nangry\n"),
        "labelmap.txt",
        "has the class 'angry'",
    ),
    (
        "class twice",
        lambda f: f.label_map_path.write_text("fear\nanger\nfear\n"),
        "labelmap.txt",
        "names fear 2 times",
    ),
    (
        "picture is a link",
        lambda f: link_out(f, f.image_path("train_0001")),
        IMAGE,
        "is a link out of the folder",
    ),
    (
        "annotation is a link",
        lambda f: link_out(f, f.annotation_path("train_0001")),
        XML,
        "is a link out of the folder",
    ),
    (
        "manifest line",
        lambda f: (f.home / "manifest.jsonl").open("a").write("[]\n"),
        "manifest.jsonl",
        "line 8 is not a line of a manifest",
    ),
    (
        "manifest's split",
        lambda f: change_manifest(f, "val_0000", split="train"),
        "manifest.jsonl",
        "has val_0000 in train, and val.txt lists it",
    ),
    (
        "person in two splits",
        lambda f: change_manifest(f, "test_0001", group="person 2"),
        "manifest.jsonl",
        "group drawn/person 2 is in train (train_0000) and in test (test_0001)",
    ),
    (
        "person in two splits of an older manifest",
        lambda f: change_manifest(f, "test_0001", group=..., subject="person 2"),
        "manifest.jsonl",
        "group drawn/person 2 is in train (train_0000) and in test (test_0001)",
    ),
    (
        "clip in two splits",
        lambda f: (
            change_manifest(f, "train_0001", clip="a.mp4"),
            change_manifest(f, "val_0001", clip="a.mp4"),
        ),
        "manifest.jsonl",
        "clip drawn/a.mp4 is in train (train_0001) and in val (val_0001)",
    ),
    (
        "source in two splits",
        lambda f: change_manifest(f, "val_0001", source="train_0002.png"),
        "manifest.jsonl",
        "source picture drawn/train_0002.png is in train (train_0002) and in val (val_0001)",
    ),
    (
        "same picture in two splits",
        lambda f: shutil.copy(f.image_path("train_0001"), f.image_path("test_0001")),
        "JPEGImages/test_0001.jpg",
        "of test is the same picture as train_0001.jpg of train",
    ),
    (
        "same picture, encoded anew",
        lambda f: f.image_path("val_0000").write_bytes(encode_jpeg(scene(3), quality=70)),
        "JPEGImages/val_0000.jpg",
        "of val is a copy of train_0001.jpg of train (likeness ",
    ),
    ("summary", lambda f: (f.home / "summary.json").write_text("[]"), "summary.json", "no JSON"),
    (
        "half-written file",
        lambda f: (f.root / "ImageSets" / "Main" / ".a.txt.1.fer_det-tmp").write_text("x"),
        f"{LISTS}/.a.txt.1.fer_det-tmp",
        "was left half-written by a killed run",
    ),
]


def test_folder_without_a_defect_passes(
    folder: VocFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = modification_times(folder.home)
    assert main([f"--data={folder.home}"]) == 0
    summary = "3 train, 2 val, 2 test pictures; 0 defects, 0 warnings\n"
    assert capsys.readouterr().out == f"{folder.home}: {summary}"
    assert modification_times(folder.home) == before


@pytest.mark.parametrize(
    ("spoil", "place", "text"), [row[1:] for row in DEFECTS], ids=[row[0] for row in DEFECTS]
)
def test_defect_is_printed_with_its_file(
    folder: VocFolder, spoil: Spoil, place: str, text: str
) -> None:
    spoil(folder)
    lines = [line for line in lines_of(folder) if line.startswith(f"refused: {place}: ")]
    assert [line for line in lines if text in line], lines_of(folder)
    assert all("\n" not in line and str(folder.home) not in line for line in lines)


def test_all_defects_at_once(folder: VocFolder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.image_path("train_0000").write_bytes(b"")
    xml("<xmax>40<", "<xmax>99<", "val_0000")(folder)
    folder.image_path("extra").write_bytes(b"x")
    assert main([f"--data={folder.home}"]) == 2
    out, err = capsys.readouterr()
    *lines, summary = out.splitlines()
    assert sorted(line.split(": ")[1] for line in lines) == [
        "Annotations/val_0000.xml",
        "JPEGImages/extra.jpg",
        "JPEGImages/train_0000.jpg",
    ]
    assert summary.endswith("3 defects, 0 warnings")
    *_, error = err.splitlines()
    assert error.startswith(f"error: {folder.home} has 3 defects, listed above; wanted ")


def copied(change: Callable[[Image.Image], Image.Image]) -> Spoil:
    """Put a changed copy of a training picture into test."""

    def spoil(folder: VocFolder) -> None:
        with Image.open(folder.image_path("train_0001")) as picture:
            pixels = np.asarray(change(picture.convert("RGB")).resize((60, 48)))
        folder.image_path("test_0000").write_bytes(encode_jpeg(pixels, quality=80))

    return spoil


COPIES: dict[str, tuple[Spoil, str]] = {
    "brighter": (copied(lambda p: p.point(lambda level: level * 1.15 + 10)), ")"),
    "mirrored": (copied(ImageOps.mirror), ", mirrored)"),
    "turned": (copied(lambda p: p.rotate(10, Image.Resampling.BICUBIC)), "turned by about "),
    "cropped": (copied(lambda p: p.crop((5, 0, 57, 43))), ", enlarged about 1.1"),
    "mirrored and cropped": (copied(lambda p: ImageOps.mirror(p.crop((0, 2, 55, 46)))), "mirrored"),
}


@pytest.mark.parametrize("name", COPIES)
def test_changed_copy_in_another_split_refuses(folder: VocFolder, name: str) -> None:
    spoil, details = COPIES[name]
    spoil(folder)
    (line,) = lines_of(folder)
    begin = (
        "refused: JPEGImages/test_0000.jpg: of test is a copy of train_0001.jpg of train (likeness"
    )
    assert line.startswith(begin)
    assert details in line
    assert lines_of(folder, same=1.0, alike=1.0) == []


class TestWarnings:
    def test_likeness_between_the_limits_is_a_warning(self, folder: VocFolder) -> None:
        copied(ImageOps.mirror)(folder)
        (line,) = lines_of(folder, same=1.0, alike=0.8)
        begin = "warning: JPEGImages/test_0000.jpg: of test looks like train_0001.jpg of train ("
        assert line.startswith(begin)
        assert check(folder, same=1.0).refused == 0
        assert check(folder, same=1.0, strict=True).refused == 1

    def test_within_a_split_copies_are_allowed(self, folder: VocFolder) -> None:
        shutil.copy(folder.image_path("train_0000"), folder.image_path("train_0001"))
        change_manifest(folder, "train_0001", group="person 4", source="train_0000.png")
        assert lines_of(folder) == []

    def test_pictures_of_one_colour_are_not_called_alike(self, folder: VocFolder) -> None:
        for name, gray in (("train_0000", 90), ("test_0000", 120)):
            pixels = np.full((48, 60, 3), gray, np.uint8)
            folder.image_path(name).write_bytes(encode_jpeg(pixels))
        assert lines_of(folder) == []

    def test_folder_of_others_has_no_manifest(
        self, folder: VocFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder.home / "manifest.jsonl").unlink()
        assert main([f"--data={folder.home}"]) == 0
        assert "no manifest, so persons" in capsys.readouterr().out

    def test_folder_to_score_on_needs_no_training_split(self, folder: VocFolder) -> None:
        (folder.home / "manifest.jsonl").unlink()
        for split in ("train", "val"):
            folder.image_set_path(split).unlink()
            for name in [path.stem for path in folder.root.glob(f"JPEGImages/{split}_*")]:
                folder.image_path(name).unlink()
                folder.annotation_path(name).unlink()
        folder.image_set_path("trainval").unlink()
        assert [finding.refuses for finding in check(folder).findings] == [False, False]


def test_balanced_folder_passes(folder: VocFolder, tmp_path: Path) -> None:
    from voc_builder.balance.balance import balance
    from voc_builder.balance.config import BalanceConfig

    balance(BalanceConfig(data=folder.home, out=tmp_path / "balanced", target=6, workers=0))
    checked = check_folder(CheckConfig(data=tmp_path / "balanced"))
    assert checked.pictures == {"train": 12, "val": 2, "test": 2}
    assert checked.has_manifest
    assert checked.refused == 0


def test_links_out_are_not_followed(folder: VocFolder) -> None:
    os.mkfifo(folder.home.parent / "pipe")
    # Whoever opened the pipe would wait for ever.
    for path in (folder.image_path("train_0001"), folder.annotation_path("train_0001")):
        path.unlink()
        path.symlink_to(folder.home.parent / "pipe")
    assert len([line for line in lines_of(folder) if "link out of the folder" in line]) == 2


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match="no VOC data set"):
        check_folder(CheckConfig(data=tmp_path))


@pytest.mark.parametrize("bad", [{"same": 0}, {"same": 1.1}, {"alike": 0.95}, {"threads": 0}])
def test_flags_that_contradict(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        CheckConfig(**bad)
