from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from numerics import fft
from numerics.fft_engines import EngineError, installed_engines


@pytest.fixture(params=installed_engines())
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    fft.choose_engine(request.param)
    yield request.param
    fft.choose_engine(None)


@pytest.mark.parametrize("shape", [(12, 10), (9, 15), (3, 16, 18), (2, 7, 8)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transforms_are_numpys_with_every_engine(
    engine: str, shape: tuple[int, ...], dtype: Any
) -> None:
    planes = np.random.default_rng(3).random(shape).astype(dtype)
    expected = np.fft.rfft2(planes.astype(np.float64))
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    spectrum = fft.rfft2(planes)
    assert spectrum.dtype == np.result_type(dtype, np.complex64)
    np.testing.assert_allclose(spectrum, expected, atol=tolerance * np.abs(expected).max())
    np.testing.assert_allclose(fft.irfft2(spectrum, shape[-2:]), planes, atol=tolerance)


def test_pairs_of_transforms_share_a_spectrum_and_scale_by_the_number_of_pixels(
    engine: str,
) -> None:
    assert fft.engine_name() == engine
    planes = np.random.default_rng(4).random((3, 20, 24)).astype(np.float32)
    transforms = fft.PlaneTransforms(3, (20, 24))
    assert transforms.planes.ctypes.data % 64 == 0
    for _ in range(2):  # buffers are used again
        transforms.planes[...] = planes
        for channel, plane in enumerate(planes):
            transforms.forward(channel)
            np.testing.assert_allclose(transforms.spectrum[:, :13], np.fft.rfft2(plane), atol=1e-4)
            assert not transforms.spectrum[:, 13:].any()
            transforms.inverse(channel)
        np.testing.assert_allclose(transforms.planes * transforms.scale, planes, atol=1e-6)


@pytest.mark.parametrize("width", [8, 9])
def test_squared_norm_is_that_of_the_planes(width: int) -> None:
    planes = np.random.default_rng(5).normal(size=(3, 10, width)).astype(np.float32)
    norm = fft.squared_norm(fft.rfft2(planes), width)
    assert norm == pytest.approx(float(np.sum(planes**2)), rel=1e-5)


def test_an_engine_that_is_not_there_is_told() -> None:
    with pytest.raises(EngineError, match=r'got "fast". Use mkl, fftw, scipy'):
        fft.choose_engine("fast")
    assert fft.engine_name() == installed_engines()[0]


@pytest.mark.parametrize(("n", "size"), [(1, 2), (13, 14), (511, 512), (1025, 1050), (1201, 1250)])
def test_fast_sizes_are_even_and_have_small_factors(n: int, size: int) -> None:
    assert fft.next_fast_size(n) == size


def test_fftw_comes_without_what_its_interfaces_import() -> None:
    code = (
        "import sys\n"
        "from numerics import fft\n"
        "fft.choose_engine('fftw')\n"
        "fft.rfft2(fft.np.eye(8))\n"
        "print('dask.array' in sys.modules, 'scipy.fftpack' in sys.modules)\n"
        "from pyfftw.interfaces import scipy_fftpack; print(scipy_fftpack.fft.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False", "fft"]
