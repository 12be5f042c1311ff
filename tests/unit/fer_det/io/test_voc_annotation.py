from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from fer_det.core.box import FaceBox
from fer_det.errors import AnnotationError, DatasetNotFoundError
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import (
    IGNORE,
    MAX_XML_BYTES,
    VocAnnotation,
    VocObject,
    box_from_edges,
    format_annotation,
    read_annotation,
)

FACE = VocAnnotation("a", 100, 80, (VocObject("fear", FaceBox(10, 20, 30, 60)),), "RAF-DB")


def with_text(folder: VocFolder, old: str, new: str) -> Path:
    """FACE's XML, one part of it replaced."""
    text = format_annotation(FACE)
    assert old in text
    path = folder.annotation_path("a")
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


class TestPixelsFromOne:
    def test_written_and_read(self, folder: VocFolder) -> None:
        # Counted from 0 the box [10, 30) x [20, 60) holds the pixels 10..29 and 20..59; counted
        # from 1 with the last included, that is 11..30 and 21..60.
        folder.write(FACE)
        root = etree.parse(folder.annotation_path("a")).getroot()
        edges = [root.findtext(f"object/bndbox/{n}") for n in ("xmin", "ymin", "xmax", "ymax")]
        assert edges == ["11", "21", "30", "60"]
        assert folder.read("a") == FACE

    def test_whole_picture_and_single_pixel(self, folder: VocFolder) -> None:
        whole, corner = FaceBox(0, 0, 100, 80), FaceBox(99, 79, 100, 80)
        text = format_annotation(
            VocAnnotation("a", 100, 80, (VocObject("fear", whole), VocObject("fear", corner)))
        )
        edges = [int(each.text) for each in etree.fromstring(text).iterfind("object/bndbox/*")]
        assert edges == [1, 1, 100, 80, 100, 80, 100, 80]

    @pytest.mark.parametrize(
        ("box", "read_back"),
        [
            ((10.4, 20.6, 29.6, 60.4), (10, 21, 30, 60)),
            ((-7, -3, 130, 95), (0, 0, 100, 80)),
            ((50.1, 40.1, 50.3, 40.2), (50, 40, 51, 41)),
            ((99.9, 79.9, 120, 90), (99, 79, 100, 80)),
            ((-20, -20, -10, -10), (0, 0, 1, 1)),
        ],
    )
    def test_rounded_inside_and_never_empty(
        self, folder: VocFolder, box: tuple[float, ...], read_back: tuple[float, ...]
    ) -> None:
        folder.write(VocAnnotation("a", 100, 80, (VocObject("fear", FaceBox(*box)),)))
        assert folder.read("a").objects[0].box.as_tuple() == read_back

    def test_floats_of_others_are_read(self, folder: VocFolder) -> None:
        path = with_text(folder, "<xmin>11<", "<xmin>11.5<")
        assert read_annotation(path).objects[0].box.x_min == 10.5

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        max_examples=60,
    )
    @given(data=st.data())
    def test_whatever_is_written_is_read(self, folder: VocFolder, data: st.DataObject) -> None:
        width, height = data.draw(st.integers(1, 5000)), data.draw(st.integers(1, 5000))
        text = st.text(
            st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20
        )
        faces = []
        for _ in range(data.draw(st.integers(0, 4))):
            x_min = data.draw(st.integers(0, width - 1))
            y_min = data.draw(st.integers(0, height - 1))
            x_max = data.draw(st.integers(x_min + 1, width))
            y_max = data.draw(st.integers(y_min + 1, height))
            name = data.draw(st.sampled_from(["fear", IGNORE]) | text)
            faces.append(VocObject(name, FaceBox(x_min, y_min, x_max, y_max)))
        annotation = VocAnnotation("x-1_B", width, height, tuple(faces), data.draw(text))
        folder.write(annotation)
        assert folder.read("x-1_B") == annotation
        assert format_annotation(annotation) == format_annotation(folder.read("x-1_B"))


