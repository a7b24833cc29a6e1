"""A shaken photograph for the tests of blind estimation."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from numerics.blur import blur_valid
from numerics.psf import normalise


@pytest.fixture(scope="session")
def shake() -> np.ndarray:
    """Draw a lopsided camera shake, 11 x 11 px, its centroid in the middle."""
    turns = np.array([[1, 2], [3, 4], [6, 4], [8, 5], [9, 9]], float)
    at = np.linspace(0, 4, 400)
    psf = np.zeros((11, 11))
    rows, columns = (np.interp(at, np.arange(5), turns[:, axis]) for axis in (0, 1))
    np.add.at(psf, (np.round(rows).astype(int), np.round(columns).astype(int)), 1)
    return normalise(psf)


@pytest.fixture(scope="session")
def sharp_photo() -> np.ndarray:
    """Cut a window of 190 x 210 px, linear light, out of a portrait."""
    photo = (data.astronaut()[40:230, 110:320] / 255.0) ** 2.2
    return photo.mean(axis=2).astype(np.float32)


@pytest.fixture(scope="session")
def shaken_photo(sharp_photo: np.ndarray, shake: np.ndarray) -> np.ndarray:
    """Blur the photograph and add 0.2 % of noise; 180 x 200 px remain."""
    blurred = blur_valid(sharp_photo[..., None], shake)[..., 0]
    noise = np.random.default_rng(0).standard_normal(blurred.shape, np.float32)
    return np.asarray(blurred + 0.002 * noise, np.float32)
