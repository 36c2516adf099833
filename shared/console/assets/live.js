/* A page that shows how things stand renews its regions: the same page is asked for again, and what differs is put in. */
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const seconds = Number(main.dataset.live);
  const pulse = document.querySelector(".pulse");
  const WHOLE = 12; // so often charts are asked for too, which cost most
  let failed = 0;
  let asked = 1;

  function say(state, text) {
    if (!pulse || (pulse.dataset.state === state && pulse.textContent === text)) return;
    pulse.hidden = false;
    pulse.dataset.state = state;
    pulse.textContent = text;
  }

  /* Not what somebody is busy with: a field in it has the focus, a box in it is open, text in it is marked. */
  function busy(region) {
    const marked = getSelection();
    return region.matches(":focus-within") || region.querySelector("details[open], input:checked") !== null ||
      (marked && !marked.isCollapsed && region.contains(marked.anchorNode));
  }

  function put(fresh) {
    for (const region of document.querySelectorAll("[data-region]")) {
      const other = fresh.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
      if (!other || busy(region)) continue;
      if (bare(other) === bare(region)) continue;
      const taken = document.importNode(other, true);
      region.replaceWith(taken);
      taken.dispatchEvent(new CustomEvent("bellhop:put", { bubbles: true }));
    }
  }

  /* What a region says, without its times, which are written anew by themselves, and what a chart drew. */
  function bare(region) {
    const copy = region.cloneNode(true);
    for (const each of copy.querySelectorAll("time, .plot")) each.textContent = "";
    for (const each of copy.querySelectorAll("input[name=csrf]")) each.remove();
    return copy.outerHTML;
  }

  function ask() {
    if (document.hidden) return later(seconds);
    const request = new XMLHttpRequest(); // its document is inert: nothing in it runs or loads
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = 20000;
    request.setRequestHeader("Accept", "text/html");
    request.setRequestHeader("X-Live", asked++ % WHOLE ? "glance" : "whole");
    request.onloadend = () => {
      if (request.status === 401) return say("gone", "Your session is over. Reload to sign in.");
      if (request.status === 200 && request.response) {
        failed = 0;
        put(request.response);
        if (document.querySelector('[data-over="yes"]')) return say("live", "Done");
        say("live", "Live");
      } else {
        failed += 1;
        say("stale", "No answer; what you see may be old. Trying again.");
      }
      later(Math.min(60, seconds * 2 ** failed));
    };
    request.send();
  }

  function later(wait) {
    setTimeout(ask, wait * 1000);
  }

  if (!document.querySelector('[data-over="yes"]')) {
    say("live", "Live");
    later(seconds);
  }
})();
