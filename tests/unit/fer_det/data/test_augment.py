from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.config.training import AugmentConfig
from fer_det.core.box import MIN_VISIBLE_PART
from fer_det.data.augment import BOX_NOISE, ERASED_AREA, Augmentation, Change, add_box_noise
from fer_det.errors import ConfigError
from fer_det.imaging.jitter import JitterDraw, JitterRanges
from fer_det.imaging.view import View

STILL = AugmentConfig(flip=0, scale=0, shift=0, jitter=JitterRanges(0, 0, 0))
WIDTH, HEIGHT, SIZE = 120, 90, 96
BOX = np.array([[30, 20, 70, 68]], np.float32)
VIEW = View.whole(WIDTH, HEIGHT, SIZE)


def blob() -> NDArray[np.uint8]:
    """A soft light in BOX's place on black."""
    y, x = np.indices((HEIGHT, WIDTH)) + 0.5
    left, top, right, bottom = BOX[0].tolist()
    distance = ((x - (left + right) / 2) / (right - left)) ** 2 + (
        (y - (top + bottom) / 2) / (bottom - top)
    ) ** 2
    light = (200 * np.exp(-distance * 24)).round().astype(np.uint8)
    return np.repeat(light[..., None], 3, axis=2)


def centre_of_light(pixels: NDArray[np.uint8]) -> list[float]:
    light = pixels[..., 0].astype(np.float64)
    y, x = np.indices(light.shape) + 0.5
    return [float((x * light).sum() / light.sum()), float((y * light).sum() / light.sum())]


def centre_of_box(box: NDArray[np.floating]) -> list[float]:
    return [float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2]


def sample(seed: int, **changes: object) -> Change:
    return Augmentation(replace(STILL, **changes)).sample(seed, VIEW)  # type: ignore[arg-type]


def test_ranges_of_nothing_change_nothing() -> None:
    for seed in range(5):
        change = sample(seed)
        assert change.view.matrix == pytest.approx(VIEW.matrix)
        boxes, kept = change.apply_boxes(BOX)
        assert boxes == pytest.approx(VIEW.boxes_to_input(BOX))
        assert boxes.dtype == np.float32
        assert kept.tolist() == [0]
        noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        assert np.array_equal(change.apply_colour(noise), noise)


@pytest.mark.parametrize(
    "changes",
    [
        {"flip": 1.0},
        {"scale": 0.3},
        {"shift": 0.1},
        {"jitter": JitterRanges(0, 0, 30)},
        {"flip": 0.5, "scale": 0.2, "shift": 0.06, "jitter": JitterRanges(0.2, 0.1, 20)},
    ],
    ids=["flip", "scale", "shift", "rotation", "all"],
)
def test_face_stays_in_its_box(changes: dict[str, object]) -> None:
    seen = set()
    for seed in range(12):
        change = sample(seed, **changes)
        pixels = change.apply_colour(change.view.render(blob(), (0, 0, 0)))
        boxes, _ = change.apply_boxes(BOX)
        assert centre_of_light(pixels) == pytest.approx(centre_of_box(boxes[0]), abs=0.35)
        seen.add(tuple(np.round(boxes[0], 1).tolist()))
    assert len(seen) > (0 if changes == {"flip": 1.0} else 6)


def test_flip_mirrors_pixels_and_boxes() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    change = Augmentation(replace(STILL, flip=1.0)).sample(0, View.whole(SIZE, SIZE, SIZE))
    assert np.array_equal(change.view.render(pixels, (0, 0, 0)), pixels[:, ::-1])
    boxes, _ = change.apply_boxes(BOX)
    assert boxes[0].tolist() == pytest.approx([SIZE - 70, 20, SIZE - 30, 68], abs=1e-4)


def test_flip_has_its_probability() -> None:
    mirrored = sum(sample(seed, flip=0.3).view.matrix[0, 0] < 0 for seed in range(400))
    # The standard error is 9.
    assert mirrored == pytest.approx(120, abs=36)


@pytest.mark.parametrize(("name", "limit"), [("scale", 0.2), ("shift", 0.1)])
def test_changes_fill_their_range(name: str, limit: float) -> None:
    drawn = []
    for seed in range(200):
        matrix = sample(seed, **{name: limit}).view.matrix
        grown = matrix[0, 0] / VIEW.matrix[0, 0] - 1
        drawn.append(grown if name == "scale" else matrix[0, 2] / SIZE)
    assert -limit <= min(drawn) < -0.9 * limit
    assert 0.9 * limit < max(drawn) <= limit


def test_pure_function_of_the_seed() -> None:
    config = AugmentConfig()
    one, again, other = (
        Augmentation(config).sample(seed, VIEW) for seed in (2**62, 2**62, 2**62 + 1)
    )
    assert np.array_equal(one.view.matrix, again.view.matrix)
    assert one.jitter == again.jitter
    assert not np.array_equal(one.view.matrix, other.view.matrix)
    assert one.jitter != other.jitter


