"""The explorer in a browser: its numbers, its controls, and the address of the page."""

import random
import re

import pytest
from visits import HASTE, pause, standing_alone

from labkit.receptive_field import ALEXNET, VGG16, Layer, receptive_field, trace
from labkit.receptive_field.explorer import PRESETS, explorer, notation

pytestmark = pytest.mark.browser

HOLES = [Layer(2, stride=3), Layer(2, stride=2), Layer(2)]
MOST_COUNTED = 200_000
LIGHT, DARK = "background: #fff; color: #222", "background: #121212; color: #eee"


def document(*shown, style=LIGHT):
    body = "\n".join(item._repr_html_() for item in shown)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explorer</title>'
        '<meta name="viewport" content="width=device-width"></head>'
        f'<body style="margin: 0; font-family: sans-serif; {style}"><main><h1>Explorer</h1>'
        f"{body}</main></body></html>"
    )


@pytest.fixture
def address(tmp_path):
    """Return a function that writes a page of explorers and returns its address."""

    def write(*shown, **options):
        path = tmp_path / "explorer.html"
        path.write_text(document(*(shown or [explorer()]), **options), encoding="utf-8")
        return path.as_uri()

    return write


@pytest.fixture
def page(page):
    page.add_init_script(HASTE)
    with standing_alone(page):
        yield page


@pytest.fixture
def opened(alone, address):
    """Open a page with the short example."""
    alone.goto(address())
    return alone


def positions(layers):
    """Follow the positions read from one unit to the input, one set for each row."""
    rows = [{0}]
    for layer in reversed(layers):
        taps = [layer.dilation * tap for tap in range(layer.kernel)]
        rows.append({layer.stride * unit + tap for unit in rows[-1] for tap in taps})
    return rows[::-1]


def part(page, name, nth=0):
    return page.locator(f'[data-rf="{name}"]').nth(nth)


def number_box(page, name, nth=0):
    return page.locator(f'[data-rf-stepper="{name}"] input').nth(nth)


def chips(page, nth=0):
    labels = part(page, "chips", nth).locator("label").all_text_contents()
    return [label.split(": ")[1] for label in labels]


def chip(page, text):
    return page.locator(".lk-chips label").filter(has_text=re.compile(rf": {text}$"))


def network(page, nth=0):
    return "-".join(chips(page, nth))


def shown(page):
    """Return size, effective stride and inputs read as the page words them, less the commas."""
    texts = (part(page, name).text_content() for name in ("size", "stride", "share"))
    size, stride, share = (text.replace(",", "") for text in texts)
    return int(size.split()[0]), int(stride), share


def show(page, text):
    """Put a network into the address of the open page and wait until that is noticed."""
    page.evaluate(
        """text => new Promise(done => {
            addEventListener("hashchange", () => done(), {once: true});
            const before = location.href;
            location.hash = "network=" + text;
            if (location.href === before) done();
        })""",
        text,
    )


def stride_of(layers):
    return trace(layers)[-1].effective_stride if layers else 1


def settled(page):
    """Wait until the change is spoken of and stands in the address; return the sentence."""
    page.wait_for_function("document.querySelector('[data-rf=result]').textContent")
    pause(page)
    return part(page, "result").text_content()


def random_network(rng):
    """Draw mostly small networks, and some whose field is long or beyond counting."""
    kernel, stride, dilation = rng.choice([(4, 3, 3), (3, 4, 2), (7, 3, 8), (99, 32, 64)])
    most_layers = 20 if kernel == 99 else 7
    return [
        Layer(rng.randint(1, kernel), rng.randint(1, stride), rng.randint(1, dilation))
        for _ in range(rng.randint(0, most_layers))
    ]


