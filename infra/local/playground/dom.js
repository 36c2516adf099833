/** Small helpers around the DOM. Text always goes in as text, never as markup. */

/**
 * An element with attributes and children.
 * @param {string} tag
 * @param {Record<string, string | boolean>} attributes  true sets an empty attribute, false leaves it out
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A button that does something when it is pressed. */
export function button(className, label, does, attributes = {}) {
  const made = element("button", { type: "button", class: className, ...attributes }, label);
  made.addEventListener("click", does);
  return made;
}

/** The element with this id; the page and its scripts belong together, so it is there. */
export function byId(id) {
  return document.getElementById(id);
}

/** Set a text only where it changed: what stays is not drawn again and not read out again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute only where it changed. */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** Hide or show only where that changes something. */
export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

/** Say something to screen readers, without showing it. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** "1 message", "3 messages". */
export function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** What JSON should have been a list. */
export function listOf(value) {
  return Array.isArray(value) ? value : [];
}

/** 14:05, in the reader's way. */
export function clock(moment) {
  return Number.isNaN(moment.getTime()) ? "" : moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** "4 s", "3 min". */
export function span(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
