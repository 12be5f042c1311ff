from collections import Counter
from pathlib import Path

import pytest
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.core.box import MIN_VISIBLE_PART, FaceBox
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from fer_det.imaging.affine import rotation_matrix, turn_box
from fer_det.imaging.jitter import JitterRanges
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from voc_builder.balance.plan import (
    BalancePlan,
    SourcePicture,
    make_plan,
    read_source,
    spread_copies,
    target_count,
    turn_objects,
)

TRAIN = ["happiness"] * 7 + ["fear"] * 3 + ["anger"] * 2


def plan_of(root: Path, target: object = "largest", seed: int = 0, **splits: list) -> BalancePlan:
    folder = write_voc_tree(root, splits or {"train": TRAIN, "val": ["fear"], "test": ["anger"]})
    return make_plan(read_source(folder), folder.classes(), target, JitterRanges(), seed)


class TestTarget:
    @pytest.mark.parametrize(
        ("target", "wanted"), [("largest", 7), ("median", 3), (5, 5), (1, 1), (100, 100)]
    )
    def test_choice(self, target: object, wanted: int) -> None:
        # Sorted: 2, 3, 7; a class without pictures is not a class to reach.
        assert target_count(target, {"a": 7, "b": 3, "c": 2, "d": 0}) == wanted

    def test_median_of_an_even_number_rounds_up(self) -> None:
        assert target_count("median", {"a": 2, "b": 5}) == 4

    def test_nothing_labelled(self) -> None:
        with pytest.raises(DatasetFormatError, match="labelled"):
            target_count("largest", {})


class TestSpread:
    @pytest.mark.parametrize("copies", [0, 1, 4, 5, 13])
    def test_sum_and_evenness(self, copies: int) -> None:
        spread = spread_copies(list("abcde"), copies, 0, "fear")
        assert sum(spread.values()) == copies
        assert max(spread.values()) - min(spread.values()) <= 1

    def test_nobody_is_favoured_by_place(self) -> None:
        first = [spread_copies(list("abcde"), 1, seed, "fear")["a"] for seed in range(200)]
        assert 20 <= sum(first) <= 60

    def test_larger_target_adds_to_a_smaller_one(self) -> None:
        few = spread_copies(list("abcdefg"), 9, 0, "fear")
        more = spread_copies(list("abcdefg"), 12, 0, "fear")
        assert all(more[source] >= few[source] for source in few)


class TestPlan:
    def test_only_train_grows_to_the_largest_class(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path)
        by_split = Counter((item.split, item.label) for item in plan.pictures)
        for label in ("happiness", "fear", "anger"):
            assert by_split["train", label] == 7
        assert by_split["val", "fear"] == by_split["test", "anger"] == 1
        assert all(item.copy == 0 for item in plan.pictures if item.split != "train")

    def test_every_original_stays_in_order(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, target="median")
        originals = [item.image_id for item in plan.pictures if item.copy == 0]
        assert originals == [*(f"train_{n:04d}" for n in range(12)), "val_0000", "test_0000"]
        assert Counter(item.label for item in plan.pictures if item.split == "train") == {
            "happiness": 7,  # more than the median, and none is left out
            "fear": 3,
            "anger": 3,
        }

    def test_ids_and_numbers_of_copies(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path)
        anger = [item for item in plan.pictures if item.source_id == "train_0010"]
        assert [item.image_id for item in anger][:3] == [
            "train_0010",
            "train_0010_j001",
            "train_0010_j002",
        ]
        assert [item.copy for item in anger] == list(range(len(anger)))
        assert anger[0].draw is None
        assert len({item.draw for item in anger[1:]}) == len(anger) - 1

    def test_absent_class_is_a_zero(self, tmp_path: Path) -> None:
        rows = {row.label: (row.before, row.after) for row in plan_of(tmp_path).counts}
        assert tuple(rows) == CLASSES
        assert rows["disgust"] == (0, 0)
        assert rows["anger"] == (2, 7)

    def test_pure_function_of_the_seed(self, tmp_path: Path) -> None:
        once = plan_of(tmp_path / "a")
        assert plan_of(tmp_path / "b") == once
        assert plan_of(tmp_path / "c", seed=1) != once

    def test_draw_depends_on_the_picture_and_not_on_its_company(self, tmp_path: Path) -> None:
        alone = plan_of(tmp_path / "a", train=["happiness"] * 2 + ["fear"])
        company = plan_of(tmp_path / "b", train=["happiness"] * 2 + ["fear"] + ["happiness"] * 2)
        draws = [
            {item.image_id: item.draw for item in plan.pictures}["train_0002_j001"]
            for plan in (alone, company)
        ]
        assert draws[0] == draws[1] is not None

    def test_several_labelled_faces_count_as_the_rarest(self, tmp_path: Path) -> None:
        train = [("happiness", "fear"), "happiness", "happiness", "happiness"]
        plan = plan_of(tmp_path, train=train)
        assert plan.pictures[0].label == "fear"
        assert sum(item.label == "fear" for item in plan.pictures) == 3

    def test_picture_without_label_is_never_copied(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, train=["happiness", "happiness", "fear", ()])
        assert plan.unlabelled == 1
        assert [item.copy for item in plan.pictures if item.source_id == "train_0003"] == [0]


