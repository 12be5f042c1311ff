import numpy as np
import pytest
import torch

from fer_det.imaging.view import View
from fer_det.models.transform import ViewTransform

MEAN, STD = (0.2, 0.4, 0.6), (0.5, 0.25, 0.1)


@pytest.fixture
def transform() -> ViewTransform:
    return ViewTransform(32, MEAN, STD)


def normalised(red: float, green: float, blue: float) -> torch.Tensor:
    colour = torch.tensor([red, green, blue])
    return (colour - torch.tensor(MEAN)) / torch.tensor(STD)


def test_input_of_the_right_size_is_only_normalised(transform: ViewTransform) -> None:
    pictures = torch.rand(2, 3, 32, 32)
    wanted = (pictures - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    target = {"boxes": torch.tensor([[1.0, 2, 3, 4]])}
    for given in (pictures, list(pictures)):
        listed, targets = transform(given, [target, target])
        torch.testing.assert_close(listed.tensors, wanted)
        assert listed.image_sizes == [(32, 32)] * 2
        assert targets == [target, target]


def test_any_size_is_scaled_into_the_square(transform: ViewTransform) -> None:
    wide, tall = torch.zeros(3, 16, 64), torch.ones(3, 20, 10)
    listed, targets = transform([wide, tall], [{"boxes": torch.tensor([[8.0, 4, 64, 16]])}] * 2)
    assert listed.tensors.shape == (2, 3, 32, 32)
    # The padding is the mean colour, which is 0 once normalised.
    torch.testing.assert_close(listed.tensors[0, :, 4, 20], normalised(0, 0, 0))
    assert not listed.tensors[0, :, 8:].any()
    torch.testing.assert_close(listed.tensors[1, :, 30, 14], normalised(1, 1, 1))
    # Between the last pixel's centre and the padding's first one lies a blend of both.
    assert not listed.tensors[1, :, :, 17:].any()
    assert targets[0]["boxes"].tolist() == [[4.0, 2, 32, 8]]
    assert targets[1]["boxes"].tolist() == pytest.approx(torch.tensor([[12.8, 6.4, 102.4, 25.6]]))
    assert listed.image_sizes == [(8, 32), (32, 16)]


def test_targets_given_are_left_alone(transform: ViewTransform) -> None:
    target = {"boxes": torch.tensor([[8.0, 4, 64, 16]]), "labels": torch.tensor([1])}
    _, targets = transform([torch.zeros(3, 16, 64)], [target])
    assert target["boxes"].tolist() == [[8.0, 4, 64, 16]]
    assert targets[0]["labels"] is target["labels"]


def test_batch_of_another_size(transform: ViewTransform) -> None:
    batch = torch.rand(2, 3, 64, 48)
    listed, _ = transform(batch)
    one_by_one, _ = transform(list(batch))
    assert torch.equal(listed.tensors, one_by_one.tensors)


def test_boxes_come_back_into_the_picture(transform: ViewTransform) -> None:
    boxes = torch.tensor([[4.0, 2, 32, 8], [0.0, 0, 32, 32]])
    (found,) = transform.postprocess([{"boxes": boxes}], [(32, 32)], [(16, 64)])
    assert found["boxes"].tolist() == [[8.0, 4, 64, 16], [0.0, 0, 64, 16]]
    assert (
        found["boxes"].tolist()
        == View.whole(64, 16, 32).boxes_to_picture(boxes.numpy(), 64, 16).tolist()
    )


def test_shrinking_averages(transform: ViewTransform) -> None:
    stripes = torch.zeros(3, 320, 320)
    stripes[:, :, ::2] = 1
    listed, _ = transform([stripes])
    half = normalised(0.5, 0.5, 0.5)[:, None, None].expand(3, 30, 30)
    torch.testing.assert_close(listed.tensors[0, :, 1:-1, 1:-1], half, rtol=0, atol=0.05)


def test_whole_numbers_are_refused(transform: ViewTransform) -> None:
    with pytest.raises(TypeError, match=r"0\.\.1"):
        transform([torch.zeros(3, 32, 32, dtype=torch.uint8)])


def test_same_pixels_as_the_loader_s(transform: ViewTransform) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (75, 50, 3), dtype=np.uint8)
    padding = tuple(round(255 * mean) for mean in MEAN)
    loaded = View.whole(50, 75, 32).render(pixels, padding)
    given = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    listed, _ = transform([given])
    wanted, _ = transform([torch.from_numpy(loaded).permute(2, 0, 1) / 255])
    gray_level = 1 / 255 / min(STD)
    assert (listed.tensors - wanted.tensors).abs().max() <= 2 * gray_level
