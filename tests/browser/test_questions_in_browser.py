"""Questions with instant feedback, answered in a real browser by mouse and by keyboard."""

import pytest

from labkit.language import use_language
from labkit.questions import Choice, Number, ask, right, wrong

pytestmark = pytest.mark.browser

CHOICES = {
    "pooling": right("It <i>only</i> compares."),
    "convolution": wrong("Each filter has weights: Ω's &amp; more."),
    "dense": wrong("Each unit has weights."),
    "a choice with one averyveryverylongwordthatnoscreenofaphoneisquitewideenoughfor": wrong("No."),
}
QUESTIONS = ask(
    Choice("Which layer has no parameters?", CHOICES),
    Number("How wide?", 7, "Two more each.", {9: "The sum."}, "Count back.", unit="pixels"),
    Number("How many?", -1792.5, "Indeed.", {16384: "Squared."}, "Multiply.", tolerance=0.25),
)
SHOWN_BECAUSE = [
    ("pooling", "✓Right. It only compares."),
    ("convolution", "✗Not yet. Each filter has weights: Ω's & more."),
    ("dense", "✗Not yet. Each unit has weights."),
]
DARK = "html[data-theme=dark] { background: #121212; color: #eee; color-scheme: dark; }"


@pytest.fixture
def source(tmp_path):
    """Write a page with the same questions twice, as any page might hold them."""
    path = tmp_path / "questions.html"
    twice = QUESTIONS._repr_html_() * 2
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    path.write_text(
        "<!doctype html><html lang='en'>"
        f"<head>{head}<title>Questions</title><style>{DARK}</style></head>"
        f"<body><main><h1>Questions</h1>{twice}</main></body></html>",
        encoding="utf-8",
    )
    return path.as_uri()


@pytest.fixture
def page(alone):
    return alone


@pytest.fixture
def first(page, source):
    """Open the page and return the first piece on it."""
    page.goto(source)
    return page.locator(".labkit-questions").first


def choice(piece):
    return piece.locator("form").nth(0)


def numbers(piece, place=1):
    return piece.locator("form").nth(place)


def feedback(form):
    return " ".join(form.get_by_role("status").inner_text().replace("\n", "").split())


def progress(piece):
    return piece.locator("[data-progress]").inner_text()


@pytest.mark.parametrize(("text", "shown"), SHOWN_BECAUSE)
def test_each_choice_is_explained_at_once(first, text, shown):
    choice(first).get_by_text(text).click()
    assert feedback(choice(first)) == shown


def test_a_reader_may_try_again(first):
    for text, shown in SHOWN_BECAUSE[::-1]:
        choice(first).get_by_label(text).check()
        assert feedback(choice(first)) == shown
    assert choice(first).locator(":checked").count() == 1


def test_progress_counts_what_is_right_now(first):
    assert progress(first) == "0 of 3 right"
    choice(first).get_by_text("pooling").click()
    assert progress(first) == "1 of 3 right"
    numbers(first).get_by_role("textbox").fill("7")
    numbers(first).get_by_role("button").click()
    assert progress(first) == "2 of 3 right"
    choice(first).get_by_text("dense").click()
    assert progress(first) == "1 of 3 right"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("7", "✓Right. Two more each."),
        (" +7.0 ", "✓Right. Two more each."),
        ("7,0", "✓Right. Two more each."),
        ("0.7e1", "✓Right. Two more each."),
        ("9", "✗Not yet. The sum."),
        ("9,", "✗Not yet. The sum."),
        ("7.1", "✗Not yet. Count back."),
        ("-7", "✗Not yet. Count back."),
        ("", "That is no number: write digits, such as 12 or 0.5."),
        ("seven", "That is no number: write digits, such as 12 or 0.5."),
        ("7 or 9", "That is no number: write digits, such as 12 or 0.5."),
    ],
)
def test_numbers_in_every_spelling(first, typed, shown):
    numbers(first).get_by_role("textbox").fill(typed)
    numbers(first).get_by_role("button", name="Check").click()
    assert feedback(numbers(first)) == shown


