from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
from fake_data import bright_detector, colour_classifier
from fake_data.bright_detector import ANGRY, HAPPY, spots
from fake_data.faces import COLOURS, FakeDetector
from fake_data.voc_tree import drawn_face
from PIL import Image
from torch import Tensor, nn

from fer_det import models
from fer_det.config.model import ModelConfig
from fer_det.config.predict import FaceOptions
from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.errors import (
    ConfigError,
    DatasetNotFoundError,
    ImageError,
    WeightsError,
    WeightsNotFoundError,
)
from fer_det.faces.detector import DetectedFace
from fer_det.imaging import affine, decode
from fer_det.imaging.decode import decode_rgb8, encode_jpeg, load_rgb8
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.predict.model_runner import ModelRunner
from fer_det.predict.pixels import Picture, Pixels, to_rgb8
from fer_det.predict.predictor import BATCH, Predictor
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import ModelFile, write_model_file

CLASSES = ("fear", "anger")
SIZE = 64
CONFIG = Config(input_size=SIZE, head_width=16, batch_norm=False)
PLAIN = Hardware(torch.device("cpu"), "float32")
BLACK = np.zeros((64, 64, 3), np.uint8)
PIXELS = drawn_face(3)


class Stub(nn.Module):
    """Answers two faces a picture and keeps what it was shown."""

    def __init__(self, score: float = 0.9) -> None:
        super().__init__()
        self.shown: list[Tensor] = []
        self.in_bfloat16: list[bool] = []
        self.score = score

    def forward(self, batch: Tensor) -> list[dict[str, Tensor]]:
        self.shown.append(batch)
        self.in_bfloat16.append((batch[..., 0] @ batch[..., 0].mT).dtype == torch.bfloat16)
        boxes = torch.tensor([[8.0, 16.0, 32.0, 48.0], [0.0, 0.0, 90.0, 70.0]])
        return [
            {
                "boxes": boxes,
                "scores": torch.tensor([self.score, 0.4]),
                "labels": torch.tensor([2, 1]),
                "probabilities": torch.tensor([[0.25, 0.75], [0.5, 0.5]]),
            }
        ] * len(batch)


def predictor(stub: Stub, classes: tuple[str, ...] = CLASSES) -> Predictor:
    return Predictor(ModelRunner(stub, ModelFile({}, CONFIG, classes), PLAIN))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "best.pth"
    write_model_file(path, ModelFile(build_model(CONFIG, CLASSES).state_dict(), CONFIG, CLASSES))
    return path


def test_boxes_come_back_in_the_picture_s_pixels() -> None:
    pixels = np.zeros((64, 128, 3), np.uint8)
    first, second = predictor(Stub())(pixels, min_score=0.0)
    assert first.box.as_tuple() == (16.0, 32.0, 64.0, 64.0)
    assert second.box.as_tuple() == (0.0, 0.0, 128.0, 64.0)
    assert first.expression is Expression.ANGER
    assert first.probabilities == {Expression.FEAR: 0.25, Expression.ANGER: 0.75}
    assert first.score == pytest.approx(0.9)


def test_the_checkpoint_s_temperature_is_applied() -> None:
    checkpoint = ModelFile({}, CONFIG, CLASSES, info={"temperature": 2.0})
    first, second = Predictor(ModelRunner(Stub(), checkpoint, PLAIN))(BLACK, min_score=0.0)
    # The logits' difference is log 3, and half of it after division by 2.
    assert first.probabilities[Expression.ANGER] == pytest.approx(3**0.5 / (1 + 3**0.5))
    assert second.probabilities == {Expression.FEAR: 0.5, Expression.ANGER: 0.5}
    assert first.score == pytest.approx(0.9)


def test_faces_of_low_scores_are_left_out() -> None:
    assert len(predictor(Stub())(BLACK)) == 1
    assert predictor(Stub())(BLACK, min_score=0.95) == []


