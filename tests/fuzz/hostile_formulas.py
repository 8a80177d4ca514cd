"""Texts that attack the formula checker, drawn at random, the same for the same seed and number.

Some are formulas by a grammar of the checker's notations, some are such formulas with a few places
changed, some are heaps of its tokens; and some are what an attacker would type: Python that would
write a file, towers of powers, thousands of brackets, letters that only look like letters.
"""

import random

#: What an attack puts in the place of the file that it tries to write.
CANARY = "CANARY"

_TOKENS = [
    *"rksdlLijmn0123456789+-*/^()[]{},_= <>.%!:;|&~?@#$'\"\\`", "k_l", "s_i", "r_l", "d_l", "k_{l}",
    "k[l]", "s[i]", "k(l)", "s[:l]", "s[l:]", "k[-1]", "k[1:2]", "Sum(", "Sum", "sum(", "prod(",
    "Product(", "Σ_{", "∏_{", "Σ", "∏", "Σ_l", "∏_{i<l}", "_{l=1}", "l=1", "1≤i<l", "i<l", "}^{L}",
    "^L", "^{l-1}", " − ", "·", "×", "÷", "⌊", "⌋", "⌈", "⌉", "≤", r"\sum", r"\prod", r"\frac{",
    r"\dfrac{", "}{", r"\left(", r"\right)", r"\cdot", r"\times", r"\lfloor", r"\rfloor", r"\bmod",
    r"\limits", r"\ell", r"\,", "range(", "for l in", "for", "in", "len(k)", "len(", "//", "**",
    "floor(", "ceil(", "abs(", "min(", "max(", "mod(", "mod", "%", "ₗ₋₁", "ₗ", "²", "ˡ⁻¹", "⁹⁹",
    "kernel", "stride", "strides", "dilation_rate", "sr", "kl", "(l, 1, L)", "(i,1,l-1)", "\n",
    "\t", "\0", "\r", "\x1b", "\x7f", "\u200b", "\u202e", "\ufeff", "\ud800", "é", "漢", "\U0001f600",  # noqa: E501
    "lambda", "import", "__", "__class__", "None", "True", "9999999999", "1.5", ".5", "1e9", "0",
    "10^15", "999999999999999", "-1", "oo", "nan",
]  # fmt: skip

_SEEDS = [
    "s*r + k - s", "s*(r-1) + d*(k-1) + 1", r"s_{l} \cdot r_{l} + k_{l} - s_{l}",
    "r_{l-1} = s_l (r_l - 1) + d_l (k_l - 1) + 1", "sₗ·rₗ + kₗ − sₗ", "2*floor(k/2) + k % 2 + s*r - s",  # noqa: E501
    r"r_{l-1} = s_l \left(r_l - 1\right) + k_l", "max(s*r + k - s, 1)",
    "1 + Sum((k[l]-1)*Product(s[i], (i,1,l-1)), (l,1,L))",
    "1 + Σ_{l=1}^{L} d_l (k_l − 1) ∏_{i=1}^{l−1} s_i",
    "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i", "1 + Σₗ₌₁ᴸ (kₗ − 1) ∏ᵢ₌₁ˡ⁻¹ sᵢ",
    "1 + sum((k[l]-1)*prod(s[:l]) for l in range(L))",
    r"$r_0 = 1 + \sum\limits_{l=1}^{L} \left(k_l - 1\right) \prod_{i=1}^{l-1} s_i$",
    "∏_{i=1}^{L} s_i + Σ_{l=1}^{L} (k_l − s_l) ∏_{i<l} s_i",
    "k[0] + sum((k[l]-1)*prod(s[:l]) for l in range(1, len(k)))",
]  # fmt: skip

