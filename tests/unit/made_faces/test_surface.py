import numpy as np
from fake_data.plain_canvas import empty

from made_faces.surface import Floats


def places(*points: tuple[float, float]) -> Floats:
    return np.array(points, np.float32)


def test_lay_mixes_and_hides() -> None:
    canvas = empty(8, colour=0.5, alpha=1.0, nearness=0.5)
    rows, columns = np.array([1, 1, 1]), np.array([2, 3, 4])
    near = np.array([1, 1, 0.25], np.float32)
    alpha = np.array([0.25, 0.75, 0.75], np.float32)
    canvas.lay(rows, columns, near, np.ones((3, 3), np.float32), alpha)
    np.testing.assert_allclose(canvas.colour[1, 2:5, 0], [0.625, 0.875, 0.875])
    # What is faint hides nothing, and nothing moves further away.
    np.testing.assert_allclose(canvas.nearness[1, 2:5], [0.5, 1, 0.5])
    assert canvas.alpha.max() == 1


def test_window_holds_the_places_and_a_margin() -> None:
    canvas = empty(32)
    assert canvas.window(places((4.5, 7.2), (9.1, 8.8))) == (slice(7, 9), slice(4, 10))
    assert canvas.window(places((4.5, 7.2), (9.1, 8.8)), 3) == (slice(4, 12), slice(1, 13))


def test_window_ends_at_the_pictures_margins() -> None:
    canvas = empty(32)
    assert canvas.window(places((-5, -5), (99, 3.5))) == (slice(0, 4), slice(0, 32))
    for outside in ((40, 5), (-9, 5), (5, 40), (5, -9)):
        assert canvas.alpha[canvas.window(places(outside), 2)].size == 0
