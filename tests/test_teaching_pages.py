"""The pages for teachers: what they say of a lab's cells, minutes and points is so."""

import re
from pathlib import Path

import nbformat
import pytest

from labkit.questions.examination import labs, paper

ROOT = Path(__file__).parents[1]
LABS = labs()
GOALS = "What they can do afterwards, and where it is tested"


def page(name):
    return (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")


def section(text, heading):
    """Return what stands under a heading, up to the next one of its level."""
    (found,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found


def table(text):
    """Read the only table of a text: its rows as lists of cells, without the heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.fixture(scope="module", params=LABS)
def lab(request):
    return request.param


@pytest.fixture(scope="module")
def cells(lab):
    """Map the names of a lab's cells to the number of their section and the cell."""
    found, number = {}, 0
    for cell in nbformat.read(ROOT / "labs" / f"{lab}.ipynb", as_version=4).cells:
        if cell.cell_type == "markdown":
            number = max([number, *map(int, re.findall(r"^## (\d+)\.", cell.source, re.M))])
        found[cell.id] = number, cell
    return found


def points(cell):
    return cell.metadata.get("nbgrader", {}).get("points", 0)


def blanks(cells):
    """Name the cells that ask for something: what has points, and what checks itself."""
    asked = [name for name, (_, cell) in cells.items() if points(cell)]
    names = list(cells)
    for name, (_, cell) in cells.items():
        marked_before = names[names.index(name) - 1] in asked
        if "your-turn" in cell.metadata.get("tags", []) and not marked_before:
            asked.append(name)
    return sorted(asked, key=names.index)


def test_each_plan_takes_the_minutes_that_it_says(lab):
    for heading, minutes in (("Ninety minutes", 90), ("Forty-five minutes", 45)):
        rows = table(section(page(f"teaching_{lab}"), heading))
        assert sum(int(row[0]) for row in rows) == minutes, heading
        told = " ".join(row[1] for row in rows).lower()
        assert "question" in told and "open" in told, heading


def test_every_goal_is_tested_by_a_cell_of_the_section_that_is_named(lab, cells):
    goals = table(section(page(f"teaching_{lab}"), GOALS))
    assert len(goals) >= 8
    for goal, places, _ in goals:
        for place in places.split(";"):
            (number, *_), names = re.findall(r"\d+", place), re.findall(r"`([\w-]+)`", place)
            assert [cells[name][0] for name in names] == [int(number)] * len(names), goal


def test_every_examination_item_belongs_to_a_goal(lab):
    goals = table(section(page(f"teaching_{lab}"), GOALS))
    named = {int(item) for *_, items in goals for item in re.findall(r"\d+", items)}
    assert named == set(range(1, len(paper(lab, 0)) + 1))


def test_items_are_about_the_sections_of_the_lab(lab, cells):
    sections = {number for number, _ in cells.values()}
    assert {item.section for item in paper(lab, 0)} <= sections


def test_the_table_of_marks_has_each_blank_with_its_points_in_the_labs_order(lab, cells):
    rows = table(section(page(f"teaching_{lab}"), "How to mark each blank"))
    assert [row[0].strip("`") for row in rows] == blanks(cells)
    for name, _, told, enough, _ in rows:
        assert told == (str(points(cells[name.strip("`")][1])) if told != "–" else "–")
        assert (told == "–") == (not points(cells[name.strip("`")][1])) and enough


def test_cells_that_misconceptions_name_are_there(lab, cells):
    told = section(page(f"teaching_{lab}"), "Misconceptions, and what meets them")
    assert len(re.findall(r"^\*\*\"", told, re.M)) >= 8
    named = set(re.findall(r"\(`([a-z]+-[\w-]+)`\)", told))
    assert named and named <= set(cells)


def test_there_are_six_slides_each_with_a_figure_and_its_words(lab):
    slides = re.split(r"^## ", page(f"slides_{lab}"), flags=re.M)[1:]
    assert len(slides) == 6
    for slide in slides:
        assert slide.count("```{code-cell}") == slide.count(":    alt: ") == 1
        assert 2 <= len(re.findall(r"^- ", slide, re.M)) <= 3
