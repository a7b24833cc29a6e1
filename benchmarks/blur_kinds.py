"""Kinds of blur: told right, and told apart from no blur.

    python benchmarks/blur_kinds.py [--windows a,b] [--levin FOLDER] [--no-free]
                                    [--mode both|colour|gray] [--every N] [--first N]

Windows of 255 px of scikit-image's photographs, those in colour also as their luminance, left
sharp or blurred by gaussians, discs, lines and camera shakes (those of Levin et al. 2009 where
their folder is found, else random walks), at 0, 0.4, 1 and 2 % noise in turn. Printed are the
cases told wrong, the table of kinds, the shares that are right, and what must not happen: blurs
called sharp and sharp pictures called blurred. Thresholds were set on the first eight windows; the
others are held out. The photograph of a retina, of which there are two windows, is soft by itself,
so that what was done to it is not all that blurs it: it has a share of its own, and a gaussian of
up to 0.9 px is right there too.

Candidates of free form take some seconds in each case that the looks don't settle; ``--no-free``
leaves them and the shakes out. ``--every`` takes one case in so many, from ``--first`` on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from zlib import crc32

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from _photographs import PHOTOGRAPHS, load_window  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from skimage.io import imread  # noqa: E402

from numerics.blind import estimate_psf  # noqa: E402
from numerics.blur import blur  # noqa: E402
from numerics.channel_mix import mix_channels  # noqa: E402
from numerics.kind import Kind, decide  # noqa: E402
from numerics.look import look_at  # noqa: E402
from numerics.make_psf import disc, gaussian, motion, shake  # noqa: E402
from numerics.psf import normalise  # noqa: E402
from numerics.sample import EstimateError  # noqa: E402

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

SAMPLE = 255
MARGIN = 16
FREE_SIZE = 31
NOISES = (0.0, 0.004, 0.01, 0.02)
NAMES = ("none", "gaussian", "astigmatic", "disc", "line", "free", "told")
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
LINES = ((7, 20.0), (11, 75.0), (15, 120.0), (21, 160.0))
SHAKES_PER_WINDOW = 4
# Blurs so small that calling them sharp is no fault.
SMALL = ("gaussian 0.8",)
SOFT = ("retina", "vessels")
SET_ON = tuple(PHOTOGRAPHS)[:8]
SOFTEST = 0.9


@dataclass(frozen=True)
class Case:
    """A window, what was done to it, and what should be told."""

    window: str
    blur: str
    noise: float
    sample: NDArray[np.float32]
    truth: str


@dataclass(frozen=True)
class Answer:
    """What was told of a case, and the seconds that the looks took."""

    case: Case
    name: str
    kind: Kind | None
    seconds: float

    @property
    def is_right(self) -> bool:
        """Right, or a soft picture told to be just that."""
        is_soft = self.case.truth == "none" and self.case.window in SOFT and self.kind is not None
        if is_soft and self.name == "gaussian":
            return self.kind.parameters["sigma"] <= SOFTEST  # type: ignore[union-attr]
        return self.name == self.case.truth


def main() -> None:
    options = parse_options()
    answers = []
    for case in islice(make_cases(options), options.first, None, options.every):
        answer = tell(case, with_free=not options.no_free)
        answers.append(answer)
        if not answer.is_right:
            print(describe(answer), flush=True)
    print_table(answers)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=lambda text: text.split(","), default=list(PHOTOGRAPHS))
    parser.add_argument("--levin", type=Path, default=ROOT / "../shared/data/levin")
    parser.add_argument("--no-free", action="store_true", help="neither shakes nor candidates")
    parser.add_argument("--mode", choices=("both", "colour", "gray"), default="both")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    return parser.parse_args()


def make_cases(options: argparse.Namespace) -> Iterator[Case]:
    blurs = {} if options.no_free else load_shakes(options.levin)
    modes = ("colour", "gray") if options.mode == "both" else (options.mode,)
    for (number, window), mode in product(enumerate(PHOTOGRAPHS), modes):
        if window not in options.windows:
            continue
        sharp = load_window(window, SAMPLE + 2 * MARGIN)
        if mode == "gray":
            sharp = (sharp @ LUMINANCE)[..., None]
        elif not np.ptp(sharp, axis=2).any():  # this photograph is gray
            continue
        todo = plain_blurs() | {
            name: psf
            for place, (name, psf) in enumerate(blurs.items())
            if (place + number) % len(blurs) < SHAKES_PER_WINDOW
        }
        for noise in NOISES:
            yield make_case(window, "sharp", sharp, None, noise)
        for place, (name, psf) in enumerate(todo.items()):
            noise = NOISES[(place + number) % len(NOISES)]
            yield make_case(window, name, sharp, psf, noise)


def plain_blurs() -> dict[str, Psf]:
    return {
        **{f"gaussian {sigma}": gaussian(sigma) for sigma in (0.8, 1.0, 1.2, 2.0, 3.0)},
        **{f"disc {radius}": disc(radius) for radius in (2.0, 3.0, 5.0)},
        **{f"line {length}": motion(length, angle) for length, angle in LINES},
    }


def load_shakes(folder: Path) -> dict[str, Psf]:
    """Take Levin's kernels, upright or not, or make as many."""
    paths = sorted(folder.glob("gt/kernel*.png"))
    if not paths:
        return {f"free {seed}": shake(9.0 + 2 * seed, seed) for seed in range(8)}
    return {f"free {path.stem[-1]}": normalise(imread(path)) for path in paths}


