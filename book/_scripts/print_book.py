"""Print the built book to one PDF, as the browser shows it in the light and with answers open.

Usage: python book/_scripts/print_book.py [_build/html [_build/book.pdf]]

Every page is opened, so that its formulas are set and its drawings drawn; what they show is put
together in one long page, links between pages becoming links within it; and that is printed
twice, the second time with the numbers of the pages in its table of contents. The first time it
has neither tags nor an outline, which move nothing and take as long as all the rest.
"""

import logging
import os
import sys
import tempfile
from html import escape
from io import BytesIO
from pathlib import Path

import chromium
import yaml
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, TextStringObject
from tqdm import tqdm

TAKE_PAGE = (Path(__file__).parent / "take_page.js").read_text(encoding="utf-8")

#: The width of the printed column, A4 less its margins, in pixels of a screen.
COLUMN = {"width": 670, "height": 900}
PRINTING = {
    "format": "A4",
    "prefer_css_page_size": True,
    "print_background": True,
    "display_header_footer": True,
    "header_template": "<span></span>",
}
FOOTER = """\
<div style="width: 100%; margin: 0 17mm; font: 8px sans-serif; color: #555; display: flex;
  justify-content: space-between">
  <span>{title}</span><span class="pageNumber"></span>
</div>"""
UNKNOWN = "000"

# It finds fault with the way in which Chromium counts objects, and copes with it.
logging.getLogger("pypdf").setLevel(logging.ERROR)

RENAME = """places => {
  for (const [chapter, place] of places) {
    const element = document.getElementById(chapter).querySelector(`[id="${CSS.escape(place)}"]`);
    if (element) element.id = `${chapter}--${place}`;
  }
}"""
WRITE_NUMBERS = """numbers => {
  for (const link of document.querySelectorAll(".printed-contents a")) {
    link.lastElementChild.textContent = numbers[link.hash.slice(1)];
  }
}"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .filter((heading) => heading.checkVisibility())
  .map((heading) => heading.innerText.replace(/\\s+/g, " ").trim())"""


def main(book="_build/html", target="_build/book.pdf"):
    """Print the book below ``book`` to ``target``, which is replaced once all went well."""
    book, target = Path(book).resolve(), Path(target).resolve()
    config = read_yaml("_config.yml")
    parts = existing(book, contents(read_yaml("_toc.yml")))
    if not chromium.find():
        sys.exit(chromium.MISSING)
    unfinished = target.with_suffix(".part")
    printing = PRINTING | {"footer_template": FOOTER.format(title=escape(config["title"]))}
    with chromium.launch() as browser, tempfile.TemporaryDirectory() as folder:
        chapters = take_chapters(browser, book, parts)
        document = Path(folder) / "book.html"
        document.write_text(compose(config, parts, chapters), encoding="utf-8")
        places = [place for chapter in chapters.values() for place in chapter["targets"]]
        page = open_document(browser, document, places)
        print("Printing, to number the pages …", flush=True)
        draft = page.pdf(**printing)
        page.evaluate(WRITE_NUMBERS, page_numbers(draft))
        print("Printing …", flush=True)
        page.pdf(path=str(unfinished), tagged=True, outline=True, **printing)
        headings = page.evaluate(HEADINGS)
    name_outline(unfinished, headings)
    os.replace(unfinished, target)
    print(f"{target}: {count_pages(target)} pages, {target.stat().st_size / 1e6:.1f} MB")


def read_yaml(name):
    """Return what a file of settings in the root of the project says."""
    return yaml.safe_load((Path(__file__).parents[2] / name).read_text(encoding="utf-8"))


def contents(toc):
    """List the parts of the book as pairs of a caption and the names of its pages, in order."""
    parts = toc.get("parts", [{"chapters": toc.get("chapters", [])}])
    named = [(part.get("caption", ""), [*names(part.get("chapters", []))]) for part in parts]
    return [("", [toc["root"]]), *named]


def names(entries):
    """Yield the names of pages, those of sections after the chapter they belong to."""
    for entry in entries:
        yield entry["file"]
        yield from names(entry.get("sections", []))


def existing(book, parts):
    """Return the parts as they are, or leave with a sentence when a page was not built."""
    missing = [n for _, pages in parts for n in pages if not (book / f"{n}.html").is_file()]
    if missing:
        sys.exit(f"{book} has no page {missing[0]}.html; build the book first: make book")
    return parts


