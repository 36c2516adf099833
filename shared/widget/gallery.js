/** The gallery: what is chosen becomes the chat in the corner and the line to copy. */
"use strict";

const SWATCHES = {
  "#8a2f3b": "Burgundy", "#1f5f4a": "Forest", "#1d4f91": "Harbour", "#5b3a8c": "Plum", "#b4530a": "Amber", "#0f6b74": "Lagoon",
  "#2b2f38": "Graphite", "#f2c14e": "Honey",
};
const USUAL = { color: "#8a2f3b", position: "right", theme: "auto", contact: "ask" };
const READABLE = 4.5; // WCAG 2.2, 1.4.3
const VISIBLE = 3; // 1.4.11
const HERE = new URL("widget.js", document.baseURI).href;
const WORDS = [["lang", "language"], ["launch", "launch"], ["title", "title"], ["greeting", "greeting"]];

const byId = (id) => document.getElementById(id);
const form = byId("form");
const { contrast, inkOn } = customElements.get("bellhop-chat");

function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** What is chosen, only what differs from the usual. */
function chosen() {
  const found = {};
  const color = colorOf(byId("color").value);
  if (color !== null && color !== USUAL.color) found.color = color;
  for (const [name, id] of WORDS) {
    const text = byId(id).value.trim();
    if (text !== "") found[name] = text;
  }
  for (const name of ["position", "theme", "contact"]) {
    const { value } = form.elements[name];
    if (value !== USUAL[name]) found[name] = value;
  }
  const privacy = byId("privacy").value.trim();
  if (isAddress(privacy)) found.privacy = privacy;
  return found;
}

/** Six digits, null for what is no colour. */
function colorOf(text) {
  const short = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim());
  if (short === null) return null;
  const digits = short[1].length === 3 ? [...short[1]].map((digit) => digit + digit).join("") : short[1];
  return `#${digits.toLowerCase()}`;
}

function isAddress(text) {
  return /^https?:\/\/[^\s]+\.[^\s]+$/i.test(text) && URL.canParse(text);
}

/** The line, with every value as an attribute takes it. */
function lineOf(options) {
  const quoted = (text) => text.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\s+/g, " ");
  const rest = Object.entries(options).map(([name, value]) => ` data-${name}="${quoted(value)}"`);
  return `<script src="${HERE}"${rest.join("")} defer></script>`;
}

let chat = null;
let shown = null;

/** Put the chat anew into the page, open if it was; typing waits for the last letter. */
function preview(options) {
  const described = JSON.stringify(options);
  if (described === shown) return;
  shown = described;
  const open = chat?.shadowRoot.querySelector(".launcher").getAttribute("aria-expanded") === "true";
  const focused = document.activeElement;
  chat?.remove();
  chat = make("bellhop-chat", {});
  for (const [name, value] of Object.entries(options)) chat.dataset[name] = value;
  document.body.append(chat);
  if (open) chat.open();
  if (open) focused?.focus();
}

function check() {
  const color = colorOf(byId("color").value);
  byId("color").setAttribute("aria-invalid", String(color === null));
  const rows = color === null ? [row(false, "A colour has three or six digits after #, for example #1f5f4a. Until then it is burgundy.")] : judged(color);
  byId("contrast").replaceChildren(...rows);
  if (color !== null) byId("picker").value = color;
  const privacy = byId("privacy").value.trim();
  const wrong = privacy !== "" && !isAddress(privacy);
  byId("privacy").setAttribute("aria-invalid", String(wrong));
  byId("privacy-problem").textContent = wrong ? "Please give a whole address, for example https://www.example.com/privacy." : "";
}

/** What can be read on a colour, and where its button can be seen. */
function judged(color) {
  const ink = inkOn(color);
  const text = contrast(color, ink);
  const [light, dark] = [contrast(color, "#ffffff"), contrast(color, "#15171b")];
  return [
    row(text >= READABLE, `${ink === "#ffffff" ? "White" : "Dark"} text on it: ${text.toFixed(1)} to 1. Easy to read.`),
    row(light >= VISIBLE, `On a white page: ${light.toFixed(1)} to 1. ${light >= VISIBLE ? "The button stands out." : "The button is hard to see; a darker colour helps."}`),
    row(dark >= VISIBLE, `On a dark page: ${dark.toFixed(1)} to 1. ${dark >= VISIBLE ? "The button stands out." : "The button has a thin edge there; a lighter colour helps."}`),
  ];
}

function row(good, text) {
  return make("li", { "data-good": String(good) }, text);
}

let waiting = null;

function refresh() {
  check();
  const options = chosen();
  byId("line").textContent = lineOf(options);
  byId("copied").textContent = "";
  document.body.dataset.position = options.position ?? USUAL.position;
  for (const button of byId("swatches").children) {
    button.setAttribute("aria-pressed", String(button.dataset.color === (options.color ?? USUAL.color)));
  }
  clearTimeout(waiting);
  waiting = setTimeout(preview, 200, options);
}

function drawSwatches() {
  for (const [color, name] of Object.entries(SWATCHES)) {
    const button = make("button", { type: "button", "data-color": color, "aria-pressed": "false", "aria-label": name, title: name });
    button.style.setProperty("--swatch", color);
    button.style.setProperty("--on-swatch", inkOn(color));
    button.addEventListener("click", () => {
      byId("color").value = color;
      refresh();
    });
    byId("swatches").append(button);
  }
}

async function copy() {
  try {
    await navigator.clipboard.writeText(byId("line").textContent);
    byId("copied").textContent = "Copied.";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(byId("line"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    byId("copied").textContent = "Your browser does not let pages copy. The line is selected: copy it with the keyboard.";
  }
}

byId("color").value = USUAL.color;
byId("policy").textContent = `script-src ${new URL(HERE).origin}; connect-src ${new URL(HERE).origin}`;
drawSwatches();
byId("picker").addEventListener("input", ({ target }) => {
  byId("color").value = target.value;
});
form.addEventListener("input", refresh);
form.addEventListener("submit", (event) => event.preventDefault());
byId("copy").addEventListener("click", copy);
refresh();
preview(chosen());
if (matchMedia("(min-width: 64rem)").matches) {
  chat.open();
  document.activeElement?.blur();
}
