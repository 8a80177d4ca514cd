"""Split and leak in a browser: its numbers are the record's, and its line is dragged."""

import csv
import zipfile
from pathlib import Path

import pytest
from visits import HASTE, axe_source, pause, standing_alone

from labkit.dog_breeds.errors import wilson_interval
from labkit.dog_breeds.packaged import packaged_file
from labkit.dog_breeds.split_and_leak import split_and_leak

pytestmark = pytest.mark.browser

RECORD = Path(__file__).parents[2] / "book" / "results" / "split_and_leak"
LIGHT, DARK = "background: #fff; color: #222", "background: #121212; color: #eee"
with RECORD.with_suffix(".csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))
CHOICES = ("split", "copies", "share", "seed")


def written_out(folder):
    """Write the component's HTML, its dogs unpacked into a folder."""
    with packaged_file("drawn_dogs.zip") as path, zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return split_and_leak(RECORD, folder)._repr_html_()


@pytest.fixture(scope="module")
def component(tmp_path_factory):
    return written_out(tmp_path_factory.mktemp("dogs"))


@pytest.fixture
def write(tmp_path, component):
    """Return a function that writes a page and returns its address."""

    def written(style=LIGHT):
        path = tmp_path / "page.html"
        path.write_text(document(component, style), encoding="utf-8")
        return path.as_uri()

    return written


def document(component, style=LIGHT):
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Split</title>'
        '<meta name="viewport" content="width=device-width"></head>'
        f'<body style="margin: 0; font-family: sans-serif; {style}"><main><h1>Split</h1>'
        f"{component}</main></body></html>"
    )


@pytest.fixture
def page(page):
    page.add_init_script(HASTE)
    with standing_alone(page):
        yield page


@pytest.fixture
def opened(alone, write):
    alone.goto(write())
    return alone


def part(page, name):
    return page.locator(f'[data-sl="{name}"]')


def address_of(row):
    return "split=" + ".".join(row[name].replace(" ", "-") for name in CHOICES)


def row_of(**wanted):
    return next(r for r in ROWS if all(r[name] == value for name, value in wanted.items()))


def show(page, fragment):
    page.evaluate(
        "text => { location.hash = text; dispatchEvent(new Event('hashchange')); }", fragment
    )


def percent(share):
    return f"{int(100 * share + 0.5)} %"


def told(row, right, total):
    """Word a result as the page does, with the interval computed anew."""
    numbers = int(row[right]), int(row[total])
    low, high = wilson_interval(*numbers)
    what = "new dogs" if total == "new" else "pictures that validate"
    return (
        f"{percent(numbers[0] / numbers[1])} {numbers[0]} of {numbers[1]} {what}; "
        f"95 % interval from {percent(low)} to {percent(high)}"
    )


def is_shown(page, row):
    """Assert that the page shows a training: its numbers, its pictures and its copies."""
    words = {name: part(page, name).text_content() for name in ("seems", "worth", "leaked", "all")}
    assert words["seems"] == told(row, "validation_right", "validation")
    assert words["worth"] == told(row, "new_right", "new")
    assert words["leaked"].startswith(
        "No picture" if row["leaked"] == "0" else f"{row['leaked']} of"
    )
    draws = [r for r in ROWS if all(r[name] == row[name] for name in CHOICES[:3])]
    means = [
        percent(sum(int(r[right]) / int(r[total]) for r in draws) / len(draws))
        for right, total in (("validation_right", "validation"), ("new_right", "new"))
    ]
    assert words["all"].endswith(f"validation {means[0]}, new dogs {means[1]}.")
    sides = page.locator(".sl-row").evaluate_all(
        """rows => rows.flatMap(row => {
            let side = "0";
            const found = [];
            for (const each of row.children) {
                if (each.className === "sl-line") side = "1";
                else found.push([Number(each.dataset.n), side, each.className]);
            }
            return found;
        })"""
    )
    signs = {n: side for n, side, _ in sides}
    assert "".join(signs.get(n, "-") for n in range(len(row["validates"]))) == row["validates"]
    leaked = [side for _, side, name in sides if "sl-leaked" in name]
    assert leaked.count("1") == int(row["leaked"])


def settled(page):
    pause(page)
    return part(page, "result").text_content()


def test_every_split_shows_what_was_recorded(opened):
    for row in ROWS:
        show(opened, address_of(row))
        is_shown(opened, row)


def test_what_is_shown_first_is_the_still_page(browser, opened, write):
    is_shown(opened, ROWS[0])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(write())
    assert page.locator(".sl-row img").count() == len(ROWS[0]["validates"])
    assert "On validation the network is right for" in part(page, "fallback").inner_text()
    for name in ("controls", "slider", "results"):
        assert not part(page, name).is_visible()
    context.close()


