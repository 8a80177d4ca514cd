"""The augmentation playground in a browser: its pictures, its controls, its address."""

import base64

import cv2
import numpy as np
import pytest
from data_sets import few_drawn_dogs
from network_pages import (
    BREEDS,
    DARK,
    DOGS,
    LIGHT,
    OTHERS,
    SEEDED,
    SHOWN,
    SIDE,
    decoded,
    drawn_in_the_lab,
    look_into,
    part,
    radio,
    text,
    three_networks,
    write_page,
)
from visits import HASTE, NO_PICTURES, axe_source, standing_alone

import labkit
from labkit.dog_breeds.batches import geometry
from labkit.dog_breeds.batches.augmentation import COLUMNS
from labkit.dog_breeds.inside.plain_networks import pack
from labkit.dog_breeds.playground import playground, ranges_of
from labkit.files import page_asset

pytestmark = pytest.mark.browser

LAB = labkit.load_settings("photographs").augmentation
FILL_MODES = ("constant", "nearest", "reflect", "wrap")
#: Everything that the generator can do, and in a wide range.
WIDE = {
    "rotation_range": 180,
    "width_shift_range": 0.9,
    "height_shift_range": 0.9,
    "shear_range": 40,
    "zoom_range": (0.3, 2.5),
    "brightness_range": (0.2, 2.5),
    "channel_shift_range": 60,
    "horizontal_flip": True,
    "vertical_flip": True,
}

#: Change one picture in many ways; bytes go to and fro as base64, numbers one by one are slow.
APPLY = """([text, sides, changes, fill, cval]) => {
    const picture = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return changes.map((parameters) => {
        const changed = engine.applyTransform(picture, sides, parameters, fill, cval);
        return btoa(Array.from(changed, (grey) => String.fromCharCode(grey)).join(""));
    }); }"""

#: The network is asked so many milliseconds later.
LATE_ANSWERS = """
    window.late = 0;
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (...sent) {
        setTimeout(() => post.apply(this, sent), window.late);
    };
"""

#: Change again as soon as a change is answered; say whether the answer is awaited when the pause
#: after the first one has ended, and in the end.
CHANGED_TWICE = """async () => {
    const part = (name) => document.querySelector(`[data-in="${name}"]`);
    const slider = part("lab").querySelector("input"), busy = () => part("answer").ariaBusy;
    const answered = new Promise((done) => {
        new MutationObserver(done).observe(part("bars"), {childList: true});
    });
    const change = (value) => {
        slider.value = value;
        slider.dispatchEvent(new Event("input"));
    };
    change(20);
    await answered;
    window.late = 300;
    change(40);
    await new Promise((paused) => setTimeout(paused, 100));
    const first = busy();
    while (busy() === "true") await new Promise(requestAnimationFrame);
    return [first, busy()];
}"""


@pytest.fixture(scope="module")
def networks():
    return three_networks()


@pytest.fixture(scope="module")
def rounded(networks):
    """Return the networks as the page has them, their weights rounded."""
    return pack(networks)[2]


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(7).integers(0, 256, (DOGS + OTHERS, SIDE, SIDE, 3)) / 255


@pytest.fixture(scope="module")
def generator():
    return labkit.ImageDataGenerator(rescale=1 / 255, **LAB)


@pytest.fixture(scope="module")
def shown(networks, pictures, generator):
    return playground(look_into(networks, pictures), generator)


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


@pytest.fixture
def engine(page):
    """Return a page with the playground's engine and nothing else."""
    source = page_asset("labkit.dog_breeds.playground", "augment.js")
    page.evaluate(f"() => {{ {source}\nwindow.engine = augmentationEngine(); }}")
    return page


def ready(page):
    """Wait until the network has answered, and the address is written."""
    page.wait_for_selector("[data-in=answer][aria-busy=false]")
    return page


def go(page, fragment):
    page.evaluate(
        """text => new Promise((heard) => {
        addEventListener("hashchange", () => setTimeout(heard), {once: true});
        location.hash = text; })""",
        fragment,
    )
    return ready(page)


def control(page, name):
    return page.locator("label", has_text=name).locator("input")


def a_drawn_dog():
    jpeg = next(data for name, data in few_drawn_dogs(1, 1).items() if name.endswith(".jpg"))
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    return cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)


