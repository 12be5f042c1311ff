"""What an exported file says of itself: everything a program needs to use it, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from fer_det.config.model import Colour, from_plain
from fer_det.errors import ConfigError, WeightsError

METADATA_KEY = "fer_det"
"""Name of the entry in the metadata of an ONNX file."""
CONTRACT_FILE = "fer_det.json"
"""Name of the same text in the ZIP archive at the end of a LiteRT file."""
CORE_OUTPUTS = ("logits", "deltas", "anchors")
"""Names of a core's outputs, in their order; a classifier has only the first."""
VERSION = 1

Kind = Literal["classifier", "detector"]
Form = Literal["complete", "core"]
"""complete: the file answers with boxes, scores and probabilities. core: with logits, box
corrections and anchors, which fer_det.export.decoding and web/js/boxes.js turn into them."""


@dataclass(frozen=True)
class Thresholds:
    """Limits that a program applies to what it shows."""

    score: float = 0.5
    """Smallest probability of a face."""
    smallest_face: float = 24.0
    """Pixels; of a face whose longer side is shorter only the box is shown."""
    low_resolution: float = 40.0
    """Pixels; a face whose longer side is shorter is flagged."""
    unknown: float = 0.0
    """A face whose most probable expression is less probable is shown as unknown; 0: none is."""


@dataclass(frozen=True)
class Contract:
    """How an exported file is fed and how its answers are read.

    Input: `images` [B, 3, S, S] float32, RGB in 0..1, rendered by View; the file normalises.
    """

    kind: Kind
    form: Form
    model: str
    """Name of the model in fer_det.models."""
    classes: tuple[str, ...]
    input_size: int
    """S: side of the square input in pixels."""
    padding: tuple[int, int, int]
    """Colour in 0..255 outside the picture."""
    image_mean: Colour
    """Subtracted from red, green and blue, inside the file."""
    image_std: Colour
    """By which red, green and blue are divided, inside the file."""
    face_margin: float | None = None
    """Of View.face for a classifier; None for a detector, which gets View.whole."""
    fixed_batch: bool = True
    """Whether B must be 1."""
    temperature: float = 1.0
    """By which logits are divided; complete files do it themselves."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    box_weights: tuple[float, float, float, float] | None = None
    """Factors of a detector's box corrections: x, y, log width, log height."""
    candidates: int | None = None
    """Boxes with the highest scores that enter the suppression; None: all."""
    nms_iou: float | None = None
    """Of two boxes with a higher IoU, only the one with the higher score is kept."""
    detections: int | None = None
    """Highest number of boxes of a picture."""
    dtype: str = "float32"
    """Number format of the weights."""
    licence: str = ""
    source: str = ""
    """Where the weights come from."""
    source_sha256: str = ""
    """Of the model file."""
    version: int = VERSION

    def to_json(self) -> str:
        """Return the text of the metadata's entry."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> Contract:
        """Read the entry of a file's metadata; WeightsError where there is none that fits."""
        wanted = "a file that fer-det export wrote"
        if METADATA_KEY not in metadata:
            raise WeightsError(f"{name} says nothing of its input and classes", wanted, "export it")
        try:
            values: dict[str, Any] = json.loads(metadata[METADATA_KEY])
            if values["version"] != VERSION:
                raise ConfigError(f"version {values['version']}", f"{VERSION}", "export it again")
            limits = {key: float(value) for key, value in values.pop("thresholds").items()}
            plain = from_plain(cls, values)
            return replace(plain, thresholds=from_plain(Thresholds, limits))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WeightsError(
                f"{name} describes itself in a form that is not read ({error})",
                wanted,
                "export it again with this version",
            ) from error
