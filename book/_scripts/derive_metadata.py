"""What a notebook's metadata say beyond its author's tags: how answers fold, what hand-outs drop.

Authors write tags. From them follow the folding on the page, in Colab and in JupyterLab, and the
marks by which nbgrader clears answers.
"""

from notebook_files import has_tag

#: What may stay of a cell's metadata: the author's words. The rest is derived or volatile.
AUTHORED = ("tags", "mystnb", "name", "nbgrader", "points")

#: Tags of code that folds, its output too: preparations, and what asserts the claims of the text.
FOLDED = ("set-up", "folded", "claims")

#: Blanks: code that checks itself, and an argument in words, which somebody reads and marks.
BLANKS = ("your-turn", "show-that")

#: A derived tag, for an answer that leaves no blank when it is taken out.
REMOVE = "handout-remove"


def derive_metadata(notebook):
    """Keep what the author wrote of each cell's metadata, and derive the rest from the tags."""
    for cell in notebook.cells:
        keep_authored(cell)
        if cell.cell_type == "code":
            fold_by_tag(cell)
    mark_answers(notebook.cells)


def keep_authored(cell):
    """Drop all metadata but the author's; a teacher's own marks for nbgrader are some of those."""
    kept = {key: cell.metadata[key] for key in AUTHORED if key in cell.metadata}
    mark = kept.get("nbgrader", {}).get("grade_id")
    derived = {"solution": grade_id(cell), "task": task_id(cell)}
    if mark in [name for tag, name in derived.items() if not has_tag(cell, tag)]:
        del kept["nbgrader"]
    if has_tag(cell, REMOVE):
        kept["tags"] = [tag for tag in kept["tags"] if tag != REMOVE]
    cell.metadata = type(cell.metadata)(kept)


def fold_by_tag(cell):
    """Fold a cell with code as its tag wants it."""
    if has_tag(cell, "solution") or has_tag(cell, "hint"):
        fold(cell)
        cell.metadata.jupyter.outputs_hidden = True
    elif any(has_tag(cell, tag) for tag in FOLDED):
        fold(cell)
    elif has_tag(cell, "questions"):
        hide_code(cell)
        add_tag(cell, "remove-input")
    elif has_tag(cell, "form"):
        cell.metadata.cellView = "form"
        fold_on_page(cell, "hide-input")


def fold(cell):
    """Fold a cell with code on the page, in Colab and in JupyterLab, under its title."""
    hide_code(cell)
    fold_on_page(cell, "hide-cell")


def fold_on_page(cell, tag):
    """Fold a cell on the page alone, by one of MyST-NB's tags, under its title."""
    title = cell.source.splitlines()[0].removeprefix("# @title ").strip()
    add_tag(cell, tag)
    prompts = {"code_prompt_show": title, "code_prompt_hide": title}
    cell.metadata.mystnb = {**cell.metadata.get("mystnb", {}), **prompts}


def hide_code(cell):
    """Show of a cell in Colab and in JupyterLab no more than its title and its outputs."""
    cell.metadata.cellView = "form"
    cell.metadata.jupyter = type(cell.metadata)({"source_hidden": True})


def mark_answers(cells):
    """Mark answers for nbgrader; where a blank stands before an answer, it leaves no second one.

    Only hints may stand between the two. Anything else, such as a question, ends the stretch.
    """
    blank_stands = False
    for cell in cells:
        if has_tag(cell, "task"):
            mark_task(cell)
        if has_tag(cell, "show-that"):
            mark_answer(cell, leaves_blank=True)
        if has_tag(cell, "solution"):
            mark_answer(cell, leaves_blank=not blank_stands)
        if not has_tag(cell, "hint"):
            blank_stands = any(has_tag(cell, tag) for tag in ("solution", *BLANKS))


def mark_answer(cell, leaves_blank):
    """Make a cell what nbgrader calls a manually graded answer: all that Markdown may be."""
    points = cell.metadata.get("nbgrader", {}).get("points") or cell.metadata.get("points", 1)
    cell.metadata.nbgrader = {
        "schema_version": 3,
        "grade_id": grade_id(cell),
        "grade": True,
        "solution": True,
        "locked": False,
        "task": False,
        "points": points if leaves_blank else 0,
    }
    if not leaves_blank:
        add_tag(cell, REMOVE)


def mark_task(cell):
    """Give points to a question whose blank checks itself: nbgrader's task, which stays whole."""
    cell.metadata.nbgrader = {
        "schema_version": 3,
        "grade_id": task_id(cell),
        "grade": False,
        "solution": False,
        "locked": True,
        "task": True,
        "points": cell.metadata.get("nbgrader", {}).get("points") or 1,
    }


def task_id(cell):
    """Return the name by which nbgrader knows a task."""
    return f"task-{cell.id}"


def grade_id(cell):
    """Return the name by which nbgrader knows an answer: it lasts as long as the cell."""
    return f"answer-{cell.id}"


def add_tag(cell, tag):
    """Append a tag that is not there yet."""
    cell.metadata.tags = [*dict.fromkeys([*cell.metadata.tags, tag])]
