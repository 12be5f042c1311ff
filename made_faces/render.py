"""One head on a canvas: shaped, posed, framed, lit and dressed, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from fer_det.core.box import FaceBox
from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.geometry import vertex_normals
from made_faces.hair.hairdo import draw_hair
from made_faces.hair.lashes import draw_lashes
from made_faces.materials.paint import paint
from made_faces.renderer.bump_map import bend_normals, crease_light
from made_faces.renderer.camera import Camera
from made_faces.renderer.cavity import INSIDE_MOUTH, recess_light
from made_faces.renderer.framing import SUPERSAMPLING, aim, face_box, final_pixels
from made_faces.renderer.occlusion import contact_light, openness
from made_faces.renderer.pose import pose_head
from made_faces.renderer.rasteriser import Fragments
from made_faces.renderer.shading import Reach, shade
from made_faces.renderer.shadow import blur_over_surface, cast_shadow
from made_faces.renderer.surface_points import see_head, visible_surface
from made_faces.scene.scene import Lighting, Scene
from made_faces.surface import Canvas, Floats, Paint, Region, Surface
from made_faces.worn.glasses import draw_glasses
from made_faces.worn.hand import draw_hand
from made_faces.worn.hat import draw_hat, headgear_of
from made_faces.worn.mask import draw_mask

_MOUTH_SHADOW = np.float32(0.2)
"""The least shadow from the key light inside the mouth, where the lips let only part of it in."""


@dataclass(frozen=True)
class RenderedHead:
    """A head as the camera sees it, and where its face is; places in final pixels."""

    canvas: Canvas
    """At the renderer's resolution, its colour multiplied by alpha."""
    box: FaceBox
    """The extent of the mesh's face, also where it reaches out of the picture."""
    landmarks: Floats
    """[5, 2] columns and rows of Head.landmarks."""
    landmarks68: Floats
    """[68, 2] of Head.landmarks68."""


def render_head(
    head: Head,
    identity: Identity,
    actions: Mapping[str, float],
    scene: Scene,
    shape: Floats | None = None,
    camera: Camera | None = None,
) -> RenderedHead:
    """Draw a person's head over nothing; the same arguments give the same bytes.

    actions: facial actions as Head.express takes them. shape: head.shape(identity), where the
    caller has it. camera: None for the one that frames the face at rest as the scene says.
    """
    shape = head.shape(identity) if shape is None else shape
    camera = aim(head, shape, scene) if camera is None else camera
    expressed = head.express(shape, actions)
    points = pose_head(expressed, head.template, scene.yaw, scene.pitch, scene.roll)
    normals = vertex_normals(points, head.triangles)
    projected = camera.project(points)
    fragments = see_head(projected, head, camera.width, camera.height)
    surface = visible_surface(fragments, head, points, normals)
    painted = paint(surface, head, identity, actions)
    reach = _reach(head, points, surface, painted, fragments, camera, scene.lighting)
    bent = bend_normals(
        surface, painted.height, camera.width, camera.height, camera.pixels_per_metre
    )
    canvas = _canvas(
        fragments, surface, shade(surface, painted, bent, camera, scene.lighting, reach)
    )
    _dress(canvas, head, identity, scene, points, camera)
    return RenderedHead(
        canvas=canvas,
        box=face_box(head, projected, camera, scene),
        landmarks=final_pixels(projected[head.landmarks], camera, scene),
        landmarks68=final_pixels(projected[head.landmarks68], camera, scene),
    )


def _reach(
    head: Head,
    points: Floats,
    surface: Surface,
    painted: Paint,
    fragments: Fragments,
    camera: Camera,
    lighting: Lighting,
) -> Reach:
    """How much of the light arrives where."""
    width, height, scale = camera.width, camera.height, camera.pixels_per_metre
    solid = head.triangles[head.regions == Region.SKIN]
    hard = cast_shadow(points, solid, surface, camera.target, lighting.key)
    shadow = blur_over_surface(hard, surface, width, height, lighting.softness * SUPERSAMPLING)
    inside = np.isin(surface.region, INSIDE_MOUTH)
    shadow[inside] = np.maximum(shadow[inside], _MOUTH_SHADOW)
    light = openness(fragments.nearness, camera.distance, scale)
    recess = recess_light(surface, width, height, scale) * crease_light(painted.height)
    return Reach(shadow, light[surface.rows, surface.columns], recess)


def _canvas(fragments: Fragments, surface: Surface, light: Floats) -> Canvas:
    colour = np.zeros((*fragments.nearness.shape, 3), np.float32)
    colour[surface.rows, surface.columns] = light
    return Canvas(
        colour=colour,
        alpha=(fragments.triangle >= 0).astype(np.float32),
        nearness=fragments.nearness.copy(),
    )


def _dress(
    canvas: Canvas,
    head: Head,
    identity: Identity,
    scene: Scene,
    points: Floats,
    camera: Camera,
) -> None:
    """Draw what grows, is worn and held, from the skin outwards."""
    draw_lashes(canvas, head, identity, points, camera)
    with _touching(canvas, camera):
        draw_mask(canvas, head, scene, points, camera)
        draw_glasses(canvas, head, scene, points, camera)
        draw_hat(canvas, head, scene, points, camera)
    with _touching(canvas, camera):
        # After the hat, which presses the hair under it down and hides it.
        draw_hair(canvas, head, identity, points, camera, scene.lighting, headgear_of(scene))
    with _touching(canvas, camera):
        draw_hand(canvas, head, identity, scene, points, camera)


@contextmanager
def _touching(canvas: Canvas, camera: Camera) -> Iterator[None]:
    """What is drawn meanwhile darkens what it lies close to."""
    before = canvas.nearness.copy()
    yield
    if (before != canvas.nearness).any():
        scale = camera.pixels_per_metre
        light = contact_light(before, canvas.nearness, camera.distance, scale)
        canvas.colour[:] *= light[..., None]
