/* A page that shows how things stand renews its regions: the same page is asked for again, and what differs is put in. */
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const seconds = Number(main.dataset.live);
  const pulse = document.querySelector(".pulse");
  const WHOLE = 12; // so often charts are asked for too, which cost most
  let failed = 0;
  let asked = 1;
  let answered = new Date();
  let next; // the timer of the next request; none while one is under way, or once all is over

  function say(state, text) {
    if (!pulse || (pulse.dataset.state === state && pulse.textContent === text)) return;
    pulse.hidden = false;
    pulse.dataset.state = state;
    pulse.textContent = text;
  }

  /* Whether a lead is in danger is never left standing as it was once nobody knows: not even while somebody reads it. */
  function unknown(why) {
    const region = document.querySelector('[data-region="danger"]');
    const made = document.getElementById("not-known")?.content.firstElementChild;
    if (!region || !made) return;
    const taken = document.importNode(made, true);
    taken.querySelector("h2").textContent = `Not known: ${why}`;
    if (taken.outerHTML !== region.outerHTML) region.replaceWith(taken);
  }

  function stale() {
    say("stale", "No answer; what you see may be old. Trying again.");
    unknown(`no answer since ${last()}.`);
  }

  function gone() {
    say("gone", "Your session is over. Reload to sign in.");
    unknown(`signed out. The last answer came at ${last()}.`);
  }

  function last() {
    return `${answered.toISOString().slice(11, 16)} UTC`;
  }

  /* Not what somebody is busy with: a field in it has the focus or was filled in, a box in it is open or ticked, text in it is marked. */
  function busy(region) {
    if (region.dataset.region === "danger") return false;
    const marked = getSelection();
    return region.matches(":focus-within") || region.querySelector("details[open], input:checked") !== null ||
      [...region.querySelectorAll("input:not([type=checkbox]), textarea")].some((each) => each.value !== each.defaultValue) ||
      (marked && !marked.isCollapsed && region.contains(marked.anchorNode));
  }

  /* Regions may stand in one another: where the outer one is left alone, those in it are still renewed. */
  function put(fresh) {
    const whole = !("glance" in fresh.getElementById("main").dataset);
    for (const region of document.querySelectorAll("[data-region]")) {
      if (!region.isConnected || busy(region)) continue;
      const other = fresh.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
      if (!other) {
        if (whole) region.replaceChildren(); // it is no more; its place is kept, should it come back
        continue;
      }
      if (bare(other) === bare(region)) continue;
      const taken = document.importNode(other, true);
      const held = region.contains(document.activeElement) && document.activeElement.getAttribute("href");
      region.replaceWith(taken);
      if (held) [...taken.querySelectorAll("a")].find((each) => each.getAttribute("href") === held)?.focus({ preventScroll: true });
      taken.dispatchEvent(new CustomEvent("bellhop:put", { bubbles: true }));
    }
  }

  /* What a region says, without its times, which are written anew by themselves, what a chart drew, and what counts a selection. */
  function bare(region) {
    const copy = region.cloneNode(true);
    for (const each of copy.querySelectorAll("time, .plot")) each.textContent = "";
    for (const each of copy.querySelectorAll("input[name=csrf], [data-all], [data-count]")) each.remove();
    return copy.outerHTML;
  }

  function ask() {
    next = undefined;
    if (document.hidden) return later(seconds);
    const request = new XMLHttpRequest(); // its document is inert: nothing in it runs or loads
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = 20000;
    request.setRequestHeader("Accept", "text/html");
    request.setRequestHeader("X-Live", asked++ % WHOLE ? "glance" : "whole");
    request.onloadend = () => {
      if (request.status === 401) return gone();
      if (request.status === 200 && request.response?.getElementById("main")) {
        failed = 0;
        answered = new Date();
        put(request.response);
        if (document.querySelector('[data-over="yes"]')) return say("live", "Done");
        say("live", "Live");
      } else {
        failed += 1;
        stale();
      }
      later(Math.min(60, seconds * 2 ** failed));
    };
    request.send();
  }

  function later(wait) {
    next = setTimeout(ask, wait * 1000);
  }

  /* A page that comes back into view says at once what it no longer knows, and asks. */
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || next === undefined) return;
    if (new Date() - answered > 60000) stale();
    clearTimeout(next);
    ask();
  });

  if (!document.querySelector('[data-over="yes"]')) {
    say("live", "Live");
    later(seconds);
  }
})();
