"""Blind PSF estimation on camera shakes of Levin et al. 2009.

Run it from anywhere: ``python benchmarks/levin.py [FOLDER] [--weight W] [--size 31|auto]
[--noise 0.01] [--pictures im1_kernel4,im2_kernel7]``. The folder (default:
``../shared/data/levin`` beside the repository) holds ``im{i}_kernel{j}_img.png`` and, in ``gt/``,
``im{i}.png`` and ``kernel{j}.png``. Each picture is deconvolved with the PSF estimated from it and
with the true one: by the product at ``quality: clean``, and by the sparse prior of the data's
authors (``--weight``: 0.0068 is the published one, 0.0025 the best). ``ratio`` is the squared error
of the first over that of the second. Errors are taken as the data's authors do: without a border
of 15 px, at the best shift in steps of 0.25 px.
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

from _in_memory import MemoryContext  # noqa: E402

from nodes.deconvolve import Deconvolve  # noqa: E402
from numerics.blind import Estimate, estimate_psf, estimate_psf_and_size  # noqa: E402
from numerics.psf import normalise  # noqa: E402
from numerics.sparse_cg import deconvolve_sparse  # noqa: E402
from pipeline.node import Value  # noqa: E402

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
class Errors:
    """Squared errors with both PSFs, by one deconvolution."""

    estimated: float
    known: float

    @property
    def ratio(self) -> float:
        """How many times larger the error is with the estimated PSF."""
        return self.estimated / self.known


@dataclass(frozen=True)
class Result:
    """Errors by the product and by the sparse prior, and how the estimate went."""

    product: Errors
    sparse: Errors
    seconds: float
    estimate: Estimate


def main() -> None:
    options = parse_options()
    cases = load_cases(options)
    print(f"PSF size {options.size} for all; noise added: {options.noise:.1%}")
    print(f"final deconvolution: the product's own, clean; sparse prior, weight {options.weight}\n")
    print("                ---- product, clean ----   ----- sparse prior -----")
    print("picture         estimated   known  ratio   estimated   known  ratio ", end="")
    print("seconds  white  sure  size")
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
    parser.add_argument("--pictures", type=lambda names: names.split(","), default=["*"])
    options = parser.parse_args()
    if not (options.folder / "gt").is_dir():
        parser.exit(2, f"{options.folder}: no pictures here. Name the folder that holds gt/.\n")
    return options


def load_cases(options: argparse.Namespace) -> list[Case]:
    folder: Path = options.folder
    names = [f"{name}_img.png" for name in options.pictures]
    paths = sorted(path for name in names for path in folder.glob(name))
    cases = [load_case(folder, path) for path in paths]
    return [add_noise(case, options.noise, seed) for seed, case in enumerate(cases)]


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
    product = Errors(
        *(
            least_squared_error(deconvolve(case, psf), case.sharp)
            for psf in (estimate.psf, case.psf)
        )
    )
    sparse = Errors(
        *(
            least_squared_error(
                deconvolve_sparse(case.blurred, psf, sparsity_weight=weight), case.sharp
            )
            for psf in (estimate.psf, case.psf)
        )
    )
    return Result(product, sparse, seconds, estimate)


def deconvolve(case: Case, psf: Plane) -> Plane:
    """Deconvolve as the product does at its most careful."""
    pixels = {"pixels": case.blurred[..., None]}
    image = Value("image", pixels, {"encoding": "linear", "bit_depth": 8})
    inputs = {"image": image, "psf": Value("psf", {"psf": psf})}
    result = Deconvolve().run(Deconvolve.Params(quality="clean"), inputs, MemoryContext(1))
    return np.asarray(result.arrays["pixels"])[..., 0].copy()


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
    columns = (
        f"{psnr(errors.estimated, case.sharp):9.2f} {psnr(errors.known, case.sharp):7.2f} "
        f"{errors.ratio:6.2f}"
        for errors in (result.product, result.sparse)
    )
    print(
        f"{case.name:15} {'   '.join(columns)} {result.seconds:8.2f} "
        f"{result.estimate.whiteness:6.3f} {result.estimate.confidence:5.2f} "
        f"{result.estimate.psf.shape[0]:5}",
        flush=True,
    )


def print_means(results: list[Result], sharp: Plane) -> None:
    columns = (
        mean_column([result.product for result in results], sharp),
        mean_column([result.sparse for result in results], sharp),
    )
    seconds = np.mean([result.seconds for result in results])
    print(f"{'mean':15} {'   '.join(columns)} {seconds:8.2f}")
    ratios = np.array([[result.product.ratio, result.sparse.ratio] for result in results]).T
    for name, values in zip(("product", "sparse"), ratios, strict=True):
        print(f"{name}: ratio <= 2: {np.mean(values <= 2):.0%}, <= 3: {np.mean(values <= 3):.0%}")


def mean_column(errors: list[Errors], sharp: Plane) -> str:
    estimated = np.mean([psnr(error.estimated, sharp) for error in errors])
    known = np.mean([psnr(error.known, sharp) for error in errors])
    ratio = np.mean([error.ratio for error in errors])
    return f"{estimated:9.2f} {known:7.2f} {ratio:6.2f}"


if __name__ == "__main__":
    main()