_PYTHON = [
    f"__import__('os').system('touch {CANARY}')",
    f"open('{CANARY}', 'w').write('x')",
    f"exec(\"open('{CANARY}','w')\")",
    f"eval(\"open('{CANARY}','w')\")",
    f"(lambda: open('{CANARY}','w'))()",
    f"[x for x in ().__class__.__base__.__subclasses__() if x.__name__=='Popen'][0]('touch {CANARY}')",  # noqa: E501
    f"k.__class__.__init__.__globals__['__builtins__']['open']('{CANARY}','w')",
    f"sympify(\"open('{CANARY}','w')\")",
    f"sum(open('{CANARY}','w') for l in range(L))",
    f"Sum(open('{CANARY}','w'), (l, 1, L))",
    f"k[open('{CANARY}','w')]",
    f"k_{{open('{CANARY}','w')}}",
    f"f\"{{open('{CANARY}','w')}}\"",
    f"compile(\"open('{CANARY}','w')\",'','exec')",
    f"globals()['__builtins__'].open('{CANARY}','w')",
    f"import pathlib; pathlib.Path('{CANARY}').touch()",
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"; touch {CANARY}",
    f"!touch {CANARY}",
    f"%%bash\ntouch {CANARY}",
    f"\\immediate\\write18{{touch {CANARY}}}",
    f"\\input{{{CANARY}}}",
    "\\openout\\x=a",
    f"{{{{config.__class__.__init__.__globals__['os'].popen('touch {CANARY}')}}}}",
    f"cos\nsystem\n(S'touch {CANARY}'\ntR.",
    f"!!python/object/apply:os.system ['touch {CANARY}']",
    f"<img src=x onerror=alert('{CANARY}')>",
    f"<script>fetch('{CANARY}')</script>",
    "().__class__.__bases__[0].__subclasses__()",
    "k.__class__.__mro__[1].__subclasses__()",
    "getattr(k, '__class__')",
    "(k := 5) + k",
    "[k for k in iter(int, 1)]",
    "while True: pass",
    "1 if k else 2",
    "yield k",
    "await k",
    "breakpoint()",
    "exit()",
    "input()",
    "help()",
    "'a' * 10**10",
    "[0] * 10**10",
    "1 << 10**10",
    "9**9**9**9",
    "k @ s",
    "...",
    "*k",
    "**k",
    "print(k)",
    "assert 0",
    "raise SystemExit",
    "del k",
    "@k\ndef f(): pass",
    "{'k': 1}['k']",
    "k.real.imag.denominator",
    "1e999 - 1e999",
    "0x10 + 0b11 + 1_000 + 1j",
    "sympy.Symbol('k')",
    "np.prod(s)",
    "math.prod(s[:l])",
]

# The letters and signs of the notation, and what only looks like them.
_LOOKALIKES = {
    "k": "кκｋ𝑘ĸ", "s": "ѕｓ𝑠ꜱ", "r": "гｒ𝑟", "d": "ԁｄ𝑑", "l": "ӏ1I|ｌ𝑙ℓ", "L": "ⅬＬ𝐿", "i": "іｉ𝑖ⅰ",  # noqa: E501
    "1": "１¹١𝟏①", "0": "０OО٠", "2": "２٢²½", "+": "＋⁺➕", "-": "‐‑‒—−﹣－", "*": "∗＊⁎✕", "(": "（⟮❨",  # noqa: E501
    ")": "）⟯❩", "=": "＝≡≔", " ": "\u00a0\u2003\u3000\u2028\u200b\x0b\x0c", "_": "＿‿ˍ", "^": "＾ˆ⌃",  # noqa: E501
    "Σ": "ΣƩ∑⅀", "∏": "Π∏П", "[": "［【", "{": "｛", ",": "，、،", "/": "／∕÷",
}  # fmt: skip

_LETTERS = "iljmnpqt"
_NUMBERS = ["0", "1", "2", "3", "7", "16", "17", "100", "1999", "0.5", "10^15", "999999999999999"]


class HostileFormulas:
    """Draw texts, each by its number.

    Args:
        seed: an integer; the same seed gives the same texts.
    """

    def __init__(self, seed):
        self.seed = seed

    def text(self, number):
        """Return one text, the same for the same seed and number."""
        dice = random.Random(f"{self.seed}/{number}")
        (kind,) = dice.choices(list(_KINDS), weights=list(_KINDS.values()))
        return kind(dice)