class TestNumbers:
    def test_they_are_labkits_on_200_random_networks(self, opened):
        rng = random.Random(5)
        networks = [random_network(rng) for _ in range(200)]
        kinds = {"counted": 0, "holes": 0, "uncounted": 0, "beyond doubles": 0}
        for layers in networks:
            show(opened, notation(layers) or "")
            size, stride, share = shown(opened)
            assert network(opened) == notation(layers)
            assert (size, stride) == (receptive_field(layers), stride_of(layers)), layers
            kinds["beyond doubles"] += size > 2**53
            if size > MOST_COUNTED:
                kinds["uncounted"] += 1
                assert share == f"not counted over {MOST_COUNTED} positions"
                continue
            read = len(positions(layers)[0])
            kinds["counted"] += 1
            kinds["holes"] += read < size
            assert share.startswith(f"{read} of {size} ("), layers
        assert min(kinds.values()) >= 5, kinds

    def test_inputs_read_are_those_of_the_oracle_of_sets(self, opened):
        import keras
        from reaching_positions import reaching_positions

        rng = random.Random(7)
        for _ in range(12):
            layers = [
                rng.choice([Layer(rng.randint(1, 4), rng.randint(1, 4)), Layer(3, 1, 3)])
                for _ in range(3)
            ]
            size = receptive_field(layers)
            model = keras.Sequential([keras.Input((size, 1))])
            for layer in layers:
                model.add(
                    keras.layers.Conv1D(
                        1, layer.kernel, strides=layer.stride, dilation_rate=layer.dilation
                    )
                )
            read = len(reaching_positions(model, unit=(0,))[0])
            show(opened, notation(layers))
            assert shown(opened)[2].startswith(f"{read} of {size} ("), layers

    def test_the_widest_network_is_exact_to_the_last_digit(self, opened):
        layers = [Layer(99, 32, 64)] * 32
        show(opened, notation(layers))
        assert shown(opened)[:2] == (receptive_field(layers), stride_of(layers))
        assert "too wide" in part(opened, "caption").text_content()
        assert "too wide" in part(opened, "drawing").get_attribute("aria-label")

    def test_a_wide_field_that_cannot_have_holes_is_read_in_full(self, opened):
        layers = [Layer(3, stride=3)] * 20
        show(opened, notation(layers))
        size = receptive_field(layers)
        assert shown(opened)[2] == f"{size} of {size} (100 %)"

    @pytest.mark.parametrize(
        ("layers", "share"),
        [
            (HOLES, "8 of 11 (72.7 %)"),
            ([Layer(2, dilation=2)], "2 of 3 (66.7 %)"),
            ([Layer(1, stride=32)] * 3 + [Layer(2)], "2 of 32769 (under 0.1 %)"),
            (
                [Layer(32), Layer(32, stride=32), Layer(31, stride=32), Layer(2)],
                "2046 of 2047 (99.9 %)",
            ),
        ],
    )
    def test_a_field_with_holes_never_shows_a_hundred_percent(self, opened, layers, share):
        show(opened, notation(layers))
        assert share.startswith(f"{len(positions(layers)[0])} of {receptive_field(layers)} (")
        assert shown(opened)[2] == share

    @pytest.mark.parametrize("name", PRESETS)
    def test_presets(self, opened, name):
        part(opened, "preset").select_option(label=name)
        assert network(opened) == notation(PRESETS[name])
        assert shown(opened)[0] == receptive_field(PRESETS[name])
        assert part(opened, "preset").evaluate("list => list.selectedOptions[0].text") == name

    def test_the_recurrence_runs_from_the_unit_to_the_input(self, opened):
        show(opened, notation(HOLES))
        lines = part(opened, "steps").locator("li").all_text_contents()
        assert lines == [
            "The unit itself: r₃ = 1",
            "r₂ = 1 · (1 − 1) + 1 · (2 − 1) + 1 = 2",
            "r₁ = 2 · (2 − 1) + 1 · (2 − 1) + 1 = 4",
            "r₀ = 3 · (4 − 1) + 1 · (2 − 1) + 1 = 11",
            "Effective stride: s₁ · s₂ · s₃ = 3 · 2 · 1 = 6",
        ]

    @pytest.mark.parametrize("layers", [VGG16, ALEXNET, PRESETS["Dilated stack"]])
    def test_each_line_of_the_recurrence_is_true(self, opened, layers):
        show(opened, notation(layers))
        lines = part(opened, "steps").locator("li").all_text_contents()
        ends = [len(layers), *range(len(layers) - 1, -1, -1)]
        for left, line in zip(ends[1:], lines[1:-1], strict=True):
            sides = re.fullmatch(r"r[₀-₉]+ = (.+) = ([\d,]+)", line).groups()
            value = int(sides[1].replace(",", ""))
            assert value == receptive_field(layers[left:])
            assert eval(sides[0].translate({ord("·"): "*", ord("−"): "-", ord(","): ""})) == value


class TestDrawing:
    def drawn(self, page, name):
        """Return the places of the marks of a kind, one list for each row from the unit down."""
        paths = page.locator(f"path.rf-{name}").evaluate_all(
            "paths => paths.map(path => path.getAttribute('d'))"
        )
        return [[float(x) for x in re.findall(r"M([\d.-]+) ", path)] for path in paths]

    @pytest.mark.parametrize(
        "layers",
        [HOLES, [Layer(3), Layer(2, stride=2), Layer(3)], PRESETS["Equal dilations"], [Layer(1)]],
    )
    def test_every_input_stands_in_its_place(self, opened, layers):
        show(opened, notation(layers))
        rows = positions(layers)
        read, holes = self.drawn(opened, "read"), self.drawn(opened, "hole")
        assert [len(row) for row in read] == [len(row) for row in rows[-2::-1]]
        assert sum(map(len, holes)) == sum(max(row) + 1 - len(row) for row in rows)
        start, *_, end = [*read[-1], read[-1][0]] if len(read[-1]) == 1 else read[-1]
        pitch = (end - start) / max(rows[0]) if rows[0] != {0} else 1
        assert [round((x - start) / pitch) for x in read[-1]] == sorted(rows[0])

    @pytest.mark.parametrize("layers", [HOLES, PRESETS["Equal dilations"]])
    def test_lines_lead_to_what_is_read(self, opened, layers):
        show(opened, notation(layers))
        lines = opened.locator("path.rf-lines").last.get_attribute("d")
        ends = {float(x) for x in re.findall(r"L([\d.-]+) ", lines)}
        radius = 7
        marks = [x + radius for x in self.drawn(opened, "read")[-1]]
        assert len(ends) == len(marks)
        assert sorted(ends) == pytest.approx(marks, abs=0.2)

    def test_it_says_what_is_seen(self, opened):
        show(opened, notation(HOLES))
        assert part(opened, "drawing").get_attribute("aria-label") == (
            "Drawing: 3 layers from one unit at the top to its field of 11 inputs at the bottom, "
            "of which 8 are read and 3 left out as holes."
        )

    def test_it_follows_the_width(self, opened):
        for width in (900, 340):
            opened.set_viewport_size({"width": width, "height": 700})
            opened.wait_for_function(
                "document.querySelector('[data-rf=drawing]').getAttribute('width') =="
                " document.querySelector('[data-rf=figure]').clientWidth"
            )
            assert part(opened, "drawing").bounding_box()["width"] <= width

    def test_no_network_at_all(self, opened):
        show(opened, "")
        assert shown(opened) == (1, 1, "1 of 1 (100 %)")
        assert part(opened, "editor").is_hidden()
        assert len(self.drawn(opened, "unit")[0]) == 1


