/* On a phone the sections stand in a row: the one that is open is moved into view. */
(() => {
  const here = document.querySelector(".side nav a[aria-current]");
  const row = document.querySelector(".side nav");
  if (here && row && row.scrollWidth > row.clientWidth) row.scrollLeft = here.offsetLeft - 24;
})();
