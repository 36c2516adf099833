/** An element with attributes and children; text always goes in as text, never as markup. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A line drawing of 24 by 24, for the eye only. */
function icon(path) {
  const names = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(names, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(names, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const ICONS = {
  chat: "M21 11.5a8.4 8.4 0 0 1-12.2 7.5L3.5 20.5l1.6-5A8.4 8.4 0 1 1 21 11.5z",
  close: "M6 6l12 12M18 6 6 18",
  send: "M12 19V5M5.5 11.5 12 5l6.5 6.5",
  fresh: "M4 12a8 8 0 1 1 2.6 5.9M4 12V6.5M4 12h5.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0",
  warn: "M12 8v5M12 16.5v.01M12 3 2.5 20h19z",
  clock: "M12 7v5l3.5 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
};

/** A button with a drawing only; its label is read out and shown as a tip. */
function iconButton(className, drawing, label) {
  return element("button", { type: "button", class: className, "aria-label": label, title: label }, icon(drawing));
}

/** What only screen readers get. */
function unseen(text) {
  return element("span", { class: "unseen" }, text);
}
