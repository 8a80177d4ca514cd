// What a test wants to know of the page that is open. Each function returns what is wrong, as text.
() => {
  const article = () => document.querySelector("article.bd-article") ?? document.querySelector("main");
  const shown = (element) => element.checkVisibility() && element.getBoundingClientRect().height > 0;
  const clipped = (element) => {
    for (let e = element; e !== document.body; e = e.parentElement) {
      if (getComputedStyle(e).overflowX !== "visible") return true;
    }
    return false;
  };
  const parts = () => document.querySelectorAll("article details");
  const shows = (part) => [...part.children]
    .filter((child) => child.tagName !== "SUMMARY")
    .some((child) => shown(child) && (child.innerText.trim() || child.querySelector("img, svg")));
  const brief = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 140);

  // Text that a formula should have replaced; code may well hold such marks.
  function rawFormulas() {
    const walker = document.createTreeWalker(article(), NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const { data, parentElement } = walker.currentNode;
      const skipped = parentElement.closest("script, style, pre, code, textarea, annotation");
      if (!skipped && /\\[()[\]]|\$\$/.test(data)) found.push(data.trim().slice(0, 80));
    }
    return found;
  }

  // An image that is all a link consists of is named for where the link leads, however short.
  function poorAlt(image, attribute = "alt") {
    const alt = image.getAttribute(attribute)?.trim() ?? "";
    const link = image.closest("a");
    const button = link && !link.classList.contains("reference") && !link.textContent.trim();
    if (/\.(png|jpe?g|svg|gif|webp)$/i.test(alt) || /[/\\]\S+\.\w+$/.test(alt)) return "a file name";
    return alt.length > (button ? 3 : 20) ? "" : "too short";
  }

  // Logos of the theme, beside a title or the name of a button that they repeat.
  const isLogo = (image) => image.closest(".navbar-brand, .bd-header, .bd-header-article") && image.hasAttribute("alt");

  // Contrast is what axe-core takes longest over, and on a long page there are thousands of texts that
  // look alike. Three of each look are marked for it, so that one may lie under something.
  const HIDDEN = ".sr-only, .visually-hidden, :disabled, [aria-disabled=true]";
  function markLooks() {
    const behind = new Map();
    const counts = new Map();
    for (const element of document.querySelectorAll("body, body *")) {
      const style = getComputedStyle(element);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter].join();
      const inherited = behind.get(element.parentElement) ?? "";
      behind.set(element, own === "rgba(0, 0, 0, 0),none,1,none" ? inherited : `${inherited};${own}`);
      element.removeAttribute("data-look");
      if (!writes(element) || !shown(element)) continue;
      const { color, fontSize, fontWeight, textShadow } = style;
      const hidden = Boolean(element.closest(HIDDEN));
      const name = `${element.localName}.${element.getAttribute("class")}`;
      const look = [name, hidden, color, fontSize, fontWeight, textShadow, behind.get(element)].join();
      counts.set(look, (counts.get(look) ?? 0) + 1);
      if (counts.get(look) <= 3) element.setAttribute("data-look", "");
    }
  }
  const writes = (element) => (
    element.matches("input, select, textarea")
      || [...element.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim())
  );

  // What a figure and a formula are drawn with is nothing to axe-core, and half the elements of a lab:
  // it is taken out, and the room kept. Returns a function that puts it back.
  function takeOutDrawings() {
    const drawings = [...document.querySelectorAll("svg.figure-drawing[role=img], mjx-math[aria-hidden=true]")]
      .filter((drawing) => !drawing.querySelector("a, [tabindex]"))
      .map((drawing) => [drawing, drawing.getBoundingClientRect(), drawing.getAttribute("style")]);
    const taken = drawings.map(([drawing, { width, height }]) => {
      drawing.style.cssText += `; display: inline-block; width: ${width}px; height: ${height}px`;
      const range = new Range();
      range.selectNodeContents(drawing);
      return range.extractContents();
    });
    return () => drawings.forEach(([drawing, , style], n) => {
      drawing.append(taken[n]);
      if (style === null) drawing.removeAttribute("style");
      else drawing.setAttribute("style", style);
    });
  }

  return {
    theme: () => document.documentElement.dataset.theme,

    formulas: () => ({
      unset: [...document.querySelectorAll("span.math, div.math")]
        .filter((formula) => !formula.querySelector("mjx-container"))
        .map((formula) => `not set: ${brief(formula)}`)
        .concat([...document.querySelectorAll("mjx-merror")].map((e) => `error: ${e.textContent}`))
        .concat(rawFormulas().map((text) => `left as text: ${text}`)),
      set: document.querySelectorAll(":is(span.math, div.math) mjx-container").length,
    }),

    images: () => {
      const images = [...document.images].filter((image) => !isLogo(image));
      return {
        count: images.length,
        // What readers of a screen do not meet is told to them in other words.
        poor: images
          .filter((image) => !image.closest("[aria-hidden=true]"))
          .map((image) => [poorAlt(image), image])
          .filter(([reason]) => reason)
          .map(([reason, image]) => `${reason}: ${brief(image)}`),
        broken: images.filter((i) => i.complete && !i.naturalWidth && i.loading !== "lazy").map(brief),
      };
    },

    // Folded parts in the order of the page, so that an outer one is met before an inner one.
    unfold: (open) => {
      for (const part of document.querySelectorAll("details")) part.open = open;
      const toggles = open ? ".toggle-hidden .toggle-button" : ".toggle:not(.toggle-hidden) .toggle-button";
      for (const button of document.querySelectorAll(toggles)) button.click();
    },
    // Where the name of a folded part lies on the screen, once it is in the middle of it.
    folded: (n) => {
      const part = parts()[n], summary = part.querySelector("summary");
      summary.scrollIntoView({ block: "center", behavior: "instant" });
      const { left, top, width, height } = summary.getBoundingClientRect();
      const name = summary.textContent.replace(/\s+/g, " ").trim().slice(0, 60);
      const holdsOthers = Boolean(part.querySelector("details"));
      return { name, holdsOthers, x: left + width / 2, y: top + height / 2, shows: shows(part) };
    },
    isOpen: (n) => parts()[n].open,
    shows: (n) => shows(parts()[n]),

    // What a cell draws: counted, with a caption, and sharp on a screen of two pixels a point.
    figures: () => {
      const drawn = [...article().querySelectorAll(".cell_output :is(figure, .figure-drawing, img)")]
        .filter((e) => shown(e) && !e.closest(".output.text_html"));
      const uncounted = drawn.filter((e) => !/^(Figure|Abbildung) \d+/.test(e.closest("figure")?.querySelector(".caption-number")?.textContent ?? ""));
      const blurred = drawn.filter((e) => e.matches("img") && e.naturalWidth < 2 * e.getBoundingClientRect().width);
      return {
        count: drawn.filter((e) => e.matches("figure")).length,
        uncounted: uncounted.map((e) => `no number: ${brief(e)}`),
        blurred: blurred.map((e) => `${e.naturalWidth} pixels: ${brief(e)}`),
        poor: drawn.filter((e) => e.matches("svg") && poorAlt(e, "aria-label")).map((e) => `poor alt: ${brief(e)}`),
      };
    },

    // Letters of a drawing are shapes: a group of them has the size of a point in a hundred units.
    letters: () => [...article().querySelectorAll(".figure-drawing use[href*=DejaVu]")]
      .map((letter) => letter.parentElement)
      .filter((group, n, all) => group !== all[n - 1] && shown(group)).length,
    small: () => {
      const lines = [];
      const walker = document.createTreeWalker(article(), NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        const skipped = parentElement.closest("script, style, sub, sup, mjx-container, .sr-only, .visually-hidden, option");
        if (data.trim() && !skipped && shown(parentElement) && parseFloat(getComputedStyle(parentElement).fontSize) < 11) {
          lines.push(`${getComputedStyle(parentElement).fontSize}: ${data.trim().slice(0, 60)} in ${brief(parentElement)}`);
        }
      }
      for (const letter of article().querySelectorAll(".figure-drawing use[href*=DejaVu]")) {
        const { a, b } = letter.parentElement.getScreenCTM();
        const size = 100 * Math.hypot(a, b);
        if (shown(letter.parentElement) && size < 11) lines.push(`${size.toFixed(1)} px in ${letter.closest("svg").getAttribute("aria-label").slice(0, 80)}`);
      }
      return lines;
    },

    // What ends at the edge of a box or of a drawing. Tables, and code of the library, may scroll.
    cut: () => {
      const mayScroll = "table, .aligned, .text_html, .pst-scrollable-table-container, .highlight:has(.viewcode-block), mjx-assistive-mml, .sr-only, textarea, input";
      const boxes = [...article().querySelectorAll("*")].filter((e) => (
        getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 30
          && !e.closest(mayScroll) && !e.querySelector("mjx-container") && shown(e)
      ));
      const formulas = [...article().querySelectorAll("mjx-container[display='true'] mjx-math")].filter((e) => (
        shown(e) && e.getBoundingClientRect().width > e.parentElement.clientWidth + 1
      ));
      const letters = [...article().querySelectorAll(".figure-drawing use[href*=DejaVu]")].filter((e) => {
        const [inner, outer] = [e.getBoundingClientRect(), e.closest("svg").getBoundingClientRect()];
        return shown(e.parentElement) && (inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1);
      });
      return [...boxes, ...formulas].map((e) => `cut: ${brief(e)} ${e.scrollWidth} in ${e.clientWidth}`)
        .concat(letters.map((e) => `cut letter in ${e.closest("svg").getAttribute("aria-label").slice(0, 80)}`));
    },

    // How far the page can be pushed sideways, and what makes it so wide.
    sideways: () => {
      window.scrollTo(10_000, window.scrollY);
      const moved = window.scrollX;
      window.scrollTo(0, window.scrollY);
      const page = document.documentElement;
      const excess = Math.max(moved, page.scrollWidth - page.clientWidth);
      if (excess <= 0) return [];
      const wide = [...document.querySelectorAll("body *")]
        .filter((e) => e.getBoundingClientRect().left + e.scrollWidth > page.clientWidth + 1)
        .filter((e) => shown(e) && !clipped(e));
      return [`${excess} px too wide`, ...wide.slice(0, 5).map(brief)];
    },

    // Scrolling up a little brings out the button that leads back to the top. axe-core's own
    // request for the style sheets is left out: from the disk it is forbidden.
    axe: async () => {
      for (const place of [document.documentElement.scrollHeight, document.documentElement.scrollHeight / 2]) {
        window.scrollTo(0, place);
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
      }
      markLooks();
      axe.configure({ rules: [{ id: "color-contrast", selector: "[data-look]" }] });
      const putBack = takeOutDrawings();
      const { violations } = await axe.run(document, { preload: false, resultTypes: ["violations"] });
      putBack();
      return violations.flatMap((rule) => rule.nodes.map((node) => (
        `${rule.id}: ${node.target.join(" ")}: ${node.any[0]?.message ?? rule.help}: ${node.html.slice(0, 140)}`
      )));
    },
  };
}
