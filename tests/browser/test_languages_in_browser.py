"""Pages in a page in another language: no word of English is left, and no gap."""

import re

import numpy as np
import pytest
from network_pages import DOGS, OTHERS, SIDE, look_into, three_networks, write_page
from visits import ANSWERED, HASTE, pause, standing_alone

import labkit
from labkit.dog_breeds.playground import playground
from labkit.language import catalogue, use_language
from labkit.receptive_field import explorer

pytestmark = pytest.mark.browser


@pytest.fixture
def german():
    use_language("de")
    yield
    use_language("en")


@pytest.fixture
def page(page):
    page.add_init_script(HASTE)
    with standing_alone(page):
        yield page


def inside():
    pictures = np.random.default_rng(7).integers(0, 256, (DOGS + OTHERS, SIDE, SIDE, 3)) / 255
    return look_into(three_networks(), pictures)


def augmented():
    generator = labkit.ImageDataGenerator(rotation_range=30, fill_mode="reflect")
    return playground(inside(), generator)


def read(page):
    """Return what can be read and what a screen reader is told."""
    labels = page.locator("[aria-label], [alt], [aria-valuetext]").evaluate_all(
        """all => all.flatMap((each) =>
            ["aria-label", "alt", "aria-valuetext"].map((name) => each.getAttribute(name)))"""
    )
    return "\n".join([page.locator("main").inner_text(), *filter(None, labels)])


def english(sections):
    """List the stretches of English phrases between their gaps, three words and more."""
    phrases = [text for section in sections for text in catalogue("en")[section].values()]
    texts = [text for each in phrases for text in ([each] if isinstance(each, str) else each)]
    stretches = [part.strip(" .,:;") for text in texts for part in re.split(r"{\w+}", text)]
    return [part for part in stretches if len(re.findall(r"[A-Za-z]{2,}", part)) > 2]


def press_everything(page, controls):
    """Use each control once, and read the page after each."""
    for control in page.locator(controls).all():
        if control.is_visible():
            control.click(force=True)
            pause(page)
            yield read(page)


@pytest.mark.parametrize(
    ("make", "sections", "address"),
    [
        (explorer, ("page", "explorer"), "#network=3-2s2-3d4&unit=1.2"),
        (explorer, ("page", "explorer"), "#network=3-x&unit=9.9"),
        (inside, ("page", "networks", "inside"), "#look=fine-tuned/0/conv1/0/0/0/score/2.2.4"),
        (augmented, ("page", "networks", "playground"), "#augment=fine-tuned/1/nearest/0/seed:3"),
        (augmented, ("page", "networks", "playground"), "#augment=fine-tuned/1/nearest/0/tx:999"),
    ],
)
def test_no_english_and_no_gap_is_left(page, tmp_path, german, make, sections, address):
    page.goto(write_page(tmp_path, make()) + address)
    page.wait_for_function(ANSWERED)
    pause(page)
    controls = "button, label:has(> input[type=radio]), label:has(> input[type=checkbox])"
    shown = [read(page), *press_everything(page, controls)]
    assert len(shown) > 5
    for text in shown:
        assert not re.search(r"undefined|{\w+}|NaN", text)
        assert not [part for part in english(sections) if part in text]