class TestKeyboard:
    def tab_to(self, page, name):
        """Press Tab until the element of this name has the focus."""
        for _ in range(40):
            page.keyboard.press("Tab")
            element = page.evaluate_handle("document.activeElement").as_element()
            text = element.evaluate("e => e.labels?.[0]?.textContent ?? e.textContent").strip()
            if text == name:
                return element
        raise AssertionError(f"Tab never came to {name!r}")

    def focused(self, page):
        return page.evaluate("document.activeElement.textContent").strip()

    def test_add_edit_and_remove_a_layer(self, opened):
        self.tab_to(opened, "+ Add")
        opened.keyboard.press("Enter")
        assert network(opened) == "3-2s2-3-3"
        assert self.focused(opened) == "+ Add"
        assert settled(opened).startswith("Layer 4 added. 4 layers: the receptive field is 12")
        self.tab_to(opened, "stride")
        opened.keyboard.type("2")
        assert network(opened) == "3-2s2-3-3s2"
        opened.keyboard.press("ArrowUp")
        opened.keyboard.press("ArrowUp")
        opened.keyboard.press("ArrowDown")
        assert network(opened) == "3-2s2-3-3s3"
        self.tab_to(opened, "Remove")
        opened.keyboard.press("Space")
        assert network(opened) == "3-2s2-3"
        assert self.focused(opened) == "Remove"
        for _ in range(3):
            opened.keyboard.press("Enter")
        assert network(opened) == ""
        assert self.focused(opened) == "+ Add"

    def test_arrow_keys_choose_a_layer(self, opened):
        opened.locator("input[type=radio]").nth(2).focus()
        opened.keyboard.press("ArrowLeft")
        assert part(opened, "title").text_content() == "Layer 2 of 3"
        assert number_box(opened, "stride").input_value() == "2"
        assert opened.locator("li.rf-on").text_content().startswith("r₁ = 2 ·")

    def test_the_focus_stays_on_a_button_at_its_limit(self, opened):
        less = opened.get_by_role("button", name="− stride")
        less.focus()
        opened.keyboard.press("Enter")
        assert part(opened, "message").text_content() == "A stride is a whole number from 1 to 32."
        assert less.evaluate("button => button === document.activeElement")
        assert network(opened) == "3-2s2-3"

    def test_typing_over_a_number_passes_through_an_empty_box(self, opened):
        box = number_box(opened, "kernel")
        box.focus()
        opened.keyboard.press("Control+A")
        opened.keyboard.press("Delete")
        assert part(opened, "message").text_content() == ""
        opened.keyboard.type("12")
        assert network(opened) == "3-2s2-12"
        part(opened, "undo").click()
        assert network(opened) == "3-2s2-3"


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "given", "most"),
        [
            ("kernel", "100", 99),
            ("kernel", "0", 99),
            ("stride", "40", 32),
            ("dilation", "65", 64),
            ("dilation", "-2", 64),
            ("stride", "1.5", 32),
        ],
    )
    def test_a_number_out_of_range_is_said_and_not_taken(self, opened, name, given, most):
        box = number_box(opened, name)
        held = box.input_value()
        box.fill(given)
        assert part(opened, "message").text_content() == (
            f"A {name} is a whole number from 1 to {most}; {given} is not, "
            f"so layer 3 keeps {name} {held}."
        )
        assert box.get_attribute("aria-invalid") == "true"
        box.fill("2")
        assert box.get_attribute("aria-invalid") is None
        box.fill(given)
        box.fill(held)
        assert part(opened, "message").text_content() == ""
        box.fill(given)
        box.blur()
        assert box.input_value() == held
        assert "is not, so layer 3 keeps" in part(opened, "message").text_content()
        assert network(opened).split("-")[2] == "3"
        assert box.get_attribute("aria-invalid") is None

    def test_an_empty_box_is_filled_again(self, opened):
        box = number_box(opened, "kernel")
        box.fill("")
        box.blur()
        assert box.input_value() == "3"
        assert "layer 3 keeps kernel 3" in part(opened, "message").text_content()

    def test_no_layer_beyond_the_last(self, opened):
        show(opened, "-".join(["1"] * 32))
        part(opened, "add").press("Enter")
        assert "up to 32 layers" in part(opened, "message").text_content()
        assert len(chips(opened)) == 32

    def test_nothing_to_undo_and_nowhere_to_move(self, opened):
        part(opened, "undo").press("Enter")
        assert "nothing to undo" in part(opened, "message").text_content()
        part(opened, "later").press("Enter")
        assert "last layer already" in part(opened, "message").text_content()
        assert network(opened) == "3-2s2-3"


