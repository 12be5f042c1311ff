from __future__ import annotations

import numpy as np
import pytest
from fake_data.plain_face import WIDTH, face_points, make_identity, picture, plain_head, surface

from made_faces.materials.surface_material import shirt, surface_material
from made_faces.surface import Material, Region, Surface

SURFACE = surface()
FROWN = {"browDownLeft": 1.0, "browDownRight": 1.0}


def material_of(actions: dict[str, float] | None = None, **features: object) -> Material:
    return surface_material(SURFACE, plain_head(), make_identity(**features), actions or {})


def row_at(height: float) -> int:
    """The row of the picture at that height on the base head."""
    return int(np.argmin(np.abs(picture(SURFACE.template)[:, 0, 2] - height)))


def test_shapes_types_and_ranges_in_every_region() -> None:
    material = material_of(FROWN, beard=0.6, freckles=0.5)
    count = len(SURFACE.rows)
    assert material.albedo.shape == (count, 3)
    for name in ("roughness", "specular", "scatter", "height"):
        assert getattr(material, name).shape == (count,)
    for values in vars(material).values():
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    for region in Region:
        where = SURFACE.region == region
        assert where.any()
        assert 0 < material.albedo[where].min() <= material.albedo[where].max() < 1, region
        assert 0 < material.roughness[where].min() <= material.roughness[where].max() <= 1
        assert 0 < material.specular[where].min() <= material.specular[where].max() < 2
        assert 0 <= material.scatter[where].min() <= material.scatter[where].max() <= 1
        assert np.abs(material.height[where]).max() < 0.005


def test_the_same_every_time_and_the_surface_as_it_was() -> None:
    before = [array.copy() for array in vars(SURFACE).values()]
    one, two = material_of(FROWN), material_of(FROWN)
    for name, values in vars(one).items():
        assert values.tobytes() == getattr(two, name).tobytes()
    for array, copy in zip(vars(SURFACE).values(), before, strict=True):
        assert (array == copy).all()


def test_each_point_alone() -> None:
    # The order of the points does not matter; without neighbours only the pixel size is unknown.
    shuffled = np.random.default_rng(0).permutation(len(SURFACE.rows))
    mixed = Surface(**{name: array[shuffled] for name, array in vars(SURFACE).items()})
    colours = surface_material(mixed, plain_head(), make_identity(), {}).albedo
    assert np.abs(colours - material_of().albedo[shuffled]).mean() < 0.01


def test_lips_are_redder_and_smoother_than_the_skin_around() -> None:
    material = material_of()
    colours, specular = picture(material.albedo), picture(material.specular)
    lip, cheek = (row_at(0.667), WIDTH // 2), (row_at(0.667), WIDTH // 2 + 90)
    assert colours[lip][0] / colours[lip][1] > 1.2 * colours[cheek][0] / colours[cheek][1]
    assert specular[lip] > 1.5 * specular[cheek]


def test_lips_lie_where_the_mask_has_them() -> None:
    shine = picture(material_of().specular)[
        row_at(0.69) : row_at(0.63), WIDTH // 2 - 20 : WIDTH // 2 + 20
    ]
    rows = np.flatnonzero(shine.mean(axis=1) > 0.8) + row_at(0.69)
    heights = picture(SURFACE.template)[rows, 0, 2]
    assert heights.mean() == pytest.approx(0.660, abs=0.001)


def test_brows_are_darker_and_go_down_with_a_frown() -> None:
    columns = slice(WIDTH // 2 + 30, WIDTH // 2 + 45)
    heights = []
    for actions in ({}, FROWN):
        light = picture(material_of(actions).albedo)[row_at(0.775) : row_at(0.735), columns].mean(2)
        dark = np.clip(0.6 * np.median(light) - light, 0, None).sum(axis=1)
        assert dark.max() > 0
        heights.append(float((dark * np.arange(len(dark))).sum() / dark.sum()))
    assert heights[1] - heights[0] > 3


def test_a_frown_folds_the_skin_between_the_brows() -> None:
    between = np.s_[row_at(0.757) : row_at(0.741), WIDTH // 2 - 20 : WIDTH // 2 + 20]
    rest, frown = (
        picture(material_of().height)[between],
        picture(material_of(FROWN).height)[between],
    )
    assert np.abs(rest).max() < 2e-4
    assert frown.min() < -4e-4


def test_hair_and_shirt_cover_the_skin() -> None:
    someone = make_identity(collar=0.66)
    material = material_of(collar=0.66)
    colours, scatter = picture(material.albedo), picture(material.scatter)
    middle = WIDTH // 2
    assert colours[row_at(0.85), middle].mean() < 0.4 * someone.skin.mean()
    shirt = colours[row_at(0.57), middle]
    assert shirt == pytest.approx(someone.shirt, rel=0.4)
    assert scatter[row_at(0.57), middle] == 0
    assert scatter[row_at(0.70), middle] == 1


def test_a_bald_head_without_a_shirt() -> None:
    material = material_of(hair_style="bald", collar=0.40)
    colours = picture(material.albedo)
    assert colours[row_at(0.85), WIDTH // 2].mean() > 0.6 * make_identity().skin.mean()
    assert (material.scatter[SURFACE.region == Region.SKIN] > 0.4).all()


def test_beards_only_on_jaws() -> None:
    bare, bearded = picture(material_of().albedo), picture(material_of(beard=0.9).albedo)
    darker = bearded.mean(axis=2) / bare.mean(axis=2)
    chin = darker[row_at(0.635) : row_at(0.625), WIDTH // 2 - 20 : WIDTH // 2 + 20]
    assert chin.mean() < 0.5
    assert darker[: row_at(0.75)] == pytest.approx(1, abs=1e-5)


def test_eyes_and_teeth_are_wet() -> None:
    material = material_of()
    for region in (Region.LEFT_EYE, Region.RIGHT_EYE, Region.UPPER_TEETH, Region.LOWER_TEETH):
        where = SURFACE.region == region
        assert material.roughness[where].max() < 0.25
        assert material.specular[where].min() > 0.8


def test_nothing_in_view() -> None:
    nothing = Surface(**{name: array[:0] for name, array in vars(SURFACE).items()})
    assert surface_material(nothing, plain_head(), make_identity(), FROWN).albedo.shape == (0, 3)


FACE = face_points()


def test_below_the_collar_only() -> None:
    cloth = shirt(FACE, make_identity(collar=0.63))
    assert cloth.cover[FACE.z < 0.56 + 0.0006].mean() > 0.9
    assert cloth.cover[FACE.z > 0.63].max() == 0
    assert (cloth.bump[cloth.cover == 0] == 0).all()
    assert cloth.albedo.dtype == cloth.cover.dtype == cloth.bump.dtype == np.float32


def test_in_the_shirts_colour() -> None:
    someone = make_identity(collar=0.63)
    cloth = shirt(FACE, someone)
    worn = cloth.albedo[cloth.cover == 1]
    assert worn.mean(axis=0) == pytest.approx(someone.shirt, rel=0.15)
    assert worn[:, 2].std() > 0.01 * someone.shirt[2]


def test_a_higher_collar_covers_more() -> None:
    low, high = (shirt(FACE, make_identity(collar=height)).cover.sum() for height in (0.61, 0.64))
    assert high > low + 1000
