"""What the book's build makes of figures, of printed lines and of the words that it finds."""

import io
import re
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from docutils import nodes
from docutils.utils import new_document
from PIL import Image

from labkit import figure_style

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
figures, line_breaks, search = map(import_module, ("figures", "line_breaks", "search_excerpts"))
sys.path.pop(0)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def drawn(draw):
    """Return the SVG of a figure, as a kernel of the book draws it."""
    config = SimpleNamespace(InlineBackend=SimpleNamespace())
    code = (figures.KERNEL / "ipython_kernel_config.py").read_text(encoding="utf-8")
    exec(code, {"get_config": lambda: config})
    file = io.BytesIO()
    with plt.rc_context(config.InlineBackend.rc):
        with figure_style.figure_style():
            figure, axes = plt.subplots()
            draw(axes)
        figure.savefig(file, format="svg", **config.InlineBackend.print_figure_kwargs)
    return file.getvalue().decode()


def line(axes):
    axes.plot([0, 1], [0, 1], color=figure_style.VERMILION)
    axes.set_xlabel("a label")


def photograph(axes):
    slope = np.linspace(0, 200, 800)[None, :, None]
    grain = np.random.default_rng(0).integers(0, 40, (600, 800, 3))
    axes.imshow((slope + grain).astype("uint8"))


class TestThemed:
    def test_colours_are_the_style_sheets(self):
        html, _ = figures.themed(drawn(line), "A line.", "")
        assert {"var(--figure-ink)", "var(--figure-vermilion)"} <= set(
            re.findall(r"var\([\w-]+\)", html)
        )
        assert figure_style.INK.lower() not in html and figure_style.VERMILION.lower() not in html

    def test_nothing_is_drawn_white_nor_styles_the_page(self):
        html, _ = figures.themed(drawn(line), "A line.", "")
        assert "#ffffff" not in html and "<style" not in html and "<metadata" not in html

    def test_it_says_what_it_shows(self):
        html, _ = figures.themed(drawn(line), 'A "line" & more.', "")
        assert 'role="img" aria-label="A &quot;line&quot; &amp; more."' in html

    def test_names_lead_somewhere_and_are_its_own(self):
        found = [
            figures.themed(drawn(draw), "", "")[0] for draw in (line, lambda axes: axes.plot([3]))
        ]
        own = [set(re.findall(r'id="([^"]+)"', html)) for html in found]
        for html, names in zip(found, own, strict=True):
            assert set(re.findall(r"""(?:href="|url\()#([^")]+)""", html)) == names != set()
        assert not own[0] & own[1]

    def test_the_same_figure_gives_the_same_bytes(self):
        assert figures.themed(drawn(line), "", "") == figures.themed(drawn(line), "", "")

    def test_a_photograph_is_a_file_with_two_pixels_for_one_of_the_page(self):
        html, pictures = figures.themed(drawn(photograph), "", "../_images/")
        ((name, data),) = pictures.items()
        assert f'href="../_images/{name}"' in html and name.endswith(".jpg")
        shown = float(re.search(r'<image [^>]*?width="([\d.]+)"', html)[1])
        assert Image.open(io.BytesIO(data)).width >= 2 * 4 / 3 * shown * 0.99

    def test_what_lets_the_ground_through_stays_a_png(self):
        half = np.full((4, 4, 4), 0.5)
        _, pictures = figures.themed(drawn(lambda axes: axes.imshow(half)), "", "")
        assert [name[-4:] for name in pictures] == [".png"]


def test_the_style_sheet_has_the_colours_of_the_figures():
    sheet = (ROOT / "book" / "_static" / "book.css").read_text(encoding="utf-8")
    light, dark = re.findall(r"\{([^{}]*--figure-ink:[^{}]*)\}", sheet)
    for name in figure_style.THEMED:
        colour = getattr(figure_style, name).lower()
        assert f"--figure-{name.lower()}: {colour};" in light
    # Orange and purple are light enough as they are.
    assert dark.count("--figure-") == len(figure_style.THEMED) - 2


def document_with(*children):
    document = new_document("page")
    output = nodes.container(nb_element="cell_code_output")
    output.extend(children)
    document += output
    return document


def drawing(alt="A line that climbs: it begins low. Then more."):
    bundle = nodes.container(nb_element="mime_bundle")
    bundle += nodes.container("", nodes.image(uri="a.svg", alt=alt), mime_type="image/svg+xml")
    return bundle


