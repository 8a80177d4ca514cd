"""The explorer's HTML, without a browser."""

import re
from html.parser import HTMLParser

import pytest

from labkit.receptive_field import ALEXNET, SMALL_VGG, VGG16, Layer
from labkit.receptive_field.explorer import (
    LIMITS,
    MOST_LAYERS,
    PRESETS,
    Explorer,
    explorer,
    notation,
)

KNOWN = {"Small VGG": SMALL_VGG, "VGG16": VGG16, "AlexNet": ALEXNET}


class Page(HTMLParser):
    """Collects every element with its attributes, and the text of the list of presets."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append((self.elements[-1], data))

    def presets(self):
        return {
            text: attributes["value"]
            for (tag, attributes), text in self.texts
            if tag == "option" and text.strip()
        }

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text_of(self, tag):
        return "".join(text for (name, _), text in self.texts if name == tag)


def html(*arguments):
    return explorer(*arguments)._repr_html_()


def page(*arguments):
    return Page(html(*arguments))


def read_back(text):
    """Read the notation into kernels, strides and dilations, apart from labkit's writer."""
    words = [re.fullmatch(r"(\d+)(?:s(\d+))?(?:d(\d+))?", word) for word in text.split("-")]
    return [tuple(int(number or 1) for number in word.groups()) for word in words]


def numbers(layers):
    return [(layer.kernel, layer.stride, layer.dilation) for layer in layers]


class TestPage:
    def test_it_is_the_same_each_time(self):
        assert html() == html()
        assert html("VGG16") == html(list(VGG16))

    def test_it_asks_no_network_for_anything(self):
        text = html()
        assert not re.search(r"https?:|//[\w.]+\.\w|@import|url\(", text)
        assert not any({"src", "href"} & set(attributes) for _, attributes in page().elements)
        assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import)\s*\(", text)

    def test_it_stays_small(self):
        assert len(html().encode()) <= 52 * 1024

    def test_one_script_and_one_style_close_where_they_should(self):
        text = html()
        for tag in ("script", "style"):
            assert text.count(f"<{tag}") == text.count(f"</{tag}>") == 1
        assert page().text_of("script").rstrip().endswith("})();")

    def test_nothing_in_it_is_taken_for_a_formula(self):
        outside = re.sub(r"(?s)<(script|style)>.*?</\1>", "", html())
        assert "$" not in outside
        assert "\\(" not in outside

    def test_it_has_no_id_that_could_clash(self):
        assert not [attributes for _, attributes in page().elements if "id" in attributes]

    def test_nothing_moves(self):
        assert not re.search("transition|animation|@keyframes", page().text_of("style"))

    def test_sources_are_shortened_without_loss_of_code(self):
        script = page().text_of("script")
        assert not re.search(r"(?m)^\s*//", script)
        assert script.count("{") == script.count("}")


class TestPresets:
    @pytest.mark.parametrize("name", KNOWN)
    def test_known_networks_are_labkits_own(self, name):
        assert read_back(page().presets()[name]) == numbers(KNOWN[name])

    def test_the_stem_and_the_stack(self):
        presets = page().presets()
        assert read_back(presets["ResNet stem"]) == [(7, 2, 1), (3, 2, 1)]
        assert read_back(presets["Dilated stack"]) == [(3, 1, d) for d in (1, 2, 4, 8)]

    def test_each_can_be_opened_by_name(self):
        for name, layers in PRESETS.items():
            assert explorer(name).layers == layers
            assert explorer(f" {name.upper()} ").layers == layers

    def test_each_keeps_to_the_limits(self):
        for layers in PRESETS.values():
            assert explorer(list(layers)).layers == layers

    def test_a_network_of_ones_own_stands_first(self):
        presets = page([Layer(5, stride=3)]).presets()
        assert presets["As first shown"] == "5s3"
        assert list(presets)[1] == "As first shown"  # behind the hidden entry for an edited one
        assert "As first shown" not in page("AlexNet").presets()


class TestNetwork:
    @pytest.mark.parametrize(
        ("network", "text"),
        [
            (None, "3-2s2-3"),
            ([], ""),
            ([Layer(3, padding=1, name="</script><b>")], "3"),
            ((Layer(1, stride=2, dilation=3) for _ in range(2)), "1s2d3-1s2d3"),
        ],
    )
    def test_it_stands_in_the_page(self, network, text):
        shown = explorer(network)
        assert notation(shown.layers) == text
        assert f'data-network="{text}"' in shown._repr_html_()
        assert "<b>" not in shown._repr_html_()

    def test_limits_of_the_boxes(self):
        boxes = [box for box in page().all("input") if box["type"] == "number"]
        assert [int(box["max"]) for box in boxes if box.get("max")] == list(LIMITS.values())
        assert {box["min"] for box in boxes} == {"1"}

    def test_the_sentence_for_a_page_without_script(self):
        assert "a receptive field of 212 and an effective stride of 32." in html("VGG16")
        assert "without a layer has a receptive field of 1 and" in html([])

    def test_repr(self):
        assert repr(explorer()) == "<receptive-field explorer: 3-2s2-3>"
        assert repr(explorer([])) == "<receptive-field explorer: no layer>"

    def test_it_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            explorer().layers = ()
        assert explorer("VGG16") == Explorer(VGG16)


class TestErrors:
    @pytest.mark.parametrize("name", LIMITS)
    def test_a_layer_beyond_the_limits(self, name):
        most = LIMITS[name]
        explorer([Layer(**{"kernel": 3, name: most})])
        with pytest.raises(ValueError, match=rf"layers\[1\] has {name}={most + 1}: .*1 to {most}"):
            explorer([Layer(3), Layer(**{"kernel": 3, name: most + 1})])

    def test_too_many_layers(self):
        explorer([Layer(3)] * MOST_LAYERS)
        with pytest.raises(ValueError, match=r"33 layers are too many.*up to 32"):
            explorer([Layer(3)] * (MOST_LAYERS + 1))

    def test_an_unknown_preset(self):
        with pytest.raises(ValueError, match=r"no preset 'VGG11'.*Small VGG.*Layer\(3\)"):
            explorer("VGG11")

    @pytest.mark.parametrize(
        ("network", "words"), [(5, "not a list"), ([3], "Layer"), (Layer(3), "list")]
    )
    def test_what_is_no_network(self, network, words):
        with pytest.raises(TypeError, match=words):
            explorer(network)


def test_the_link_opens_the_books_page_with_the_network():
    assert explorer([Layer(3), Layer(2, stride=2)]).link == "explorer.html#network=3-2s2"
