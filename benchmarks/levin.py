"""Blind PSF estimation on camera shakes of Levin et al. 2009.

Run it from anywhere: ``python benchmarks/levin.py [FOLDER] [--weight W] [--size 31|auto]
[--noise 0.01]``. The
folder (default: ``../shared/data/levin`` beside the repository) holds ``im{i}_kernel{j}_img.png``
and, in ``gt/``, ``im{i}.png`` and ``kernel{j}.png``. Each picture is deconvolved with the PSF
estimated from it and with the true one; ``ratio`` is the squared error of the first over that of
the second. Errors are taken as the data's authors do: without a border of 15 px, at the best
shift in steps of 0.25 px.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from numerics.blind import Estimate, estimate_psf, estimate_psf_and_size  # noqa: E402
from numerics.psf import normalise  # noqa: E402
from numerics.sparse_cg import deconvolve_sparse  # noqa: E402

Plane = NDArray[np.float32]

LEVIN_WEIGHT = 0.0068
BORDER = 15
FARTHEST_SHIFT = 8
# The pictures of these kernels were blurred by the kernel as it is stored, the others by the
# kernel turned by 180 degrees.
UPRIGHT_KERNELS = (4, 8)
PUBLISHED = """\
Published, all 32 pictures, dB: Krishnan 2011 29.88, Cho & Lee 2009 30.57, Levin 2011 30.80,
Xu & Jia 2010 31.67, Zuo 2015 32.66, Pan 2016 32.69, Sun 2013 32.99, SelfDeblur 2020 33.07;
known PSF 34.53. Here are 16 of the 32."""


@dataclass(frozen=True)
class Case:
    """A blurred picture and what is true of it."""

    name: str
    blurred: Plane
    sharp: Plane
    psf: Plane


@dataclass(frozen=True)
class Result:
    """Squared errors with both PSFs, and how the estimate went."""

    estimated: float
    known: float
    seconds: float
    estimate: Estimate

    @property
    def ratio(self) -> float:
        """How many times larger the error is with the estimated PSF."""
        return self.estimated / self.known


def main() -> None:
    options = parse_options()
    cases = load_cases(options.folder, options.noise)
    print(f"final deconvolution: weight {options.weight}; PSF size {options.size} for all")
    print(f"noise added: {options.noise:.1%}\n")
    print("picture         estimated  known PSF  ratio  seconds  white  sure  size  start")
    results = []
    for case in cases:
        results.append(judge(case, options.size, options.weight))
        print_row(case, results[-1])
    print_means(results, cases[0].sharp)
    print("\n" + PUBLISHED)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "../shared/data/levin")
    parser.add_argument("--weight", type=float, default=LEVIN_WEIGHT)
    parser.add_argument("--size", default="31")
    parser.add_argument("--noise", type=float, default=0.0)
    options = parser.parse_args()
    if not (options.folder / "gt").is_dir():
        parser.exit(2, f"{options.folder}: no pictures here. Name the folder that holds gt/.\n")
    return options


def load_cases(folder: Path, noise: float) -> list[Case]:
    cases = [load_case(folder, path) for path in sorted(folder.glob("im*_kernel*_img.png"))]
    return [add_noise(case, noise, seed) for seed, case in enumerate(cases)]


def add_noise(case: Case, noise: float, seed: int) -> Case:
    grain = np.random.default_rng(seed).standard_normal(case.blurred.shape, np.float32)
    return replace(case, blurred=case.blurred + np.float32(noise) * grain)


def load_case(folder: Path, path: Path) -> Case:
    picture, kernel, _ = path.stem.split("_")
    psf = normalise(imread(folder / "gt" / f"{kernel}.png"))
    if int(kernel.removeprefix("kernel")) not in UPRIGHT_KERNELS:
        psf = np.ascontiguousarray(psf[::-1, ::-1])
    sharp = read_plane(folder / "gt" / f"{picture}.png")
    return Case(f"{picture} {kernel}", read_plane(path), sharp, psf)


def read_plane(path: Path) -> Plane:
    return np.asarray(imread(path) / 255, np.float32)


def judge(case: Case, size: str, weight: float) -> Result:
    begin = time.perf_counter()
    if size == "auto":
        estimate = estimate_psf_and_size(case.blurred)
    else:
        estimate = estimate_psf(case.blurred, int(size))
    seconds = time.perf_counter() - begin
    estimated, known = (
        least_squared_error(
            deconvolve_sparse(case.blurred, psf, sparsity_weight=weight), case.sharp
        )
        for psf in (estimate.psf, case.psf)
    )
    return Result(estimated, known, seconds, estimate)


def least_squared_error(latent: Plane, sharp: Plane) -> float:
    """Sum of squared errors within the border, at the best of all shifts."""
    reach = np.arange(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1.0)
    _, down, right = best_shift(latent, sharp, reach, reach)
    near = np.arange(-4, 5) / 4
    return best_shift(latent, sharp, down + near, right + near)[0]


def best_shift(
    latent: Plane, sharp: Plane, downs: NDArray[np.float64], rights: NDArray[np.float64]
) -> tuple[float, float, float]:
    inside = sharp[BORDER:-BORDER, BORDER:-BORDER]
    return min(
        (float(np.sum((shifted(latent, down, right, inside.shape) - inside) ** 2)), down, right)
        for down in downs
        for right in rights
    )


def shifted(latent: Plane, down: float, right: float, shape: tuple[int, ...]) -> Plane:
    """Cut the part of `latent` at BORDER + shift, between pixels by linear interpolation."""
    row, column = int(np.floor(down)), int(np.floor(right))
    part = latent[BORDER + row :, BORDER + column :][: shape[0] + 1, : shape[1] + 1]
    part = part[:-1] + np.float32(down - row) * np.diff(part, axis=0)
    return part[:, :-1] + np.float32(right - column) * np.diff(part, axis=1)


def psnr(squared_error: float, sharp: Plane) -> float:
    height, width = (side - 2 * BORDER for side in sharp.shape)
    return 10 * float(np.log10(height * width / squared_error))


def print_row(case: Case, result: Result) -> None:
    print(
        f"{case.name:15} {psnr(result.estimated, case.sharp):9.2f} "
        f"{psnr(result.known, case.sharp):10.2f} {result.ratio:6.2f} {result.seconds:8.2f} "
        f"{result.estimate.whiteness:6.3f} {result.estimate.confidence:5.2f} "
        f"{result.estimate.psf.shape[0]:5}  {result.estimate.origin}",
        flush=True,
    )


def print_means(results: list[Result], sharp: Plane) -> None:
    estimated = np.mean([psnr(result.estimated, sharp) for result in results])
    known = np.mean([psnr(result.known, sharp) for result in results])
    ratios = np.array([result.ratio for result in results])
    seconds = np.mean([result.seconds for result in results])
    print(f"{'mean':15} {estimated:9.2f} {known:10.2f} {ratios.mean():6.2f} {seconds:8.2f}")
    print(f"ratio <= 2: {np.mean(ratios <= 2):.0%}, <= 3: {np.mean(ratios <= 3):.0%}")


if __name__ == "__main__":
    main()
