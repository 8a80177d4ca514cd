"""Questions with instant feedback, seen from Python: what may be asked, and what is written."""

import json
import re
from dataclasses import FrozenInstanceError
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest

from labkit.questions import Choice, Feedback, Number, ask, feedback, right, wrong
from labkit.questions.kinds import Question

CHOICES = {
    "pooling": right("It only compares."),
    "convolution": wrong("Each filter has weights."),
    "dense": wrong("Each unit has weights."),
}
CHOICE = Choice("Which layer has no <i>parameters</i>?", CHOICES)
NUMBER = Number(
    "How wide is <i>r</i><sub>0</sub>?",
    answer=7,
    because="Three and two and two.",
    # Backwards, "ton&nbsp;" begins a character reference of its own.
    mistakes={9: "That is 2's ton&nbsp;of sums.", 6: "One too few: 2 · 3 – naïve."},
    otherwise="Count back.",
    unit="pixels",
)
#: What one page of three questions may weigh.
BYTES_OF_THREE = 8192


class Page(HTMLParser):
    """What a reader of the source sees: elements with attributes, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag != "input":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data

    def keys(self):
        """Read the verdicts, which stand backwards."""
        return [json.loads(a["data-key"][::-1]) for tag, a in self.elements if tag == "form"]


def html(*questions):
    return ask(*questions)._repr_html_()


def number(**changes):
    arguments = {
        "question": "How wide?",
        "answer": 7,
        "because": "So.",
        "mistakes": {9: "Too many."},
        "otherwise": "Count.",
    }
    return Number(**(arguments | changes))


def test_every_choice_keeps_its_verdict_and_explanation():
    assert Page(html(CHOICE)).keys() == [
        [[answer.is_right, answer.because] for answer in CHOICES.values()]
    ]


def test_numbers_keep_theirs_with_their_bounds():
    assert Page(html(NUMBER)).keys() == [
        [
            [True, "Three and two and two.", 7, 7],
            [False, "That is 2's ton&nbsp;of sums.", 9, 9],
            [False, "One too few: 2 · 3 – naïve.", 6, 6],
            [False, "Count back."],
        ]
    ]


def test_question_choices_and_unit_can_be_read_without_the_script():
    text = Page(html(CHOICE, NUMBER)).text
    for words in ("Which layer has no parameters?", *CHOICES, "How wide is r0?", "pixels"):
        assert words in text


def test_no_explanation_stands_readable_in_the_page():
    explanations = [answer.because for answer in CHOICES.values()]
    explanations += [NUMBER.because, NUMBER.otherwise, *NUMBER.mistakes.values()]
    assert not [because for because in explanations if because in html(CHOICE, NUMBER)]


def test_html_is_balanced_and_names_nothing_outside():
    page = Page(html(CHOICE, NUMBER))
    assert page.open == []
    assert not re.search(r"https?:|//\w|@import|url\(|fetch|src=", html(CHOICE, NUMBER))


def test_same_questions_give_same_html_without_any_identifier():
    assert html(CHOICE, NUMBER) == html(CHOICE, NUMBER)
    assert not [a for _, a in Page(html(CHOICE, NUMBER)).elements if {"id", "for"} & set(a)]


def test_three_questions_are_small():
    long = "A sentence that is as long as most explanations are, of two dozen words or so. "
    choice = Choice(long, {str(n): (wrong if n else right)(long + str(n)) for n in range(4)})
    three = (choice, choice, number(mistakes={n: long + str(n) for n in (1, 2, 3)}))
    assert len(html(*three).encode()) <= BYTES_OF_THREE


def test_progress_stands_below_several_questions_only():
    assert "data-progress role" in html(CHOICE, NUMBER)
    assert "data-progress role" not in html(CHOICE)


def test_every_control_stands_in_its_label():
    for question in (CHOICE, NUMBER):
        fields = re.findall(r"<label>(?:(?!</label>).)*<input", html(question), re.DOTALL)
        assert len(fields) == html(question).count("<input ")


@pytest.mark.parametrize(
    ("questions", "text"),
    [
        ((CHOICE,), "1 question with instant feedback; a notebook or the book shows it."),
        ((CHOICE, NUMBER), "2 questions with instant feedback; a notebook or the book shows them."),
    ],
)
def test_text_for_a_terminal_says_how_many(questions, text):
    assert repr(ask(*questions)) == text


def test_ask_wants_questions():
    with pytest.raises(ValueError, match="no question: give one, such as Choice"):
        ask()
    with pytest.raises(TypeError, match=r"'Why\?' is no question, such as Choice"):
        ask("Why?")


def test_a_new_kind_needs_nothing_but_its_class():
    class Agreement(Question):
        def controls(self):
            return "<label>Agreed? <input type='text'></label>"

        def key(self):
            return [[True, "So do we."]]

    page = Page(html(CHOICE, Agreement()))
    assert "Agreed?" in page.text and page.keys()[1] == [[True, "So do we."]]


@pytest.mark.parametrize("value", [7, np.int64(7), 7.0, np.float32(7), Fraction(14, 2)])
def test_computed_answers_of_every_kind_are_plain_numbers(value):
    question = number(answer=value, mistakes={np.int32(9): "Too many."})
    assert json.dumps([question.answer, *question.mistakes]) == "[7, 9]"


def test_tolerance_widens_both_ways_and_rounding_is_forgiven():
    low, high = number(answer=0.5, tolerance=0.1).interval(0.5)
    assert low == pytest.approx(0.4) and high == pytest.approx(0.6)
    low, high = number(answer=0.1 + 0.2).interval(0.1 + 0.2)
    assert low < 0.3 < high
    assert number().interval(7) == (7, 7)


@pytest.mark.parametrize("value", [True, "7", None, 7j])
def test_an_answer_that_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match="which is not a number"):
        number(answer=value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer": float("nan")}, "nobody can type"),
        ({"answer": float("inf")}, "nobody can type"),
        ({"tolerance": -1}, "it is 0 or more"),
        ({"mistakes": {7: "No."}}, "The mistake 7 is the right answer"),
        ({"mistakes": {7.5: "No."}, "tolerance": 1}, r"The mistake 7\.5 is the right answer"),
        ({"mistakes": {8: "No.", 9: "No."}}, "same explanation"),
        ({"mistakes": {8: "Count."}}, "same explanation"),
        ({"mistakes": {8: " "}}, "is empty"),
        ({"because": ""}, "is empty"),
        ({"otherwise": "r < 2"}, "write &lt;"),
        ({"unit": "<b>"}, "not closed"),
    ],
)
def test_numbers_that_teach_nothing_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        number(**changes)


def test_mistakes_are_a_mapping():
    with pytest.raises(TypeError, match="is no mapping"):
        number(mistakes=[9])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"a": wrong("1"), "b": wrong("2"), "c": wrong("3")}, "has 0 right choices"),
        ({"a": right("1"), "b": right("2"), "c": wrong("3")}, "has 2 right choices"),
        ({"a": right("1"), "b": wrong("2")}, "too few wrong choices"),
        ({"a": right("1"), "b": wrong("2"), "c": wrong("2")}, "explains 2 choices"),
        ({"": right("1"), "b": wrong("2"), "c": wrong("3")}, "is empty"),
    ],
)
def test_choices_that_teach_nothing_are_refused(choices, message):
    with pytest.raises(ValueError, match=message):
        Choice("Which?", choices)


def test_choices_lead_to_answers():
    with pytest.raises(TypeError, match=r"'a' leads to 'No\.': write right"):
        Choice("Which?", {"a": "No."})
    with pytest.raises(TypeError, match="are no mapping"):
        Choice("Which?", ["a", "b"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 < 2", "write &lt;"),
        ("Q & A", "write &lt;"),
        ("<i>open", "<i> is not closed"),
        ("closed</i>", "</i> in 'closed</i>' closes nothing"),
        ("<i><b>crossed</i></b>", "closes nothing"),
        ("<script>alert(1)</script>", "<script> in .* is not one of b, code"),
        ("<i onclick='x'>y</i>", "without attributes"),
        ("<img>", "<img> in '<img>' is not one of"),
    ],
)
def test_text_that_would_break_the_page_is_refused(text, message):
    for make in (right, wrong, lambda text: Choice(text, CHOICES)):
        with pytest.raises(ValueError, match=message):
            make(text)


def test_text_is_text():
    with pytest.raises(TypeError, match="7 is not text, as a question is"):
        Choice(7, CHOICES)


def test_questions_cannot_be_changed_behind_their_guards():
    with pytest.raises(FrozenInstanceError):
        CHOICE.question = ""
    with pytest.raises(TypeError):
        CHOICE.choices["dense"] = right("No.")
    with pytest.raises(TypeError):
        NUMBER.mistakes[7] = "No."


class TestFeedback:
    def test_the_first_slip_alone_is_told(self):
        slips = iter(["Too small.", "Too odd."])
        assert feedback(3, slips, "Two squared.") == Feedback("not yet", "Too small.")
        assert next(slips) == "Too odd."

    def test_nothing_wrong_is_right_and_nothing_there_is_unanswered(self):
        assert feedback(4, [], "Two squared.") == Feedback("right", "Two squared.")
        assert feedback(None, ["Too small."], "").status == "unanswered"

    def test_it_is_true_only_where_it_is_right(self):
        told = [bool(Feedback(status)) for status in ("right", "not yet", "unanswered")]
        assert told == [True, False, False]

    def test_a_notebook_shows_mark_word_and_escaped_message(self):
        shown = Feedback("not yet", "Is r < k?")._repr_html_()
        assert "✗ Not yet." in shown and "Is r &lt; k?" in shown and shown.count("<div") == 1
