"""Published state dicts of whole classifiers: how their layers are called here. Needs no torch.

A layer's name is looked up in rules, the first that matches decides. `X.norm` is the batch norm
after the convolution X, into which it is folded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fer_det.config.model import Colour

Rules = Sequence[tuple[str, str]]
"""Pattern of a published layer's whole name -> the own name, with groups as \\1."""

IMAGENET_MEAN: Colour = (0.485, 0.456, 0.406)
IMAGENET_STD: Colour = (0.229, 0.224, 0.225)

_AFFECTNET = (
    *("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"),
    "contempt",
)
_ALPHABETICAL = (
    *("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness"),
    "surprise",
)
_RAFDB = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


@dataclass(frozen=True)
class ClassifierFormat:
    """One kind of published classifier."""

    title: str
    model: str
    """Name of the model in fer_det.models."""
    marks: frozenset[str]
    """Layers by which a file is recognised."""
    rules: Rules
    settings: Mapping[str, object]
    """Of the model, beside its defaults."""
    classes: Mapping[int, Sequence[tuple[str, Sequence[str]]]]
    """Number of answers -> the classes that the first of them may stand for, each with what it was
    trained on; further answers are dropped."""
    source: str
    licence: str
    eps: float = 1e-5
    """Of the batch norms."""

    def own_name(self, layer: str) -> str | None:
        """Return what a published layer is called here; None where it has no counterpart."""
        for pattern, own in self.rules:
            if found := re.fullmatch(pattern, layer):
                return found.expand(own)
        return None


_DAN_PARTS = {"conv1x1": "reduce", "conv_3x3": "square", "conv_1x3": "row", "conv_3x1": "column"}
_DAN: Rules = (
    (r"features\.0", r"backbone.0"),
    (r"features\.1", r"backbone.0.norm"),
    (r"features\.([4-7]\.\d)\.conv([12])", r"backbone.\1.conv\2"),
    (r"features\.([4-7]\.\d)\.bn([12])", r"backbone.\1.conv\2.norm"),
    (r"features\.([4-7]\.\d)\.downsample\.0", r"backbone.\1.downsample.0"),
    (r"features\.([4-7]\.\d)\.downsample\.1", r"backbone.\1.downsample.0.norm"),
    *((rf"cat_head(\d+)\.sa\.{name}\.0", rf"heads.\1.{own}") for name, own in _DAN_PARTS.items()),
    *(
        (rf"cat_head(\d+)\.sa\.{name}\.1", rf"heads.\1.{own}.norm")
        for name, own in _DAN_PARTS.items()
    ),
    (r"cat_head(\d+)\.ca\.attention\.0", r"heads.\1.squeeze"),
    (r"cat_head(\d+)\.ca\.attention\.1", r"heads.\1.squeeze.norm"),
    (r"cat_head(\d+)\.ca\.attention\.3", r"heads.\1.excite"),
    (r"fc", r"class_score"),
    (r"bn", r"class_score.norm"),
)


def _block(stage: str, own: str, parts: Sequence[tuple[str, str]]) -> Rules:
    return [(rf"blocks\.{stage}\.(\d+)\.{name}", rf"backbone.{own}.block.{p}") for name, p in parts]


_FIRST_STAGE = (
    ("conv_dw", "0.0"),
    ("bn1", "0.0.norm"),
    (r"se\.conv_reduce", "1.fc1"),
    (r"se\.conv_expand", "1.fc2"),
    ("conv_pw", "2.0"),
    ("bn2", "2.0.norm"),
)
_OTHER_STAGES = (
    ("conv_pw", "0.0"),
    ("bn1", "0.0.norm"),
    ("conv_dw", "1.0"),
    ("bn2", "1.0.norm"),
    (r"se\.conv_reduce", "2.fc1"),
    (r"se\.conv_expand", "2.fc2"),
    ("conv_pwl", "3.0"),
    ("bn3", "3.0.norm"),
)
_TIMM_EFFICIENTNET: Rules = (
    (r"conv_stem", r"backbone.0.0"),
    (r"bn1", r"backbone.0.0.norm"),
    *_block("0", r"1.\1", _FIRST_STAGE),
    *(
        rule
        for stage in range(1, 7)
        for rule in _block(str(stage), rf"{stage + 1}.\1", _OTHER_STAGES)
    ),
    (r"conv_head", r"backbone.8.0"),
    (r"bn2", r"backbone.8.0.norm"),
    (r"classifier(\.0)?", r"class_score"),
)


def _emotiefflib(model: str, last_block: str) -> ClassifierFormat:
    """last_block: a layer that only this size of EfficientNet has."""
    return ClassifierFormat(
        title=f"EmotiEffLib's (HSEmotion's) {model}, in the names of timm",
        model=model,
        marks=frozenset({"conv_stem", "conv_head", last_block}),
        rules=_TIMM_EFFICIENTNET,
        settings={"same_padding": True, "image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD},
        classes={
            8: [("AffectNet, eight classes", _ALPHABETICAL)],
            7: [
                (
                    "AffectNet, seven classes",
                    tuple(each for each in _ALPHABETICAL if each != "contempt"),
                )
            ],
            # Valence and arousal follow the eight classes.
            10: [("AffectNet, eight classes, valence and arousal", _ALPHABETICAL)],
        },
        source="EmotiEffLib (HSEmotion), Savchenko, github.com/sb-ai-lab/EmotiEffLib",
        licence="code Apache-2.0; AffectNet's photos are for research",
        # timm's tf_efficientnet keeps TensorFlow's constant.
        eps=1e-3,
    )


CLASSIFIER_FORMATS: tuple[ClassifierFormat, ...] = (
    ClassifierFormat(
        title="DAN's state dict",
        model="dan",
        marks=frozenset({"cat_head0.sa.conv1x1.0", "cat_head0.ca.attention.0"}),
        rules=_DAN,
        settings={"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD},
        classes={
            7: [("RAF-DB", _RAFDB), ("AffectNet, seven classes", _AFFECTNET[:7])],
            8: [("AffectNet, eight classes", _AFFECTNET)],
        },
        source="DAN: Wen, Lin, Wang and Xu, github.com/yaoing/DAN",
        licence="code MIT; RAF-DB's and AffectNet's photos are for research",
    ),
    # B2 first: it has all layers of B0 and more.
    _emotiefflib("efficientnet_b2", "blocks.6.1.conv_dw"),
    _emotiefflib("efficientnet_b0", "blocks.6.0.conv_dw"),
)


def find_classifier_format(layers: Collection[str]) -> ClassifierFormat | None:
    """Return the format that has these layers, by their names without .weight; None for none."""
    names = {re.sub(r"^(module|model)\.", "", name) for name in layers}
    return next((each for each in CLASSIFIER_FORMATS if each.marks <= names), None)