def _heap(dice):
    return "".join(dice.choice(_TOKENS) for _ in range(dice.randint(1, 30)))


def _mutated(dice):
    """Return a formula with a few places cut, doubled, swapped or replaced."""
    text = list(_formula(dice) if dice.random() < 0.3 else dice.choice(_SEEDS))
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(text) + 1)
        reach = dice.randrange(4)
        match dice.randrange(4):
            case 0:
                text[place : place + reach] = dice.choice(_TOKENS)
            case 1:
                text[place:place] = text[place : place + 3 * reach]
            case 2:
                text[place : place + reach] = []
            case 3:
                text[place:] = text[place + reach :] + text[place : place + reach]
    return "".join(text)


def _joined(dice):
    """Return two formulas with a sign between them."""
    parts = [dice.choice(_SEEDS) if dice.random() < 0.5 else _formula(dice) for _ in range(2)]
    return dice.choice(["+", "-", "*", "/", "^", "//", " ", ";", "\n", "="]).join(parts)


def _formula(dice):
    text = _recurrence(dice, 3) if dice.random() < 0.5 else _closed_form(dice, 3, [])
    return text[:600]


def _recurrence(dice, depth):
    if depth == 0 or dice.random() < 0.1:
        return dice.choice([*"rksd", "r_l", "k_l", "kₗ", r"s_{l}", *_NUMBERS])
    return _operation(dice, lambda: _recurrence(dice, depth - 1))


def _closed_form(dice, depth, bound):
    if depth == 0 or dice.random() < 0.1:
        index = dice.choice([*bound, *bound, "1", "L", "L-1"])
        letter = dice.choice("ksd")
        item = dice.choice([f"{letter}_{{{index}}}", f"{letter}[{index}]", f"{letter}({index})"])
        return dice.choice([item, item, item, "L", *bound, dice.choice(_NUMBERS)])
    if dice.random() < 0.45:
        return _big(dice, depth, bound)
    return _operation(dice, lambda: _closed_form(dice, depth - 1, bound))


def _operation(dice, part):
    match dice.randrange(9):
        case 0 | 1:
            return f"({part()}{dice.choice(['+', '-', '−'])}{part()})"
        case 2 | 3:
            return f"{part()}{dice.choice(['*', '·', ' '])}({part()})"
        case 4:
            return f"({part()}){dice.choice(['/', '//', '%', ' mod '])}({part()})"
        case 5:
            return rf"\frac{{{part()}}}{{{part()}}}"
        case 6:
            return (
                f"({part()})^{dice.choice(['2', '3', '16', '{-1}', '(-16)', '0', '17', 'k', 'L'])}"
            )
        case 7:
            name = dice.choice(["floor", "ceil", "abs", "min", "max", "mod"])
            return (
                f"{name}({', '.join(part() for _ in range(1 + (name in ('min', 'max', 'mod'))))})"
            )
        case _:
            return f"⌊{part()}⌋"


def _big(dice, depth, bound):
    variable = dice.choice([letter for letter in _LETTERS if letter not in bound])
    body = _closed_form(dice, depth - 1, [*bound, variable])
    first = dice.choice(["1", "1", "0", "2", "-3", *bound])
    last = dice.choice(["L", "L", "L-1", "30", "1999", "L*L", *(f"{b}-1" for b in bound), *bound])
    name, mark, command = dice.choice(
        [("sum", "Σ", r"\sum"), ("prod", "∏", r"\prod"), ("Sum", "∑", r"\sum")]
    )
    return dice.choice(
        [
            f"{mark}_{{{variable}={first}}}^{{{last}}} ({body})",
            f"{command}_{{{variable}={first}}}^{{{last}}} {body}",
            f"{name}({body}, ({variable}, {first}, {last}))",
            f"{name}({body} for {variable} in range({first}, {last}))",
            f"{mark}_{{{variable}<{last}}} {body}",
        ]
    )