class TestMouseAndTouch:
    def test_steps_moves_and_undo(self, opened):
        chip(opened, "2s2").click()
        opened.get_by_role("button", name="+ dilation").click()
        opened.get_by_role("button", name="− kernel").click()
        assert network(opened) == "3-1s2d2-3"
        part(opened, "earlier").click()
        assert network(opened) == "1s2d2-3-3"
        assert part(opened, "title").text_content() == "Layer 1 of 3"
        for before in ("3-1s2d2-3", "3-2s2d2-3", "3-2s2-3"):
            part(opened, "undo").click()
            assert network(opened) == before

    def test_a_layer_is_added_behind_the_chosen_one(self, opened):
        chip(opened, "2s2").click()
        part(opened, "add").click()
        part(opened, "add").click()
        assert network(opened) == "3-2s2-3-3-3"
        assert part(opened, "title").text_content() == "Layer 4 of 5"

    def test_an_edited_preset_is_ones_own(self, opened):
        part(opened, "add").click()
        assert part(opened, "preset").input_value() == "own"
        part(opened, "undo").click()
        assert part(opened, "preset").input_value() == "3-2s2-3"

    def test_touch(self, browser, address):
        context = browser.new_context(has_touch=True, viewport={"width": 320, "height": 640})
        page = context.new_page()
        page.goto(address())
        page.get_by_role("button", name="+ stride").tap()
        chip(page, "2s2").tap()
        page.get_by_role("button", name="Remove").tap()
        chip(page, "2s2").wait_for(state="detached")
        assert network(page) == "3-3s2"
        targets = page.locator(
            ".rf-explorer :is(button, select, input[type=number], .lk-chips label):visible"
        )
        boxes = [target.bounding_box() for target in targets.all()]
        assert len(boxes) == 23
        assert min(min(box["width"], box["height"]) for box in boxes) >= 32
        context.close()


def read_from(layers, row, unit):
    """Follow one unit of a row down to the input: a set of positions for each row, from below."""
    found = {row: {unit}}
    for below in range(row - 1, -1, -1):
        layer = layers[below]
        taps = [layer.dilation * tap for tap in range(layer.kernel)]
        found[below] = {layer.stride * place + tap for place in found[below + 1] for tap in taps}
    return found


def reading_it(layers, row, unit):
    """Ask every unit that the one on top depends on whether the unit is among what it reads."""
    rows = positions(layers)
    return {
        above: {j for j in rows[above] if unit in read_from(layers, above, j)[row]}
        for above in range(row + 1, len(layers) + 1)
    }