def changed_alike(page, picture, generator, draws):
    """Compare what the page makes of a picture with what labkit does; return the latter."""
    own = np.stack([generator.apply_transform(picture, drawn) for drawn in draws])
    given = [{k: value for k, value in drawn.items() if value is not None} for drawn in draws]
    text = base64.b64encode(picture.tobytes()).decode()
    arguments = [text, picture.shape[:2], given, generator.fill_mode, generator.cval]
    found = b"".join(map(base64.b64decode, page.evaluate(APPLY, arguments)))
    difference = np.frombuffer(found, np.uint8).reshape(own.shape) - own.astype(int)
    assert np.abs(difference).max() <= 2
    return own


class TestNumbers:
    @pytest.mark.parametrize("fill_mode", FILL_MODES)
    @pytest.mark.parametrize("options", [LAB, WIDE], ids=["lab", "wide"])
    def test_its_picture_is_labkits_on_a_hundred_draws(self, engine, options, fill_mode):
        options = {**options, "fill_mode": fill_mode, "cval": 77}
        generator, picture = labkit.ImageDataGenerator(**options), a_drawn_dog()
        draws = [generator.get_random_transform(picture.shape, seed) for seed in range(100)]
        own = changed_alike(engine, picture, generator, draws)
        assert np.abs(own - picture.astype(int)).mean(axis=(1, 2, 3)).min() > 1

    def test_on_a_picture_that_is_not_square_too(self, engine):
        generator, picture = labkit.ImageDataGenerator(**WIDE), a_drawn_dog()[:40].copy()
        draws = [generator.get_random_transform(picture.shape, seed) for seed in range(20)]
        changed_alike(engine, picture, generator, draws)

    def test_it_draws_what_the_generator_draws(self, engine):
        for options in (LAB, WIDE):
            generator = labkit.ImageDataGenerator(**options)
            ranges = ranges_of(generator, 64, 48)
            seeds = [*range(50), 2021, 2**31, 2**32 - 1]
            found = engine.evaluate(
                "([seeds, columns, ranges]) => seeds.map((n) => engine.draw(n, columns, ranges))",
                [seeds, COLUMNS, ranges],
            )
            for seed, drawn in zip(seeds, found, strict=True):
                own = generator.get_random_transform((64, 48, 3), seed)
                off = {name: drawn.pop(name) for name, value in own.items() if value is None}
                assert set(off.values()) <= {0, 1}
                kept = {name: float(value) for name, value in own.items() if value is not None}
                assert drawn == pytest.approx(kept, abs=1e-9)

    def test_its_matrix_is_labkits(self, engine):
        generator = labkit.ImageDataGenerator(**WIDE)
        draws = [generator.get_random_transform((64, 48, 3), seed) for seed in range(20)]
        found = engine.evaluate(
            "([draws, sides]) => draws.map((each) => engine.matrixOf(each, sides))",
            [draws, [64, 48]],
        )
        for drawn, matrix in zip(draws, found, strict=True):
            own = geometry.matrices(drawn, 64, 48)[0]
            assert np.allclose(np.reshape(matrix, (3, 3)), [*own, [0, 0, 1]])


class TestAnswer:
    def test_scores_are_kerass_for_the_picture_that_is_shown(self, opened, rounded, shown):
        go(opened, "augment=from-scratch/2/wrap/0/seed:5")
        seen = np.reshape(opened.evaluate(SHOWN), (SIDE, SIDE, 4))[..., :3]
        generator = labkit.ImageDataGenerator(**{**LAB, "fill_mode": "wrap"})
        own = generator.random_transform(decoded(shown.data["dogs"])[2], seed=5)
        assert np.abs(seen - own.astype(int)).max() <= 2
        expected = rounded["from scratch"].predict(seen[None] / 255, verbose=0)[0]
        rows = part(opened, "bars").locator("tr").all()
        assert len(rows) == len(BREEDS)
        for row in rows:
            breed = BREEDS.index(row.locator("th").text_content().split()[0])
            share = float(row.locator("td").last.text_content()) / 100
            assert share == pytest.approx(expected[breed], abs=1e-3)

    def test_it_says_in_words_when_the_dog_is_lost(self, opened, shown):
        told = set()
        for number, network in enumerate(shown.data["networks"]):
            radio(opened, "networks", network["name"])
            # Of a breed each, so that the first row tells whose answer is shown.
            for dog, breed in enumerate(BREEDS):
                right = np.argmax(network["scores"][dog]) == dog
                opened.locator(f"[name=in-dog][value='{dog}'] + img").click()
                opened.wait_for_selector(f"[data-in=bars] .in-own th:text('{breed} ✓')")
                for brightness in ("1", "0"):
                    control(opened, "brightness").fill(brightness)
                    ready(opened)
                    shares = part(opened, "bars").locator("td:last-child").all_text_contents()
                    first = float(shares[0]) >= max(map(float, shares))
                    words = text(opened, "verdict").split()[0]
                    assert words == ("Unchanged," if not right else "Still" if first else "No")
                    told.add((number, words))
        assert {words for _, words in told} == {"Unchanged,", "Still", "No"}

    def test_it_is_busy_until_the_last_change_is_answered(self, page, write):
        """The pause after one answer may end while the next one is awaited."""
        page.add_init_script(LATE_ANSWERS)
        page.goto(write())
        ready(page)
        assert page.evaluate(CHANGED_TWICE) == ["true", "false"]

    def test_it_is_spoken_of_once_the_reader_pauses(self, opened):
        control(opened, "brightness").fill("0.3")
        ready(opened)
        assert text(opened, "result") == text(opened, "verdict") != ""


