"""Every page of the built book, in a browser: over http and from the disk, light and dark."""

from itertools import cycle

import pytest
from built_book import (
    BOOK,
    complaint,
    fetched_from_afar,
    inside,
    is_source_code,
    pages,
    parsed,
    pointers,
    redirects,
)
from visits import PHONE, REACHABLE, Inspector, axe_source, new_page, settle

ALL_PAGES = pages()
PAGES = [page for page in ALL_PAGES if not is_source_code(page)]
SOURCES = [page for page in ALL_PAGES if is_source_code(page)]
SCHEMES = ("http", "file")
MODES = ("light", "dark")

#: Two loads of each page: over http in the light, from the disk in the dark; while it is open the
#: mode changes. Of pages of source code there are many and all alike: each has one of the two.
WAYS = (("http", *MODES), ("file", *MODES[::-1]))
LOADS = [
    *((page, *way) for page in PAGES for way in WAYS),
    *((page, *way) for page, way in zip(SOURCES, cycle(WAYS), strict=False)),
]


def every_visit(schemes=SCHEMES):
    """Ask for all loads under some schemes."""
    loads = [load for load in LOADS if load[1] in schemes]
    return pytest.mark.parametrize("visit", loads, indirect=True, ids="-".join)


def nothing_in(problems):
    """Fail with a line for each problem."""
    if problems:
        pytest.fail("\n".join(dict.fromkeys(problems)), pytrace=False)


@every_visit()
class TestVisit:
    def test_follows_the_system_to_light_or_dark(self, visit, request):
        assert visit.modes == [*request.node.callspec.params["visit"][2:]]
        assert visit.themes == visit.modes

    def test_no_request_leaves_the_book(self, visit):
        assert visit.requests > 5
        nothing_in(visit.outside)

    def test_no_request_fails(self, visit):
        nothing_in(visit.failed)

    def test_console_shows_no_error_and_no_warning(self, visit):
        nothing_in(visit.messages)

    def test_every_formula_is_set(self, visit):
        nothing_in(visit.unset_formulas)

    def test_every_picture_is_there(self, visit):
        nothing_in(visit.broken_images)

    def test_every_picture_has_words_that_say_what_it_shows(self, visit):
        nothing_in(visit.poor_alt)

    def test_every_figure_has_a_number_and_a_caption(self, visit):
        nothing_in(visit.uncounted_figures)

    def test_every_figure_is_sharp(self, visit):
        nothing_in(visit.blurred_figures)

    def test_no_text_is_cut_on_a_wide_screen_or_on_a_phone(self, visit):
        nothing_in(visit.cut)

    def test_no_line_is_too_small_on_a_phone(self, visit):
        nothing_in(visit.small_lines)

    def test_fits_a_phone_folded(self, visit):
        nothing_in(visit.sideways_folded)

    def test_fits_a_phone_unfolded(self, visit):
        nothing_in(visit.sideways_unfolded)

    def test_axe_finds_nothing_unfolded(self, visit):
        assert visit.axe_runs
        nothing_in(visit.axe_unfolded)


@every_visit(["http"])
class TestVisitOverHttp:
    def test_every_folded_part_opens_by_mouse_and_keyboard(self, visit):
        nothing_in(visit.stuck)

    def test_axe_finds_nothing_folded_after_the_mode_has_changed(self, visit):
        assert visit.axe_runs == 2
        nothing_in(visit.axe_folded)


@pytest.mark.parametrize("name", ["book/index.html", "book/look_inside.html"])
def test_axe_finds_nothing_on_a_phone_in_the_light(page, bases, name):
    """Else what only a phone shows, the same on all pages, would be looked at in the dark alone."""
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(f"{bases['http']}/{name}")
    settle(page)
    page.evaluate(REACHABLE)
    look = Inspector(page)
    assert look("theme") == "light"
    nothing_in(look("axe"))


@pytest.mark.parametrize("name", ALL_PAGES)
def test_the_visits_saw_all_that_the_file_holds(visits, name, record_property):
    """Otherwise a check that finds nothing might have looked at nothing."""
    article = parsed(BOOK / name).find("article") or parsed(BOOK / name).find("main")
    for load in (load for load in LOADS if load[0] == name):
        seen = visits(*load)
        record_property("visit", seen.counts())
        assert seen.formulas >= len(article.select("span.math, div.math"))
        assert seen.folded >= len(article.select("details"))
        assert seen.images >= len(article.select("img"))
        drawn = [
            f
            for f in article.select(".cell_output figure")
            if not f.find_parent(class_="text_html")
        ]
        assert seen.figures == len(drawn)
        assert seen.letters > 0 or not article.select(".figure-drawing use")


