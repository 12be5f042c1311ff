"""The scoring protocol: hash of the split, listed and rejected faces."""

from __future__ import annotations

import hashlib
import json

import pytest
from fake_data.scored_pictures import CLASSES, protocol_for, scored_picture

from fer_det.evaluation.protocol import hash_pictures, split_hash

LEFT, RIGHT = (0.0, 0.0, 40.0, 40.0), (50.0, 0.0, 90.0, 40.0)


def test_the_hash_is_of_sorted_lines_that_a_shell_can_make():
    text = b"a fear\nb anger sadness\nc\n"
    labels = {"c": [], "b": ["sadness", "anger"], "a": ["fear"]}
    assert split_hash(labels) == hashlib.sha256(text).hexdigest()


def test_the_order_of_pictures_and_labels_does_not_matter():
    one = {"a": ["fear"], "b": ["anger", "sadness"]}
    assert split_hash(one) == split_hash({"b": ["sadness", "anger"], "a": ["fear"]})


@pytest.mark.parametrize(
    "other",
    [
        {"a": ["fear"]},
        {"a": ["fear"], "b": ["sadness"]},
        {"a": ["sadness"], "b": ["fear"]},
        {"a": ["fear"], "c": ["anger"]},
        {"a": ["fear", "fear"], "b": ["anger"]},
        {"a": ["fear"], "b": ["anger"], "c": []},
    ],
)
def test_any_other_picture_or_label_changes_it(other):
    assert split_hash({"a": ["fear"], "b": ["anger"]}) != split_hash(other)


def test_scored_pictures_hash_like_their_labels():
    pictures = [scored_picture("b", [(LEFT, 6), (RIGHT, 5)]), scored_picture("a", [(LEFT, 2)])]
    labels = {"a": ["fear"], "b": ["anger", "sadness"]}
    assert hash_pictures(pictures, CLASSES) == split_hash(labels)


def test_listed_faces_are_those_scored_and_rejected():
    scored = {"fear": 3, "anger": 5}
    names = ("fear", "anger")
    assert protocol_for([], names).listed_by_class(scored) is None
    rejected = protocol_for([], names, rejected={"fear": 2})
    assert rejected.listed_by_class(scored) == {"fear": 5, "anger": 5}
    listed = protocol_for([], names, listed={"anger": 9, "fear": 6}, rejected={"fear": 2})
    # In the order of the classes, whatever the order given.
    assert list(listed.listed_by_class(scored).items()) == [("fear", 6), ("anger", 9)]


def test_classes_that_are_not_scored_are_refused():
    with pytest.raises(ValueError, match=r"found \['contempt'\] as well"):
        protocol_for([], listed={"contempt": 18}).listed_by_class({"fear": 3})


def test_more_rejected_than_listed_is_refused():
    with pytest.raises(ValueError, match=r"fear: rejected expected 0\.\.2, found 3"):
        protocol_for([], listed={"fear": 2}, rejected={"fear": 3})


@pytest.mark.parametrize(
    ("size", "text", "plain"), [(224, "224 px", 224), ((800, 1333), "800/1333 px", [800, 1333])]
)
def test_the_input_size_is_one_edge_or_two(size, text, plain):
    protocol = protocol_for([], input_size=size)
    assert protocol.size_text == text
    assert json.loads(json.dumps(protocol.to_json()))["input_size"] == plain