class TestNumberFigures:
    def test_a_drawing_gets_a_figure_whose_caption_is_what_it_says_first(self):
        document = document_with(drawing())
        figures.NumberFigures(document).apply()
        (figure,) = document.findall(nodes.figure)
        assert isinstance(figure.children[1], nodes.caption)
        assert figure.children[1].astext() == "A line that climbs."
        assert next(iter(figure.findall(nodes.image)))["alt"].endswith("more.")

    def test_a_figure_with_a_caption_of_its_own_stays(self):
        own = nodes.figure("", drawing(), nodes.caption("", "What is to be seen."))
        document = document_with(own)
        figures.NumberFigures(document).apply()
        assert [c.astext() for c in document.findall(nodes.caption)] == ["What is to be seen."]

    def test_other_outputs_stay(self):
        words = nodes.container(nb_element="mime_bundle")
        words += nodes.literal_block("", "3")
        document = document_with(words)
        figures.NumberFigures(document).apply()
        assert not [*document.findall(nodes.figure)]


class TestLines:
    def test_columns_are_marked_and_prose_is_not(self):
        prose = nodes.literal_block("", "It overfits: it knows its pictures.\n  indented")
        table = nodes.literal_block("", "none     0.95\ndropout  0.91")
        box = nodes.literal_block("", "┏━━┓")
        line_breaks.set_lines(None, document_with(prose, table, box), "page")
        assert [block["classes"] for block in (prose, table, box)] == [[], ["aligned"], ["aligned"]]

    def test_options_are_marked(self):
        option, word = nodes.literal("", "--seed 7"), nodes.literal("", "no-option")
        line_breaks.set_lines(None, document_with(nodes.paragraph("", "", option, word)), "page")
        assert [code["classes"] for code in (option, word)] == [["whole"], []]

    def test_numbers_keep_to_their_signs_but_not_in_code(self):
        document = new_document("page")
        words = nodes.paragraph("", "", nodes.Text("A 3 × 3 kernel, 93.6 % of 4 or x × y, "))
        words += nodes.literal("", "2 × 2")
        code = [make("", "2 × 2") for make in (nodes.literal_block, nodes.doctest_block)]
        computed = nodes.paragraph("", "", nodes.strong("", "6"), nodes.Text(" × "))
        computed += [nodes.strong("", "6"), nodes.Text(" % of "), nodes.strong("", "9")]
        document += [words, *code, computed]
        line_breaks.set_lines(None, document, "page")
        assert computed.astext() == "6\xa0×\xa06\xa0% of 9"
        told = "A 3\xa0×\xa03 kernel, 93.6\xa0% of 4 or x × y, 2 × 2"
        assert words.astext() == told
        assert [block.astext() for block in code] == ["2 × 2"] * 2


def test_of_a_page_the_words_are_kept_and_where_they_stand():
    html = """<section class="b" id="a"><h1>Title<a class="headerlink" href="#a">#</a></h1>
    <p>One <em>two</em>.<svg><text>drawn</text></svg><!-- aside --></p><script>run()</script>
    </section>"""
    assert " ".join(search.words(html).split()) == '<section id="a">Title One two. </section>'


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (r"\(r_{l-1} = s_l\,r_l + k_l - s_l\)", "r_{l-1} = s_l r_l + k_l - s_l"),
        (r"\(\{ s_l j + i : 0 \le i < k_l \}\)", "{ s_l j + i : 0 ≤ i &lt; k_l }"),
        (r"\(1 + \sum_{l=1}^{L} (k_l - 1)\)", "1 + ∑_{l=1}^{L} (k_l - 1)"),
        (r"\(\sqrt{\text{depth}}\)", "√{depth}"),
    ],
)
def test_a_formula_is_found_as_text_without_commands(formula, text):
    html = f'Of <span class="math notranslate">{formula}</span>.'
    assert search.words(html) == f"Of {text}."


def test_an_equation_by_itself_is_left_out():
    assert search.words('It is <div class="math">\n\\[a^2\\]</div> then.') == "It is … then."


def test_words_of_pages_that_were_not_built_anew_stay(tmp_path):
    (tmp_path / "_static").mkdir()

    def build(**pages):
        env = SimpleNamespace(found_docs={"a", "b"})
        builder = SimpleNamespace(format="html")
        app = SimpleNamespace(outdir=tmp_path, env=env, builder=builder, words_of_pages=pages)
        search.write_words(app, None)
        return (tmp_path / "_static" / "search_words.js").read_text("utf-8")

    assert build(a="one", gone="two") == 'WORDS_OF_PAGES = {"a": "one"};\n'
    assert build(b="three") == 'WORDS_OF_PAGES = {"a": "one", "b": "three"};\n'
    assert build() == 'WORDS_OF_PAGES = {"a": "one", "b": "three"};\n'
