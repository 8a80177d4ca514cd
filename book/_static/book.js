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

// The pages below a page unfold by a mark without words.
for (const mark of document.querySelectorAll(".bd-sidenav summary")) {
  const page = mark.closest("li").querySelector("a");
  mark.setAttribute("aria-label", `Pages below ${page.textContent.trim()}`);
}

// A role that ARIA has given up: the list of works is a list.
for (const work of document.querySelectorAll("[role='doc-biblioentry']")) work.setAttribute("role", "listitem");

// A list within a list belongs to the entry before it.
for (const list of document.querySelectorAll(":is(ul, ol) > :is(ul, ol)")) list.previousElementSibling?.append(list);

// The sidebar holds the book's title, which belongs to a landmark as all content does.
const sidebar = document.getElementById("pst-primary-sidebar");
sidebar?.setAttribute("role", "region");
sidebar?.setAttribute("aria-label", "Sidebar");

// A formula wider than its column shrinks, by a fifth at most. Where that is not enough, it breaks
// before each sign of a relation and each wide space, and shrinks by a third at most.
const READABLE = 4 / 5;
const SMALLEST = 2 / 3;
// Equal, less, greater, at most, at least, arrow.
const RELATIONS = [".mjx-c3D", ".mjx-c3C", ".mjx-c3E", ".mjx-c2264", ".mjx-c2265", ".mjx-c2190"];
function fit(formula) {
  const math = formula.querySelector("mjx-math");
  formula.style.fontSize = formula.dataset.size ??= formula.style.fontSize;
  formula.classList.remove("broken");
  if (!formula.clientWidth) return;
  const room = formula.clientWidth - 2;
  let share = room / math.getBoundingClientRect().width;
  if (share < READABLE) {
    const parts = math.querySelectorAll(".part").length ? [...math.children] : split(math);
    formula.classList.add("broken");
    share = room / Math.max(...parts.map((part) => part.getBoundingClientRect().width));
  }
  if (share < 1) formula.style.fontSize = `${parseFloat(formula.dataset.size) * Math.max(share, SMALLEST)}%`;
}
function split(math) {
  const begins = `mjx-mspace, mjx-mo:has(> :is(${RELATIONS}))`;
  const parts = [];
  for (const child of [...math.children]) {
    if (!parts.length || child.matches(begins)) parts.push(document.createElement("span"));
    parts.at(-1).append(child);
  }
  for (const part of parts) part.className = "part";
  math.replaceChildren(...parts);
  return parts;
}

// What scrolls sideways can be reached by keyboard, formulas included, once they are set.
function settle(part = document) {
  for (const formula of part.querySelectorAll("mjx-container[display='true']")) fit(formula);
  for (const box of part.querySelectorAll(".output.text_html, .aligned pre, mjx-container[display='true']")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}
window.addEventListener("resize", () => settle());
window.addEventListener("load", () => Promise.all([window.MathJax?.startup?.promise, document.fonts.ready]).then(() => settle()));
// In a folded part nothing has a width yet. The rest of the page keeps its own.
document.addEventListener("toggle", ({ target }) => settle(target), true);

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
  meaning.previousElementSibling?.setAttribute("aria-expanded", "false");
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
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !meaning.isConnected || !meaning.matches(":popover-open")) return;
  if (meaning.contains(document.activeElement)) meaning.previousElementSibling.focus();
  meaning.hidePopover();
});
meaning.addEventListener("toggle", ({ newState }) => {
  // Told late: by then another word may have been asked.
  if (newState === "closed" && !meaning.matches(":popover-open")) meaning.previousElementSibling?.setAttribute("aria-expanded", "false");
});

// On paper a page is light.
window.addEventListener("beforeprint", () => {
  const { theme } = document.documentElement.dataset;
  document.documentElement.dataset.theme = "light";
  window.addEventListener("afterprint", () => { document.documentElement.dataset.theme = theme; }, { once: true });
});

// The search shows an excerpt of each page it finds, which it fetches. Browsers forbid that to pages
// opened straight from the disk, and formulas in them read as they were typed. So the words of all
// pages come as a script.
const results = document.getElementById("search-results");
if (results) {
  const root = document.documentElement.dataset.content_root;
  const script = Object.assign(document.createElement("script"), { src: `${root}_static/search_words.js` });
  const loaded = new Promise((resolve) => { script.onload = resolve; });
  document.head.append(script);
  window.fetch = async (address) => {
    await loaded;
    const page = address.slice(root.length).replace(/\.html$/, "");
    return new Response(`<div role="main">${WORDS_OF_PAGES[page] ?? ""}</div>`);
  };
}

// It names the glossary where it has found a term.
function nameTerms() {
  for (const link of results.querySelectorAll("li > a:not([data-named])")) {
    link.dataset.named = "";
    const [, term] = link.hash.match(/^#term-(.+)/) ?? [];
    if (term) link.textContent += `: ${term.replaceAll("-", " ")}`;
  }
}
if (results) new MutationObserver(nameTerms).observe(results, { childList: true, subtree: true });