def _python(dice):
    """Return an attack, alone or as a part of a formula."""
    attack = dice.choice(_PYTHON)
    formula = dice.choice(_SEEDS)
    match dice.randrange(5):
        case 0 | 1:
            return attack
        case 2:
            return f"{formula} + {attack}"
        case 3:
            return formula.replace(dice.choice("ksr1l"), attack, 1)
        case _:
            place = dice.randrange(len(attack))
            return attack[:place] + dice.choice(_TOKENS) + attack[place + 1 :]


def _nested(dice):
    """Return brackets, signs, powers, sums or functions inside one another."""
    opening, closing = dice.choice(
        [
            ("(", ")"), ("[", "]"), ("{", "}"), ("⌊", "⌋"), ("-", ""), ("+", ""), ("k^", ""),
            ("k^(", ")"), ("floor(", ")"), ("max(1,", ")"), (r"\frac{1}{", "}"), ("k_{", "}"),
            ("k[", "]"), ("Σ_{i=1}^{L}", ""), ("∏_i1(", ")"), ("Σ_i1(", ")"), ("sum(", " for l in range(L))"),  # noqa: E501
            ("1/(1+", ")"), ("(1+2*3/floor(", ")^2)"), ("(", "//2%3)"), ("(", "%2%2%2%2%2)"),
            ("Sum(", ",(l,1,L))"), ("∏_{i<L}k_i(", ")"), ("s*(", "-1)"), ("ₗ", ""), ("k⁻", ""), ("len(", ")"),  # noqa: E501
            ("∏_{i=1}^{L}∏_{j=1}^{L}(", ")"), ("abs(-", ")"), ("k*-", ""), ("1--", ""), ("r_", ""),
        ]
    )  # fmt: skip
    depth = dice.choice([2, 5, 10, 15, 18, 20, 25, 30, 38, 39, 40, 41, 60, 100, 300, 5000])
    inside = dice.choice(["k", "k_1", "1", "r", "L", "", "s*r+k-s"])
    broken = dice.randrange(3) if dice.random() < 0.2 else 0
    return opening * depth + inside + closing * max(0, depth - broken)