class TestLinks:
    @pytest.mark.parametrize("name", [*ALL_PAGES, *redirects()])
    def test_every_link_into_the_book_leads_to_a_place_that_exists(self, name):
        wanted = [pointer for pointer in pointers(BOOK / name) if inside(pointer)]
        assert len(wanted) > 10 or name in redirects()
        nothing_in([c for c in (complaint(BOOK / name, pointer) for pointer in wanted) if c])

    @pytest.mark.parametrize("name", [*ALL_PAGES, *redirects()])
    def test_nothing_is_fetched_from_the_web_before_a_click(self, name):
        """Not even a greeting to another machine, which no browser reports."""
        nothing_in(fetched_from_afar(BOOK / name))

    def test_the_folder_opens_with_a_page(self):
        (target,) = [e["content"].split("url=")[1] for e in parsed(BOOK / "index.html")("meta")]
        assert target in PAGES


@pytest.mark.parametrize("scheme", SCHEMES)
class TestSearch:
    """The words of the book are found without a server."""

    def test_page_of_results_lists_the_lab(self, page, bases, scheme):
        page.goto(f"{bases[scheme]}/search.html?q=dilation")
        self.has_found_the_lab(page)

    def test_field_of_every_page_leads_there(self, page, bases, scheme):
        page.goto(f"{bases[scheme]}/{PAGES[0]}")
        page.locator(
            "button.search-button-field:visible, button.search-button:visible"
        ).first.click()
        page.locator(
            "dialog input[type=search], .search-button__search-container input"
        ).first.fill("dilation")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=dilation*")
        self.has_found_the_lab(page)

    def has_found_the_lab(self, page):
        page.locator("#search-results .search-summary", has_text="Search finished").wait_for()
        found = page.locator("#search-results ul.search li > a")
        addresses = [link.get_attribute("href") for link in found.all()]
        assert any("labs/receptive_field.html" in address for address in addresses)
        names = [link.inner_text() for link in found.all()]
        assert len(set(names)) == len(names)
        assert "Glossary: dilation" in names
        excerpt = page.locator(
            "#search-results li:has(> a[href^='labs/receptive_field']) p.context"
        )
        excerpt.first.wait_for()
        assert "dilat" in excerpt.first.inner_text().lower()
        assert "\\" not in page.locator("#search-results").inner_text()
        found.first.click()
        page.wait_for_url(lambda address: "search.html" not in address)
        assert "dilat" in page.locator("article").inner_text().lower()


@pytest.mark.parametrize("scheme", SCHEMES)
class TestControls:
    def test_mode_button_goes_round_and_is_remembered(self, page, bases, scheme):
        page.goto(f"{bases[scheme]}/{PAGES[0]}")
        seen = []
        for _ in range(3):
            seen.append(page.evaluate("document.documentElement.dataset.mode"))
            page.locator(".theme-switch-button:visible").first.click()
        assert sorted(seen) == ["auto", "dark", "light"]
        while page.evaluate("document.documentElement.dataset.mode") != "dark":
            page.locator(".theme-switch-button:visible").first.click()
        page.goto(f"{bases[scheme]}/{PAGES[1]}")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"

    def test_on_paper_a_dark_page_is_light(self, page, bases, scheme):
        page.emulate_media(color_scheme="dark")
        page.goto(f"{bases[scheme]}/book/how_fast.html")
        note = "window.seen = []; window.addEventListener('{}', () => seen.push({}))"
        theme = "document.documentElement.dataset.theme"
        ink = "getComputedStyle(document.querySelector('.figure-drawing')).fill"
        page.evaluate(note.format("beforeprint", f"{theme}, {ink}"))
        page.pdf()
        assert page.evaluate("seen") == ["light", "rgb(26, 26, 26)"]
        page.wait_for_function(f"{theme} === 'dark'")

    def test_contents_open_on_a_phone_and_lead_to_a_page(self, page, bases, scheme):
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(f"{bases[scheme]}/book/index.html")
        link = page.locator(".bd-sidebar-primary a.internal[href*=receptive_field]:visible")
        assert not link.count()
        page.locator("button.primary-toggle:visible").first.click()
        link.first.click()
        page.wait_for_url("**/labs/receptive_field.html")
        assert page.locator("article h1").is_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