class TestFollowing:
    def marked(self, page, layers):
        """Return the places that are marked in the drawing, a set for each row, by their kind."""
        found = {"below": {}, "above": {}}
        script = """paths => paths.map(path => [path.getAttribute("class"),
            ...path.getAttribute("d").match(/M[^a]+a[^ ]+/g).map(text => text.slice(1))])"""
        every = page.locator("svg > path:is(.rf-read, .rf-unit, .rf-hole)").evaluate_all(script)
        places = {}
        for _, *discs in every:
            for disc in discs:
                x, y, radius = (float(number) for number in re.split("[ a]", disc))
                places.setdefault(y, []).append(x + radius)
        rows = sorted(places, reverse=True)
        for name, *discs in page.locator(".rf-trail path:not(.rf-lines)").evaluate_all(script):
            for disc in discs:
                x, y, radius = (float(number) for number in re.split("[ a]", disc))
                nearest = min(sorted(places[y]), key=lambda other: abs(other - x - radius))
                place = sorted(places[y]).index(nearest)
                found[name.removeprefix("rf-")].setdefault(rows.index(y), set()).add(place)
        return found

    def test_what_a_unit_reads_and_what_reads_it_on_random_networks(self, opened):
        rng = random.Random(11)
        tried = holes = 0
        while tried < 40:
            layers = [
                Layer(rng.randint(1, 3), rng.randint(1, 3), rng.randint(1, 2)) for _ in range(3)
            ]
            if not 4 < receptive_field(layers) < 60:
                continue
            tried += 1
            row = rng.randint(0, 3)
            unit = rng.randrange(receptive_field(layers[row:]))
            show(opened, f"{notation(layers)}&unit={row}.{unit + 1}")
            above = {k: v for k, v in reading_it(layers, row, unit).items() if v}
            below = read_from(layers, row, unit)
            del below[row]
            assert self.marked(opened, layers) == {"below": below, "above": above}, layers
            holes += unit not in positions(layers)[row]
        assert holes > 2

    @pytest.mark.parametrize(
        ("fragment", "sentence"),
        [
            (
                "3-2s2-3&unit=2.2",
                "Unit 2 of 3 behind layer 2. It reads units 3 and 4 behind layer 1, and through "
                "them inputs 3 to 6. The unit on top reads it.",
            ),
            (
                "3-2s2-3&unit=0.4",
                "Input 4 of 8. It is read by units 2 to 4 behind layer 1, and through them by the "
                "unit on top.",
            ),
            (
                "2s3-2s2-2&unit=0.3",
                "Input 3 of 11. Nothing that the unit on top depends on reads it.",
            ),
            ("3d2&unit=1.1", "The unit on top. It reads inputs 1, 3 and 5."),
            ("3d2-3d2-3d2&unit=3.1", "and through them 7 of the inputs from 1 to 13."),
            ("3&unit=0.1", "Input 1 of 3. The unit on top reads it."),
            ("2d2&unit=0.2", "Input 2 of 3. The unit on top does not read it."),
            ("&unit=0.1", "The unit on top."),
        ],
    )
    def test_it_is_told_in_words(self, opened, fragment, sentence):
        show(opened, fragment)
        assert part(opened, "followed").text_content().endswith(sentence)

    def middle(self, page, name, nth=0):
        """Return where a disc of the drawing lies on the screen."""
        d = page.locator(f"svg > path.rf-{name}").last.get_attribute("d")
        x, y, radius = re.findall(r"M([\d.-]+) ([\d.-]+)a([\d.-]+)", d)[nth]
        corner = part(page, "drawing").bounding_box()
        return corner["x"] + float(x) + float(radius), corner["y"] + float(y)

    def test_pointing_tells_and_a_click_holds(self, opened):
        words = part(opened, "followed")
        assert words.text_content().startswith("Point at an input")
        opened.mouse.move(*self.middle(opened, "read", 2))
        assert words.text_content().startswith("Input 3 of 8. It is read by units 1 to 3")
        opened.mouse.move(2, 2)
        assert words.text_content().startswith("Point at")
        pause(opened)
        assert part(opened, "result").text_content() == "" and "#" not in opened.url
        opened.mouse.click(*self.middle(opened, "read", 2))
        opened.mouse.move(2, 2)
        assert settled(opened) == words.text_content()
        assert opened.url.endswith("#network=3-2s2-3&unit=0.3")
        opened.mouse.click(*self.middle(opened, "read", 2))
        opened.mouse.move(2, 2)
        pause(opened)
        assert words.text_content().startswith("Point at")
        assert opened.url.endswith("#network=3-2s2-3")

    def test_nothing_moves_when_it_is_pointed_at(self, opened):
        before = part(opened, "steps").bounding_box()
        opened.mouse.move(*self.middle(opened, "read", 2))
        assert part(opened, "steps").bounding_box() == before

    def test_touch(self, browser, address):
        context = browser.new_context(has_touch=True, viewport={"width": 320, "height": 900})
        page = context.new_page()
        page.goto(address())
        page.touchscreen.tap(*self.middle(page, "read", 4))
        part(page, "followed").filter(has_text=re.compile("^Input 5 of 8")).wait_for()
        page.touchscreen.tap(*self.middle(page, "read", 4))
        part(page, "followed").filter(has_text=re.compile("^Point at")).wait_for()
        context.close()

    def test_by_keyboard(self, opened):
        row, box = part(opened, "row"), number_box(opened, "position")
        assert row.locator("option").all_text_contents() == [
            "the input",
            "behind layer 1 (3)",
            "behind layer 2 (2s2)",
            "the unit",
        ]
        opened.get_by_role("button", name="+ position").press("Enter")
        assert box.input_value() == "4"
        opened.keyboard.press("Enter")
        assert settled(opened).startswith("Input 5 of 8")
        box.focus()
        opened.keyboard.press("ArrowDown")
        assert part(opened, "followed").text_content().startswith("Input 4 of 8")
        row.focus()
        opened.keyboard.press("ArrowDown")
        assert part(opened, "followed").text_content().startswith("Unit 3 of 6 behind layer 1")
        box.fill("7")
        assert "from 1 to 6" in part(opened, "message").text_content()
        box.fill("1")
        less = opened.get_by_role("button", name="− position")
        less.press("Enter")
        assert "the first one already" in part(opened, "message").text_content()
        part(opened, "release").press("Enter")
        assert box.input_value() == "" and opened.locator(".rf-trail").count() == 0

    @pytest.mark.parametrize("text", ["9.1", "0.9", "0.0", "x", "1", "-1.1"])
    def test_an_address_that_names_none_is_said(self, opened, text):
        show(opened, f"3-2s2-3&unit={text}")
        assert (
            "The unit in the page's address was left aside"
            in part(opened, "message").text_content()
        )
        assert opened.locator(".rf-trail").count() == 0

    def test_another_network_is_followed_no_further(self, opened):
        show(opened, "3-2s2-3&unit=0.3")
        part(opened, "remove").click()
        settled(opened)
        assert opened.locator(".rf-trail").count() == 0 and opened.url.endswith("#network=3-2s2")

    def test_a_row_too_wide_to_look_at_is_not_offered(self, opened):
        show(opened, "-".join(["99s32d64"] * 5))
        offered = part(opened, "row").locator("option").all_text_contents()
        assert offered[-1] == "the unit" and "the input" not in offered
        part(opened, "row").select_option(label="the unit")
        assert part(opened, "followed").text_content().startswith("The unit on top. It reads ")
        part(opened, "row").select_option(index=0)
        assert "too wide to be listed" in part(opened, "followed").text_content()

    def test_a_wide_field_answers_at_once(self, opened):
        show(opened, f"{notation(VGG16)}&unit=5.3")
        took = opened.evaluate(
            """() => {
                const svg = document.querySelector("[data-rf=drawing]");
                document.querySelector("[data-rf=release]").click();
                const {left, bottom, width} = svg.getBoundingClientRect(), times = [];
                const at = {clientX: left + width / 2, clientY: bottom - 44, pointerType: "mouse"};
                for (let n = 0; n < 20; n++) {
                    const start = performance.now();
                    at.clientX += 1;
                    svg.dispatchEvent(new PointerEvent("pointermove", {bubbles: true, ...at}));
                    times.push(performance.now() - start);
                }
                return times;
            }"""
        )
        assert part(opened, "followed").text_content().startswith("Input 1")
        assert sorted(took)[10] < 50


