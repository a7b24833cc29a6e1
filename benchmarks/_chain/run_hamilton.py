"""The chain with Hamilton's cache: ``AMOUNT FOLDER``."""

from __future__ import annotations

import sys

from hamilton import driver

from _chain import hamilton_steps

chain = driver.Builder().with_modules(hamilton_steps).with_cache(path=sys.argv[2]).build()
chain.execute(["fifth"], inputs={"amount": float(sys.argv[1])})
