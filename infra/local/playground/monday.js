/** Monday.com's board: each lead an item, with the values of its columns as they stand now. */

import { clock, element } from "./dom.js";

/** What a column is called, by its id without the type before it; in this order. */
const TITLES = {
  lead: null, email: "E-mail", phone: "Phone", score: "Score", hot: "Hot", handoff: "Asks for a person", language: "Language", kind: "Kind",
  message: "Message", question: "Question", name: null, alert: null, conversation: null, created: null,
};
const TYPE = /^(long_text|text|email|phone|numeric|date)_/;
const LONG = new Set(["Message", "Question"]);

export const MONDAY = {
  title: "Monday.com",
  noun: "item",
  className: "monday",
  empty: "No item yet. Each lead becomes one, and later messages change it.",
  top: [element("p", { class: "board" }, element("i", { "aria-hidden": "true" }), "Leads")],
  draw: drawItem,
};

function drawItem(item) {
  const values = Object.entries(item.column_values ?? {}).map(named).filter(([title]) => title !== null);
  values.sort(([one], [other]) => placeOf(one) - placeOf(other));
  const cells = values.map(([title, text]) =>
    element("div", { class: LONG.has(title) ? "cell long" : "cell" }, element("dt", {}, title), element("dd", { dir: "auto" }, text)),
  );
  const created = clock(new Date(item.created_at));
  return element(
    "li", { class: "board-item" },
    element("p", { class: "item-name" }, element("b", { dir: "auto" }, String(item.name)), element("span", {}, created)),
    element("dl", {}, ...cells),
  );
}

const ORDER = Object.values(TITLES);

/** Those that are known in their order, then the owner's own. */
function placeOf(title) {
  const place = ORDER.indexOf(title);
  return place < 0 ? ORDER.length : place;
}

function named([id, value]) {
  const type = TYPE.exec(id)?.[1];
  const short = id.replace(TYPE, "");
  const title = type === "email" ? "E-mail" : type === "phone" ? "Phone" : short in TITLES ? TITLES[short] : short.replaceAll("_", " ");
  return [title, textOf(value)];
}

/** A column's value: a text, or an object that has one. */
function textOf(value) {
  if (value === null || typeof value !== "object") return String(value);
  return String(value.text ?? value.email ?? value.phone ?? [value.date, value.time].filter(Boolean).join(" "));
}
