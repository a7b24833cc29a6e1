"""The chain with joblib.Memory: ``AMOUNT FOLDER``."""

from __future__ import annotations

import sys

import joblib

from _chain.steps import make, shift

memory = joblib.Memory(sys.argv[2], verbose=0)
make, shift = memory.cache(make), memory.cache(shift)
image = make(0)
for amount in (1.0, 2.0, float(sys.argv[1]), 4.0):
    image = shift(image, amount)
