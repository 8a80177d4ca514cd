"""The whole book as one PDF: complete, with an outline, and with links that lead somewhere."""

import subprocess
import sys
import time
import unicodedata

import pytest
import yaml
from built_book import BOOK, ROOT, parsed

SCRIPT = ROOT / "book" / "_scripts" / "print_book.py"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
ENTRIES = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
PAGES = [entry for chapter in ENTRIES for entry in [chapter, *chapter.get("sections", [])]]
CHAPTERS = [TOC["root"], *(page["file"] for page in PAGES)]
A4 = (595, 842)


def print_book(*arguments):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    """Print the book to where `make pdf` does, which takes long enough once, and read it back."""
    from pypdf import PdfReader

    folder = BOOK.parent if ROOT in BOOK.parents else tmp_path_factory.mktemp("print")
    target = folder / "book.pdf"
    began = time.time()
    done = print_book(BOOK, target)
    assert done.returncode == 0, done.stderr
    assert target.stat().st_mtime >= began and not target.with_suffix(".part").exists()
    return PdfReader(target)


@pytest.fixture(scope="module")
def outline(pdf):
    """Map the outline's entries of the first level to numbers of pages."""
    first_level = [entry for entry in pdf.outline if not isinstance(entry, list)]
    return {entry.title: pdf.get_destination_page_number(entry) + 1 for entry in first_level}


@pytest.fixture(scope="module")
def links(pdf):
    return [a.get_object() for page in pdf.pages for a in page.get("/Annots", [])]


def title(name):
    heading = parsed(BOOK / f"{name}.html").find("article").find("h1")
    for link in heading.select(".headerlink"):
        link.decompose()
    return heading.get_text().strip()


def test_pages_are_of_a4_and_many(pdf):
    assert len(pdf.pages) > 20
    assert {tuple(round(float(side)) for side in p.mediabox[2:]) for p in pdf.pages} == {A4}


def test_outline_has_every_chapter_in_order(outline):
    titles = [title(name) for name in CHAPTERS]
    assert [*outline] == ["Contents", *titles]
    assert sorted(outline.values()) == [*outline.values()]


def test_table_of_contents_has_the_numbers_of_the_pages(pdf, outline):
    contents = pdf.pages[1 : outline[title(CHAPTERS[0])] - 1]
    lines = [p.extract_text(extraction_mode="layout").splitlines() for p in contents]
    # Below each page stands the number of this page itself.
    lines = [line for page in lines for line in [line for line in page if line.strip()][:-1]]
    numbers = [int(line.split()[-1]) for line in lines if line.strip()[-1:].isdigit()]
    assert numbers[: len(CHAPTERS)] == [outline[title(name)] for name in CHAPTERS]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_has_its_title_where_the_outline_leads(pdf, outline, name):
    assert title(name) in words([pdf.pages[outline[title(name)] - 1]])


def test_every_chapter_begins_on_a_page_of_its_own(outline):
    assert len(set(outline.values())) == len(outline)


def test_answers_are_open(pdf, outline):
    """The words of a folded answer, in words and in code."""
    answers = {n: parsed(BOOK / f"{n}.html").select("article details") for n in CHAPTERS}
    assert sum(map(len, answers.values())) > 10
    plain = {name: plain_sentences(parts) for name, parts in answers.items()}
    assert sum(map(len, plain.values())) > 5
    for name, sentences in plain.items():
        if not sentences:
            continue
        text = words(chapter(pdf, outline, name))
        assert not [sentence for sentence in sentences if sentence[:40] not in text]


def plain_sentences(parts):
    """List the paragraphs of parts of a page that are long and written in letters alone."""
    paragraphs = [p for part in parts for p in part.select("p") if not p("span")]
    sentences = [" ".join(p.get_text().split()) for p in paragraphs]
    return [s for s in sentences if len(s) > 60 and "fi" not in s and "fl" not in s]


def test_figures_are_embedded(pdf):
    shown = [i for n in CHAPTERS for i in parsed(BOOK / f"{n}.html").select(".cell_output img")]
    embedded = {reference for page in pdf.pages for reference in images(page)}
    assert len(shown) > 10 and len(embedded) >= len(shown)


def images(page):
    """List the references to the pictures on a page; to read them all would take long."""
    drawn = page["/Resources"].get("/XObject", {})
    return [str(drawn.raw_get(key)) for key in drawn if drawn[key]["/Subtype"] == "/Image"]


def words(pages):
    """Return the words of printed pages."""
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    return unicodedata.normalize("NFKC", text)  # Ligatures are letters again.


def lines(page):
    """List the lines of a printed page from its head to its foot, without the number there."""
    shown = page.extract_text(extraction_mode="layout").splitlines()
    return [" ".join(line.split()) for line in shown if line.strip()][:-1]


def chapter(pdf, outline, name):
    """Return the printed pages of a chapter."""
    begins = [*sorted(outline.values()), len(pdf.pages) + 1]
    first = outline[title(name)]
    return pdf.pages[first - 1 : begins[begins.index(first) + 1] - 1]


def test_no_name_of_the_reference_stands_alone_at_the_foot_of_a_page(pdf, outline):
    pages = [lines(page) for page in chapter(pdf, outline, "book/reference")]
    names = {"Parameters:", "Returns:", "Raises:"}
    assert sum(not names.isdisjoint(page) for page in pages) > 20
    assert not [page for page in pages if page[-1] in names]


def test_an_equation_keeps_the_mark_under_it(pdf, outline):
    pages = [lines(page) for page in chapter(pdf, outline, "labs/receptive_field")]
    assert sum("✓ proved" in page for page in pages) > 5
    assert not [page for page in pages if page[0] == "✓ proved"]


def test_links_within_the_book_lead_to_places_in_it(pdf, links):
    places = [str(link["/Dest"]) for link in links if "/Dest" in link]
    assert len(places) > len(CHAPTERS)
    assert not set(places) - set(pdf.named_destinations)


def test_no_link_leads_to_a_file_of_this_machine(links):
    addresses = [link["/A"]["/URI"] for link in links if "/URI" in link.get("/A", {})]
    assert addresses and not [a for a in addresses if not a.startswith(("https://", "http://"))]


def test_is_tagged_for_screen_readers_and_says_what_it_is(pdf):
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en"
    assert pdf.metadata.title == config["title"]


class TestTrouble:
    def test_without_a_book_it_says_what_to_run(self, tmp_path):
        done = print_book(tmp_path, tmp_path / "book.pdf")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and "make book" in done.stderr
        assert not (tmp_path / "book.pdf").exists()

    def test_without_a_browser_it_says_what_to_install(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        done = print_book(BOOK, tmp_path / "book.pdf")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and "install chromium" in done.stderr