class TestGuessFirst:
    NUMBERS = ("numbers", "answer", "size", "steps", "followed")

    def test_the_numbers_wait_for_the_guess(self, opened):
        part(opened, "guessing").check()
        assert not any(part(opened, name).is_visible() for name in self.NUMBERS)
        assert "8" not in opened.locator(".rf-explorer").inner_text().replace("2s2", "")
        assert "hidden until you ask" in part(opened, "drawing").get_attribute("aria-label")
        assert settled(opened) == "The numbers are hidden: guess first."
        opened.mouse.move(*TestFollowing().middle(opened, "read", 2))
        assert opened.locator(".rf-trail").count() == 0
        part(opened, "guess").fill("7")
        part(opened, "guess").press("Enter")
        assert part(opened, "message").text_content() == "You guessed 7; it is 8 inputs."
        assert all(part(opened, name).is_visible() for name in self.NUMBERS)
        pause(opened)
        assert part(opened, "result").text_content().startswith("3 layers: the receptive field")

    def test_the_next_network_is_hidden_again_and_a_right_guess_told(self, opened):
        part(opened, "guessing").check()
        opened.get_by_role("button", name="Show").click()
        assert part(opened, "message").text_content() == ""
        part(opened, "add").click()
        assert not part(opened, "numbers").is_visible()
        part(opened, "guess").fill("12")
        opened.get_by_role("button", name="Show").click()
        assert part(opened, "message").text_content() == "Your guess is right: 12 inputs."

    def test_it_stands_in_the_address(self, opened):
        part(opened, "guessing").check()
        pause(opened)
        assert opened.url.endswith("#network=3-2s2-3&guess=first")
        opened.reload()
        assert part(opened, "guessing").is_checked() and not part(opened, "numbers").is_visible()
        show(opened, "5-5&guess=first")
        assert not part(opened, "numbers").is_visible()
        show(opened, "5-5")
        assert part(opened, "numbers").is_visible()
        show(opened, "5-5&guess=first&unit=0.3")
        assert not part(opened, "followed").is_visible()