class TestControls:
    def test_sliders_reach_beyond_the_labs_ranges_and_say_so(self, opened):
        slider = control(opened, "theta")
        assert (slider.get_attribute("min"), slider.get_attribute("max")) == ("-180", "180")
        bar = part(opened, "lab").locator("label", has_text="theta").locator(".in-range")
        numbers = [float(each.split(":")[1]) for each in bar.get_attribute("style").split(";")]
        assert numbers == pytest.approx([150 / 360, 60 / 360])
        slider.fill("31")
        assert slider.get_attribute("aria-valuetext") == "31°, beyond the lab's range"
        slider.press("ArrowLeft")
        assert slider.get_attribute("aria-valuetext") == "30°"

    def test_what_the_lab_changes_stands_apart(self, opened):
        assert part(opened, "lab").locator("input").count() == 7
        assert part(opened, "besides").locator("input").count() == 3

    def test_every_control_changes_the_picture_and_reset_brings_it_back(self, opened):
        before = opened.evaluate(SHOWN)
        for slider in opened.locator(".in-changes:visible input[type=range]").all():
            slider.fill(slider.get_attribute("min"))
            assert opened.evaluate(SHOWN) != before
            part(opened, "reset").click()
            assert opened.evaluate(SHOWN) == before
        for tick in opened.locator(".in-changes input[type=checkbox]").all():
            tick.check()
            assert opened.evaluate(SHOWN) != before
            part(opened, "reset").click()
            assert not tick.is_checked()

    def test_the_grey_beyond_the_border_is_asked_for_where_there_is_one(self, opened):
        assert not part(opened, "filling").is_visible()
        control(opened, "tx").fill("-8")
        radio(opened, "fills", "constant")
        control(opened, "cval").fill("200")
        seen = np.reshape(opened.evaluate(SHOWN), (SIDE, SIDE, 4))
        assert (seen[:, :7, :3] == 200).all()

    def test_the_dice_show_their_seed(self, opened, generator):
        part(opened, "throw").click()
        part(opened, "throw").click()
        assert part(opened, "seed").input_value() == "2"
        drawn = generator.get_random_transform((SIDE, SIDE, 3), seed=2)
        part(opened, "throw").click()
        part(opened, "seed").fill("2")
        part(opened, "seed").press("Enter")
        assert float(control(opened, "zx").input_value()) == pytest.approx(drawn["zx"], abs=0.01)
        assert "seed=2) draws it in the lab" in text(opened, "drawn")
        part(opened, "seed").fill("-1")
        part(opened, "seed").press("Enter")
        assert "seed is a whole number" in text(opened, "message")

    def test_the_matrix_and_the_order_are_told(self, opened):
        go(opened, "augment=fine-tuned/0/reflect/0/tx:5,flip_horizontal:1")
        numbers = part(opened, "matrix").locator(".in-matrix").get_attribute("aria-label")
        assert numbers == f"Matrix with the rows −1, 0, {SIDE - 1 + 5}; 0, 1, 0"
        on = part(opened, "order").locator(".in-on").all_text_contents()
        assert on == ["flip: left and right", "shift: 5 px, 0 px", "rescale: divided by 255"]
        assert f"shows column {SIDE - 1 + 5 - SIDE // 2}, row 0" in text(opened, "example")

    def test_a_picture_of_ones_own(self, opened, tmp_path):
        cv2.imwrite(str(tmp_path / "mine.png"), np.full((40, 30, 3), 90, np.uint8))
        part(opened, "own").set_input_files(tmp_path / "mine.png")
        opened.wait_for_selector("[data-in=message]:text('mine.png is shown')")
        ready(opened)
        assert text(opened, "verdict").startswith("Still a")
        assert set(opened.evaluate(SHOWN)) == {90, 255}


