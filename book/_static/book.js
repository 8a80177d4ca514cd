// What the theme leaves undone for keyboards and screen readers.
"use strict";

// A control is called what is seen on it (WCAG 2.5.3): labels hide the words of the search button
// and of folded cells, and the mode button shows one of three icons, each with its own title.
for (const control of document.querySelectorAll("summary[aria-label], .search-button-field[aria-label]")) {
  control.removeAttribute("aria-label");
}
for (const button of document.querySelectorAll(".theme-switch-button")) {
  button.setAttribute("aria-label", "Color mode: light, dark or system settings");
}

// A role that ARIA has given up: the list of works is a list.
for (const work of document.querySelectorAll("[role='doc-biblioentry']")) work.setAttribute("role", "listitem");

// A list within a list belongs to the entry before it.
for (const list of document.querySelectorAll(":is(ul, ol) > :is(ul, ol)")) list.previousElementSibling?.append(list);

// The sidebar holds the book's title, which belongs to a landmark as all content does.
const sidebar = document.getElementById("pst-primary-sidebar");
sidebar?.setAttribute("role", "region");
sidebar?.setAttribute("aria-label", "Sidebar");

// A formula wider than its column breaks before each sign of a relation; what is still too wide
// shrinks, by a third at most.
function fit(formula) {
  const math = formula.querySelector("mjx-math");
  const width = () => math.getBoundingClientRect().width;
  formula.style.fontSize = formula.dataset.size ??= formula.style.fontSize;
  formula.classList.remove("broken");
  if (width() <= formula.clientWidth) return;
  formula.classList.add("broken");
  if (!formula.querySelector(".part")) split(math);
  const share = Math.max(...[...math.querySelectorAll(".part")].map((part) => part.offsetWidth), 0) || width();
  const shrunk = Math.max(2 / 3, Math.min(1, (formula.clientWidth - 2) / share));
  if (shrunk < 1) formula.style.fontSize = `${parseFloat(formula.dataset.size) * shrunk}%`;
}
function split(math) {
  const signs = [...math.children].filter((child) => child.matches("mjx-mo") && RELATIONS.has(child.firstElementChild?.className.match(/mjx-c[0-9A-F]+/)?.[0]));
  if (!signs.length) return;
  let part;
  for (const child of [...math.children]) {
    if (!part || signs.includes(child)) math.append((part = document.createElement("span")));
    part.className = "part";
    part.append(child);
  }
}
// Equal, less, greater, at most, at least, arrow.
const RELATIONS = new Set(["mjx-c3D", "mjx-c3C", "mjx-c3E", "mjx-c2264", "mjx-c2265", "mjx-c2190"]);

// What scrolls sideways can be reached by keyboard, formulas included, once they are set.
function settle() {
  for (const formula of document.querySelectorAll("mjx-container[display='true']")) fit(formula);
  for (const box of document.querySelectorAll(".output.text_html, .aligned pre, mjx-container[display='true']")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}
window.addEventListener("resize", settle);
window.addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(settle));
// In a folded part nothing has a width yet.
document.addEventListener("toggle", settle, true);

// A word of the glossary says what it means where it stands, by touch, mouse and keyboard. Where
// no script runs, it is a link to the glossary, and so is a click with Ctrl.
const meaning = document.createElement("span");
meaning.id = "glossary-meaning";
meaning.popover = "auto";
for (const word of document.querySelectorAll("a.glossary-term")) {
  word.dataset.meaning = word.title;
  word.removeAttribute("title");
  word.setAttribute("aria-expanded", "false");
  word.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !meaning.showPopover) return;
    event.preventDefault();
    explain(word);
  });
}
function explain(word) {
  if (meaning.matches(":popover-open")) meaning.hidePopover();
  const more = Object.assign(document.createElement("a"), { href: word.href, textContent: "Glossary" });
  meaning.replaceChildren(`${word.dataset.meaning} `, more);
  word.after(meaning);
  meaning.showPopover();
  const { left, bottom } = word.getBoundingClientRect();
  const most = document.documentElement.clientWidth - meaning.offsetWidth - 8;
  meaning.style.left = `${Math.max(8, Math.min(left, most)) + window.scrollX}px`;
  meaning.style.top = `${bottom + 4 + window.scrollY}px`;
  word.setAttribute("aria-expanded", "true");
}
meaning.addEventListener("toggle", ({ newState }) => {
  if (newState === "closed") meaning.previousElementSibling?.setAttribute("aria-expanded", "false");
});

// The search shows an excerpt of each page it finds, which it fetches; browsers forbid that to
// pages opened straight from the disk, where the titles must do.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
