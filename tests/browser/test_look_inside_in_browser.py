"""A look inside networks, in a browser: its numbers are Keras', its controls, its address."""

import base64
import json
import re

import keras
import numpy as np
import pytest
from built_book import parsed
from network_pages import (
    BREEDS,
    DARK,
    DOGS,
    LIGHT,
    OTHERS,
    SIDE,
    decoded,
    look_into,
    part,
    radio,
    text,
    three_networks,
    write_page,
)
from visits import HASTE, NO_PICTURES, axe_source, pause, standing_alone

import labkit
from labkit.dog_breeds.inside.plain_networks import layer_values, pack, shown_layers
from labkit.files import page_asset
from labkit.receptive_field import analyse
from labkit.receptive_field.input_gradients import input_gradient

pytestmark = pytest.mark.browser

#: Gives a page the engine alone, with what the page carries.
ENGINE = (
    page_asset("labkit.dog_breeds.inside", "network.js")
    + """
async () => {
  const part = (name) => document.querySelector(`[data-in="${name}"]`).textContent;
  const engine = networkEngine(), data = JSON.parse(part("data"));
  engine.withWeights(data, await engine.unpack(part("weights")));
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const text = (arrays) => {
    let found = "";
    for (const array of arrays) {
      const raw = new Uint8Array(Float32Array.from(array).buffer);
      for (let at = 0; at < raw.length; at += 32768) {
        found += String.fromCharCode(...raw.subarray(at, at + 32768));
      }
    }
    return btoa(found);
  };
  const pixels = (text) => new Float32Array(bytes(text).buffer);
  window.numbers = {engine, networks: data.networks, text, pixels};
}"""
)


@pytest.fixture(scope="module")
def networks():
    return three_networks()


@pytest.fixture(scope="module")
def rounded(networks):
    """Return the networks as the page has them, their weights rounded."""
    return list(pack(networks)[2].values())


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(7).integers(0, 256, (DOGS + OTHERS, SIDE, SIDE, 3)) / 255


@pytest.fixture(scope="module")
def shown(networks, pictures):
    return look_into(networks, pictures)


@pytest.fixture
def write(shown, tmp_path):
    """Return a function that writes the page and returns its address."""
    return lambda style=LIGHT: write_page(tmp_path, shown, style)


@pytest.fixture
def page(page):
    page.add_init_script(HASTE)
    with standing_alone(page):
        yield page


@pytest.fixture
def opened(alone, write):
    alone.goto(write())
    return ready(alone)


def ready(page):
    """Wait until all networks have answered and the address would be written."""
    page.wait_for_selector("[data-in=scores][aria-busy=false]")
    pause(page)
    return page


def stepper(page, name):
    return part(page, "steppers").get_by_label(name)


def go(page, fragment):
    page.evaluate(
        """text => new Promise((heard) => {
        addEventListener("hashchange", () => setTimeout(heard), {once: true});
        location.hash = text; })""",
        fragment,
    )
    return ready(page)


def as_text(array):
    return base64.b64encode(np.asarray(array, "<f4").tobytes()).decode("ascii")