@pytest.mark.parametrize("score", [70, -0.1, float("nan"), "0.5", None])
def test_scores_are_from_0_to_1(score: Any) -> None:
    with pytest.raises(ConfigError, match=r"min_score .*; wanted a number from 0 to 1"):
        predictor(Stub())(BLACK, min_score=score)
    with pytest.raises(ValueError, match="min_score"):
        predictor(Stub())([], min_score=score)


def test_boxes_of_a_reduced_picture_are_in_pixels_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MAX_PIXELS", 60 * 48 - 1)
    (tmp_path / "large.jpg").write_bytes(encode_jpeg(drawn_face(0)))
    found, size = to_rgb8(tmp_path / "large.jpg")
    assert (found.shape, size) == ((24, 30, 3), (60, 48))
    face = predictor(Stub())(tmp_path / "large.jpg", min_score=0.0)[1]
    assert face.box.as_tuple() == pytest.approx((0, 0, 60, 48))


def test_the_model_is_shown_the_scaled_picture_in_0_to_1() -> None:
    stub = Stub()
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[..., 0] = 255
    predictor(stub)(pixels)
    (shown,) = stub.shown
    assert shown.shape == (1, 3, SIZE, SIZE)
    upper, lower = shown[0, :, :31], shown[0, :, 33:]
    assert torch.equal(upper[0], torch.ones(31, SIZE))
    assert torch.equal(upper[1:], torch.zeros(2, 31, SIZE))
    # The picture is twice as wide as high: the area below it has the mean colour.
    assert torch.equal(lower, torch.full_like(lower, CONFIG.padding[0] / 255))


def test_a_list_is_answered_by_a_list_in_batches() -> None:
    stub = Stub()
    pictures = [np.full((64, 64, 3), number, np.uint8) for number in range(BATCH + 3)]
    answers = predictor(stub)(pictures)
    assert [len(faces) for faces in answers] == [1] * (BATCH + 3)
    assert [len(batch) for batch in stub.shown] == [BATCH, 3]
    assert [round(255 * float(image.mean())) for image in torch.cat(stub.shown)] == list(
        range(BATCH + 3)
    )
    assert predictor(stub)([]) == []
    assert len(predictor(stub)((BLACK,))) == 1


def test_batches_are_as_large_as_asked_for() -> None:
    stub = Stub()
    pictures = [BLACK] * (2 * BATCH + 1)
    predictor(stub)(pictures, batch_size=2 * BATCH)
    assert [len(batch) for batch in stub.shown] == [2 * BATCH, 1]
    with pytest.raises(ConfigError, match="batch_size 0; wanted a number from 1"):
        predictor(stub)(pictures, batch_size=0)


def test_pictures_of_a_list_may_differ_in_kind_and_size(tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(encode_jpeg(drawn_face(0)))
    found = predictor(Stub())(
        [tmp_path / "face.jpg", Image.new("L", (128, 64)), torch.zeros(3, 64, 32)], min_score=0.0
    )
    assert [faces[1].box.as_tuple()[2:] for faces in found] == [(60, 48), (128, 64), (32, 64)]


def test_a_file_its_pixels_and_a_batch_give_the_same(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "gray.jpg").write_bytes(encode_jpeg(drawn_face(0)))
    options = FaceOptions(too_small=0)
    loaded = Predictor.from_checkpoint(str(weights), precision="float32", options=options)
    found = loaded(tmp_path / "gray.jpg", min_score=0.0)
    assert found
    assert loaded(load_rgb8(tmp_path / "gray.jpg"), min_score=0.0) == found
    _, batched = loaded([drawn_face(1), tmp_path / "gray.jpg"], min_score=0.0)
    assert len(batched) == len(found)
    for one, other in zip(found, batched, strict=True):
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple(), abs=1e-3)
        assert one.score == pytest.approx(other.score, abs=1e-5)
    for face in found:
        assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


