/**
 * Slack's mrkdwn as DOM nodes (docs.slack.dev, "Formatting message text").
 *
 * Only what Slack itself treats as markup becomes an element; everything else, HTML above all, stays the text it is.
 */

import { element } from "./dom.js";

const TOKEN = new RegExp(
  [
    "```(?<pre>[\\s\\S]+?)```",
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    "(?<![\\p{L}\\p{N}*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\p{L}\\p{N}*])",
    "(?<![\\p{L}\\p{N}_])_(?<italic>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\p{L}\\p{N}_])",
    "(?<![\\p{L}\\p{N}~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\p{L}\\p{N}~])",
    ":(?<emoji>[a-z0-9_+-]+):",
  ].join("|"),
  "gu",
);

const EMOJI = {
  bell: "🔔", wave: "👋", fire: "🔥", warning: "⚠️", rotating_light: "🚨", white_check_mark: "✅", x: "❌", phone: "☎️",
  telephone_receiver: "📞", email: "✉️", envelope: "✉️", star: "⭐", tada: "🎉", sparkles: "✨", speech_balloon: "💬",
  bust_in_silhouette: "👤", hourglass: "⌛", link: "🔗", repeat: "🔁", eyes: "👀",
};

const SAFE_LINK = /^(https?:\/\/|mailto:|tel:)/i;

/** Slack's three escapes, each undone once: "&amp;lt;" is the text "&lt;". */
export function unescape(text) {
  return text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);
}

/** The nodes of a text object, {"type": "mrkdwn" | "plain_text", "text"}. */
export function textObject(object) {
  const text = typeof object?.text === "string" ? object.text : "";
  return object?.type === "mrkdwn" ? mrkdwn(text) : [unescape(text.replace(/:([a-z0-9_+-]+):/g, emojiOf))];
}

function emojiOf(code, name) {
  return Object.hasOwn(EMOJI, name) ? EMOJI[name] : code;
}

/** The nodes of a mrkdwn text; lines that start with ">" are quoted. */
export function mrkdwn(text) {
  const nodes = [];
  let quote = null;
  for (const [number, line] of splitLines(text)) {
    const quoted = /^(?:>|&gt;) ?/.exec(line);
    if (quoted) {
      if (quote === null) nodes.push((quote = element("blockquote")));
      else quote.append("\n");
      quote.append(...inline(line.slice(quoted[0].length)));
    } else {
      if (number > 0 && quote === null && nodes.at(-1)?.nodeName !== "PRE") nodes.push("\n");
      quote = null;
      nodes.push(...inline(line));
    }
  }
  return nodes;
}

/** Lines with their numbers; a ``` block counts as part of its line. */
function splitLines(text) {
  const lines = text.match(/(?:```[\s\S]+?```|[^\n])*(?:\n|$)/g) ?? [];
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => line.replace(/\n$/, "")).entries();
}

function inline(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > from) nodes.push(unescape(text.slice(from, match.index)));
    nodes.push(token(match));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(unescape(text.slice(from)));
  return nodes;
}

function token(match) {
  const { pre, code, angle, bold, italic, strike, emoji } = match.groups;
  if (pre !== undefined) return element("pre", {}, unescape(pre.replace(/^\n|\n$/g, "")));
  if (code !== undefined) return element("code", {}, unescape(code));
  if (angle !== undefined) return angled(angle);
  if (bold !== undefined) return element("strong", {}, ...inline(bold));
  if (italic !== undefined) return element("em", {}, ...inline(italic));
  if (strike !== undefined) return element("s", {}, ...inline(strike));
  return emojiOf(match[0], emoji);
}

/** What stands between < and >: a link, a mention, or nothing Slack knows. */
function angled(inside) {
  const bar = inside.indexOf("|");
  const target = unescape(bar < 0 ? inside : inside.slice(0, bar));
  const label = unescape(bar < 0 ? target : inside.slice(bar + 1));
  if (SAFE_LINK.test(target)) {
    return element("a", { href: target, target: "_blank", rel: "noopener noreferrer nofollow" }, label || target);
  }
  if (/^[!@#]/.test(target)) {
    const shown = bar < 0 ? target.slice(1) : label;
    return element("span", { class: "mention" }, `${target.startsWith("#") ? "#" : "@"}${shown}`);
  }
  return unescape(`<${inside}>`);
}
