"""How much room a PSF is given, and which of several climbs is believed."""

from __future__ import annotations

import numpy as np
import pytest

from numerics import blur_size
from numerics.blind import STARTS
from numerics.blur_size import find_size
from numerics.climb import Level
from numerics.psf import resized
from numerics.pyramid import STEP, enlarge_psf
from numerics.sample import EstimateError


@pytest.fixture
def shrunk_shake(shake: np.ndarray) -> np.ndarray:
    """Shrink the shake as the sample is: 9 px."""
    return enlarge_psf(shake, 9, STEP)


@pytest.fixture
def climbs(monkeypatch: pytest.MonkeyPatch):
    """Let climbs end in given PSFs, by room; in all others dust fills the room."""
    ends: dict[int, np.ndarray] = {}
    rooms: list[int] = []

    def climb(levels: list[Level], *_: object) -> np.ndarray:
        room = levels[-1].psf_size
        rooms.append(room)
        dust = np.random.default_rng(room).random((room, room), np.float32)
        return ends.get(room, dust / dust.sum())

    monkeypatch.setattr(blur_size, "climb", climb)
    return ends, rooms


def test_size_leaves_the_shake_some_room(shaken_photo: np.ndarray) -> None:
    assert 13 <= find_size(shaken_photo, STARTS[0]) <= 27


@pytest.mark.parametrize(("room", "climbed"), [(45, [45]), (25, [45, 33, 25, 17])])
def test_shake_is_believed_in_whatever_room_it_is_found(
    shaken_photo: np.ndarray, shrunk_shake: np.ndarray, climbs, room: int, climbed: list[int]
) -> None:
    """Other rooms are tried only if the largest does not stay empty."""
    ends, rooms = climbs
    ends[room] = resized(shrunk_shake, room)
    assert 11 < find_size(shaken_photo, STARTS[0]) < 25
    assert rooms == climbed


def test_larger_room_is_believed_if_it_is_not_filled(
    shaken_photo: np.ndarray, shrunk_shake: np.ndarray, climbs
) -> None:
    """A shake with a faint tail: small rooms cut it off, and hold all that they show."""
    tailed = resized(shrunk_shake, 45)
    tailed[22, 38] = 1e-3
    ends, _ = climbs
    ends[45] = tailed
    ends[17] = resized(shrunk_shake, 17)
    assert find_size(shaken_photo, STARTS[0]) >= 33 / STEP


def test_smallest_room_is_taken_where_all_are_filled(
    shaken_photo: np.ndarray, shrunk_shake: np.ndarray, climbs
) -> None:
    """All explain the spectrum alike, and a speck at the rim fills each room."""
    ends, _ = climbs
    for room in (45, 33, 25, 17):
        ends[room] = resized(shrunk_shake, room)
        ends[room][room // 2, 0] = 1e-6
    assert find_size(shaken_photo, STARTS[0]) < 17 / STEP + 12


def test_small_samples_limit_the_size(shaken_photo: np.ndarray, climbs) -> None:
    _, rooms = climbs
    assert find_size(shaken_photo[:60, :60], STARTS[0]) <= 29
    assert max(rooms) <= 21


def test_progress_ends_at_the_whole(shaken_photo: np.ndarray) -> None:
    shares: list[float] = []
    find_size(shaken_photo, STARTS[0], progress=lambda done, total: shares.append(done / total))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_flat_sample_is_refused() -> None:
    with pytest.raises(EstimateError, match="no edges"):
        find_size(np.full((64, 64), 0.5, np.float32), STARTS[0])