def as_array(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def start_engine(page):
    source, function = ENGINE.rsplit("\nasync () =>", 1)
    page.evaluate(f"async () => {{ {source}\nawait (async () => {function})(); }}")


def same_everywhere(page, network, number, pictures):
    """Compare every layer's values with Keras', relative to the layer's largest."""
    for picture in pictures:
        answer = page.evaluate(
            """([n, t]) => {
            const {engine, networks, text, pixels} = numbers;
            return text(engine.forwards(networks[n], pixels(t))); }""",
            [number, as_text(picture)],
        )
        found, at = as_array(answer), 0
        for values in layer_values(network, picture[None].astype(np.float32)):
            own = found[at : at + values.size]
            assert np.abs(own - values.ravel()).max() <= 1e-3 * np.abs(values).max()
            at += values.size
        assert at == found.size


class TestNumbers:
    @pytest.fixture
    def engine(self, opened):
        start_engine(opened)
        return opened

    def test_every_layer_of_every_network_is_kerass_on_twenty_pictures(self, engine, rounded):
        pictures = np.random.default_rng(1).uniform(0, 1, (20, SIDE, SIDE, 3))
        for number, network in enumerate(rounded):
            same_everywhere(engine, network, number, pictures)

    def test_gradients_are_kerass(self, engine, rounded, pictures):
        rng = np.random.default_rng(2)
        for number, network in enumerate(rounded):
            values = layer_values(network, pictures[:1].astype(np.float32))
            for place, shape in enumerate(each.shape for each in values):
                unit = int(rng.integers(np.prod(shape)))
                expected = gradient_of(network, place, unit, shape, pictures[:1])
                found = engine.evaluate(
                    """([n, place, unit, t]) => {
                    const {engine, networks, text, pixels} = numbers, read = pixels(t);
                    const values = engine.forwards(networks[n], read);
                    return text([engine.gradient(networks[n], values, place, unit, read)]); }""",
                    [number, place, unit, as_text(pictures[0])],
                )
                most = max(np.abs(expected).max(), 1e-6)
                assert np.abs(as_array(found) - expected.ravel()).max() <= 1e-3 * most

    def test_occlusion_is_labkits(self, engine, rounded, pictures):
        for number, network in enumerate(rounded):
            found = engine.evaluate(
                """([n, t]) => {
                const squares = numbers.engine.occlusion(numbers.networks[n], numbers.pixels(t), 1);
                let step = squares.next();
                while (!step.done) step = squares.next();
                return numbers.text([step.value]); }""",
                [number, as_text(pictures[1])],
            )
            expected = labkit.occlusion_map(network, pictures[1], 1)
            assert expected.std() > 1e-4
            assert np.abs(as_array(found) - expected.ravel()).max() < 1e-4

    def test_fields_are_those_of_analyse(self, engine, networks):
        for number, network in enumerate(networks.values()):
            fields = analyse(network)
            for place, layer in enumerate(shown_layers(network)):
                axis = fields[layer.name].axes[0]
                units = 1 if axis.is_global else axis.output_size
                for unit in range(units):
                    found = engine.evaluate(
                        """([n, l, u, side]) =>
                        numbers.engine.fieldOf(numbers.networks[n].layers[l], side, u)""",
                        [number, place, unit, SIDE],
                    )
                    seen = (0, SIDE - 1) if axis.is_global else axis.input_range(unit)
                    assert tuple(found["seen"]) == seen
                    assert found["last"] - found["first"] + 1 == axis.size

    def test_the_terms_of_a_convolution_add_up_to_its_value(self, engine, rounded, pictures):
        values = layer_values(rounded[0], pictures[:1].astype(np.float32))
        for unit in [(0, 0, 1), (7, 3, 2), (15, 15, 3)]:
            terms, bias = engine.evaluate(
                """([t, unit]) => {
                const {engine, networks: [network], pixels} = numbers;
                const [first, second] = network.layers;
                const input = engine.forwards(network, pixels(t))[0];
                const terms = engine.convolutionTerms(second, input, first.shape, unit);
                return [terms, second.bias[unit[2]]]; }""",
                [as_text(pictures[0]), list(unit)],
            )
            total = bias + sum(term["sum"] for term in terms)
            assert max(total, 0) == pytest.approx(values[1][0][unit], abs=1e-4)
            for term in terms:
                products = zip(term["read"], term["kernel"], strict=True)
                assert term["sum"] == pytest.approx(sum((a or 0) * b for a, b in products))


def gradient_of(network, place, unit, shape, pictures):
    """Differentiate one unit, before its activation, as Keras does."""
    copied = keras.models.clone_model(network)
    copied.set_weights(network.get_weights())
    layer = shown_layers(copied)[place]
    if getattr(layer, "activation", None) is not None:
        layer.activation = keras.activations.linear
    outputs = copied.inputs[0]
    for each in shown_layers(copied)[: place + 1]:
        outputs = each(outputs)
    weights = np.zeros(shape, np.float32)
    weights.flat[unit] = 1
    model = keras.Model(copied.inputs, outputs)
    return input_gradient(model, pictures.astype(np.float32), weights)


class TestUnit:
    def test_value_and_field_are_told(self, opened, networks, pictures):
        go(opened, "look=fine-tuned/2/block2_conv1/3/0/5/picture")
        network = pack(networks)[2]["fine-tuned"]
        place = [layer.name for layer in shown_layers(network)].index("block2_conv1")
        value = layer_values(network, pictures[2:3].astype(np.float32))[place][0, 0, 5, 3]
        assert text(opened, "title") == "block2_conv1, map 3, row 0, column 5"
        assert float(text(opened, "value").split()[-1].rstrip(".")) == pytest.approx(
            value, abs=2e-3
        )
        field = analyse(network)["block2_conv1"]
        first, last = field.axes[1].input_range(5)
        top, bottom = field.axes[0].input_range(0)
        seen = (bottom - top + 1) * (last - first + 1) / field.size**2
        assert f"{field.size} × {field.size} pixels" in text(opened, "field")
        assert f"{100 * (1 - seen):.1f} % of it lies beyond the border." in text(opened, "field")

    def test_pointing_reads_and_a_click_holds(self, opened):
        go(opened, "look=from-scratch/0/block1_conv1/0/0/0/picture")
        maps = part(opened, "maps")
        maps.scroll_into_view_if_needed()
        maps.click(position={"x": 30, "y": 30})
        maps.hover(position={"x": 40, "y": 50})
        row, column = int(50 * SIDE / 64), int(40 * SIDE / 64)
        assert text(opened, "title") == f"block1_conv1, map 0, row {row}, column {column}"
        maps.click(position={"x": 40, "y": 50})
        maps.hover(position={"x": 90, "y": 10})
        assert text(opened, "title") == f"block1_conv1, map 0, row {row}, column {column}"

    def test_the_keyboard_steps(self, opened):
        go(opened, "look=from-scratch/0/block1_conv1/0/0/0/picture")
        stepper(opened, "row").fill("7")
        part(opened, "steppers").get_by_role("button", name="+ map").press("Enter")
        assert text(opened, "title") == "block1_conv1, map 1, row 7, column 0"
        stepper(opened, "row").fill("16")
        assert text(opened, "message") == "A row is a whole number from 0 to 15."

    def test_every_kind_of_layer_is_explained(self, opened):
        seen = {}
        for name in ("block1_conv1", "block1_pool", "global_average_pooling", "dense1", "softmax"):
            go(opened, f"look=from-scratch/0/{name}/1/0/0/picture")
            seen[name] = text(opened, "making")
        assert "red: " in seen["block1_conv1"] and "bias" in seen["block1_conv1"]
        assert "The largest of these 4 values" in seen["block1_pool"]
        assert "The mean of these 16 values" in seen["global_average_pooling"]
        assert "ReLU" in seen["dense1"] and "softmax makes" in seen["softmax"]
        go(opened, "look=frozen-base/0/preprocessing/1/0/0/picture")
        assert "2.000 · " in text(opened, "making")

    def test_the_favourite_is_the_largest_of_all_dogs(self, opened, networks, pictures):
        network, seen = pack(networks)[2]["frozen base"], set()
        for layer, unit, (dog, row, column) in best_places(network, pictures):
            can_be_chosen = bool(dog < DOGS)
            if can_be_chosen in seen:
                continue
            seen.add(can_be_chosen)
            go(opened, f"look=frozen-base/3/{layer}/{unit}/0/0/picture")
            assert f"among {DOGS + OTHERS} dogs: dog {dog}," in text(opened, "favourite-note")
            part(opened, "visit").click()
            ready(opened)
            assert f"row {row}, column {column}" in text(opened, "title")
            chosen = opened.locator("[name=in-dog]:checked").all()
            assert [each.input_value() for each in chosen] == [str(dog)] * can_be_chosen
            assert text(opened, "message").startswith(f"Dog {dog}, a")
        assert seen == {True, False}


def best_places(network, pictures):
    """Yield layer, map, and the picture and place where the map is largest of all."""
    layers = shown_layers(network)
    for layer, values in zip(
        layers, layer_values(network, pictures.astype(np.float32)), strict=True
    ):
        if "conv" in layer.name:
            for unit, own in enumerate(np.moveaxis(values, -1, 0)):
                if own.max() > 0:
                    yield layer.name, unit, np.unravel_index(own.argmax(), own.shape)


class TestScores:
    def test_they_are_kerass(self, opened, networks, pictures):
        go(opened, "look=from-scratch/4/softmax/0/0/0/picture")
        rounded = pack(networks)[2].values()
        expected = [n.predict(pictures[4:5], verbose=0)[0] for n in rounded]
        rows = part(opened, "scores").locator("tr").all()
        assert len(rows) == len(BREEDS)
        for row in rows:
            breed = BREEDS.index(row.locator("th").text_content().split()[0])
            found = [float(cell) / 100 for cell in row.locator("td").all_text_contents()]
            assert found == pytest.approx([each[breed] for each in expected], abs=1e-3)

    def test_no_score_of_one_picture_stands_beside_those_of_another(self, opened):
        opened.evaluate(
            """() => {
            window.seen = [];
            const note = () => seen.push(
                [...document.querySelectorAll("[data-in=scores] td")].map((td) => td.textContent));
            new MutationObserver(note)
                .observe(document.querySelector("[data-in=scores]"), {childList: true}); }"""
        )
        opened.locator("[name=in-dog][value='3'] + img").click()
        opened.wait_for_function("seen.length > 1")
        ready(opened)
        *before, last = opened.evaluate("seen")
        assert any("…" in cells for cells in before)
        for cells in before:
            assert all(cell in ("…", end) for cell, end in zip(cells, last, strict=True))

    def test_covering_a_square_changes_them_and_says_so(self, opened):
        before = part(opened, "scores").text_content()
        part(opened, "cover").check()
        part(opened, "size").fill("12")
        ready(opened)
        assert part(opened, "scores").text_content() != before
        assert re.search(r"takes \w+ from [\d.]+ to [\d.]+ %", text(opened, "change"))
        assert opened.url.endswith(".12")

    def test_the_square_is_dragged(self, opened):
        part(opened, "cover").check()
        picture = part(opened, "picture")
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        opened.mouse.down()
        opened.mouse.move(box["x"], box["y"])
        opened.mouse.up()
        ready(opened)
        assert opened.url.endswith("/0.0.4")


class TestViews:
    @pytest.mark.parametrize("label", ["Gradient of the unit", "Gradient of the score"])
    def test_gradients_are_drawn_and_measured(self, opened, label):
        go(opened, "look=fine-tuned/0/block2_conv1/3/4/4/picture")
        plain = part(opened, "picture").evaluate("canvas => canvas.toDataURL()")
        radio(opened, "views", label)
        opened.wait_for_function(
            "document.querySelector('[data-in=caption]').textContent.includes('energy')"
            " || document.querySelector('[data-in=caption]').textContent.includes('no pixel')"
        )
        assert part(opened, "picture").evaluate("canvas => canvas.toDataURL()") != plain

    def test_the_cost_of_covering_is_drawn(self, opened):
        plain = part(opened, "picture").evaluate("canvas => canvas.toDataURL()")
        radio(opened, "views", "Cost of covering")
        opened.wait_for_function(
            "document.querySelector('[data-in=caption]').textContent.startsWith('Orange')"
        )
        assert part(opened, "picture").evaluate("canvas => canvas.toDataURL()") != plain


def own_picture(folder, kind):
    """Write a picture of a kind; return its path, and the grey that it should be shown in."""
    from PIL import Image

    modes = {"transparent": ("RGBA", (0, 0, 0, 0), "png"), "CMYK": ("CMYK", (0, 0, 0, 128), "jpg")}
    mode, colour, suffix = modes.get(
        kind, ("RGB", (90, 90, 90), "gif" if kind == "animated" else "png")
    )
    size = {"one pixel": (1, 1), "large": (6000, 4000)}.get(kind, (40, 30))
    frames = [Image.new(mode, size, colour), Image.new("RGB", size, (200, 0, 0))]
    path = folder / f"mine.{suffix}"
    more = {"save_all": True, "append_images": frames[1:]} if kind == "animated" else {}
    frames[0].save(path, **more)
    return path, {"transparent": 255, "CMYK": 127}.get(kind, 90)


class TestOwnPicture:
    def test_it_is_shown_and_stays(self, opened, tmp_path):
        import cv2

        picture = np.full((40, 30, 3), 90, np.uint8)
        cv2.imwrite(str(tmp_path / "mine.png"), picture)
        part(opened, "own").set_input_files(tmp_path / "mine.png")
        opened.wait_for_selector("[data-in=message]:text('mine.png is shown')")
        assert "stretched to 16 × 16" in text(opened, "message")
        assert opened.locator("[name=in-dog]:checked").count() == 0

    @pytest.mark.parametrize("kind", ["transparent", "one pixel", "CMYK", "animated", "large"])
    def test_of_any_kind_it_is_shown(self, opened, tmp_path, kind):
        path, grey = own_picture(tmp_path, kind)
        part(opened, "own").set_input_files(path)
        opened.wait_for_selector(f"[data-in=message]:text('{path.name} is shown')")
        ready(opened)
        seen = part(opened, "picture").evaluate(
            """canvas => [...canvas.getContext("2d")
                .getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3)"""
        )
        assert np.abs(np.subtract(seen, grey)).max() <= 3

    def test_it_can_be_chosen_again_and_is_no_link(self, opened, tmp_path):
        path, _ = own_picture(tmp_path, "one pixel")
        for _ in range(2):
            part(opened, "own").set_input_files(path)
            opened.wait_for_selector("[data-in=message]:text('is shown')")
            part(opened, "copy").click()
            opened.wait_for_selector("[data-in=message]:text('this picture is none')")
            opened.locator("[name=in-dog][value='1'] + img").click()
            opened.wait_for_selector("[name=in-dog][value='1']:checked", state="attached")
            ready(opened)

    def test_what_is_no_picture_is_refused(self, opened, tmp_path):
        (tmp_path / "mine.txt").write_text("no picture")
        part(opened, "own").set_input_files(tmp_path / "mine.txt")
        opened.wait_for_function("document.querySelector('[data-in=message]').textContent")
        assert "mine.txt cannot be read as a picture" in text(opened, "message")


class TestAddress:
    def test_it_opens_what_it_says_and_is_written_again(self, page, write):
        fragment = "#look=frozen-base/3/block2_conv1/2/4/5/unit/3.4.6"
        page.goto(write() + fragment)
        ready(page)
        assert text(page, "title") == "block2_conv1, map 2, row 4, column 5"
        assert part(page, "left").input_value() == "3"
        part(page, "steppers").get_by_role("button", name="+ row").click()
        ready(page)
        assert page.url.endswith("#look=frozen-base/3/block2_conv1/2/5/5/unit/3.4.6")

    @pytest.mark.parametrize(
        ("fragment", "sentence"),
        [
            ("nobody/0/softmax/0/0/0/picture", "no network “nobody”"),
            ("fine-tuned/0/softmin/0/0/0/picture", "no layer “softmin”"),
            ("fine-tuned/9/block1_conv1/0/0/0/picture", "dog is a whole number from 0 to 4"),
            ("fine-tuned/0/block1_conv1/0/16/0/picture", "row is a whole number from 0 to 15"),
            ("fine-tuned/0/block1_conv1/0/0/0/dream", "no view “dream”"),
            ("fine-tuned/0/block1_conv1/0/0/0/picture/9.9.9", "covered square"),
            ("%", "no network “%”"),
            ("fine-tuned", "no layer “”"),
            ("from-scratch/0/softmax", "no view “”"),
        ],
    )
    def test_what_it_cannot_mean_is_said(self, opened, fragment, sentence):
        go(opened, f"look={fragment}")
        assert "was left aside" in text(opened, "message")
        assert sentence in text(opened, "message")

    def test_networks_are_compared_at_the_same_unit(self, opened):
        go(opened, "look=fine-tuned/1/block2_conv2/1/2/3/picture")
        assert re.search("from scratch .*, frozen base", text(opened, "others"))
        assert "from those of frozen base by" in text(opened, "layer-note")
        radio(opened, "networks", "from scratch")
        assert text(opened, "title") == "block2_conv2, map 1, row 2, column 3"
        go(opened, "look=fine-tuned/1/head_dense1/1/0/0/picture")
        radio(opened, "networks", "from scratch")
        assert text(opened, "title").startswith("dense1, unit 1")


class TestAccess:
    @pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
    @pytest.mark.parametrize("width", [320, 1100])
    def test_axe_finds_nothing_and_nothing_sticks_out(self, page, write, style, width):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(write(style))
        ready(page)
        part(page, "cover").check()
        ready(page)
        page.evaluate(axe_source())
        found = page.evaluate("axe.run().then(({violations}) => violations.map(JSON.stringify))")
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    def test_axe_finds_nothing_before_the_dog_is_there(self, page, write):
        page.add_init_script(NO_PICTURES)
        page.goto(write())
        part(page, "live").wait_for()
        assert part(page, "scores").get_attribute("aria-busy") == "true"
        page.evaluate(axe_source())
        found = page.evaluate("axe.run().then(({violations}) => violations.map(JSON.stringify))")
        assert found == []

    def test_the_unit_is_spoken_of(self, opened):
        part(opened, "steppers").get_by_role("button", name="+ map").click()
        pause(opened)
        assert text(opened, "result").startswith(text(opened, "title"))

    def test_without_scripts_there_is_a_picture_with_its_text(self, browser, write):
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(write())
        assert part(page, "fallback").locator("img").is_visible()
        assert "So sure of this breed are the networks" in text(page, "fallback")
        assert not part(page, "live").is_visible()
        context.close()


class TestBuiltPage:
    """The networks that the build has trained, at their real size."""

    @pytest.fixture
    def built(self, browser, book):
        context = browser.new_context()
        page = context.new_page()
        page.goto((book / "book" / "look_inside.html").as_uri())
        ready(page)
        start_engine(page)
        yield page
        context.close()

    def test_its_script_computes_what_keras_computes(self, built):
        settings = labkit.load_settings("drawn")
        data = json.loads(part(built, "data").text_content())
        pictures = decoded(data["dogs"]) / 255
        assert len(pictures) >= 20
        sizes = {"classes": len(data["breeds"]), "input_shape": settings.input_shape}
        for number, described in enumerate(data["networks"]):
            has_base = described["layers"][0]["kind"] == "Rescaling"
            if has_base:
                network = labkit.pretrained("small_vgg", None, dense=settings.dense, **sizes)
            else:
                widths = {"filters": settings.filters, "dense": settings.dense}
                network = labkit.small_vgg(**widths, **sizes)
            network.set_weights(read_weights(built, number, network))
            same_everywhere(built, network, number, pictures[:20])
            scores = network.predict(pictures, verbose=0)
            assert np.abs(scores - described["scores"]).max() <= 1e-3

    def test_the_page_is_small(self, book):
        assert (book / "book" / "look_inside.html").stat().st_size < 1_500_000


def read_weights(page, number, network):
    flat = as_array(
        page.evaluate(
            """n => numbers.text(numbers.networks[n].layers.flatMap(
            ({weights, bias}) => weights ? [weights, bias] : []))""",
            number,
        )
    )
    sizes = [weight.size for weight in network.get_weights()]
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    shapes = [weight.shape for weight in network.get_weights()]
    return [p.reshape(shape) for p, shape in zip(parts, shapes, strict=True)]


class TestInTheLab:
    """On the lab's page a still picture, and the page in the page once it is asked for."""

    LAB = "labs/dog_breeds.html"

    def lab(self, browser, address, **options):
        page = browser.new_context(**options).new_page()
        page.goto(address)
        return page

    def placed(self, page, kind):
        return page.locator(f".network-page.{kind}")

    @pytest.mark.parametrize("scheme", ["http", "file"])
    def test_it_is_loaded_when_asked_for_and_each_dog_is_chosen_apart(self, browser, bases, scheme):
        page = self.lab(browser, f"{bases[scheme]}/{self.LAB}")
        for kind in ("look-inside", "augmentation-playground"):
            still = self.placed(page, kind)
            assert still.locator("img").is_visible() and not still.locator("script").count()
            assert "run its script" not in still.inner_text()
            still.locator("button").click()
            self.placed(page, kind).locator("[name^=in-dog]").first.wait_for(state="attached")
            assert self.placed(page, kind).evaluate("root => root === document.activeElement")
        for kind, dog in (("look-inside", 3), ("augmentation-playground", 4)):
            self.placed(page, kind).locator(f"[name^=in-dog][value='{dog}'] + img").click()
        for kind, dog in (("look-inside", 3), ("augmentation-playground", 4)):
            chosen = self.placed(page, kind).locator("[name^=in-dog]:checked")
            chosen.wait_for(state="attached")
            assert chosen.input_value() == str(dog)
        page.context.close()

    def test_it_shows_the_networks_of_the_page(self, browser, bases, book):
        page = self.lab(
            browser, f"{bases['file']}/{self.LAB}#look=fine-tuned/3/block1_conv1/0/0/0/picture"
        )
        shown = self.placed(page, "look-inside")
        shown.locator("[data-in=scores] td").first.wait_for()
        ready(page)
        assert shown.evaluate("root => Math.abs(root.getBoundingClientRect().top) < 200")
        assert shown.locator("[name^=in-dog]:checked").input_value() == "3"
        own = parsed(book / "book" / "look_inside.html").find(attrs={"data-in": "weights"})
        assert shown.locator("[data-in=weights]").text_content() == own.string
        page.context.close()

    def test_without_scripts_there_is_a_picture_with_its_text(self, browser, bases):
        page = self.lab(browser, f"{bases['file']}/{self.LAB}", java_script_enabled=False)
        for kind in ("look-inside", "augmentation-playground"):
            still = self.placed(page, kind)
            assert still.locator("img").is_visible() and "A drawn dog" in still.inner_text()
            assert "run its script" in still.inner_text()
            assert not still.locator("button").is_visible()
        page.context.close()

    def test_the_labs_page_stays_light(self, book):
        kept = (book / self.LAB).read_text(encoding="utf-8")
        assert 'data-in="weights"' not in kept and len(kept) < 1_300_000
