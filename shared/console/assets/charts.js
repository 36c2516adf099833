/* Charts over time with uPlot (MIT; its licence is in shared/console/assets/vendor/uplot), from the numbers in the page. */
(() => {
  "use strict";
  const drawn = new WeakMap();
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function short(value) {
    if (value === null || value === undefined) return "";
    if (Math.abs(value) >= 1e6) return `${+(value / 1e6).toFixed(1)} M`;
    return Math.abs(value) >= 1e4 ? `${+(value / 1e3).toFixed(1)} k` : String(+value.toFixed(1));
  }

  function clock(moments, spanned) {
    const day = spanned > 2 * 86400;
    const second = spanned < 600 ? { second: "2-digit" } : {};
    const how = day ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...second };
    const format = new Intl.DateTimeFormat("en-GB", { ...how, timeZone: "UTC" });
    return moments.map((each) => format.format(each * 1000));
  }

  function draw(figure) {
    const place = figure.querySelector(".plot");
    const chart = JSON.parse(figure.dataset.chart);
    if (!place || !place.clientWidth || chart.times.length < 2) return;
    drawn.get(figure)?.destroy();
    const outputs = [...figure.querySelectorAll(".keys b")];
    const last = outputs.map((each) => each.textContent);
    const axis = { stroke: style("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: style("--grid"), width: 1 };
    const spanned = chart.times.at(-1) - chart.times[0];
    const plot = new uPlot({
      width: place.clientWidth,
      height: place.clientHeight,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.08)] } },
      axes: [
        { ...axis, grid: { show: false }, size: 26, gap: 6, space: 70, values: (_, moments) => clock(moments, spanned) },
        { ...axis, grid, size: 46, space: 34, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6],
          values: (_, numbers) => numbers.map(short) },
      ],
      series: [{}, ...chart.series.map((each) => ({
        label: each.label,
        stroke: style(`--series-${each.colour}`),
        width: 2,
        spanGaps: false,
        points: { show: false },
      }))],
      hooks: {
        setCursor: [(made) => outputs.forEach((each, number) => {
          const value = made.cursor.idx === null || made.cursor.idx === undefined ? undefined : made.data[number + 1][made.cursor.idx];
          each.textContent = value === undefined || value === null ? last[number] : short(value);
        })],
      },
    }, [chart.times, ...chart.series.map((each) => each.values)], place);
    drawn.set(figure, plot);
  }

  function all() {
    document.querySelectorAll("figure[data-chart]").forEach(draw);
  }

  all();
  document.addEventListener("bellhop:put", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  let wait;
  addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(all, 120); });
})();
