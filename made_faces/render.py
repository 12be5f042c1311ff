"""Render the picture of a recipe: pose and shade each head, composite and photograph the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from fer_det.core.box import FaceBox
from made_faces.accessories.glasses import draw_glasses
from made_faces.accessories.hand import draw_hand
from made_faces.accessories.hat import draw_hat, headgear_of
from made_faces.accessories.mask import draw_mask
from made_faces.expression import facial_actions
from made_faces.face_model.head import Head, load_head
from made_faces.face_model.identity import Identity
from made_faces.hair.draw import draw_hair, draw_lashes
from made_faces.materials.surface_material import surface_material
from made_faces.recipe import Recipe, Subject
from made_faces.renderer.camera import (
    SUPERSAMPLING,
    Camera,
    face_box,
    final_pixels,
    portrait_camera,
    pose_head,
)
from made_faces.renderer.rasteriser import Fragments, rasterise_head, visible_surface
from made_faces.renderer.shading import LightVisibility, crease_light, perturb_normals, shade
from made_faces.renderer.shadow import (
    INSIDE_MOUTH,
    ambient_occlusion,
    blur_over_surface,
    cast_shadow,
    cavity_light,
    contact_occlusion,
)
from made_faces.scene.background import draw_background, draw_studio
from made_faces.scene.photograph import photograph
from made_faces.scene.scene import Lighting, Scene
from made_faces.surface import Canvas, Floats, Material, Region, Surface, vertex_normals

_MOUTH_SHADOW = np.float32(0.2)
"""Minimum key light shadow inside the mouth; the lips let in only part of the light."""


@dataclass(frozen=True)
class RenderedHead:
    """A rendered head and the position of its face in final pixels."""

    canvas: Canvas
    """At the renderer's resolution."""
    box: FaceBox
    """Extent of the face mesh; may exceed the picture."""
    landmarks: Floats
    """[5, 2] columns and rows of Head.landmarks."""
    landmarks68: Floats
    """[68, 2] columns and rows of Head.landmarks68."""


def render_head(
    head: Head,
    identity: Identity,
    actions: Mapping[str, float],
    scene: Scene,
    shape: Floats | None = None,
    camera: Camera | None = None,
) -> RenderedHead:
    """Render one head without background; the same arguments give the same bytes.

    actions: facial actions as in Head.express. shape: head.shape(identity), where the caller
    already has it. camera: None selects the camera that frames the neutral face as the scene asks
    for.
    """
    shape = head.shape(identity) if shape is None else shape
    camera = portrait_camera(head, shape, scene) if camera is None else camera
    expressed = head.express(shape, actions)
    points = pose_head(expressed, head.template, scene.yaw, scene.pitch, scene.roll)
    normals = vertex_normals(points, head.triangles)
    projected = camera.project(points)
    fragments = rasterise_head(projected, head, camera.width, camera.height)
    surface = visible_surface(fragments, head, points, normals)
    material = surface_material(surface, head, identity, actions)
    visibility = _light_visibility(
        head, points, surface, material, fragments, camera, scene.lighting
    )
    bent = perturb_normals(
        surface, material.height, camera.width, camera.height, camera.pixels_per_metre
    )
    canvas = _canvas(
        fragments, surface, shade(surface, material, bent, camera, scene.lighting, visibility)
    )
    _draw_hair_and_accessories(canvas, head, identity, scene, points, camera)
    return RenderedHead(
        canvas=canvas,
        box=face_box(head, projected, camera, scene),
        landmarks=final_pixels(projected[head.landmarks], camera, scene),
        landmarks68=final_pixels(projected[head.landmarks68], camera, scene),
    )


def _light_visibility(
    head: Head,
    points: Floats,
    surface: Surface,
    material: Material,
    fragments: Fragments,
    camera: Camera,
    lighting: Lighting,
) -> LightVisibility:
    """Compute how much light reaches each point."""
    width, height, scale = camera.width, camera.height, camera.pixels_per_metre
    solid = head.triangles[head.regions == Region.SKIN]
    hard = cast_shadow(points, solid, surface, camera.target, lighting.key)
    shadow = blur_over_surface(hard, surface, width, height, lighting.softness * SUPERSAMPLING)
    inside = np.isin(surface.region, INSIDE_MOUTH)
    shadow[inside] = np.maximum(shadow[inside], _MOUTH_SHADOW)
    light = ambient_occlusion(fragments.inverse_depth, camera.distance, scale)
    cavity = cavity_light(surface, width, height, scale) * crease_light(material.height)
    return LightVisibility(shadow, light[surface.rows, surface.columns], cavity)