class TestDragging:
    def drag(self, page, text, onto, drop=True):
        start, end = chip(page, text).bounding_box(), chip(page, onto).bounding_box()
        page.mouse.move(start["x"] + 10, start["y"] + 10)
        page.mouse.down()
        for share in (0.3, 0.7, 1):
            page.mouse.move(
                start["x"] + 10 + share * (end["x"] - start["x"]),
                start["y"] + 10 + share * (end["y"] - start["y"]),
            )
        if drop:
            page.mouse.up()

    @pytest.mark.parametrize(
        ("text", "onto", "after"),
        [("7", "4", "3-5-4-7-6"), ("4", "3", "4-3-7-5-6"), ("3", "6", "7-5-4-6-3")],
    )
    def test_a_layer_takes_the_place_that_it_is_dropped_on(self, opened, text, onto, after):
        show(opened, "3-7-5-4-6")
        self.drag(opened, text, onto)
        assert network(opened) == after
        place = after.split("-").index(text) + 1
        assert part(opened, "title").text_content() == f"Layer {place} of 5"
        assert settled(opened).startswith(f"Now layer {place}. ")
        part(opened, "undo").click()
        assert network(opened) == "3-7-5-4-6"

    def test_dropped_on_its_own_place_or_hardly_moved_it_stays(self, opened):
        show(opened, "3-7-5")
        self.drag(opened, "7", "7")
        box = chip(opened, "3").bounding_box()
        opened.mouse.move(box["x"] + 5, box["y"] + 5)
        opened.mouse.down()
        opened.mouse.move(box["x"] + 8, box["y"] + 7)
        opened.mouse.up()
        assert "Now layer" not in settled(opened)
        assert network(opened) == "3-7-5"
        assert part(opened, "title").text_content() == "Layer 1 of 3"

    def test_it_shows_where_the_layer_goes(self, opened):
        show(opened, "3-7-5")
        self.drag(opened, "3", "5", drop=False)
        assert opened.locator(".rf-target").text_content().endswith("5")
        assert opened.locator(".rf-dragged").text_content().endswith("3")
        opened.mouse.up()
        assert opened.locator(".rf-target, .rf-dragged").count() == 0

    def test_by_touch_sideways_while_up_and_down_scrolls(self, browser, address):
        context = browser.new_context(has_touch=True, viewport={"width": 320, "height": 500})
        page = context.new_page()
        page.goto(f"{address()}#network=3-7-5")
        session = context.new_cdp_session(page)

        def finger(kind, *points):
            touches = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

        def swipe(text, dx, dy):
            box = chip(page, text).bounding_box()
            x, y = box["x"] + 12, box["y"] + 12
            finger("touchStart", (x, y))
            for share in range(1, 9):
                finger("touchMove", (x + dx * share / 8, y + dy * share / 8))
            finger("touchEnd")

        swipe("3", 75, 3)
        page.wait_for_function("!document.querySelector('.rf-dragged')")
        assert network(page) == "7-3-5"
        swipe("5", 2, -120)
        page.wait_for_function("scrollY > 50")
        assert network(page) == "7-3-5"
        context.close()

    @pytest.mark.parametrize("motion", ["reduce", "no-preference"])
    def test_layers_glide_only_where_motion_is_welcome(self, opened, motion):
        opened.emulate_media(reduced_motion=motion)
        opened.evaluate(
            """() => {
                window.glides = 0;
                const animate = Element.prototype.animate;
                Element.prototype.animate = function (...how) {
                    window.glides += 1;
                    return animate.apply(this, how);
                };
            }"""
        )
        part(opened, "earlier").click()
        assert network(opened) == "3-3-2s2"
        assert opened.evaluate("glides") == (0 if motion == "reduce" else 2)


class TestAddress:
    def test_a_change_stands_in_it_and_a_reload_keeps_it(self, opened):
        number_box(opened, "dilation").fill("4")
        settled(opened)
        assert opened.url.endswith("#network=3-2s2-3d4")
        opened.reload()
        assert network(opened) == "3-2s2-3d4"
        pause(opened)
        assert part(opened, "result").text_content() == ""

    def test_nothing_is_written_before_a_change(self, opened):
        pause(opened)
        assert "#" not in opened.url

    @pytest.mark.parametrize("text", ["3S2D4", "3s2d4", "03s2d4", "%33s2d4"])
    def test_other_ways_to_write_it(self, page, address, text):
        page.goto(f"{address()}#network={text}")
        assert network(page) == "3s2d4"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("3-x", "Layer 2 is written “x”, which cannot be read"),
            ("3--3", "Layer 2 is written “”, which cannot be read"),
            ("3d2s2", "Layer 1 is written “3d2s2”"),
            ("%E0%A4%A", "Layer 1 is written"),
            ("3-2s40", "Layer 2 has stride 40, but a stride is a whole number from 1 to 32."),
            ("0", "Layer 1 has kernel 0, but a kernel is a whole number from 1 to 99."),
            ("-".join(["3"] * 33), "33 layers are too many: the explorer takes up to 32."),
            ("<b>3</b>", "Layer 1 is written"),
        ],
    )
    def test_a_broken_one_is_said_and_changes_nothing(self, page, address, text, reason):
        page.goto(f"{address()}#network={text}")
        assert reason in part(page, "message").text_content()
        assert network(page) == "3-2s2-3"
        show(page, "5-5")
        assert part(page, "message").text_content() == ""
        show(page, text)
        assert reason in part(page, "message").text_content()
        assert network(page) == "5-5"

    def test_other_fragments_are_left_alone(self, opened):
        show(opened, "5-5")
        opened.evaluate("location.hash = 'a-heading'")
        pause(opened)
        assert network(opened) == "5-5"
        assert opened.url.endswith("#a-heading")

    def test_two_explorers_keep_apart(self, page, address):
        page.goto(address(explorer(), explorer("VGG16")))
        part(page, "add", 1).click()
        second = f"network-2={notation(VGG16)}-3"
        page.wait_for_function("text => location.hash === text", arg=f"#{second}")
        part(page, "remove", 0).click()
        page.wait_for_function("text => location.hash === text", arg=f"#network=3-2s2&{second}")
        page.reload()
        assert (network(page, 0), network(page, 1)) == ("3-2s2", f"{notation(VGG16)}-3")
        assert page.locator("input[type=radio]:checked").count() == 2
        page.locator("input[type=radio]").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.locator("input[type=radio]:checked").count() == 2
        assert part(page, "title", 1).text_content() == "Layer 19 of 19"

    def test_an_explorer_below_the_screen_is_scrolled_to(self, page, tmp_path):
        path = tmp_path / "long.html"
        gap = '<div style="height: 3000px"></div>'
        path.write_text(document(explorer()).replace("<h1>", f"{gap}<h1>"), encoding="utf-8")
        page.goto(path.as_uri())
        assert page.evaluate("scrollY") == 0
        page.goto("about:blank")
        page.goto(f"{path.as_uri()}#network=3")
        page.wait_for_function("scrollY > 2000")


