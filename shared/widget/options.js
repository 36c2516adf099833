/** What the owner set with data- attributes, each checked: a typing error falls back to what is usual. */

const HEX = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i;
const USUAL_COLOR = "#8a2f3b";

/** The languages there are texts for; the first subtag decides ("de-AT" is German). */
function languageOf(...wishes) {
  for (const wish of wishes) {
    const short = String(wish ?? "").trim().toLowerCase().split(/[-_]/)[0];
    if (Object.hasOwn(TEXTS, short)) return short;
  }
  return "en";
}

/** A web address of the page's or of https, null for anything else. */
function safeLink(text) {
  try {
    const url = new URL(text, document.baseURI);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Everything that can be set, from an element's data- attributes. */
function optionsOf({ dataset }) {
  const one = (name, values) => (values.includes(dataset[name]) ? dataset[name] : values[0]);
  const text = (name, most) => (dataset[name] ?? "").trim().slice(0, most) || null;
  return {
    language: languageOf(dataset.lang, document.documentElement.lang, navigator.language),
    color: HEX.test(dataset.color ?? "") ? dataset.color : USUAL_COLOR,
    position: one("position", ["right", "left"]),
    theme: one("theme", ["auto", "light", "dark"]),
    contact: one("contact", ["ask", "never"]),
    title: text("title", 60),
    greeting: text("greeting", 300),
    launch: text("launch", 40),
    privacy: dataset.privacy ? safeLink(dataset.privacy) : null,
  };
}

/** Red, green and blue, 0 to 255. */
function channelsOf(hex) {
  const digits = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit).join("") : hex.slice(1);
  return [0, 2, 4].map((from) => Number.parseInt(digits.slice(from, from + 2), 16));
}

/** Relative luminance, 0 to 1 (WCAG 2.2). */
function luminance(hex) {
  const [red, green, blue] = channelsOf(hex).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast of two colours, 1 to 21 (WCAG 2.2). */
function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** White or nearly black, whichever reads better on a colour: one of the two always has 4.5. */
function inkOn(hex) {
  return contrast(hex, "#ffffff") >= contrast(hex, "#101114") ? "#ffffff" : "#101114";
}
