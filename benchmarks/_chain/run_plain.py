"""The chain without any cache: ``AMOUNT [FILE]``; with FILE, all that was made is saved beside."""

from __future__ import annotations

import sys

import numpy as np

from _chain.steps import make, shift


def main(amount: float, file: str = "") -> None:
    image = make(0)
    for number, step in enumerate((1.0, 2.0, amount, 4.0, None)):
        if file:
            np.save(f"{file}{number}", image)
        if step is not None:
            image = shift(image, step)


main(float(sys.argv[1]), *sys.argv[2:])
