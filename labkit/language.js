// What labkit/language.py does, in a page: before this text come LANGUAGE, the language's code, and
// PHRASES, what the page says in it.

// A phrase with its gaps filled; of a pair, the first one is for the number 1.
function phrase(name, gaps = {}) {
  const found = PHRASES[name], text = Array.isArray(found) ? found[String(gaps.n) === "1" ? 0 : 1] : found;
  return text.replace(/{(\w+)}/g, (gap, key) => gaps[key] ?? gap);
}

function listed(parts) {
  const others = parts.slice(0, -1).join(", "), last = parts.at(-1);
  return others ? phrase("and", {others, last}) : last;
}

const exact = (number) => number.toLocaleString(LANGUAGE);
// A number as text, with the sign that the language puts before its decimals.
const inDecimals = (text) => text.replace(".", PHRASES.decimal);
