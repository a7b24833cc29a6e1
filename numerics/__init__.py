"""The mathematics: arrays in, arrays out; no I/O, clock, global random state or configuration."""
