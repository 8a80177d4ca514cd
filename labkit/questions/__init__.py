"""Questions that answer at once: in the built page, in Colab and in JupyterLab alike.

A question is shown as HTML with a small script of its own: no kernel runs, nothing is fetched.

Why not a library: of those tried, jupyterquiz 2.9.6 comes nearest, but its number field has no
label and too little contrast, its feedback is never announced to a screen reader, and its random
ids make the same notebook differ with every run. Extensions of Sphinx show nothing in Colab.
"""

from labkit.questions import kinds
from labkit.questions.feedback import Feedback, feedback
from labkit.questions.fragment import Questions, ask
from labkit.questions.kinds import *  # noqa: F403

__all__ = ["Feedback", "Questions", "ask", "feedback", *kinds.__all__]