class TestLeavingFaces:
    def apply(
        self, shift_x: float, boxes: list[list[float]]
    ) -> tuple[list[list[float]], list[int]]:
        matrix = np.array([[1.0, 0, shift_x], [0, 1.0, 0]])
        change = Change(View(matrix, SIZE), JitterDraw(0.0, (1.0, 1.0, 1.0), 0.0))
        found, kept = change.apply_boxes(np.array(boxes, np.float32))
        return found.tolist(), kept.tolist()

    def test_are_clipped(self) -> None:
        found, kept = self.apply(-20, [[10, 10, 50, 50]])
        assert found == [pytest.approx([0, 10, 30, 50], abs=1e-4)]
        assert kept == [0]

    def test_are_dropped(self) -> None:
        gone, barely, half = [0, 0, 18, 30], [0, 0, 28, 30], [0, 0, 40, 30]
        found, kept = self.apply(-20, [gone, half, barely])
        # Eight of twenty-eight columns are less than three tenths.
        assert 8 / 28 < MIN_VISIBLE_PART < 20 / 40
        assert kept == [1]
        assert found == [pytest.approx([0, 0, 20, 30], abs=1e-4)]

    def test_slivers_are_dropped(self) -> None:
        _, kept = self.apply(0, [[10, 10, 10.6, 40], [10, 10, 12, 40]])
        assert kept == [1]

    def test_all_may_leave(self) -> None:
        found, kept = self.apply(-90, [[0, 0, 50, 50]])
        assert (found, kept) == ([], [])


def test_box_noise() -> None:
    boxes = np.tile([10.0, 20.0, 50.0, 100.0], (400, 1))
    off = (add_box_noise(boxes, np.random.default_rng(0)) - boxes) / [40, 80, 40, 80]
    assert abs(off).max() <= BOX_NOISE
    assert (off.max(0) > 0.9 * BOX_NOISE).all()
    assert (off.min(0) < -0.9 * BOX_NOISE).all()


class TestPixels:
    def render(
        self, change: Change, padding: tuple[int, int, int] = (0, 0, 0)
    ) -> NDArray[np.uint8]:
        return change.render(blob(), padding)

    def test_nothing_asked_is_the_view_alone(self) -> None:
        assert np.array_equal(self.render(sample(3)), VIEW.render(blob(), (0, 0, 0)))

    def test_gray_has_equal_channels(self) -> None:
        coloured = blob()
        coloured[..., 0] //= 2
        gray = sample(1, gray=1.0).render(coloured, (0, 0, 0))
        assert np.array_equal(gray[..., 0], gray[..., 1])
        assert np.array_equal(gray[..., 0], gray[..., 2])
        assert not np.array_equal(sample(1).render(coloured, (0, 0, 0))[..., 0], gray[..., 0])

    @pytest.mark.parametrize("seed", range(20))
    def test_an_erased_rectangle_of_noise(self, seed: int) -> None:
        change = sample(seed, erase=1.0)
        assert change.erased is not None
        left, top, right, bottom = change.erased
        assert 0 <= left < right <= SIZE
        assert 0 <= top < bottom <= SIZE
        area = (right - left) * (bottom - top) / SIZE**2
        assert ERASED_AREA[0] * 0.8 < area < ERASED_AREA[1] * 1.2
        erased, whole = self.render(change), self.render(sample(seed))
        outside = np.ones((SIZE, SIZE), bool)
        outside[top:bottom, left:right] = False
        assert np.array_equal(erased[outside], whole[outside])
        assert not np.array_equal(erased[~outside], whole[~outside])
        assert np.array_equal(erased, self.render(change))

    def test_shrunk_pictures_keep_their_place_and_lose_detail(self) -> None:
        y, x = np.indices((HEIGHT, WIDTH))
        checks = np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[..., None], 3, axis=2)
        changes = [sample(seed, shrink=4.0) for seed in range(40)]
        shrunk = [change for change in changes if change.shrink > 1]
        assert 8 <= len(shrunk) <= 32
        strongest = max(shrunk, key=lambda change: change.shrink)
        inner = slice(10, 60)
        detail = [
            each.render(checks, (0, 0, 0))[inner, inner].std() for each in (sample(0), strongest)
        ]
        assert detail[1] < detail[0] / 2
        assert centre_of_light(self.render(strongest)) == pytest.approx(
            centre_of_light(self.render(sample(0))), abs=0.5
        )

    @pytest.mark.parametrize(
        ("name", "value"), [("gray", 1.5), ("erase", -0.1), ("shrink", 0.5), ("shrink", 100)]
    )
    def test_refused_settings(self, name: str, value: float) -> None:
        with pytest.raises(ConfigError, match=f"--augment.{name}"):
            replace(STILL, **{name: value})
