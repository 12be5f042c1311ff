"""Rendering: pose and camera, rasteriser, shadows, shading, overlays."""
