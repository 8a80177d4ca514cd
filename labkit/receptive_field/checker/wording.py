"""Every sentence that the checker says: verdicts, hints, mistakes, refusals and their cures."""

from labkit.receptive_field.checker.formula import UnreadableError

# What cannot be read, and what to do; each is said after "This cannot be read: ".
REFUSALS = {
    # The text.
    "too long": "it is longer than {most} characters",
    "long number": "a number has more than {most} digits",
    "character": "{character} has no place in a formula",
    "command": "the LaTeX command {command} has no place in a formula",
    "too deep": "it is nested too deeply",
    "too many remainders": "it has more than {most} divisions with remainder",
    "arguments": "{name} takes {wanted} values",
    "ends": "the formula ends, but {reason}",
    "unexpected": "here stands {met}, but {reason}",
    # The bounds of sums and products.
    "no bounds": "the bounds of {name} are missing: say which layers it runs over, as in "
    "Σ_{{l=1}}^{{L}}, ∏_{{i=1}}^{{l−1}} or sum(… for l in range(L))",
    "upper bound": "the upper bound of {name} is missing or given twice",
    "bounds": "write the bounds as l=1 to L: Σ_{{l=1}}^{{L}}, or i<l",
    "∈": "write the bounds as l=1 to L: Σ_{{l=1}}^{{L}} instead of a set",
    "letter taken": "{letter} already has a meaning here, {meaning}: let Σ and ∏ run over another "
    "letter, such as l or i",
    "already runs": "{letter} already runs in another Σ or ∏",
    "unbound": "{letter!r} has no meaning here: no Σ or ∏ around it runs over {letter}",
    "mathematica": "these are Mathematica's brackets; write {name}(…, (l, 1, L))",
    # One formula, and nothing else.
    "dots": "dots leave open how it goes on: write them as Σ and ∏, as in Σ_{{l=1}}^{{L}} …",
    "two formulas": "one formula only, without a second one or a condition after a comma: write "
    "what it defines out in the first, such as d*(k-1)+1 for k' or the product ∏ s_i for J",
    "'": "a prime is not known here: write out what it stands for, such as d*(k-1)+1 for k'",
    ".": "'.' has no place in a formula: write one formula, without words or methods",
    "words": "{word!r} is not a name here: write only the formula, without words; the names are "
    "{names}",
    "unknown": "{word!r} is not a name here; the names are {names}",
    "numpy": "numpy's {name} is not read as text: give a Python function instead, or write Σ and ∏",
    "program": "a program is not read as text: define a function in a cell and pass it itself",
    "python": "as Python it does not parse ({reason}): put * between factors, and write all of it "
    "in Python or all of it in the notation of mathematics",
    "exponent": "exponents are whole numbers up to {most}",
    "exponent out of reach": "the exponent is out of reach: {reason}",
    # Letters.
    "two names": "{one} and {other} could mean the same: write one letter for {letter}",
    "S": "{name} could mean two things: write s_l for a stride, and ∏_{{i=1}}^{{l−1}} s_i for the "
    "strides before l",
    "F": "{name} could mean two things: write k_l for the kernel, r for the field",
    "f of one layer": "{name} could mean two things: write k for the kernel, r for the field",
    "needs its layer": "{name} needs the number of its layer, such as {name}_l",
    "jump": "{name} is not known here: write the product of the strides before layer l out, "
    "∏_{{i=1}}^{{l−1}} s_i",
    "jump, forward": "{name}, the jump, belongs to the forward direction: asked is r_{{l−1}} from "
    "r_l, in k_l and s_l alone",
    "length": "len is for k, s or d",
    "index": "the number of a layer is counted, as in 'in range(…)', and not read from {name}",
    # Equations.
    "left side": "{shown} stands on one side of the equals sign, and is no name for what is "
    "asked: {asked}",
    "asked twice": "it is not clear which r is asked for: write r_{{l−1}} for the layer before",
    "asked cancels": "what is asked cancels out of this equation: write it alone on one side",
    "asked in a power": "{shown} stands in a power, a divisor or a product: solve for it",
    "one layer": "the recurrence speaks of one layer l: write {word} or {word}_l",
    "two layers": "it speaks of two layers, {one} and {other}: of layer l are k_l, s_l and r_l, "
    "and r_{{l−1}} is asked for",
    "forward": "this is the other direction, forward from {known}: asked is r_{{l−1}} from r_l, "
    "from a layer to the one before it",
    "same index": "the same index stands on both sides; the direction is from r_l to r_{{l−1}}: "
    "write r_{{l−1}} for what is asked",
    "index on left": "the recurrence speaks of one layer l, from r_l to r_{{l−1}}: {shown} has no "
    "part in it",
    "recurrence with sums": "the recurrence needs neither sums nor products: one layer's k_l, s_l "
    "and r_l give r_{{l−1}}",
    "recurrence": "this is a recurrence, with {shown} in it; asked is the closed form, in k, s and "
    "L alone, with no other r in it",
    "contains r": "a closed form does not contain r",
    # Python: its text, and what is said of a part that is not read, one of PARTS.
    "part": "{part}: {reason}",
    "program too long": "the program is too long",
    "variables": "the variables of a loop depend on one another",
    "first turn": "the first turn of a loop differs from the others",
    "loop": "a loop that does more than multiply and add is not read",
    # Python functions, after "This cannot be read: ".
    "argument": "the argument {name!r} of your function has no meaning here; take {wanted}",
    "no arguments": "your function takes none of the arguments {wanted}",
    "arguments unknown": "the arguments of this function are not known; write one that takes "
    "{wanted}",
    "async": "your function is declared async; write it without",
    "no number": "your function returns {shown}, which is not a number",
    # Other things than text.
    "no answer": "an answer is text, a sympy expression or a Python function, not a {type}",
    "number alone": "a number that stands alone has up to 15 digits",
    "sympy truth": "sympy has made {part} of the equation: give the side that r equals, or text",
}
# Why a part of Python is not read; said after the part.
PARTS = {
    "not read": "is not read here",
    "not exact": "is not exact arithmetic",
    "only numbers": "only numbers can stand in a formula",
    "decimal point": "a number with a decimal point is not exact",
    "divisor": "the divisor may be zero",
    "comparison": "numbers are compared by size",
    "no meaning": "this name means nothing here",
    "names do not fit": "these names do not fit what they are given",
    "attribute": "only kernel, stride and dilation of a layer are read",
    "layer for number": "a layer stands where a number is needed",
    "function": "this function is not read",
    "named arguments": "arguments with a name are not read",
    # Lists.
    "list for number": "a list stands where a number is needed",
    "number for list": "a list is needed here",
    "list of numbers": "a list of numbers is needed",
    "arguments": "this function takes other arguments",
    "no list": "is no list in Python: write list(…) around it",
    "list taken apart": "a list is not taken apart",
    "iterator kept": "what one loop uses up is not given a name",
    "slice step": "a slice with a step is not read, except [::-1]",
    "length of a part": "the length of a part of a list is not read",
    "leaves the list": "this index may leave the list",
    "either end": "this index may count from either end of the list",
    "cut short": "this part may be cut short by the list's ends",
    "range step": "a range with a step is not read, except -1",
    "zip": "zip takes lists of one length",
    "condition": "a condition in a sum is not read",
    # Loops.
    "while": "this loop is not read; write it with for",
    "return in a loop": "a loop that returns is not read",
    "no return": "not every way through the program ends with return",
}
# What must stand where something else stands.
EXPECTED = {
    "mark": "'{mark}' must stand here",
    "nothing": "it does not fit here",
    "atom": "a number, a name or a bracket must stand here",
    "index": "an index must stand here",
    "variable": "the letter that runs must stand here",
}
TWO_OR_MORE = "two or more"
ASKED = {True: "r_{l−1}, as in r_{l−1} = …", False: "r_0, as in r_0 = …"}
MEANINGS = {
    "r": "the field", "k": "the kernel", "s": "the stride", "d": "the dilation",
    "L": "the number of layers",
}  # fmt: skip
NAMES = {True: "r, k, s and d", False: "k, s, d with an index, L, and the letters of Σ and ∏"}


