"use strict";

// What all pages in a page share: elements, the start, the address, the clipboard.

const PAUSE = 250;

// ---- Elements

// The parts of a page by their names, in an attribute that each kind of page has for itself.
const partsOf = (root, kind) => (name) => root.querySelector(`[data-${kind}="${name}"]`);

function make(parent, name, attributes = {}, text = "") {
  const element = document.createElementNS(parent.namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

// Radio buttons of one name as chips; returns a function that checks one.
function radios(parent, name, labels, choose) {
  const inputs = labels.map((label, n) => {
    const chip = make(parent, "label");
    const input = make(chip, "input", {type: "radio", class: "lk-hidden", name, value: n});
    make(chip, "span", {}, label);
    input.addEventListener("change", () => choose(n));
    return input;
  });
  return (n) => inputs.forEach((input, place) => { input.checked = place === n; });
}

// Not "disabled", which would take the focus away from under a reader's finger.
function refuse(button, refused) {
  button.setAttribute("aria-disabled", refused);
}

const wantsStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Starts every page that has no script running yet; a notebook may run this more than once.
function mountEach(selector, mount) {
  document.querySelectorAll(selector).forEach((root, number) => {
    if (root.dataset.running) return;
    root.dataset.running = "yes";
    mount(root, number);
  });
}

// Returns a function that calls what it was given last, once the reader pauses.
function onPause() {
  let timer = 0;
  return (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, PAUSE);
  };
}

// ---- The address

// A page that a link leads to may stand far below.
function bringIntoSight(root) {
  if (root.getBoundingClientRect().top > innerHeight) root.scrollIntoView();
}

// Inside a frame or a notebook's own page the address belongs to someone else.
const ownsAddress = () => window.top === window && !("jpThemeLight" in document.body.dataset);

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

// What the address says: a list of name, number of the page in the page and text, which it writes
// as name=text or, for the second one, name-2=text.
function readFragments(names) {
  if (!ownsAddress()) return [];
  return location.hash.slice(1).split("&").flatMap((part) => {
    const [, name, number, text] = /^([a-z]+)(?:-(\d+))?=(.*)$/i.exec(part) ?? [];
    const known = name && names.includes(name.toLowerCase());
    return known ? [{name: name.toLowerCase(), number: number ? number - 1 : 0, text: decoded(text)}] : [];
  });
}

// The address of one page in the page; the others keep what they have written there.
function fragmentOf(names, number, values) {
  const others = readFragments(names).filter((part) => part.number !== number);
  const own = names.filter((name) => (values[name] ?? null) !== null).map((name) => ({name, number, text: values[name]}));
  const inOrder = [...others, ...own].sort((a, b) => a.number - b.number || names.indexOf(a.name) - names.indexOf(b.name));
  return `#${inOrder.map(({name, number: n, text}) => `${name}${n ? `-${n + 1}` : ""}=${encodeURI(text)}`).join("&")}`;
}

function writeAddress(fragment) {
  if (!ownsAddress()) return;
  // A browser may refuse, in a sandbox or after too many changes; the page works without.
  try { history.replaceState(history.state, "", fragment); } catch { /* as it was */ }
}

// ---- The clipboard

// Copies a link to what is shown; returns a sentence on what became of it.
async function copyLink(fragment, root) {
  const link = ownsAddress() ? location.href.replace(/#.*|$/, fragment) : fragment;
  if (!(await copied(link, root))) return phrase("not_copied", {link});
  return ownsAddress() ? phrase("copied", {shown: phrase("shown")}) : phrase("copied_text", {link, page: phrase("page")});
}

// Frames are refused the clipboard, and the browser complains of the attempt.
async function copied(text, root) {
  if (!ownsAddress()) return copiedBySelection(text, root);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text, root);
  }
}

function copiedBySelection(text, root) {
  const focused = document.activeElement;
  const area = make(root, "textarea", {class: "lk-hidden", "aria-hidden": "true"}, text);
  area.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch { /* the link is shown instead */ }
  area.remove();
  focused?.focus();
  return done;
}
