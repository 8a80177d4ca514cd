"""A Sphinx extension: what a cell draws is a numbered figure in the page's own colours.

The kernels of a build draw SVG (``book/_kernel``). It goes into the page itself, where the colours
of :mod:`labkit.figure_style` become variables of the style sheet, for light, dark and print. The
pictures in it go into files beside the page. A figure's caption is ``figure: caption`` of the
cell's ``mystnb`` metadata or else the first sentence of its alternative text; ``figure: name`` is
what ``{numref}`` refers to.
"""

import base64
import hashlib
import io
import os
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from PIL import Image
from sphinx.transforms import SphinxTransform
from sphinx.util.osutil import relative_uri

from labkit import figure_style

KERNEL = Path(__file__).parents[1] / "_kernel"

#: Colours that a page may change, by what its style sheet calls them. White stays white: it is
#: seen on pictures and maps alone.
THEMED = {
    getattr(figure_style, name).lower(): f"--figure-{name.lower()}" for name in figure_style.THEMED
}

#: A photograph is stored as a JPEG if that takes less than this share of the PNG.
WORTH_A_JPEG = 0.7
PIXELS_A_POINT = 4 / 3
#: Attributes whose numbers are lengths on the drawing, or a hundredth of a letter's.
LENGTHS = {"d", "x", "y", "width", "height", "points"}


class NumberFigures(SphinxTransform):
    """Put each drawing of a cell into a figure with a caption, unless the cell asks for one."""

    default_priority = 200  # Before Sphinx gives figures the names that it numbers them by.

    def apply(self):
        """Wrap the drawings of the document."""
        for bundle in list(self.document.findall(is_drawing)):
            image = next(iter(bundle.findall(nodes.image)))
            if not isinstance(bundle.parent, nodes.figure) and image.get("alt"):
                words = first_sentence(image["alt"])
                figure = nodes.figure("", bundle.deepcopy(), nodes.caption("", words))
                bundle.replace_self(figure)


def is_drawing(node):
    """Tell whether a node is what a cell displays, if that is a picture."""
    displayed = isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"
    return displayed and any(True for _ in node.findall(nodes.image))


def first_sentence(text):
    """Return what a text says first."""
    return re.split(r"(?<=[.:])\s", text.strip(), maxsplit=1)[0].rstrip(":.") + "."


def put_into_page(app, doctree, docname):
    """Replace the drawings of a page that are SVG by the SVG itself."""
    if app.builder.format != "html":
        return
    page = app.builder.get_target_uri(docname)
    for image in list(doctree.findall(nodes.image)):
        if image["uri"].endswith(".svg") and any(map(is_figure, ancestors(image))):
            svg = Path(app.srcdir, image["uri"]).read_text(encoding="utf-8")
            html, pictures = themed(svg, image["alt"], relative_uri(page, "_images/"))
            for name, data in pictures.items():
                write_once(Path(app.outdir, "_images", name), data)
            image.replace_self(nodes.raw("", html, format="html"))


def ancestors(node):
    """Yield the nodes around a node, the nearest first."""
    while node := node.parent:
        yield node


def is_figure(node):
    """Tell whether a node is what a cell of code leaves behind."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output"


def write_once(path, data):
    """Write a file that is named for what it holds."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def themed(svg, alt, folder):
    """Turn matplotlib's SVG into a part of a page.

    Args:
        svg: the text of the file.
        alt: what it shows, in words.
        folder: address of the folder for pictures as seen from the page, with a final slash.

    Returns:
        The HTML, and the pictures in it by the names of their files.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: v for name, v in element.attrib.items()}
    remove_style_and_metadata(root)
    rename_places(root, "f" + hashlib.sha256(svg.encode()).hexdigest()[:8])
    pictures = take_pictures(root, folder)
    for element in root.iter():
        element.text, element.tail = None, None
        tidy(element.attrib)
    _, _, width, height = map(float, root.get("viewBox").split())
    size = {"width": width * PIXELS_A_POINT, "height": height * PIXELS_A_POINT}
    root.attrib = {
        "class": "figure-drawing",
        "role": "img",
        "aria-label": alt,
        "viewBox": root.get("viewBox"),
        **{name: f"{pixels:.0f}" for name, pixels in size.items()},
    }
    return ElementTree.tostring(root, encoding="unicode"), pictures


def remove_style_and_metadata(root):
    """Take out what would also hold for the page around the drawing, and who drew it."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("style", "metadata"):
                parent.remove(child)


def rename_places(root, prefix):
    """Make names that the drawing refers to its own on the page, and drop the others."""
    reference = re.compile(r"(^#|url\(#)([\w-]+)")
    values = [value for element in root.iter() for value in element.attrib.values()]
    wanted = {found[1] for value in values for found in reference.findall(value)}
    for element in root.iter():
        name = element.attrib.pop("id", None)
        for key, value in element.items():
            element.set(key, reference.sub(rf"\1{prefix}-\2", value))
        if name in wanted:
            element.set("id", f"{prefix}-{name}")


def take_pictures(root, folder):
    """Have the pictures in a drawing refer to files; return these by their names."""
    pictures = {}
    for image in root.iter("image"):
        data, kind = smallest(base64.b64decode(image.get("href").partition(",")[2]))
        name = f"{hashlib.sha256(data).hexdigest()[:32]}.{kind}"
        image.set("href", folder + name)
        pictures[name] = data
    return pictures


def smallest(png):
    """Return a picture's bytes and the ending of its name: a JPEG where that is much smaller."""
    picture, jpeg = Image.open(io.BytesIO(png)), io.BytesIO()
    if "A" in picture.getbands() and picture.getchannel("A").getextrema()[0] < 255:
        return png, "png"
    picture.convert("RGB").save(jpeg, "jpeg", quality=88, optimize=True)
    small = len(jpeg.getvalue()) < WORTH_A_JPEG * len(png)
    return (jpeg.getvalue(), "jpg") if small else (png, "png")


def tidy(attributes):
    """Write one element's colours as the style sheet's, and lengths to a hundredth of a point."""
    if "style" in attributes:
        style = re.sub(r"#[0-9a-f]{6}\b", themed_colour, attributes["style"])
        attributes["style"] = re.sub(r"([:;])\s+", r"\1", style)
    for name in LENGTHS & attributes.keys():
        short = re.sub(r"(\.\d\d)\d+", r"\1", attributes[name])
        attributes[name] = " ".join(short.split())


def themed_colour(match):
    """Return a colour as a variable of the style sheet, if it is one."""
    name = THEMED.get(match[0])
    return f"var({name})" if name else match[0]


def hand_over_the_kernel(app):
    """Have kernels draw as the book wants it."""
    home = Path(app.outdir).parent / ".ipython"
    shutil.copytree(KERNEL, home / "profile_default", dirs_exist_ok=True)
    os.environ["IPYTHONDIR"] = str(home)


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("builder-inited", hand_over_the_kernel)
    app.add_transform(NumberFigures)
    app.connect("doctree-resolved", put_into_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
