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

// What scrolls sideways can be reached by keyboard, formulas included, once they are set.
function reachable() {
  for (const box of document.querySelectorAll(".output.text_html, mjx-container[display='true']")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}
window.addEventListener("resize", reachable);
window.addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reachable));

// The search shows an excerpt of each page it finds, which it fetches; browsers forbid that to
// pages opened straight from the disk, where the titles must do.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
