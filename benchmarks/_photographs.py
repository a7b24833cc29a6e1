"""Windows of scikit-image's photographs in linear light, also as JPEG leaves them.

Only of those photographs that its wheel carries.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import skimage.data
from imagecodecs import jpeg8_decode, jpeg8_encode
from numpy.typing import NDArray
from skimage.io import imread

from numerics.colour import linear_to_srgb_integers, srgb_to_linear

PHOTOGRAPHS: dict[str, tuple[str, int, int]] = {
    "astronaut": ("astronaut.png", 256, 200),
    "chelsea": ("chelsea.png", 225, 150),
    "coffee": ("coffee.png", 300, 200),
    "motorcycle": ("motorcycle_left.png", 370, 250),
    "retina": ("retina.jpg", 340, 650),
    "camera": ("camera.png", 256, 220),
    "rocket": ("rocket.jpg", 320, 213),
    "uniform": ("astronaut.png", 150, 380),
    "fur": ("chelsea.png", 140, 150),
    "spoon": ("coffee.png", 450, 200),
    "wheel": ("motorcycle_left.png", 200, 230),
    "vessels": ("retina.jpg", 340, 340),
    "lawn": ("camera.png", 370, 380),
    "shelf": ("motorcycle_left.png", 560, 150),
    "saucer": ("coffee.png", 160, 260),
    "helmet": ("astronaut.png", 360, 330),
    "brick": ("brick.png", 256, 256),
    "gravel": ("gravel.png", 256, 256),
    "coins": ("coins.png", 192, 150),
}
"""Name: file, and the centre of the window, x and y."""


def load_window(name: str, side: int) -> NDArray[np.float32]:
    """Cut a window around a photograph's centre, as far as the picture reaches; (H, W, 3)."""
    file, x, y = PHOTOGRAPHS[name]
    picture = _load(file)
    spans = []
    for middle, whole in zip((y, x), picture.shape, strict=False):
        size = min(side, whole)
        start = min(max(middle - size // 2, 0), whole - size)
        spans.append(slice(start, start + size))
    return picture[spans[0], spans[1]]


def compress(picture: NDArray[np.float32], level: int, chroma: str) -> NDArray[np.float32]:
    """Put a picture in colour through an 8-bit JPEG; `chroma` 420 halves its size, 444 does not."""
    coded = jpeg8_encode(linear_to_srgb_integers(picture, 8), level=level, subsampling=chroma)
    return srgb_to_linear(jpeg8_decode(coded))


@lru_cache
def _load(file: str) -> NDArray[np.float32]:
    picture = imread(Path(skimage.data.__file__).parent / file) / 255.0
    linear = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    if linear.ndim == 2:
        linear = np.repeat(linear[..., None], 3, axis=2)
    return linear[..., :3].astype(np.float32)
