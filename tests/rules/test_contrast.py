"""Contrast is WCAG's, and the nearest colour that passes is of the same hue."""

import colorsys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.brand.backgrounds import DARK, LIGHT
from billing.rules.contrast import ENOUGH, STEPS, NotAColour, colour, contrast, mixed, nearest

COLOURS = st.tuples(*[st.integers(0, 255)] * 3).map(
    lambda parts: "#" + "".join(f"{part:02x}" for part in parts)
)
BACKGROUNDS = st.sampled_from((LIGHT, DARK, "#ffffff", "#000000"))


def hls(of: str) -> tuple[float, float, float]:
    return colorsys.rgb_to_hls(*(int(of[at : at + 2], 16) / 255 for at in (1, 3, 5)))


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),  # the well-known grey that fails by a hair
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.0),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_the_ratios_are_those_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


@given(COLOURS, COLOURS)
def test_a_ratio_is_between_1_and_21_and_the_same_both_ways(one: str, other: str) -> None:
    assert 1 <= contrast(one, other) == contrast(other, one) <= 21


@given(COLOURS, BACKGROUNDS)
def test_the_nearest_passes_and_a_colour_that_passes_is_its_own(wanted: str, background: str) -> None:
    found = nearest(wanted, background)
    assert contrast(found, background) >= ENOUGH
    assert (found == wanted) is (contrast(wanted, background) >= ENOUGH)


@given(COLOURS, BACKGROUNDS)
def test_none_between_passes(wanted: str, background: str) -> None:
    """Of the shades of the same hue and saturation, none is nearer in lightness and passes."""
    hue, lightness, saturation = hls(wanted)
    distance = abs(hls(nearest(wanted, background))[1] - lightness)
    for step in range(STEPS + 1):
        shade = colorsys.hls_to_rgb(hue, step / STEPS, saturation)
        written = "#" + "".join(f"{round(part * 255):02x}" for part in shade)
        if abs(step / STEPS - lightness) < distance - 0.01:
            assert contrast(written, background) < ENOUGH


@given(COLOURS, COLOURS)
def test_a_mixture_begins_at_the_one_and_ends_at_the_other(one: str, other: str) -> None:
    assert (mixed(one, other, 0), mixed(one, other, 1)) == (one, other)


def test_colours_are_read_as_people_write_them() -> None:
    assert [colour(typed) for typed in (" #8A3413 ", "#fff", "#AbC")] == ["#8a3413", "#ffffff", "#aabbcc"]


@pytest.mark.parametrize(
    "typed", ["", "red", "8a3413", "#8a341", "#8a34133", "#８a3413", "#gggggg", "url(#a)", "#fff;"]
)
def test_anything_else_is_no_colour(typed: str) -> None:
    with pytest.raises(NotAColour):
        colour(typed)
