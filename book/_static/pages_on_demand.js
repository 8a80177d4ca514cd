// Opens a page in the page that book/_ext/pages_on_demand.py has put beside the page.
"use strict";

// What the address of each begins with: a link to one opens it.
const ADDRESSES = { "look-inside": "#look=", "augmentation-playground": "#augment=" };

function openPage(button, byLink) {
  const still = button.closest(".network-page"), { page, name } = button.dataset;
  const script = Object.assign(document.createElement("script"), { src: page });
  button.nextElementSibling.textContent = button.dataset.loading;
  script.onerror = () => {
    button.nextElementSibling.textContent = button.dataset.failed;
  };
  script.onload = () => {
    // Made so, and not by innerHTML, the scripts in it run.
    const made = document.createRange().createContextualFragment(window.pagesInPages[name]);
    const opened = made.firstElementChild;
    still.replaceWith(made);
    opened.tabIndex = -1;
    opened.focus({ preventScroll: true });
    if (byLink) opened.scrollIntoView();
  };
  document.head.append(script);
}

for (const button of document.querySelectorAll("button[data-page]")) {
  const still = button.closest(".network-page");
  const begins = Object.entries(ADDRESSES).find(([kind]) => still.classList.contains(kind))[1];
  still.querySelector("[data-in='scriptless']").hidden = true;
  button.hidden = false;
  button.addEventListener("click", () => openPage(button, false));
  if (location.hash.startsWith(begins)) openPage(button, true);
}