class TestTurn:
    def test_faces_turn_and_are_clipped(self) -> None:
        annotation = VocAnnotation("a", 100, 100, (VocObject("fear", FaceBox(0, 0, 20, 20)),))
        (face,) = turn_objects(annotation, -10)
        # Clockwise: the left side goes up. The centre (-40, -40) from the middle comes to
        # (-40 cos 10 + 40 sin 10, -40 cos 10 - 40 sin 10) = (-32.45, -46.34); a circle stays one.
        assert face.box.as_tuple() == pytest.approx((7.55, 0.0, 27.55, 13.66), abs=0.01)

    def test_face_to_ignore_may_leave(self) -> None:
        corner = VocObject("ignore", FaceBox(0, 0, 6, 6))
        annotation = VocAnnotation("a", 100, 20, (corner,))
        assert turn_objects(annotation, 40) == ()

    def test_labelled_face_never_leaves(self) -> None:
        corner = VocAnnotation("a", 400, 20, (VocObject("fear", FaceBox(0, 0, 6, 6)),))
        middle = VocAnnotation("b", 400, 20, (VocObject("anger", FaceBox(190, 4, 200, 16)),) * 2)
        pictures = [
            SourcePicture("train", corner, "fear"),
            SourcePicture("train", middle, "anger"),
        ]
        plan = make_plan(pictures, ("fear", "anger"), 30, JitterRanges(rotation=40), 0)
        degrees = {"a": [], "b": []}
        for item in plan.pictures:
            if item.draw is not None:
                degrees[item.source_id].append(item.draw.degrees)
                source = corner if item.source_id == "a" else middle
                assert len(turn_objects(source, item.draw.degrees)) == len(source.objects)
        assert degrees["a"].count(0.0) > 10
        assert 0.0 not in degrees["b"]

    def test_a_labelled_face_stays_visible_by_the_loaders_limit(self) -> None:
        # At the edge of 400 x 120, turning moves the face up or down by up to 50 px.
        edge = VocAnnotation("a", 400, 120, (VocObject("fear", FaceBox(0, 75, 40, 115)),))
        plan = make_plan([SourcePicture("train", edge, "fear")], ("fear",), 300, JitterRanges(), 0)
        degrees = [item.draw.degrees for item in plan.pictures if item.draw is not None]
        for angle in degrees:
            whole = turn_box(edge.objects[0].box, rotation_matrix(angle, 400, 120))
            assert whole.visible_part(400, 120) > MIN_VISIBLE_PART
        # Those beyond the limit are not turned; all others are.
        assert 10 < degrees.count(0.0) < 100

    def test_soft_labels_turn_with_their_face(self) -> None:
        votes = VocObject("fear", FaceBox(40, 40, 60, 60), {"fear": 0.5, "anger": 0.5})
        (face,) = turn_objects(VocAnnotation("a", 100, 100, (votes,)), 10)
        assert face.probabilities == votes.probabilities


class TestRefusals:
    def test_no_train_list(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"train\.txt is absent.*choose one of: val"):
            plan_of(tmp_path, val=["fear"])

    def test_no_labelled_picture(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match="no training picture has a labelled face"):
            plan_of(tmp_path, train=[(), ()])

    def test_picture_in_two_splits(self, tmp_path: Path) -> None:
        folder = write_voc_tree(tmp_path, {"train": ["fear"], "val": ["fear"]})
        folder.image_set_path("val").write_text("train_0000\n")
        with pytest.raises(DatasetFormatError, match="train_0000 is listed in train and again in"):
            read_source(folder)

    def test_picture_only_in_trainval(self, tmp_path: Path) -> None:
        folder = write_voc_tree(tmp_path, {"train": ["fear", "fear"]})
        folder.image_set_path("train").write_text("train_0000\n")
        with pytest.raises(DatasetFormatError, match="train_0001 is listed in trainval and"):
            read_source(folder)

    def test_name_that_is_no_class(self, tmp_path: Path) -> None:
        folder = write_voc_tree(tmp_path, {"train": ["joy"]})
        with pytest.raises(DatasetFormatError, match=r"train_0000\.xml has a face named 'joy'"):
            read_source(folder)

    def test_name_of_a_copy_is_taken(self, tmp_path: Path) -> None:
        folder = write_voc_tree(tmp_path, {"train": ["fear", "anger", "anger"]})
        for path in (folder.annotation_path("train_0001"), folder.image_path("train_0001")):
            path.rename(path.with_stem("train_0000_j001"))
        for split in ("train", "trainval"):
            folder.image_set_path(split).write_text("train_0000\ntrain_0000_j001\ntrain_0002\n")
        with pytest.raises(DatasetFormatError, match="named train_0000_j001, as a copy would be"):
            make_plan(read_source(folder), folder.classes(), 9, JitterRanges(), 0)