class TestFields:
    def test_as_the_format_asks(self) -> None:
        faces = (*FACE.objects, VocObject(IGNORE, FaceBox(1, 1, 5, 5)))
        root = etree.fromstring(
            format_annotation(VocAnnotation("a", 100, 80, faces, "CK+", depth=1))
        )
        assert root.findtext("folder") == "VOC2007"
        assert root.findtext("filename") == "a.jpg"
        assert root.findtext("source/database") == "CK+"
        assert [root.findtext(f"size/{n}") for n in ("width", "height", "depth")] == [
            "100",
            "80",
            "1",
        ]
        assert root.findtext("segmented") == "0"
        assert [each.findtext("difficult") for each in root.iterfind("object")] == ["0", "1"]
        assert root.find("path") is None

    def test_picture_is_named_by_the_file_and_never_by_its_text(self, folder: VocFolder) -> None:
        path = with_text(folder, "<filename>a.jpg<", "<filename>../../../etc/passwd<")
        assert read_annotation(path).image_id == "a"


class TestDistrusted:
    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("<xmin>11<", "<xmin>0<", "outside 100 x 80"),
            ("<xmax>30<", "<xmax>101<", "outside"),
            ("<ymax>60<", "<ymax>81<", "outside"),
            ("<xmin>11<", "<xmin>31<", "no area"),
            ("<ymin>21<", "<ymin>nan<", "not finite"),
            ("<ymin>21<", "<ymin>-inf<", "not finite"),
            ("<xmax>30<", "<xmax>1e999<", "not finite"),
            ("<xmax>30<", "<xmax>wide<", "wide"),
            ("<xmax>30</xmax>", "", "<bndbox/xmax> is missing"),
            ("<xmax>30<", "<xmax> <", "<bndbox/xmax> is missing or empty"),
            ("<name>fear<", "<name><", "<name> is missing or empty"),
            ("<width>100<", "<width>0<", "size 0 x 80"),
            ("<height>80<", "<height>-80<", "size 100 x -80"),
            ("<width>100<", "<width>100.5<", "100.5"),
            ("<depth>3</depth>", "", "<size/depth> is missing"),
            ("</annotation>", "", "is not XML"),
            ("<annotation>", "<annotation>&unknown;", "is not XML"),
            ("annotation>", "image>", "holds <image>"),
        ],
    )
    def test_field(self, folder: VocFolder, old: str, new: str, told: str) -> None:
        path = with_text(folder, old, new)
        with pytest.raises(AnnotationError) as caught:
            read_annotation(path)
        assert told in str(caught.value)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "doctype",
        [
            "<!DOCTYPE annotation>",
            '<!DOCTYPE annotation [<!ENTITY e "fear">]>',
            '<!DOCTYPE annotation [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
            '<!DOCTYPE annotation SYSTEM "http://localhost/a.dtd">',
        ],
    )
    def test_doctype_and_entities(self, folder: VocFolder, doctype: str) -> None:
        text = format_annotation(FACE)
        if "ENTITY" in doctype:
            text = text.replace(">fear<", ">&e;<")
        path = folder.annotation_path("a")
        path.write_text(doctype + text)
        with pytest.raises(AnnotationError, match="declares a DOCTYPE"):
            read_annotation(path)

    def test_entities_that_multiply(self, folder: VocFolder) -> None:
        entities = '<!ENTITY e0 "ha">' + "".join(
            f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)
        )
        path = folder.annotation_path("a")
        path.write_text(f"<!DOCTYPE annotation [{entities}]><annotation>&e9;</annotation>")
        with pytest.raises(AnnotationError):
            read_annotation(path)

    def test_size_cap(self, folder: VocFolder) -> None:
        text = format_annotation(FACE)
        padding = " " * (MAX_XML_BYTES - len(text))
        path = folder.annotation_path("a")
        path.write_text(text + padding)
        assert read_annotation(path) == FACE
        path.write_text(text + padding + " ")
        with pytest.raises(AnnotationError, match="larger than 1,000,000 bytes"):
            read_annotation(path)

    @pytest.mark.parametrize("data", [b"", b"\0\1\2", b"<html>404</html>", b"\xff\xd8\xff\xe0"])
    def test_what_is_no_annotation(self, folder: VocFolder, data: bytes) -> None:
        path = folder.annotation_path("a")
        path.write_bytes(data)
        with pytest.raises(AnnotationError):
            read_annotation(path)

    def test_nesting_without_end(self, folder: VocFolder) -> None:
        path = folder.annotation_path("a")
        path.write_text("<annotation>" * 40_000)
        with pytest.raises(AnnotationError, match="is not XML"):
            read_annotation(path)

    def test_absent(self, folder: VocFolder) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"a\.xml is absent"):
            folder.read("a")

    def test_folder_in_its_place(self, folder: VocFolder) -> None:
        folder.annotation_path("a").mkdir()
        with pytest.raises(AnnotationError, match="could not be read"):
            folder.read("a")

    def test_other_encodings_are_read(self, folder: VocFolder) -> None:
        text = format_annotation(FACE)
        path = folder.annotation_path("a")
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        assert read_annotation(path) == FACE
        path.write_bytes(f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16"))
        assert read_annotation(path) == FACE


class TestLandmarks:
    POINTS = ((11.0, 22.0), (25.5, 22.0), (18.0, 30.0), (13.0, 41.0), (-2.0, 41.0))
    SEEN = VocObject("fear", FaceBox(10, 20, 30, 60), {"anger": 0.4, "fear": 0.6}, POINTS)

    def test_counted_from_one_and_read_back(self, folder: VocFolder) -> None:
        folder.write(VocAnnotation("a", 100, 80, (self.SEEN, FACE.objects[0])))
        assert "<value>12,23 26.5,23 19,31 14,42 -1,42</value>" in format_annotation(
            folder.read("a")
        )
        assert folder.read("a").objects == (self.SEEN, FACE.objects[0])

    @pytest.mark.parametrize("text", ["", "12 23", "1,2,3", "a,b", "nan,1", "1e999,2"])
    def test_what_makes_no_points_is_passed_over(self, folder: VocFolder, text: str) -> None:
        folder.write(VocAnnotation("a", 100, 80, (self.SEEN,)))
        path = folder.annotation_path("a")
        path.write_text(path.read_text().replace("12,23 26.5,23 19,31 14,42 -1,42", text))
        assert folder.read("a").objects[0].landmarks == ()


class TestLabelProbabilities:
    VOTES = VocObject("fear", FaceBox(10, 20, 30, 60), {"anger": 0.125, "fear": 0.875})

    def test_written_in_cvats_form(self) -> None:
        text = format_annotation(VocAnnotation("a", 100, 80, (self.VOTES,)))
        root = etree.fromstring(text)
        attribute = root.find("object/attributes/attribute")
        assert attribute is not None
        assert attribute.findtext("name") == "label_probabilities"
        assert attribute.findtext("value") == "anger=0.125 fear=0.875"
        assert root.findtext("object/name") == "fear"

    def test_read_back(self, folder: VocFolder) -> None:
        thirds = VocObject("anger", FaceBox(1, 2, 3, 4), {"anger": 2 / 3, "fear": 1 / 3})
        folder.write(VocAnnotation("a", 100, 80, (self.VOTES, thirds)))
        first, second = folder.read("a").objects
        assert first == self.VOTES
        assert second.probabilities == pytest.approx(thirds.probabilities, abs=1e-6)
        assert sum(second.probabilities.values()) == pytest.approx(1, abs=1e-12)

    def test_hard_labels_have_none(self, folder: VocFolder) -> None:
        folder.write(FACE)
        assert folder.read("a").objects[0].probabilities is None
        assert "attributes" not in folder.annotation_path("a").read_text()

    def test_other_attributes_are_ignored(self, folder: VocFolder) -> None:
        other = (
            "</bndbox><attributes><attribute><name>occluded</name><value>x</value></attribute>"
            "<attribute/></attributes>"
        )
        path = with_text(folder, "</bndbox>", other)
        assert read_annotation(path).objects == FACE.objects

    @pytest.mark.parametrize(
        "value",
        ["", "fear", "fear=x", "fear=0.5", "fear=0.5 fear=0.5", "fear=1.5 anger=-0.5", "anger=1",
         "fear=nan", "fear=0.4 anger=0.6"],
    )  # fmt: skip
    def test_no_label(self, folder: VocFolder, value: str) -> None:
        attribute = f"<attribute><name>label_probabilities</name><value>{value}</value></attribute>"
        path = with_text(folder, "</bndbox>", f"</bndbox><attributes>{attribute}</attributes>")
        with pytest.raises(AnnotationError, match="label_probabilities"):
            read_annotation(path)


def test_labels_of_an_annotation() -> None:
    faces = (VocObject(IGNORE, FaceBox(0, 0, 9, 9)), *FACE.objects * 2)
    assert VocAnnotation("a", 100, 80, faces).labels == ("fear", "fear")


def test_edges_counted_from_0_or_1() -> None:
    assert box_from_edges(1, 1, 10, 20) == FaceBox(0, 0, 10, 20)
    assert box_from_edges(0, 0, 9, 19, first_pixel=0) == FaceBox(0, 0, 10, 20)