def test_arithmetic_is_chosen_for_the_machine(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    loaded = Predictor.from_checkpoint(weights)
    assert isinstance(loaded.runner, ModelRunner)
    assert loaded.runner.hardware == Hardware(torch.device("cpu"), "bfloat16")
    assert loaded(drawn_face(0), min_score=0.0)
    with pytest.raises(ConfigError):
        Predictor.from_checkpoint(weights, device="cuda")


def test_the_model_is_run_in_that_arithmetic() -> None:
    stub = Stub()
    checkpoint = ModelFile({}, CONFIG, CLASSES)
    for precision in ("float32", "bfloat16"):
        Predictor(ModelRunner(stub, checkpoint, Hardware(torch.device("cpu"), precision)))(BLACK)
    assert stub.in_bfloat16 == [False, True]


@pytest.mark.parametrize("suffix", ["onnx", "safetensors"])
def test_the_shipped_detector_knows_a_smile(suffix: str) -> None:
    photo = load_rgb8(Path(__file__).parents[4] / "docs" / "photos" / "astronaut.jpg")
    options = FaceOptions(faces="model")
    predictor = Predictor.from_checkpoint(
        f"weights/expression_detector.{suffix}", "cpu", "float32", options
    )
    for pixels, corner in ((photo, 0), (np.ascontiguousarray(photo[0:240, 120:340]), 120)):
        (face,) = predictor(pixels)
        assert face.expression == Expression.HAPPINESS
        assert face.box.centre == pytest.approx((222 - corner, 112), abs=20)


def test_shipped_weights_are_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Predictor.from_checkpoint("weights/expression_small.onnx").expressions
    with pytest.raises(WeightsNotFoundError):
        Predictor.from_checkpoint("weights/absent.safetensors")


def test_files_that_are_not_there_or_broken(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError):
        Predictor.from_checkpoint(tmp_path / "absent.pth")
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(ImageError):
        predictor(Stub())(tmp_path / "page.jpg")
    with pytest.raises(ImageError, match=r"page\.jpg"):
        predictor(Stub())([BLACK, tmp_path / "page.jpg"])


class TestGivenFaces:
    """Another detector finds the faces, and the model says their expressions."""

    @pytest.fixture(autouse=True)
    def registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(models.MODELS, colour_classifier.NAME, colour_classifier.REGISTERED)

    def classifier(self, options: FaceOptions | None = None, **info: Any) -> Predictor:
        file = colour_classifier.colour_model_file(**info)
        model = colour_classifier.build(colour_classifier.Config(), file.classes)
        return Predictor(ModelRunner(model, file, PLAIN), options, FakeDetector())

    @pytest.mark.parametrize("shape", [(300, 400), (2100, 3000)])
    def test_a_classifier_gets_each_face_s_crop(self, shape: tuple[int, int]) -> None:
        pixels = np.full((*shape, 3), 120, np.uint8)
        boxes = [(40, 60, 120, 160), (200, 100, 300, 210)]
        for colour, (left, top, right, bottom) in zip(COLOURS, boxes, strict=False):
            pixels[top:bottom, left:right] = colour
        predictor = self.classifier()
        first, second = predictor(pixels)
        assert (first.box.as_tuple(), second.box.as_tuple()) == (boxes[0], boxes[1])
        assert (first.label, second.label) == ("anger", "happiness")
        assert first.score == pytest.approx(0.99)
        # The resampling filter mixes the ground in at the edges of the box.
        assert first.probabilities[Expression.ANGER] == pytest.approx(220 / 340, abs=0.01)
        assert sum(first.probabilities.values()) == pytest.approx(1)
        assert predictor.found_by == {"model": 0, "mtcnn": 1}
        assert predictor([pixels, BLACK, pixels], batch_size=2)[2] == [first, second]
        assert predictor(pixels, min_score=0.985) == [first]

    def test_marks_and_threshold_reach_the_faces(self) -> None:
        pixels = np.full((200, 200, 3), 120, np.uint8)
        for place, (colour, side) in enumerate(zip(COLOURS, (50, 30, 10), strict=True)):
            pixels[10 : 10 + side, 60 * place : 60 * place + side] = colour
        faces = self.classifier()(pixels)
        assert [face.label for face in faces] == ["anger", "happiness", "too small"]
        assert faces[1].flags == ("low_resolution",)
        faces = self.classifier(unknown_below=0.9)(pixels)
        assert [face.label for face in faces] == ["unknown", "unknown", "too small"]
        hot = self.classifier(temperature=0.2)(pixels)
        assert hot[0].probabilities[Expression.ANGER] > 0.99

    def test_a_classifier_cannot_be_told_to_find_faces(self) -> None:
        with pytest.raises(ConfigError, match="--faces model with a classifier"):
            self.classifier(FaceOptions(faces="model"))

    def test_a_detector_takes_boxes_in_large_pictures(self) -> None:
        class Asked(Stub):
            def forward(
                self, batch: Tensor, targets: list[dict[str, Tensor]] | None = None
            ) -> list[dict[str, Tensor]]:
                if targets is None:
                    return super().forward(batch)
                self.shown.append(batch)
                boxes = [target["boxes"] for target in targets]
                assert all(box.shape == (1, 4) for box in boxes)
                # The box is in the middle with half its side around it, as CONTEXT says.
                assert torch.stack(boxes).flatten().tolist() == pytest.approx([16, 16, 48, 48])
                return [{"target_probabilities": torch.tensor([[0.75, 0.25]])} for _ in batch]

        pixels = np.full((300, 500, 3), 120, np.uint8)
        pixels[100:150, 200:250] = COLOURS[0]
        asked = Asked()
        file = ModelFile({}, CONFIG, CLASSES)
        predictor = Predictor(ModelRunner(asked, file, PLAIN), detector=FakeDetector())
        (face,) = predictor(pixels)
        assert face.box.as_tuple() == (200, 100, 250, 150)
        assert face.expression is Expression.FEAR
        assert len(predictor(pixels[:, :400])) == 1
        assert predictor.found_by == {"model": 1, "mtcnn": 1}
        assert predictor.for_videos()(pixels)[0].expression is Expression.ANGER

    @pytest.mark.parametrize(("roll", "turned"), [(-50, True), (20, True), (14, False)])
    def test_a_tilted_face_is_turned_upright(self, roll: float, turned: bool) -> None:
        upright = np.zeros((400, 400, 3), np.uint8)
        upright[..., 0] = np.linspace(0, 255, 400)
        upright[150:200, 150:250] = 200
        tilted = affine.warp(upright, affine.rotation_matrix(-roll, 400, 400), 400, 400, (0, 0, 0))
        eyes = affine.rotation_matrix(-roll, 400, 400) @ [[180, 220], [180, 180], [1, 1]]
        face = DetectedFace(FaceBox(140, 140, 260, 260), 1.0, tuple(map(tuple, eyes.T)))

        class Finder(FakeDetector):
            def detect(self, *_: Any) -> list[list[DetectedFace]]:
                return [[face]]

        def shown(pixels: Pixels) -> Tensor:
            stub = Stub()
            stub.forward = lambda batch, targets: (  # type: ignore[method-assign, assignment]
                stub.shown.append(batch) or [{"target_probabilities": torch.tensor([[0.5, 0.5]])}]
            )
            runner = ModelRunner(stub, ModelFile({}, CONFIG, CLASSES), PLAIN)
            runner.classify([pixels], [[face]], 1, upright_above=180 if pixels is upright else 15)
            return stub.shown[0]

        away = (shown(tilted) - shown(upright)).abs().amax(dim=(0, 1))
        middle = away[16:48, 16:48]
        assert (float(middle.max()) < 0.15) == turned

    def test_what_finds_the_faces_is_said(self) -> None:
        by_mtcnn = "by MTCNN (fast, smallest face 20 px)"
        assert self.classifier().describe_search() == f"faces: {by_mtcnn}"
        small = (
            "faces: by the model in pictures up to 400 px (smallest face 12.5% of the longer side)"
        )
        assert predictor(Stub()).describe_search() == f"{small}, in larger ones {by_mtcnn}"
        file = ModelFile({}, CONFIG, CLASSES)
        alone = Predictor(ModelRunner(Stub(), file, PLAIN), FaceOptions(faces="model", min_face=30))
        assert alone.describe_search() == f"{small}, in larger ones in tiles (30 px)"


@pytest.mark.parametrize("turns", range(4))
def test_a_photo_that_lies_on_its_side_is_turned_where_asked(turns: int) -> None:
    """The stub finds a face surely only under a bright edge at the top, else weakly."""

    class Sided(Stub):
        def forward(self, batch: Tensor) -> list[dict[str, Tensor]]:
            self.score = 0.9 if batch[0, :, 0, : SIZE // 4].mean() > 0.5 else 0.6
            return super().forward(batch)

    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:6] = 255
    lying = np.ascontiguousarray(np.rot90(upright, -turns))
    file = ModelFile({}, CONFIG, CLASSES)
    options = FaceOptions(any_orientation=True)
    (face,) = Predictor(ModelRunner(Sided(), file, PLAIN), options)(lying)
    assert face.score == pytest.approx(0.9)
    # The stub's box, in the upright picture, seen from the lying one.
    marked = np.zeros((48, 64), np.uint8)
    marked[16:48, 8:32] = 1
    rows, columns = np.nonzero(np.rot90(marked, -turns))
    assert face.box.as_tuple() == (*(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1),)
    plain = Predictor(ModelRunner(Sided(), file, PLAIN))(lying)
    assert plain[0].score == pytest.approx(0.9 if turns == 0 else 0.6)


def test_the_model_s_own_faces_in_tiles_come_back_in_the_picture_s_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(models.MODELS, bright_detector.NAME, bright_detector.REGISTERED)
    places = [(30, 20, HAPPY), (500, 250, HAPPY), (560, 340, ANGRY)]
    pixels = spots(*places, width=700, height=400)
    config = bright_detector.Config(input_size=64, batch_norm=False)
    file = ModelFile({}, config, bright_detector.CLASSES)
    model = bright_detector.build(config, file.classes)
    faces = Predictor(
        ModelRunner(model, file, PLAIN), FaceOptions(faces="model", order="left_to_right")
    )(pixels)
    assert [face.label for face in faces] == ["happiness", "happiness", "anger"]
    for face, (left, top, _) in zip(faces, places, strict=True):
        assert face.box.as_tuple() == pytest.approx((left, top, left + 24, top + 32), abs=2.6)


def test_a_part_of_a_network_is_no_detector(tmp_path: Path) -> None:
    part = ModelFile({}, ModelConfig(batch_norm=False))
    write_model_file(tmp_path / "a.pth", part)
    with pytest.raises(WeightsError, match=r"a.pth holds weights to initialise .*train --init"):
        Predictor.from_checkpoint(tmp_path / "a.pth")


def test_checkpoints_that_make_no_sense() -> None:
    with pytest.raises(WeightsError, match="with the class boredom; wanted expressions: surprise"):
        predictor(Stub(), ("fear", "boredom"))
    with pytest.raises(WeightsError, match="answers are not finite"):
        predictor(Stub(float("nan")))(BLACK)


def test_every_kind_of_the_same_picture(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    Image.fromarray(PIXELS).save(path)
    whole = torch.from_numpy(PIXELS).permute(2, 0, 1)
    kinds: list[Picture] = [
        path,
        str(path),
        Image.open(path),
        Image.fromarray(PIXELS),
        PIXELS,
        PIXELS[:, ::-1][:, ::-1],
        decode_rgb8(path.read_bytes(), "face"),
        whole,
        whole.float() / 255,
        (whole.double() / 255).requires_grad_(),
        (whole.float() / 255).to(memory_format=torch.preserve_format),
    ]
    for kind in kinds:
        found, size = to_rgb8(kind)
        assert size == (60, 48)
        assert found.dtype == np.uint8
        assert np.array_equal(found, PIXELS), type(kind)


def test_gray_of_every_kind() -> None:
    gray = PIXELS[..., 0]
    wanted = np.repeat(gray[..., None], 3, axis=2)
    for kind in (gray, gray[..., None], Image.fromarray(gray), torch.from_numpy(gray.copy())[None]):
        assert np.array_equal(to_rgb8(kind)[0], wanted)


def test_pillow_pictures_are_turned_upright_and_flattened(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(PIXELS).transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(to_rgb8(Image.open(tmp_path / "turned.png"))[0], PIXELS)
    palette = Image.fromarray(PIXELS).quantize(16)
    assert np.array_equal(to_rgb8(palette)[0], np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize(
    ("picture", "error_text"),
    [
        (PIXELS.astype(np.float32), "an array of float32 and shape [48, 60, 3]"),
        (PIXELS.astype(np.uint16), "an array of uint16"),
        (PIXELS.transpose(2, 0, 1), "an array of uint8 and shape [3, 48, 60]"),
        (np.zeros((4, 5, 4), np.uint8), "shape [4, 5, 4]"),
        (PIXELS[None], "shape [1, 48, 60, 3]"),
        (np.zeros((0, 5, 3), np.uint8), "an empty array of shape [0, 5, 3]"),
        (torch.zeros(48, 60, 3), "a tensor of float32 and shape [48, 60, 3]"),
        (torch.zeros(1, 3, 4, 5), "shape [1, 3, 4, 5]"),
        (torch.zeros(3, 4, 5, dtype=torch.int64), "a tensor of int64"),
        (torch.full((3, 4, 5), 1.5), "with values from 1.5 to 1.5"),
        (torch.full((3, 4, 5), -0.5), "with values from -0.5 to -0.5"),
        (torch.full((3, 4, 5), float("nan")), "with values from nan to nan"),
        (torch.zeros(3, 0, 5), "shape [3, 0, 5]"),
        (None, "a NoneType"),
        (b"JFIF", "a bytes"),
    ],
    ids=str,
)
def test_what_is_no_picture_is_named_by_its_kind_and_shape(
    picture: Picture, error_text: str
) -> None:
    with pytest.raises(ImageError) as error:
        to_rgb8(picture)
    assert error_text in str(error.value)
    assert "wanted a path, a Pillow picture, a uint8 array [H, W, 3]" in str(error.value)


def test_addresses_are_opened() -> None:
    pixels = np.full((4, 6, 3), 200, np.uint8)
    fsspec.filesystem("memory").pipe("/bucket/x.jpg", encode_jpeg(pixels))
    assert to_rgb8("memory://bucket/x.jpg")[1] == (6, 4)
    fsspec.filesystem("memory").rm("/bucket", recursive=True)
    with pytest.raises(DatasetNotFoundError, match=r"memory://bucket/x\.jpg is absent"):
        to_rgb8("memory://bucket/x.jpg")


def test_files_that_are_absent_or_broken(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError):
        to_rgb8(str(tmp_path / "absent.jpg"))
    path = tmp_path / "half.png"
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImageError, match=r"half\.png is broken"):
        to_rgb8(path)
    with pytest.raises(ImageError, match="a Pillow picture is broken"):
        to_rgb8(Image.open(path))


def test_the_caller_s_array_is_left_alone() -> None:
    gray = np.zeros((4, 5), np.uint8)
    to_rgb8(gray)[0][:] = 7
    assert not gray.any()
