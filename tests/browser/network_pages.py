"""Small networks, and a page of its own around what shows them."""

import base64
import json

import keras
import numpy as np
from built_book import parsed

import labkit
from labkit.dog_breeds.inside import look_inside
from labkit.receptive_field import analyse

LIGHT, DARK = "background: #fff; color: #222", "background: #121212; color: #eee"
BREEDS = ["ash", "birch", "cedar", "dogwood"]
SIDE, DOGS, OTHERS = 16, 5, 13

#: What the network is shown, as the page draws it.
SHOWN = """() => {
    const canvas = document.querySelector('[data-in="changed"]'), {width, height} = canvas;
    const copy = Object.assign(document.createElement("canvas"), {width, height});
    const context = copy.getContext("2d", {willReadFrequently: true});
    context.drawImage(canvas, 0, 0);
    return [...context.getImageData(0, 0, width, height).data]; }"""

#: What the address of the book's playground says so that its dice fall as in the lab.
SEEDED = "#augment=fine-tuned/4/reflect/0/seed:2021"


def three_networks():
    """Return a network from scratch, a base with a new head, and the same a little further."""
    sizes = {"filters": (4, 6), "dense": (5,)}
    keras.utils.set_random_seed(8)
    scratch = labkit.small_vgg((SIDE, SIDE, 3), len(BREEDS), **sizes)
    base = labkit.pretrained("small_vgg", None, len(BREEDS), (SIDE, SIDE, 3), **sizes)
    tuned = keras.models.clone_model(base)
    rng = np.random.default_rng(9)
    for network in (scratch, base):
        network.set_weights([w + rng.normal(0, 0.05, w.shape) for w in network.get_weights()])
    near = [w + 0.01 * np.abs(w).max() * rng.uniform(-1, 1, w.shape) for w in base.get_weights()]
    tuned.set_weights(near)
    return {"from scratch": scratch, "frozen base": base, "fine-tuned": tuned}


def look_into(networks, pictures):
    """Return the look inside networks with the first pictures to choose from."""
    fields = {name: analyse(network) for name, network in networks.items()}
    truth = [n % len(BREEDS) for n in range(len(pictures))]
    others = (pictures[DOGS:], truth[DOGS:])
    return look_inside(networks, fields, pictures[:DOGS], truth[:DOGS], BREEDS, others)


def write_page(folder, shown, style=LIGHT):
    """Write a page with nothing else on it and return its address."""
    path = folder / "page.html"
    path.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dogs</title>'
        '<meta name="viewport" content="width=device-width"></head>'
        f'<body style="margin: 0; font-family: sans-serif; {style}"><main><h1>Dogs</h1>'
        f"{shown._repr_html_()}</main></body></html>",
        encoding="utf-8",
    )
    return path.as_uri()


def part(page, name):
    """Find a part of the page by its name."""
    return page.locator(f'[data-in="{name}"]')


def text(page, name):
    """Return the words of a part."""
    return part(page, name).text_content()


def radio(page, where, label):
    """Choose among the chips of a part."""
    part(page, where).locator("label", has_text=label).click()


def decoded(dogs):
    """Return the pictures that a page holds, uint8."""
    import cv2

    read = [np.frombuffer(base64.b64decode(dog["picture"]), np.uint8) for dog in dogs]
    return np.stack([cv2.imdecode(dog, cv2.IMREAD_COLOR)[..., ::-1] for dog in read])


def drawn_in_the_lab(path):
    """Return what the lab's generator makes of the dog and the seed of :data:`SEEDED`, uint8."""
    dogs = json.loads(parsed(path).find(attrs={"data-in": "data"}).string)["dogs"]
    generator = labkit.ImageDataGenerator(**labkit.load_settings("photographs").augmentation)
    return generator.random_transform(decoded(dogs)[4], seed=2021).astype(int)