def refused(kind: str, at: int | None = None, **values: object) -> UnreadableError:
    """Return the error that says why an answer cannot be read, and what to do.

    Args:
        kind: a key of ``REFUSALS``.
        at: the place in the text.
        values: what stands in the gaps of the sentence.
    """
    return UnreadableError(REFUSALS[kind].format(**values), at)


# Verdicts.

UNANSWERED = "No answer yet: write your formula, then run this cell again."
UNREADABLE = "This cannot be read: {reason}."
TOO_COSTLY = (
    "This cannot be tried: even for the smallest network its numbers or its loops are too large."
)
PROVED = {
    True: "Right for every layer{without}, proved: it equals the true recurrence whatever "
    "{letters} are.",
    False: "Right for every network{without}, proved by induction on the number of layers.",
}
LETTERS = {True: "r, k, s and d", False: "r, k and s"}
WITHOUT_DILATION = " without dilation"
WRONG = "Not yet: {example}{conditions}."
WRONG_SOMEWHERE = "Not yet, on a small network: {example}{conditions}."
PRINTED_INSTEAD = "Your function prints and returns nothing: write return in the place of print."
HELD_BACK = "What your function prints is held back."
STOPPED = "it stops with {error}"
ENDLESS = "Your function did not come back in time{at}: is a loop endless?"
RETURNS_NOTHING = "it returns nothing"
UNUSABLE = "Your function cannot be used: {reason}, on {at}."
RIGHT_WHEN = "; it is right {conditions}"
WHEN = "when {condition}"
AS_FAR_AS_TRIED = " as far as tried"
CONDITIONS = {
    "d = 1": "every dilation is 1",
    "s <= k": "no stride is larger than its k",
    "s = 1": "every stride is 1",
    "k odd": "k is odd",
    "k even": "k is even",
    "k = s": "k equals s",
    "r = 1": "r is 1",
    "k = 1": "every k is 1",
    "s = d = 1": "every stride and every dilation is 1",
}
FOR_ONE_LAYER = "for one layer"
FOR_LAYERS = "for up to {depth} layers"
CONSISTENT = (
    "No counter-example among {tried:,} networks{reach}, and {proof}; for all networks it is "
    "neither proved nor disproved."
)
REACH = " of up to {layers}"
PROOF = "a proof for up to {layers}"
NO_PROOF = "no proof"
PADDING = (
    "The padding p does not belong into the formula: it adds units at the border, and changes no "
    "unit's width. Leave p out."
)
FORWARD = "Read as an equation from r_{l−1} to r_l; asked is the other direction, r_{l−1} from r_l."
NO_VALUE = "{network}: yours has no value ({reason}), the truth is {truth}"
DIVISION_BY_ZERO = "a division by zero"
NOT_WHOLE = "{what} becomes {value}, which is not whole"
WHOLE = {
    "index": "a layer's number", "lower": "a lower bound", "upper": "an upper bound",
    "exponent": "an exponent",
}  # fmt: skip
LONG_NUMBER = "a number of about {digits} digits"
LONG_FRACTION = "a fraction of numbers of up to about {digits} digits"
BACKWARDS = "a slice that counts from the end of the list"
NO_LAYER = "{letter}_{number} does not exist"
SOMETHING = "something of the type {type}"
NOT_FINITE = "{number} instead of a number"
TOO_LARGE_TO_TRY = "its numbers are too large to try"
TOO_MANY_TERMS = "a sum or product has too many terms to try"
TOO_MANY_STEPS = "it takes too many steps to try"
DRAWN = "The network: "
HAS_VALUE = "{network}: yours gives {yours}, the truth is {truth}"
ADDED_UP = "The terms there: yours {yours}; the truth {truth}."
RENAMED = "Read {names}."
REPAIRED = (
    "Python had read a part of {commands} as another character; it was put back. "
    'Type r"…" before LaTeX.'
)
COUNTED_FROM_0 = "Layers are counted from 0 in it."
HINT = ("A hint", "One more hint", "The last hint")