@pytest.mark.parametrize("typed", ["-1792.5", "−1792,5", "-1,792.5", "-1 792.5", "-1792.25"])
def test_numbers_with_sign_thousands_and_tolerance(first, typed):
    numbers(first, 2).get_by_role("textbox").fill(typed)
    numbers(first, 2).get_by_role("textbox").press("Enter")
    assert feedback(numbers(first, 2)) == "✓Right. Indeed."


@pytest.mark.parametrize("typed", ["16384", "16,384", "16 384", "16’384"])
def test_mistakes_with_thousands_divided(first, typed):
    numbers(first, 2).get_by_role("textbox").fill(typed)
    numbers(first, 2).get_by_role("textbox").press("Enter")
    assert feedback(numbers(first, 2)) == "✗Not yet. Squared."


def test_a_verdict_does_not_outlive_its_number(first):
    field = numbers(first).get_by_role("textbox")
    field.fill("7")
    field.press("Enter")
    field.press_sequentially("0")
    assert feedback(numbers(first)) == "" and progress(first) == "0 of 3 right"


def test_keyboard_alone_moves_then_chooses(page, first):
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.value") == "1"
    assert feedback(choice(first)) == "" and not choice(first).locator(":checked").count()
    page.keyboard.press("Space")
    assert feedback(choice(first)) == SHOWN_BECAUSE[1][1]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert feedback(choice(first)) == SHOWN_BECAUSE[0][1]
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.value") == "3"


def test_keyboard_alone_goes_through_every_question(page, first):
    for keys in (["Tab", "Space"], ["Tab", "7", "Enter"], ["Tab", "Tab", "-", "5", "Tab", "Space"]):
        for key in keys:
            page.keyboard.press(key)
    shown = [feedback(first.locator("form").nth(n)) for n in range(3)]
    assert [words.split(".")[0] for words in shown] == ["✓Right", "✓Right", "✗Not yet"]


def test_focus_can_be_seen(page, first):
    for control in (choice(first).get_by_role("radio").first, numbers(first).get_by_role("button")):
        control.focus()
        page.keyboard.press("Shift")
        style = "element => getComputedStyle(element).outline"
        assert "solid 2px" in control.evaluate(style)


def test_two_pieces_on_a_page_do_not_disturb_each_other(page, first):
    second = page.locator(".labkit-questions").nth(1)
    choice(first).get_by_text("pooling").click()
    choice(second).get_by_text("dense").click()
    assert feedback(choice(first)) == SHOWN_BECAUSE[0][1]
    assert choice(first).get_by_label("pooling").is_checked()
    assert feedback(choice(second)) == SHOWN_BECAUSE[2][1]
    assert (progress(first), progress(second)) == ("1 of 3 right", "0 of 3 right")


def test_names_and_roles_for_a_screen_reader(first):
    assert choice(first).get_by_role("group", name="Which layer has no parameters?").count() == 1
    assert choice(first).get_by_role("radio", name="pooling", exact=True).count() == 1
    assert numbers(first).get_by_role("textbox", name="How wide? pixels", exact=True).count() == 1
    # The mark says nothing that the word beside it does not say.
    choice(first).get_by_text("pooling").click()
    assert "status: Right. It only compares." in choice(first).get_by_role("status").aria_snapshot()


def test_status_is_there_before_it_speaks(first):
    """What is announced is a change inside a region that the reader already knows."""
    statuses = first.get_by_role("status")
    assert statuses.count() == 4
    assert feedback(choice(first)) == ""


def test_enter_speaks_once(first):
    """A form submits itself on Enter too; one press must not be announced twice."""
    field = numbers(first).get_by_role("textbox")
    field.fill("9")
    numbers(first).evaluate(
        """form => {
            window.changes = 0;
            const count = (records) => { window.changes += records.length; };
            const observer = new MutationObserver(count);
            observer.observe(form.querySelector("[role=status]"), { childList: true });
        }"""
    )
    field.press("Enter")
    assert feedback(numbers(first)) == "✗Not yet. The sum."
    assert first.page.evaluate("window.changes") == 1


def test_enter_checks_where_the_page_around_keeps_forms_from_submitting(first):
    """JupyterLab does; a key event made by a script submits no form either."""
    field = numbers(first).get_by_role("textbox")
    field.fill("7")
    field.dispatch_event("keydown", {"key": "Enter"})
    assert feedback(numbers(first)) == "✓Right. Two more each."