def places(page):
    """Return where the pictures of the first row begin and end, and a height within it."""
    first, *_, last = page.locator(".sl-row").first.locator("img").all()
    left, right = first.bounding_box(), last.bounding_box()
    return left["x"], right["x"] + right["width"], left["y"] + left["height"] / 2


def test_the_line_is_dragged_and_jumps_to_what_was_tried(opened):
    left, right, y = places(opened)
    opened.mouse.move(left + 0.8 * (right - left), y)
    opened.mouse.down()
    seen = set()
    for step in range(81):
        opened.mouse.move(right - step * (right - left) / 100, y)
        seen.add(part(opened, "share").text_content())
    opened.mouse.up()
    assert seen == {f"{row['share']} %" for row in ROWS}
    is_shown(opened, row_of(split="by breed", copies="kept", share="50", seed="1"))
    assert settled(opened).startswith("50 % validate, by breed, copies kept: 42 pictures train")
    assert opened.url.endswith("#split=by-breed.kept.50.1")
    opened.mouse.move(right, y)
    assert part(opened, "share").text_content() == "50 %"


def test_a_drag_moves_the_line_and_no_picture(opened):
    order = "rows => rows.map(row => [...row.querySelectorAll('img')].map(each => each.dataset.n))"
    before = opened.locator(".sl-row").evaluate_all(order)
    part(opened, "range").press("Home")
    part(opened, "range").press("ArrowUp")
    assert opened.locator(".sl-row").evaluate_all(order) == before


def test_by_keyboard_alone(opened):
    part(opened, "split").locator("input").first.focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowUp")
    opened.keyboard.press("ArrowUp")
    is_shown(opened, row_of(split="at random", copies="dropped", share="30", seed="3"))
    slider = opened.get_by_role("slider", name="Validate")
    assert slider.get_attribute("aria-valuetext") == "30 % of the pictures validate"
    assert settled(opened).startswith("30 % validate, at random, copies dropped: ")


def test_by_touch_sideways(browser, write):
    context = browser.new_context(has_touch=True, viewport={"width": 320, "height": 700})
    page = context.new_page()
    page.goto(write())
    part(page, "copies").locator("label", has_text="dropped").tap()
    left, right, y = places(page)
    session = context.new_cdp_session(page)
    for kind, share in [("Start", 0.9), *(("Move", 0.9 - n / 20) for n in range(1, 9))]:
        point = {"x": left + share * (right - left), "y": y}
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("document.querySelector('[data-sl=share]').textContent === '50 %'")
    is_shown(page, row_of(split="by breed", copies="dropped", share="50", seed="1"))
    context.close()


class TestAddress:
    def test_a_reload_keeps_it(self, opened):
        part(opened, "seed").locator("label", has_text="2").click()
        settled(opened)
        opened.reload()
        is_shown(opened, row_of(split="by breed", copies="kept", share=ROWS[0]["share"], seed="2"))

    @pytest.mark.parametrize("text", ["by-breed.kept.25.1", "", "x", "%", "by-breed.kept.20"])
    def test_what_was_not_recorded_is_said_and_changes_nothing(self, opened, text):
        show(opened, f"split={text}")
        assert "nothing was recorded for" in part(opened, "message").text_content()
        is_shown(opened, ROWS[0])

    def test_the_link_is_copied(self, page, write):
        page.add_init_script(
            "navigator.clipboard.writeText = async text => { window.copied = text; }"
        )
        page.goto(write())
        part(page, "copy").click()
        page.wait_for_function("window.copied")
        assert page.evaluate("window.copied").endswith(f"#{address_of(ROWS[0])}")
        assert part(page, "message").text_content() == "Copied the link to this split."


@pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1100])
def test_axe_finds_nothing_and_nothing_sticks_out(page, write, style, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{write(style)}#split=at-random.kept.50.2")
    page.evaluate(axe_source())
    found = page.evaluate("axe.run().then(({violations}) => violations.map(JSON.stringify))")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    targets = page.locator(":is(button, .lk-chips label, input[type=range]):visible").all()
    assert min(target.bounding_box()["height"] for target in targets) >= 32


def test_the_board_is_read_as_a_list(opened):
    items = part(opened, "board").get_by_role("listitem")
    assert items.count() == 6
    assert items.first.inner_text().startswith("biscuit corgling ")
    assert part(opened, "board").get_by_role("img").count() == 0


def test_nothing_moves_when_the_line_does(opened):
    before = part(opened, "seems").bounding_box()["y"]
    part(opened, "range").press("End")
    part(opened, "range").press("Home")
    assert part(opened, "seems").bounding_box()["y"] == before
