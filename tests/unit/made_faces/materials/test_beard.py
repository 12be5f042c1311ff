import numpy as np
from fake_data.plain_face import face_places, person

from made_faces.materials.beard import beard, beard_colour, jaw

FACE = face_places()
CHIN = np.hypot(FACE.across, FACE.z - 0.630) < 0.005
MOUSTACHE = (FACE.across < 0.012) & (np.abs(FACE.z - 0.6765) < 0.002)
BARE = (
    (FACE.lips > 0.5)
    | (FACE.z > 0.745)
    | (FACE.z < 0.595)
    | ((FACE.z > 0.69) & (FACE.across < 0.05))
)


def test_only_where_beards_grow() -> None:
    part, relief = beard(FACE, person(beard=0.9))
    assert part.dtype == relief.dtype == np.float32
    assert part[CHIN].mean() > 0.6
    assert part[MOUSTACHE].mean() > 0.4
    assert part[BARE].max() < 0.02
    assert np.abs(relief).max() < 4e-4
    assert jaw(FACE)[BARE].max() < 0.02


def test_none_on_the_shaven() -> None:
    part, relief = beard(FACE, person(beard=0.0))
    assert not part.any()
    assert not relief.any()


def test_fuller() -> None:
    light, full = (beard(FACE, person(beard=much))[0] for much in (0.3, 0.9))
    assert 2 * light[CHIN].mean() < full[CHIN].mean() < 0.95


def test_made_of_hairs() -> None:
    fine = face_places(pixel=0.0002)
    part, _ = beard(fine, person(beard=0.6))
    assert part[CHIN].std() > 0.08


def test_darker_than_skin_and_gray_in_the_old() -> None:
    someone = person(beard=0.8)
    assert (beard_colour(someone) < 0.5 * someone.skin).all()
    white = person(beard=0.8, hair=np.array([0.6, 0.6, 0.6], np.float32))
    assert (beard_colour(someone) < beard_colour(white)).all()
    assert (beard_colour(white) < 0.45).all()