def test_answers_send_nothing_and_leave_the_page_where_it_is(page, source):
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(source)
    for form in page.locator("form").all():
        if form.get_by_role("textbox").count():
            form.get_by_role("textbox").fill("7")
            form.get_by_role("textbox").press("Enter")
        else:
            form.get_by_role("radio").first.check()
    assert asked == [source] and not errors and page.url == source


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page, first, theme):
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (ground == "rgb(18, 18, 18)") == (theme == "dark")

    def violations():
        found = Axe().run(page, options={"preload": False}).response["violations"]
        return [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]

    assert violations() == []
    choice(first).get_by_text("pooling").click()
    for place, typed in ((1, "9"), (2, "none")):
        numbers(first, place).get_by_role("textbox").fill(typed)
        numbers(first, place).get_by_role("textbox").press("Enter")
    assert [feedback(first.locator("form").nth(n))[:4] for n in range(3)] == [
        "✓Rig",
        "✗Not",
        "That",
    ]
    assert violations() == []


@pytest.mark.parametrize("ground", [(255, 255, 255), (18, 18, 18)])
def test_marks_stand_out_on_light_and_dark(first, ground):
    """Three to one is what WCAG 2.2 asks of graphics, in 1.4.11."""
    choice(first).get_by_text("pooling").click()
    numbers(first).get_by_role("textbox").fill("9")
    numbers(first).get_by_role("textbox").press("Enter")
    for form in (choice(first), numbers(first)):
        mark = form.locator("[role=status] > [aria-hidden]")
        colour = mark.evaluate("mark => getComputedStyle(mark).color.match(/\\d+/g).map(Number)")
        assert contrast(colour, ground) >= 3


def contrast(one, other):
    """Return the ratio that WCAG defines for two colours of 0 to 255 a channel."""
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    """Return WCAG's relative luminance of a colour of 0 to 255 a channel."""
    parts = [channel / 255 for channel in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_nothing_is_cut_off_on_a_narrow_screen(page, first):
    page.set_viewport_size({"width": 320, "height": 600})
    choice(first).get_by_text("dense").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_targets_are_large_enough_for_a_finger(first):
    targets = [
        *choice(first).locator("label").all(),
        numbers(first).get_by_role("textbox"),
        numbers(first).get_by_role("button"),
    ]
    assert min(target.bounding_box()["height"] for target in targets) >= 32


def test_without_scripts_questions_and_choices_can_be_read(browser, source):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(source)
    text = page.locator(".labkit-questions").first.inner_text()
    assert all(words in text for words in ("Which layer", *CHOICES, "How wide?", "pixels"))
    assert not page.get_by_role("button").count()
    page.get_by_role("textbox").first.press("Enter")
    assert page.url == source
    context.close()


def test_paper_shows_the_questions_and_no_answers(page, first):
    choice(first).get_by_text("dense").click()
    numbers(first).get_by_role("textbox").fill("9")
    numbers(first).get_by_role("textbox").press("Enter")
    page.emulate_media(media="print")
    text = first.inner_text()
    assert "Which layer" in text and "dense" in text and "How wide?" in text
    assert "Not yet" not in text and "Check" not in text and "of 3 right" not in text
    drawn = first.locator("input").evaluate_all(
        "fields => fields.map(f => getComputedStyle(f)).map(s => [s.appearance, s.color])"
    )
    assert {tuple(style) for style in drawn} == {("none", "rgba(0, 0, 0, 0)")}


def test_verdicts_and_progress_speak_the_language(page, tmp_path):
    use_language("de")
    try:
        html = QUESTIONS._repr_html_()
    finally:
        use_language("en")
    path = tmp_path / "fragen.html"
    path.write_text(f"<!doctype html><meta charset='utf-8'>{html}", encoding="utf-8")
    page.goto(path.as_uri())
    piece = page.locator(".labkit-questions")
    assert piece.locator("[data-progress]").inner_text() == "0 von 3 richtig"
    choice(piece).get_by_text("dense", exact=True).click()
    assert feedback(choice(piece)).startswith("✗Noch nicht.")
    numbers(piece).get_by_role("textbox").fill("viel")
    numbers(piece).get_by_role("button", name="Prüfen").click()
    assert feedback(numbers(piece)).startswith("Das ist keine Zahl")