def _canvas(fragments: Fragments, surface: Surface, light: Floats) -> Canvas:
    colour = np.zeros((*fragments.inverse_depth.shape, 3), np.float32)
    colour[surface.rows, surface.columns] = light
    return Canvas(
        colour=colour,
        alpha=(fragments.triangle >= 0).astype(np.float32),
        inverse_depth=fragments.inverse_depth.copy(),
    )


def _draw_hair_and_accessories(
    canvas: Canvas,
    head: Head,
    identity: Identity,
    scene: Scene,
    points: Floats,
    camera: Camera,
) -> None:
    """Draw lashes, mask, glasses, hat, hair and hand, in this order."""
    draw_lashes(canvas, head, identity, points, camera)
    with _contact_shadows(canvas, camera):
        draw_mask(canvas, head, scene, points, camera)
        draw_glasses(canvas, head, scene, points, camera)
        draw_hat(canvas, head, scene, points, camera)
    with _contact_shadows(canvas, camera):
        # After the hat, which flattens and hides the hair under it.
        draw_hair(canvas, head, identity, points, camera, scene.lighting, headgear_of(scene))
    with _contact_shadows(canvas, camera):
        draw_hand(canvas, head, identity, scene, points, camera)


@contextmanager
def _contact_shadows(canvas: Canvas, camera: Camera) -> Iterator[None]:
    """Darken the surroundings of whatever is drawn inside this context."""
    before = canvas.inverse_depth.copy()
    yield
    if (before != canvas.inverse_depth).any():
        scale = camera.pixels_per_metre
        light = contact_occlusion(before, canvas.inverse_depth, camera.distance, scale)
        canvas.colour[:] *= light[..., None]


@dataclass(frozen=True)
class MadePicture:
    """A rendered picture and the position of the labelled face, in pixels from 0."""

    jpeg: bytes
    box: FaceBox
    """Of the face mesh, brow to chin; may exceed the picture."""
    landmarks: Floats
    """[5, 2] as in RAF-DB: eyes, nose tip, mouth corners; the left one in the picture first."""
    landmarks68: Floats
    """[68, 2] in iBUG's order."""


Maker = Callable[[Recipe], MadePicture]
"""Turns a recipe into a picture. A module-level function, so that it can be pickled."""


def make_picture(recipe: Recipe) -> MadePicture:
    """Render and photograph a recipe; the same recipe gives the same bytes."""
    head = _load_head()
    labelled = _render(head, recipe.subject, recipe.laboratory)
    far_to_near = [labelled]
    if recipe.bystander is not None:
        far_to_near.insert(0, _render(head, recipe.bystander, laboratory=False))
    height, width = labelled.canvas.alpha.shape
    scene = recipe.subject.scene
    jpeg = photograph(
        [each.canvas for each in far_to_near],
        _draw_background(recipe, width, height),
        scene.effects,
        scene.width,
        scene.height,
        np.random.default_rng(recipe.noise_seed),
    )
    return MadePicture(jpeg, labelled.box, labelled.landmarks, labelled.landmarks68)


def _render(head: Head, subject: Subject, laboratory: bool) -> RenderedHead:
    shape = head.shape(subject.identity)
    actions = facial_actions(subject.units, subject.blink)
    # The camera is aimed at the neutral face, so that it stays fixed over a sequence.
    camera = portrait_camera(head, shape, subject.scene) if laboratory else None
    return render_head(head, subject.identity, actions, subject.scene, shape, camera)


def _draw_background(recipe: Recipe, width: int, height: int) -> Floats:
    seed = recipe.subject.scene.background_seed
    if recipe.laboratory:
        return draw_studio(np.random.default_rng(seed), height, width)
    return draw_background(width, height, seed)


@cache
def _load_head() -> Head:
    """Loaded once a process. OpenCV stays on one thread, since pictures are made in parallel
    processes.
    """
    cv2.setNumThreads(1)
    return load_head()