class TestAddress:
    def test_it_opens_what_it_says_and_is_written_again(self, page, write):
        page.goto(write() + "#augment=frozen-base/3/nearest/9/theta:-12.5,zx:1.1")
        ready(page)
        assert control(page, "zx").input_value() == "1.1"
        assert part(page, "networks").locator("input").nth(1).is_checked()
        control(page, "flip_vertical").check()
        ready(page)
        assert page.url.endswith("/3/nearest/9/theta:-12.5,zx:1.1,flip_vertical:1")
        part(page, "throw").click()
        ready(page)
        assert page.url.endswith("#augment=frozen-base/3/nearest/9/seed:1")

    @pytest.mark.parametrize(
        ("fragment", "sentence"),
        [
            ("nobody/0/wrap/0/", "no network “nobody”"),
            ("fine-tuned/9/wrap/0/", "dog is a whole number from 0 to 4"),
            ("fine-tuned/0/mirror/0/", "no fill_mode “mirror”"),
            ("fine-tuned/0/wrap/256/", "cval is a whole number from 0 to 255"),
            ("fine-tuned/0/wrap/0/phi:3", "no parameter “phi”"),
            ("fine-tuned/0/wrap/0/zx:0", "zx is a number from 0.4 to 2"),
            ("fine-tuned/0/wrap/0/theta:", "theta is a number from −180 to 180"),
            ("fine-tuned/0/wrap/0/flip_vertical:0.5", "flip_vertical is a number"),
            ("fine-tuned/0/wrap/0/seed:-1", "seed is a whole number"),
            ("%", "no network “%”"),
            ("fine-tuned", "no fill_mode “”"),
            ("fine-tuned/0/wrap/0/theta", "theta is a number from −180 to 180"),
        ],
    )
    def test_what_it_cannot_mean_is_said(self, opened, fragment, sentence):
        go(opened, f"augment={fragment}")
        assert "was left aside" in text(opened, "message")
        assert sentence in text(opened, "message")


class TestAccess:
    @pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
    @pytest.mark.parametrize("width", [320, 1100])
    def test_axe_finds_nothing_and_nothing_sticks_out(self, page, write, style, width):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{write(style)}#augment=fine-tuned/0/constant/9/seed:3")
        ready(page)
        page.evaluate(axe_source())
        found = page.evaluate("axe.run().then(({violations}) => violations.map(JSON.stringify))")
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    def test_axe_finds_nothing_before_the_dog_is_there(self, page, write):
        page.add_init_script(NO_PICTURES)
        page.goto(write())
        part(page, "live").wait_for()
        page.evaluate(axe_source())
        found = page.evaluate("axe.run().then(({violations}) => violations.map(JSON.stringify))")
        assert found == []

    def test_by_night_the_track_of_a_slider_is_dark(self, opened):
        opened.add_style_tag(content="html { color-scheme: dark; }")
        png = np.frombuffer(control(opened, "theta").screenshot(), np.uint8)
        shown = cv2.imdecode(png, cv2.IMREAD_COLOR)
        height, width, _ = shown.shape
        assert shown[height // 2, int(0.9 * width)].max() < 128

    def test_without_scripts_there_is_a_picture_with_its_text(self, browser, write):
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(write())
        assert part(page, "fallback").locator("img").is_visible()
        assert "what the lab's generator makes of it" in text(page, "fallback")
        assert not part(page, "live").is_visible()
        context.close()


def test_the_built_page_is_small_and_shows_what_the_lab_draws(browser, book):
    path = book / "book" / "augmentation.html"
    assert path.stat().st_size < 1_500_000
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri() + SEEDED)
    ready(page)
    seen = np.reshape(page.evaluate(SHOWN), (64, 64, 4))[..., :3]
    assert np.abs(seen - drawn_in_the_lab(path)).max() <= 2
    context.close()
