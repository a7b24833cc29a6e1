"""Numbers and light: what a colour profile says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from nodes.encoding import Coding
from nodes.export import Export
from nodes.formats.metadata import read_metadata
from nodes.formats.profile import ProfileError
from nodes.image import Image
from nodes.load import Load
from numerics.colour import srgb_to_linear

D65 = [0.3127, 0.329]
PRIMARIES = [0.64, 0.33, 0.21, 0.71, 0.15, 0.06]
SRGB = imagecodecs.cms_profile("srgb")
ADOBE = imagecodecs.cms_profile("adobergb")
LINEAR = imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=PRIMARIES, gamma=1.0)
GRAY = imagecodecs.cms_profile("gray", whitepoint=D65, gamma=1.8)


def write(path: Path, values: Any, icc: bytes | None) -> Path:
    photometric = "rgb" if values.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, values, photometric=photometric, iccprofile=icc, metadata=None)
    return path


def load(context: Any, path: Path, **options: Any) -> Image:
    return Image.of(Load().run(Load.Params(path=path, **options), {}, context))


def export(context: Any, path: Path, image: Image, **options: Any) -> Path:
    Export().run(Export.Params(path=path, **options), {"image": image.value()}, context)
    return path


def noise(dtype: str, channels: int = 3) -> Any:
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (40, 60, channels))
    return values.astype(dtype)


@pytest.mark.parametrize(
    ("icc", "encoding"), [(SRGB, "srgb"), (LINEAR, "linear"), (ADOBE, "profile")]
)
def test_the_embedded_profile_tells_how_integers_stand_for_light(
    tmp_path: Path, context: Any, icc: bytes, encoding: str
) -> None:
    values = noise("u2")
    image = load(context, write(tmp_path / "a.tif", values, icc))
    power = {"linear": 1.0, "profile": 563 / 256}
    share = values / 65535
    wanted = srgb_to_linear(values) if encoding == "srgb" else share ** power[encoding]
    assert image.encoding == encoding
    assert np.allclose(image.pixels[:, :], wanted, atol=2e-5)
    assert context.warnings == []


def test_floats_are_read_by_the_profile_too(tmp_path: Path, context: Any) -> None:
    values = (noise("u2") / 30000).astype(np.float32)
    image = load(context, write(tmp_path / "a.tif", values, ADOBE))
    assert (image.encoding, image.bit_depth) == ("profile", 32)
    assert np.allclose(image.pixels[:, :], values ** (563 / 256), rtol=5e-3)


def test_what_the_user_says_goes_first(tmp_path: Path, context: Any) -> None:
    values = noise("u2")
    image = load(context, write(tmp_path / "a.tif", values, LINEAR), encoding="srgb")
    assert image.encoding == "srgb"
    assert np.array_equal(image.pixels[:, :], srgb_to_linear(values))


@pytest.mark.parametrize("icc", [SRGB, LINEAR, ADOBE], ids=["srgb", "linear", "adobe"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_file_with_a_profile_comes_back_exactly(
    tmp_path: Path, context: Any, icc: bytes, dtype: str
) -> None:
    values = noise(dtype)
    image = load(context, write(tmp_path / "a.tif", values, icc))
    out = export(context, tmp_path / "b.tif", image, bit_depth=8 * values.itemsize)
    assert np.array_equal(tifffile.imread(out), values)
    assert read_metadata(out)[0] == icc
    assert context.warnings == []


def test_gray_profiles_are_read(tmp_path: Path, context: Any) -> None:
    values = noise("u2", channels=1)
    image = load(context, write(tmp_path / "a.tif", values[:, :, 0], GRAY))
    assert image.encoding == "profile"
    assert np.allclose(image.pixels[:, :], (values / 65535) ** 1.8, atol=2e-5)
    out = export(context, tmp_path / "b.tif", image)
    assert np.array_equal(tifffile.imread(out), values[:, :, 0])


def test_a_curve_of_its_own_is_kept_in_floats_and_lost_where_another_is_asked_for(
    tmp_path: Path, context: Any
) -> None:
    values = noise("u2")
    image = load(context, write(tmp_path / "a.tif", values, ADOBE))
    floats = export(context, tmp_path / "b.tif", image, bit_depth=32)
    assert np.allclose(tifffile.imread(floats), values / 65535, atol=2e-5)
    assert read_metadata(floats)[0] == ADOBE
    assert context.warnings == []
    export(context, tmp_path / "c.tif", image, encoding="srgb")
    assert read_metadata(tmp_path / "c.tif")[0] == b""
    assert context.warnings == [
        "colour profile left out: it is for its own curve's values, the file gets srgb ones. "
        "Set encoding: auto to keep it."
    ]


def test_channels_may_have_curves_of_their_own() -> None:
    from numerics.tone_curve import POINTS, ToneCurve

    ramp = np.linspace(0, 1, POINTS)
    coding = Coding("profile", tuple(ToneCurve(ramp**power) for power in (1.8, 2.0, 2.2)))
    values = noise("u2")
    light = coding.to_linear(values)
    assert np.allclose(light, (values / 65535) ** [1.8, 2.0, 2.2], atol=1e-6)
    assert np.array_equal(coding.from_linear(light, 16), values)
    assert np.allclose(coding.from_linear(light, 32), values / 65535, atol=1e-5)


@pytest.mark.parametrize("icc", [b"no profile", SRGB[:200]], ids=["nonsense", "torn"])
def test_a_profile_that_can_not_be_read_is_told(tmp_path: Path, context: Any, icc: bytes) -> None:
    values = noise("u2")
    image = load(context, write(tmp_path / "a.tif", values, icc))
    assert np.array_equal(image.pixels[:, :], srgb_to_linear(values))
    assert len(context.warnings) == 1
    assert "tells no tone curve" in context.warnings[0]
    assert "values are taken for srgb" in context.warnings[0]


def test_gray_pictures_may_have_an_rgb_profile() -> None:
    assert Coding.of_profile(SRGB, 1).encoding == "srgb"
    values = noise("u2", channels=1)
    light = Coding.of_profile(ADOBE, 1).to_linear(values)
    assert np.allclose(light, (values / 65535) ** (563 / 256), atol=2e-5)


def test_a_profile_for_another_space_is_refused() -> None:
    with pytest.raises(ProfileError, match="it is for GRAY, the picture has 3 channels"):
        Coding.of_profile(GRAY, 3)
    with pytest.raises(ProfileError, match="it is for CMYK"):
        Coding.of_profile(SRGB[:16] + b"CMYK" + SRGB[20:], 3)