def _long(dice):
    """Return a sum, product or chain of many parts, at the longest length allowed and beyond."""
    part = dice.choice(
        ["+k", "*k", "-s", "/k", "^2", "%2", "//2", " k", "+k_1", "*k_1", "+1/k", "+k_1/s_1", "(k+s)",  # noqa: E501
         "(k+s+r+d)", "+Σ_{l=1}^{L}k_l", "*Σ_{l=1}^{L}k_l", "+∏_{l=1}^{L}s_l", "+(k+s)^16", "(k/7)",
         "+floor(k/7)", "Σ_l", "∏_l", "-(-k)", "9", "a", " ", "\n", "é", "(", "_", "^", ",", ":", "Σ"]  # noqa: E501
    )  # fmt: skip
    length = dice.choice([50, 150, 590, 598, 600, 601, 2000, 100_000])
    start = dice.choice(["k", "k_1", "1", "r", ""])
    return (start + part * (length // len(part) + 1))[:length]


def _costly(dice):
    """Return loops, powers and fractions at the limits of what is tried."""
    n, m = dice.choice([30, 300, 1999, 2000, 10**6, 10**15]), dice.choice([2, 40, 1999])
    power = dice.choice(["2", "3", "7", "16", "(-16)", "16^16", "(10^16)", "k_1", "L"])
    symbols = dice.choice(
        ["r+k+s+d", "r k s d", "k/s", "k_1+s_1+d_1", "(r+1)/(s+k)", "k/7-s/3+r/2"]
    )
    templates = [
        f"Σ_{{l=1}}^{{{n}}} 1/l",
        f"Σ_{{l=1}}^{{{n}}} 1/(l+k_1)^{power}",
        f"∏_{{l=1}}^{{{n}}} l^{power}/(l+1)^{power}",
        f"Σ_{{i=1}}^{{{m}}} ∏_{{l=1}}^{{{n}}} (l/(l+i+k_1))^{power}",
        f"Σ_{{i=1}}^{{{m}}} Σ_{{l=1}}^{{{n}}} i l",
        f"∏_{{l=1}}^{{{n}}} 10^15",
        f"∏_{{l=1}}^{{L}} (k_l^16 + s_l^{power})^{power}",
        f"({symbols})^{power}",
        f"s*r+k-s+0*({symbols})^{power}",
        f"s*r+k-s+(({symbols})^{power})//7-(({symbols})^{power})//7",
        f"s*r+k-s+(({symbols})^4)^{power}-(({symbols})^4)^{power}",
        f"s*(r-1)+k+abs(({symbols})^8-({symbols})^7)-abs(({symbols})^8-({symbols})^7)",
        f"max({','.join(['s*r+k-s'] * dice.randint(2, 60))})",
        f"s*r+k-s+{'+'.join(f'(k mod {dice.randint(2, 9)})' for _ in range(dice.randint(1, 12)))}",
        f"s*r+k-s+({symbols})/({symbols})-1+1/(k+s+r)^{power}-1/(k+s+r)^{power}",
        f"1+Σ_{{l=1}}^{{L}}(k_l-1)∏_{{i<l}}s_i+(Σ_{{l=1}}^{{L}} k_l s_l)^{power}-(Σ_{{l=1}}^{{L}} k_l s_l)^{power}",  # noqa: E501
        f"1+Σ_{{l=1}}^{{L}}(k_l-1)∏_{{i<l}}s_i+0*Σ_{{l=1}}^{{L}}Σ_{{i=1}}^{{L}}Σ_{{j=1}}^{{L}}(k_l+s_i+d_j)^{power}",
        f"1+Σ_{{l=1}}^{{L}}(k_l-1)∏_{{i<l}}s_i+floor(L/{n})",
        f"1+Σ_{{l=1}}^{{L}}(k_l-1)∏_{{i<l}}s_i+floor(Σ_{{l=1}}^{{L}}floor(k_l/10^14)/{n})",
        f"1+sum((k[l]-1)*prod(s[:l]) for l in range(L))+floor(L/{n})",
        f"1+sum((k[l]-1)*prod(s[:l]) for l in range(L))+0*sum(1/(1+l+k[0])^{power} for l in range({n}))",  # noqa: E501
        f"10^15*{n}*(k+1/10^15)^{power}-k^{power}",
        f"0.{'3' * dice.randint(1, 13)}*k^{power}",
        f"2^{{Σ_{{i=1}}^{{{n}}} 1}}",
        "+".join(["1^{Σ_{i=1}^{1999}1}"] * dice.randint(1, 28)),
        f"k_{{Σ_{{i=1}}^{{{n}}}1}}",
        f"k_{{1/{n}}}",
        f"Σ_{{l=1/{n}}}^{{L}} k_l",
        f"Σ_{{l=-{n}}}^{{{n}}} l",
    ]  # fmt: skip
    return dice.choice(templates)


def _lookalike(dice):
    """Return a formula in which letters and signs are replaced by what looks like them."""
    share = dice.choice([0.05, 0.2, 1.0])
    return "".join(
        dice.choice(_LOOKALIKES[c]) if c in _LOOKALIKES and dice.random() < share else c
        for c in dice.choice(_SEEDS)
    )


def _noise(dice):
    """Return characters from anywhere, control characters and broken surrogates among them."""
    top = dice.choice([0x20, 0x80, 0x250, 0x10000, 0x110000])
    noise = "".join(chr(dice.randrange(top)) for _ in range(dice.randint(1, 40)))
    place = dice.randrange(len(noise) + 1)
    formula = dice.choice([*_SEEDS, ""])
    return noise[:place] + formula + noise[place:]


# How often each kind is drawn. Formulas that can be read take a hundred times as long to judge.
_KINDS = {
    _heap: 25,
    _mutated: 24,
    _python: 17,
    _lookalike: 9,
    _noise: 8,
    _nested: 6,
    _long: 4,
    _formula: 3,
    _joined: 2,
    _costly: 2,
}
