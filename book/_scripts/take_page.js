// What the page that is open shows, as HTML for the printed book. `anchors` maps the addresses of
// the book's pages to the places that they have there.
async (anchors) => {
  await Promise.all([window.MathJax?.startup?.promise, document.fonts.ready]);
  for (const part of document.querySelectorAll("details")) part.open = true;
  for (const button of document.querySelectorAll(".toggle-hidden .toggle-button")) button.click();
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await new Promise(requestAnimationFrame);

  const rules = (sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join("\n");
  const styles = [...document.head.querySelectorAll("style")].map((style) => rules(style.sheet));
  const sheets = [...document.querySelectorAll("head link[rel~=stylesheet]")].map((link) => link.href);
  const printing = new URL("_static/print.css", new URL(DOCUMENTATION_OPTIONS.URL_ROOT ?? document.documentElement.dataset.content_root, location));
  if (!sheets.some((sheet) => sheet.includes("print.css"))) sheets.push(printing.href);

  const article = document.querySelector("article.bd-article").cloneNode(true);
  const useless = "script, .viewcode-link, .headerlink, .copybtn, .prev-next-footer, .toctree-wrapper, .toggle-button, noscript";
  for (const element of article.querySelectorAll(useless)) element.remove();
  // What a script draws on a canvas is not copied: the still picture takes its place.
  for (const live of article.querySelectorAll(".network-page > [data-in=live]")) {
    const still = live.parentElement.querySelector("[data-in=fallback]");
    still.hidden = false;
    still.querySelector("[data-in=scriptless]")?.remove();
    live.remove();
  }
  for (const image of article.querySelectorAll("img")) image.setAttribute("src", new URL(image.getAttribute("src"), location));
  for (const image of article.querySelectorAll("svg image")) image.setAttribute("href", new URL(image.getAttribute("href"), location));

  // A link to another page of the book leads to its place; one to any other file leads nowhere.
  const targets = [];
  for (const link of article.querySelectorAll("a[href]")) {
    const address = new URL(link.getAttribute("href"), location);
    const [, place] = address.href.match(/#(.+)$/) ?? [];
    address.hash = "";
    const page = anchors[decodeURI(address.href)] ?? anchors[address.href];
    if (page) {
      const target = place && !place.includes("=") ? decodeURIComponent(place) : "";
      link.setAttribute("href", `#${page}${target && `--${target}`}`);
      if (target) targets.push([page, target]);
    } else if (address.protocol === "file:") {
      link.removeAttribute("href");
    }
  }
  return { title: article.querySelector("h1").textContent.trim(), html: article.innerHTML, styles, sheets, targets };
}
