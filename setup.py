"""Puts the shipped configurations and weights into the package; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
SHIPPED = (
    "configs/*.yaml",
    "configs/adapters/*.yaml",
    "configs/README.md",
    "weights/*.md",
    "weights/vgg16_faces.safetensors",
    "weights/expression_small.*",
    "weights/expression_detector.onnx",
    "weights/mtcnn/*.onnx",
    "web/*.*",
    "web/js/*.js",
)


class BuildWithShipped(build_py):
    """build_py that copies SHIPPED below fer_det/shipped/, where find_shipped looks."""

    def run(self) -> None:
        """Copy the package, then SHIPPED; an editable install reads the checkout itself."""
        super().run()
        if self.editable_mode:
            return
        for pattern in SHIPPED:
            for path in sorted(ROOT.glob(pattern)):
                target = Path(self.build_lib, "fer_det", "shipped", path.relative_to(ROOT))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


setup(cmdclass={"build_py": BuildWithShipped})
