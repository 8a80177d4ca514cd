"""Settings of nbgrader for the labs: copy this file into the folder of your course.

With nbgrader's own settings no answer is left in a released lab either. These besides leave one
blank for each question, let a blank lab run from top to bottom, and unfold the blanks.
"""

from nbconvert.preprocessors import TagRemovePreprocessor
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_solution

#: Metadata that fold an answer, in Colab, in JupyterLab, on the page; and points that nbgrader has.
FOLDING = {"cellView", "jupyter", "mystnb", "points"}
ANSWER_TAGS = {"solution", "hide-cell", "show-that"}


class UnfoldBlanks(NbGraderPreprocessor):
    """Take from a blank what folded the answer, and the pictures that came with it."""

    def preprocess_cell(self, cell, resources, cell_index):
        """Change a cell that held an answer, and no other."""
        if is_solution(cell):
            for key in FOLDING & set(cell.metadata):
                del cell.metadata[key]
            tags = [tag for tag in cell.metadata.pop("tags", []) if tag not in ANSWER_TAGS]
            cell.metadata.update({"tags": tags} if tags else {})
            cell.pop("attachments", None)
        return cell, resources


c = get_config()  # noqa: F821 - nbgrader puts it there
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_cell_tags = {"handout-remove"}
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.GenerateAssignment.preprocessors = [
    TagRemovePreprocessor,
    *GenerateAssignment.class_traits()["preprocessors"].default(),
    UnfoldBlanks,
]