class TestGlossary:
    """A word of the glossary says what it means without leaving the page."""

    LAB = "labs/receptive_field.html"

    def test_by_keyboard(self, page, bases, scheme):
        page.goto(f"{bases[scheme]}/{self.LAB}")
        word, meaning = page.locator("a.glossary-term").first, page.locator("#glossary-meaning")
        word.press("Enter")
        assert len(meaning.inner_text()) > 30
        assert word.get_attribute("aria-expanded") == "true"
        page.keyboard.press("Tab")
        assert meaning.locator("a").evaluate("link => link === document.activeElement")
        page.keyboard.press("Escape")
        meaning.wait_for(state="hidden")
        assert word.evaluate("link => link === document.activeElement")
        page.wait_for_function("link => link.ariaExpanded === 'false'", arg=word.element_handle())

    def test_by_touch(self, browser, bases, scheme):
        phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
        with new_page(browser, **phone) as page:
            page.goto(f"{bases[scheme]}/{self.LAB}")
            page.locator("a.glossary-term").nth(3).tap()
            meaning = page.locator("#glossary-meaning")
            box = meaning.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            meaning.locator("a").tap()
            page.wait_for_url("**/book/glossary.html#term-*")

    def test_without_a_script_it_is_a_link(self, browser, bases, scheme):
        with new_page(browser, java_script_enabled=False) as page:
            page.goto(f"{bases[scheme]}/{self.LAB}")
            word = page.locator("a.glossary-term").first
            assert len(word.get_attribute("title")) > 20
            word.click()
            page.wait_for_url("**/book/glossary.html#term-*")


def test_a_formula_in_a_folded_part_fits_once_it_opens(page, bases):
    page.goto(f"{bases['file']}/labs/receptive_field.html")
    settle(page)
    page.evaluate("""() => {
        const part = document.createElement("details");
        part.innerHTML = "<summary>More</summary>";
        part.style.width = "60px";
        part.append(document.querySelector("article mjx-container[display]").cloneNode(true));
        document.querySelector("article").append(part);
    }""")
    formula = "document.querySelector('article > details:last-child mjx-container')"
    broken = f"{formula}.classList.contains('broken')"
    assert not page.evaluate(broken)
    page.locator("article > details:last-child summary").click()
    page.wait_for_function(broken)


@pytest.mark.parametrize(
    "name", ["labs/dog_breeds", "book/teaching_dog_breeds", "book/teaching_receptive_field"]
)
def test_a_table_that_is_too_wide_for_a_phone_shows_that_it_scrolls(page, name):
    """A shadow at its edge, which shows through its rows."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((BOOK / f"{name}.html").as_uri())
    settle(page)
    wide, silent = page.evaluate("""() => {
      const boxes = ".pst-scrollable-table-container, .aligned pre, .text_html:has(> table)";
      const scrolls = (box) => box.scrollWidth > box.clientWidth;
      const wide = [...document.querySelectorAll(boxes)].filter(scrolls);
      const covers = (part) => /^rgb\\(/.test(getComputedStyle(part).backgroundColor);
      const silent = wide.filter((box) => getComputedStyle(box).backgroundImage === "none"
        || [...box.querySelectorAll("table, tr, td")].some(covers));
      return [wide.length, silent.length];
    }""")
    assert wide > 0 == silent


@pytest.mark.parametrize("mode", MODES)
def test_links_are_legible_under_the_mouse(page, bases, mode):
    page.emulate_media(color_scheme=mode, reduced_motion="reduce")
    page.goto(f"{bases['http']}/book/index.html")
    page.evaluate(axe_source())
    link = page.locator("article p a.reference:visible").first
    link.hover()
    assert link.evaluate("element => element.matches(':hover')")
    result = link.evaluate("element => axe.run(element, { runOnly: ['color-contrast'] })")
    assert result["passes"] or result["violations"]
    nothing_in([node["any"][0]["message"] for v in result["violations"] for node in v["nodes"]])