def take_chapters(browser, book, parts):
    """Open every page and return its name's chapter: title, HTML, styles and link targets."""
    addresses = {name: (book / f"{name}.html").as_uri() for _, pages in parts for name in pages}
    anchors = {address: anchor(name) for name, address in addresses.items()}
    context = browser.new_context(viewport=COLUMN, color_scheme="light", reduced_motion="reduce")
    page, chapters = context.new_page(), {}
    for name, address in tqdm(addresses.items(), desc="Opening pages", unit="page"):
        page.goto(address, wait_until="load")
        chapters[name] = page.evaluate(TAKE_PAGE, anchors)
    context.close()
    return chapters


def anchor(name):
    """Return the name of a page's place in the printed book."""
    return "page-" + name.replace("/", "-")


def compose(config, parts, chapters):
    """Return the whole book as one page of HTML.

    Args:
        config: The book's settings, of which title, author and address are printed.
        parts: Pairs of a caption and names of pages.
        chapters: What ``take_page.js`` returned for each name.
    """
    styles = dict.fromkeys(style for chapter in chapters.values() for style in chapter["styles"])
    sheets = dict.fromkeys(sheet for chapter in chapters.values() for sheet in chapter["sheets"])
    links = "\n".join(f'<link rel="stylesheet" href="{escape(sheet)}">' for sheet in sheets)
    return f"""<!doctype html>
<html lang="en" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{escape(config["title"])}</title>
{links}
<style>{"".join(styles)}</style>
</head>
<body class="printed-book"><div class="bd-main"><div class="bd-content">
{title_page(config)}
{table_of_contents(parts, chapters)}
{"".join(map(chapter_html, chapters, chapters.values()))}
</div></div></body></html>"""


def title_page(config):
    """Return the first page: what the book is called, by whom and, if published, where it lives."""
    address = escape(config["repository"]["url"])
    lives = f'<p><a href="{address}">{address.removeprefix("https://")}</a></p>' if address else ""
    return f"""<header class="printed-title"><p class="title">{escape(config["title"])}</p>
<p>{escape(config["author"])}, {escape(config["copyright"])}</p>
{lives}</header>"""


def table_of_contents(parts, chapters):
    """Return the list of chapters, with room for the numbers of their pages."""
    lists = []
    for caption, pages in parts:
        rows = [
            f'<li><a href="#{anchor(name)}"><span>{escape(chapters[name]["title"])}</span>'
            f"<span>{UNKNOWN}</span></a></li>"
            for name in pages
        ]
        lists.append(f"<p>{escape(caption)}</p>" * bool(caption) + f"<ol>{''.join(rows)}</ol>")
    return f'<nav class="printed-contents"><h1>Contents</h1>{"".join(lists)}</nav>'


def chapter_html(name, chapter):
    """Return one page of the book."""
    return f'<article class="bd-article" id="{anchor(name)}">{chapter["html"]}</article>\n'


def open_document(browser, document, places):
    """Open one file of HTML, as wide as it is printed.

    Args:
        browser: Playwright's.
        document: Path of the HTML.
        places: Pairs of a chapter's place and of one in it, to which a link leads. Two chapters
            may use the same name, so that of the chapter is put before it.

    Returns:
        Playwright's page.
    """
    page = browser.new_page(color_scheme="light", viewport=COLUMN)
    page.goto(document.as_uri(), wait_until="load")
    page.evaluate(RENAME, places)
    page.evaluate("document.fonts.ready.then(() => true)")
    return page


def page_numbers(pdf):
    """Map the places that links of a PDF, given as bytes, lead to onto the numbers of its pages."""
    reader = PdfReader(BytesIO(pdf))
    places = reader.named_destinations.items()
    return {n.removeprefix("/"): reader.get_destination_page_number(p) + 1 for n, p in places}


def name_outline(target, headings):
    """Give the entries of a PDF's outline the words of the headings, in the same order.

    Chromium writes a heading twice that it moved to the next page, and drops the space where a
    line ends.
    """
    writer = PdfWriter(clone_from=target)
    entries = [*outline_entries(writer.root_object["/Outlines"])]
    if len(entries) != len(headings):
        return
    for entry, heading in zip(entries, headings, strict=True):
        entry[NameObject("/Title")] = TextStringObject(heading)
    writer.write(target)


def outline_entries(parent):
    """Yield the entries below one of an outline, in the order of reading."""
    entry = parent.get("/First")
    while entry is not None:
        entry = entry.get_object()
        yield entry
        yield from outline_entries(entry)
        entry = entry.get("/Next")


def count_pages(target):
    """Return how many pages a PDF has."""
    return len(PdfReader(target).pages)


if __name__ == "__main__":
    main(*sys.argv[1:])