def make_case(
    window: str, name: str, sharp: NDArray[np.float32], psf: Psf | None, noise: float
) -> Case:
    blurred = sharp if psf is None else blur(sharp, psf)
    inner = blurred[MARGIN:-MARGIN, MARGIN:-MARGIN]
    seed = crc32(f"{window} {name} {noise}".encode())
    numbers = np.random.default_rng(seed).standard_normal(inner.shape, np.float32)
    truth = "none" if psf is None else name.split()[0]
    return Case(window, name, noise, inner + np.float32(noise) * numbers, truth)


def tell(case: Case, with_free: bool) -> Answer:
    begin = time.process_time()
    mixes = mix_channels(case.sample)  # as the node does
    known, (sample, *others) = mixes.known, mixes.planes
    try:
        look = look_at(sample, valid=known)
        seconds = time.process_time() - begin
        estimate = not look.is_settled and with_free
        candidates = free_candidates(sample, others, known) if estimate else ()
        kind = decide(look, candidates)
    except EstimateError:
        return Answer(case, "told", None, time.process_time() - begin)
    return Answer(case, kind.name, kind, seconds)


def free_candidates(
    sample: Plane, others: list[Plane], known: NDArray[np.bool_]
) -> tuple[Psf, ...]:
    return estimate_psf(sample, FREE_SIZE, others=others, known=known).candidates


def describe(answer: Answer) -> str:
    case, kind = answer.case, answer.kind
    channels = "gray" if case.sample.shape[2] == 1 else "colour"
    head = f"{case.window:11} {channels:6} {case.blur:12} {case.noise:5.1%} told: {answer.name:10}"
    if kind is None:
        return head
    parameters = " ".join(f"{value:.2f}" for value in kind.parameters.values())
    least = min(kind.costs.values())
    costs = " ".join(f"{name} {cost / least:.2f}" for name, cost in kind.costs.items())
    return f"{head} {parameters:16} widths {kind.edge_width:.2f} {kind.spectral_width:.2f}  {costs}"


def print_table(answers: list[Answer]) -> None:
    table = Counter((answer.case.truth, answer.name) for answer in answers)
    print("\ntrue        told: " + "".join(f"{name:>11}" for name in NAMES))
    for truth in NAMES:
        row = [table[truth, name] for name in NAMES]
        if any(row):
            print(f"{truth:18}" + "".join(f"{count:11}" for count in row))
    print("\nright (wanted 97 %)")
    print_share("all", answers)
    print_share("of a soft photograph", [a for a in answers if a.case.window in SOFT])
    answers = [a for a in answers if a.case.window not in SOFT]
    print_share("of sharp photographs", answers)
    print_share("these in colour", [a for a in answers if a.case.sample.shape[2] > 1])
    print_share("these in gray", [a for a in answers if a.case.sample.shape[2] == 1])
    print_share("windows that set the thresholds", [a for a in answers if a.case.window in SET_ON])
    print_share("windows held out", [a for a in answers if a.case.window not in SET_ON])
    for noise in NOISES:
        print_share(f"noise {noise:.1%}", [a for a in answers if a.case.noise == noise])
    print_faults(answers)
    print(f"median CPU seconds of the looks: {np.median([a.seconds for a in answers]):.2f}")


def print_share(label: str, answers: list[Answer]) -> None:
    if answers:
        right = sum(answer.is_right for answer in answers)
        print(f"  {label}: {right} of {len(answers)}, {right / len(answers):.1%}")


def print_faults(answers: list[Answer]) -> None:
    sharp = [a for a in answers if a.case.truth == "none"]
    blurred = [a for a in answers if a.case.truth != "none" and a.case.blur not in SMALL]
    quiet = [a for a in blurred if a.case.noise <= 0.01]
    for label, group, is_fault in (
        ("sharp ones called blurred", sharp, lambda a: not a.is_right),
        ("blurs called sharp, noise up to 1 %", quiet, lambda a: a.name == "none"),
        ("blurs called sharp, 2 %", blurred, lambda a: a.name == "none" and a not in quiet),
    ):
        print(f"{label}: {sum(map(is_fault, group))} of {len(group)}")


if __name__ == "__main__":
    main()
