"""A page of slides on paper: six sheets in the shape of a projector's picture, and nothing else."""

import io

import pytest
from built_book import BOOK, parsed
from visits import settle

DECKS = sorted(path.stem for path in (BOOK / "book").glob("slides_*.html"))


@pytest.fixture(params=DECKS)
def deck(request):
    return request.param


def slides(name):
    return parsed(BOOK / "book" / f"{name}.html").select("section:has(> .slide-deck) > section")


def test_there_is_one_for_each_lab():
    assert DECKS == ["slides_dog_breeds", "slides_receptive_field"]


def test_each_slide_fills_a_sheet_of_its_own(page, deck):
    from pypdf import PdfReader

    page.goto((BOOK / "book" / f"{deck}.html").as_uri())
    settle(page)
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    titles = [slide.h2.find(string=True).strip() for slide in slides(deck)]
    assert [sheet.extract_text().splitlines()[0].strip() for sheet in sheets] == titles
    assert len(titles) == 6
    for sheet in sheets:
        width, height = map(float, sheet.mediabox[2:])
        assert width / height == pytest.approx(16 / 9, rel=0.01)


def test_in_the_whole_book_no_slide_is_torn(page, deck):
    """Half a slide at the foot of a page was an empty frame."""
    page.goto((BOOK / "book" / f"{deck}.html").as_uri())
    page.emulate_media(media="print")
    breaks = page.evaluate("""() => {
      document.body.classList.add("printed-book");
      const slides = document.querySelectorAll("section:has(> .slide-deck) > section");
      return [...slides].map((slide) => getComputedStyle(slide).breakInside);
    }""")
    assert breaks == ["avoid"] * 6


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_of_a_slide_is_cut_or_leaves_its_frame(page, deck, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((BOOK / "book" / f"{deck}.html").as_uri())
    settle(page)
    outside = page.evaluate("""() =>
      [...document.querySelectorAll("section:has(> .slide-deck) > section")].filter((slide) => {
        const frame = slide.getBoundingClientRect();
        return [...slide.querySelectorAll("h2, li, img, svg")].some((element) => {
          const box = element.getBoundingClientRect();
          return box.left < frame.left || box.right > frame.right || box.bottom > frame.bottom;
        });
      }).map((slide) => slide.innerText)""")
    assert not outside
