"""The pages in a page: their styles and scripts, which share a page with others."""

import re

import pytest

from labkit.files import page_asset

#: What each style is about, and nothing else of the page around it.
STYLES = {
    ("labkit", "page"): ".labkit-page",
    ("labkit.dog_breeds.inside", "page"): ".network-page",
    ("labkit.dog_breeds.inside", "inside"): ".look-inside",
    ("labkit.dog_breeds.playground", "playground"): ".augmentation-playground",
    ("labkit.dog_breeds.split_and_leak", "split_and_leak"): ".split-and-leak",
    ("labkit.receptive_field.explorer", "explorer"): ".rf-explorer",
}


@pytest.mark.parametrize(("package", "name"), STYLES)
def test_a_style_stays_inside_its_page(package, name):
    style = page_asset(package, f"{name}.css")
    assert style.count("{") == style.count("}") > 5
    assert outermost(style) == [STYLES[package, name]]


def outermost(style):
    """Return the selectors that no other rule is around."""
    while "{" in style:
        style = re.sub(r"\{[^{}]*\}", ";", style)
    return [selector.strip() for selector in style.split(";") if selector.strip()]


def test_every_page_has_the_colours_from_one_place():
    for package, name in STYLES:
        colours = re.findall(r"--lk-\w+: #", page_asset(package, f"{name}.css"))
        assert bool(colours) == (package == "labkit")
