"""Geometry to light: camera, rasteriser, shadow, shading, and the passes in their order."""