class TestCopyLink:
    def copied(self, page, address, script):
        page.add_init_script(script)
        page.goto(address())
        number_box(page, "kernel").fill("5")
        part(page, "copy").click()
        page.wait_for_function("document.querySelector('[data-rf=message]').textContent")
        return page.evaluate("window.copied")

    def test_the_clipboard_gets_it(self, page, address):
        script = "navigator.clipboard.writeText = async text => { window.copied = text; }"
        assert self.copied(page, address, script) == f"{address()}#network=3-2s2-5"
        assert part(page, "message").text_content() == "Copied the link to this network."

    REFUSED = "navigator.clipboard.writeText = async () => { throw new Error('no'); };"

    def test_a_browser_without_clipboard_copies_by_selection(self, page, address):
        script = self.REFUSED + "document.execCommand = what => {"
        script += " window.copied = document.activeElement.value; return what === 'copy'; };"
        assert self.copied(page, address, script).endswith("#network=3-2s2-5")
        assert part(page, "copy").evaluate("button => button === document.activeElement")

    def test_what_cannot_be_copied_is_shown(self, page, address):
        self.copied(page, address, self.REFUSED + "document.execCommand = () => false;")
        assert part(page, "message").text_content().endswith(f"{address()}#network=3-2s2-5")


class TestForeignPages:
    def test_in_a_sandboxed_frame(self, page, tmp_path):
        inner = document(explorer()).replace("&", "&amp;").replace('"', "&quot;")
        path = tmp_path / "frame.html"
        path.write_text(
            f'<iframe sandbox="allow-scripts" width="800" height="900" srcdoc="{inner}"></iframe>',
            encoding="utf-8",
        )
        page.goto(path.as_uri())
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="+ Add").click()
        frame.locator('[data-rf="size"]', has_text="12 inputs").wait_for()
        frame.get_by_role("button", name="Copy link").click()
        frame.locator("p", has_text="#network=3-2s2-3-3").wait_for()

    def test_a_notebook_keeps_its_address(self, page, tmp_path):
        path = tmp_path / "lab.html"
        text = document(explorer()).replace("<body", '<body data-jp-theme-light="false"')
        path.write_text(text, encoding="utf-8")
        page.goto(f"{path.as_uri()}#network=5")
        assert network(page) == "3-2s2-3"
        part(page, "add").click()
        settled(page)
        assert page.url.endswith("#network=5")

    def test_a_script_that_runs_twice(self, opened):
        opened.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = document.querySelector(".rf-explorer script").textContent;
                document.body.append(script);
            }"""
        )
        part(opened, "add").click()
        assert network(opened) == "3-2s2-3-3"

    def test_without_script_the_numbers_stand_in_words(self, browser, address):
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(address(explorer("VGG16")))
        assert "a receptive field of 212" in page.locator(".rf-explorer").inner_text()
        assert part(page, "live").is_hidden()
        context.close()


class TestAccessibility:
    def test_the_result_is_spoken_once_after_a_pause(self, opened):
        opened.evaluate(
            """() => {
                window.spoken = [];
                const result = document.querySelector("[data-rf=result]");
                new MutationObserver(() => window.spoken.push(result.textContent))
                    .observe(result, {childList: true});
            }"""
        )
        opened.get_by_role("button", name="+ kernel").evaluate(
            "button => { for (let n = 0; n < 3; n++) button.click(); }"
        )
        sentence = settled(opened)
        assert opened.evaluate("window.spoken") == [sentence]
        assert sentence == (
            "Layer 3, kernel 6. 3 layers: the receptive field is 14 inputs wide, "
            "the effective stride is 2, and 14 of 14 inputs are read."
        )
        assert part(opened, "result").get_attribute("role") == "status"

    @pytest.mark.parametrize("style", [LIGHT, DARK])
    @pytest.mark.parametrize(
        "fragment",
        [
            "",
            "#network=",
            "#network=3-2s40",
            "#network=2s3-2s9&unit=1.2",
            "#network=3&guess=first",
        ],
    )
    def test_axe_finds_nothing(self, page, address, style, fragment):
        from axe_playwright_python.sync_playwright import Axe

        page.goto(address(explorer(), explorer("VGG16"), style=style) + fragment)
        results = Axe().run(page)
        assert len(results.response["passes"]) > 10
        assert results.response["violations"] == []

    @pytest.mark.parametrize("text", ["3-2s2-3", notation(VGG16), "-".join(["99s32d64"] * 32), ""])
    def test_nothing_is_wider_than_320_pixels(self, page, address, text):
        page.set_viewport_size({"width": 320, "height": 640})
        page.goto(f"{address()}#network={text}")
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert page.evaluate("document.documentElement.clientWidth") == 320

    def test_paper_shows_drawing_and_numbers_without_controls(self, opened):
        opened.emulate_media(media="print")
        assert (
            opened.locator(".rf-explorer :is(button, select, input[type=number]):visible").count()
            == 0
        )
        for name in ("drawing", "size", "steps"):
            assert part(opened, name).is_visible()
        assert chip(opened, "2s2").is_visible()