# Hints by degrees: the direction, the term, the place.
TOO_LARGE = "On this network yours is too large, by {gap}. What do you count that is not read?"
TOO_SMALL = "On this network yours is too small, by {gap}. What is read that you do not count?"
NO_NUMBER = "On this network yours has no value at all. Which part of it is not defined there?"
TERM = {
    "s": "It is right while every stride is 1: look at the term with the strides.",
    "d": "It is right while every dilation is 1: look at the term with d.",
    "k": "It is right while every kernel is 1 wide: look at the term with k.",
    "depth": "It is right for one layer: look at what changes with the second.",
    "parity": "It is right for only one of odd and even kernels: look at where you round.",
    "": "It is wrong in the narrowest networks already: count them by hand, one layer after the "
    "other.",
}
PLACE = {
    True: "Two neighbouring units of layer l lie s positions apart, so r of them reach over "
    "s·(r − 1), and the last of them reads k − 1 positions more; the first position counts too.",
    False: "Layer l adds k_l − 1 positions, each as far from the next as the strides of the layers "
    "before l have made it: s_1 to s_{l−1}, and not s_l. One unit stands at the beginning.",
}
DILATED_PLACE = " With dilation, k − 1 becomes d·(k − 1)."

# Named mistakes: what is taught, and where the lab speaks of it.
MISTAKES = {
    "product up to l": "Your product takes in the layer's own stride; it must stop before l: a "
    "layer's stride spreads the units of the layers after it, and does not widen its own field",
    "product over all layers": "Your product runs over all strides; only those of the layers "
    "before l, nearer the input, stretch what layer l reads",
    "missing + 1": "The unit itself is missing, + 1: even without a layer it reads one position",
    "1 too many": "One position is counted twice: from the first to the last position it is their "
    "distance + 1, and k − 1 steps lie between k taps",
    "k for k - 1": "A kernel of width k adds k − 1 positions, not k: one of them was there before",
    "r for r - 1": "Between r units lie r − 1 steps of s, not r",
    "forward direction": "This is the forward direction, in which the stride multiplies the "
    "kernel; asked is r_{l−1} from r_l, and there the stride multiplies r − 1",
    "stride forgotten": "The stride is missing: neighbouring units lie s positions apart",
    "strides forgotten": "The strides are missing: those before a layer stretch what it reads",
    "own stride on the kernel": "The stride moves the kernel from unit to unit and does not "
    "stretch it: s multiplies r − 1, and k stays as it is",
    "padding": "Padding does not change the width: it adds positions at the border and moves the "
    "field along",
    "size of the output": "This is the size of the output, from the input forward; asked is how "
    "much of the input the units read",
    "layers reversed": "Layers are numbered from the input here; numbered from the output it would "
    "be right: let the product run over the layers before l, i = 1 to l − 1",
    "strides added": "The strides of the layers before l multiply: each stretches what the next "
    "has stretched; they do not add up",
    "only the last stride": "Only the stride of the layer just before l is in it; those of all "
    "layers before l multiply",
    "own stride instead": "The strides of the layers before it stretch layer l, not its own",
    "dilation multiplied on": "A dilation widens only its own layer's kernel; it is the strides "
    "that are handed on to other layers",
    "dilation on the stride": "The dilation spreads the taps of the kernel, and not the units of "
    "the layer: d multiplies k − 1 alone",
    "d k - 1": "A dilated kernel has k taps and k − 1 gaps of d, which is d(k − 1), not d k − 1",
    "d k": "Between k taps lie k − 1 gaps of d: a dilated kernel is d(k − 1) + 1 wide, not d k",
    "dilation forgotten": "The dilation is missing: between a kernel's taps lie d positions",
    "kernels multiplied": "Kernels do not multiply: neighbouring units share most of what they "
    "read",
    "kernels added": "Kernels do not add up: neighbouring units share most of what they read, so a "
    "layer adds k − 1, stretched by the strides before it",
    "one stride for all": "Strides of different layers multiply, s_1 s_2 … s_{l−1}; a power takes "
    "them to be equal",
    "one kernel for all": "The layers need not be alike: each adds its own k_l − 1",
    "first layer forgotten": "The sum begins after the first layer; that one adds k_1 − 1",
    "last layer forgotten": "The sum ends before the last layer; that one is stretched most",
    "one layer off": "The product stops one layer too early: the stride of layer l − 1 counts for "
    "layer l",
    "odd kernels only": "Rounding k/2 down and up again loses a position where k is even, or adds "
    "one; k − 1 needs no middle",
}
_SECTIONS = {
    "section 2, a kernel of width one": ("k for k - 1", "r for r - 1", "stride forgotten"),
    "section 2, a kernel of any width": ("1 too many", "own stride on the kernel"),
    "section 2, a kernel of any width, be it odd or even": ("odd kernels only",),
    "section 2, and the errata page": ("forward direction",),
    "section 2, the question": ("size of the output",),
    "section 3, where it starts": ("missing + 1", "layers reversed"),
    "section 3, the pattern": ("one stride for all", "one kernel for all"),
    "section 5": ("dilation multiplied on", "dilation on the stride"),
    "section 5, a dilated kernel": ("d k - 1", "d k", "dilation forgotten"),
    "section 5 of the lab, the smallest network that breaks it": ("product up to l",),
    "section 8, which change makes the field wider": ("padding",),
}
POINTERS = dict.fromkeys(MISTAKES, "section 3, three layers unrolled")
POINTERS |= {name: section for section, names in _SECTIONS.items() for name in names}
MISTAKE = " {teaches} (see {pointer})."
