"use strict";
/* Times stay true while the page is open: "4 min ago" is written anew, in the words of the server. */
(() => {
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];

  function span(seconds) {
    for (const [length, unit] of UNITS) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
    return `${Math.floor(seconds)} s`;
  }

  function said(moment) {
    const seconds = (Date.now() - moment) / 1000;
    if (Math.abs(seconds) < 5) return "now";
    return seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  }

  function renew() {
    for (const each of document.querySelectorAll("time[datetime]")) {
      const text = said(Date.parse(each.dateTime));
      if (each.textContent !== text) each.textContent = text;
    }
  }

  renew();
  setInterval(renew, 5000);
})();
