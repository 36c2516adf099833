/** The playground: keeps the page in step with the local system, and breaks it on request. */

import { Alerts } from "./alerts.js";
import { Destinations } from "./destinations.js";
import { byId, setAttribute, setHidden, setText } from "./dom.js";
import * as local from "./local.js";
import { Machine } from "./machine.js";
import { Tour } from "./tour.js";

const RHYTHM = 500; // milliseconds between two looks, while the page is seen
const FAILURES_SHOWN = 2; // one missed look is no outage
const SLOWLY = 4; // every so many looks the books and the processes

const alerts = new Alerts();
const destinations = new Destinations();
const machine = new Machine();
const { slack } = destinations.byName;
const tour = new Tour(slack, writeAsVisitor, () => destinations.choose(slack));
let failures = 0;
let looks = 0;
let timer = null;
let looking = false;

async function look() {
  const [last] = await Promise.all([local.alerts(), destinations.look(), looks % SLOWLY === 0 ? lookSlowly() : null]);
  alerts.update(last);
  tour.update(last);
  looks += 1;
}

/** The books may be away for a moment, when their function was killed: that is no outage of the whole. */
async function lookSlowly() {
  const [info, books] = await Promise.all([local.info(), local.conservation().catch(() => null)]);
  machine.update(info);
  if (books !== null) showBooks(books);
}

/** Where an accepted alert may be; whoever is in none of these would be lost. */
const PLACES = {
  arrived: ["delivered", "archived"], waiting: ["queued", "sending", "parked", "failed"], ended: ["superseded", "suppressed", "erased", "waived"],
};

function showBooks({ channels }) {
  const sum = (names) => Object.values(channels).reduce((total, counts) => total + names.reduce((part, name) => part + (counts[name] ?? 0), 0), 0);
  const accepted = sum(["accepted"]);
  const found = Object.entries(PLACES).map(([place, names]) => [place, sum(names)]);
  const lost = found.reduce((left, [, number]) => left - number, accepted);
  for (const [name, number] of [["accepted", accepted], ...found, ["lost", Math.max(0, lost)]]) setText(byId(`books-${name}`), String(number));
  setHidden(byId("books-ended").parentElement, byId("books-ended").textContent === "0");
  setAttribute(byId("books"), "data-lost", byId("books-lost").textContent);
}

async function tick() {
  clearTimeout(timer);
  if (looking || document.visibilityState !== "visible") return;
  looking = true;
  try {
    const error = await look().then(() => null, (what) => what);
    failures = error === null ? 0 : failures + 1;
    showLink(error);
  } finally {
    looking = false;
    timer = setTimeout(tick, RHYTHM);
  }
}

function showLink(error) {
  if (failures > 0 && failures < FAILURES_SHOWN) return;
  const lost = failures > 0;
  setAttribute(byId("link"), "data-state", lost ? "lost" : "live");
  setText(byId("link-text"), lost ? "Not reachable" : "Live");
  if (lost) setText(byId("unreachable-what"), whatIsLost(error));
  setHidden(byId("unreachable"), !lost);
  document.body.classList.toggle("lost", lost);
}

function whatIsLost(error) {
  return error instanceof local.Refusal ? `A part of the local system fails: ${error.message}` : "The local system does not answer.";
}

/** In the frame's own chat, as a new visitor would. */
function writeAsVisitor(text) {
  const chat = byId("site").contentDocument.querySelector("bellhop-chat");
  chat?.restart();
  chat?.say(text);
}

document.addEventListener("visibilitychange", tick);
tick();
