import numpy as np

from made_faces.renderer.cavity import recess_light
from made_faces.surface import Region, Surface

SIDE, SCALE = 60, 2000.0


def picture(region: Region, depth: float = -0.146) -> Surface:
    """Skin with a window of 12 rows onto `region`, `depth` its y on the base head."""
    rows, columns = np.mgrid[:SIDE, :SIDE].reshape(2, -1).astype(np.int32)
    regions = np.full(SIDE * SIDE, Region.SKIN, np.uint8)
    regions[(rows >= 24) & (rows < 36) & (columns >= 15) & (columns < 45)] = region
    template = np.zeros((SIDE * SIDE, 3), np.float32)
    template[:, 1] = depth
    return Surface(rows, columns, template, template, template, template[:, :2], regions)


def light_on(surface: Surface) -> np.ndarray:
    return recess_light(surface, SIDE, SIDE, SCALE).reshape(SIDE, SIDE)


def test_skin_keeps_all_light() -> None:
    for region in Region:
        surface = picture(region)
        light = light_on(surface)
        assert (light[surface.region.reshape(SIDE, SIDE) == Region.SKIN] == 1).all()


def test_an_eye_is_darker_below_the_upper_lid() -> None:
    light = light_on(picture(Region.LEFT_EYE))
    assert light[24, 30] < light[30, 30] - 0.05
    assert light[35, 30] > light[24, 30] + 0.05
    assert light[24:36, 15:45].min() > 0.5


def test_teeth_are_darker_beside_the_lips() -> None:
    light = light_on(picture(Region.UPPER_TEETH))
    assert light[24, 30] < light[30, 30]
    assert light[30, 15] < light[30, 30]


def test_what_lies_deeper_in_the_mouth_is_darker() -> None:
    for region in (Region.UPPER_TEETH, Region.MOUTH_CAVITY, Region.TONGUE):
        levels = [light_on(picture(region, y))[30, 30] for y in (-0.15, -0.13, -0.11, -0.05)]
        assert (np.diff(levels) < 0).all()
        assert levels[-1] > 0


def test_only_skin() -> None:
    assert (light_on(picture(Region.SKIN)) == 1).all()
