/* What makes forms handier: one box for all, how many are selected, and a question before what is hard to take back. */
(() => {
  const dialog = document.getElementById("confirm");

  function boxes(form) {
    return [...form.querySelectorAll('input[type="checkbox"][name="ids"]')];
  }

  function count(form) {
    const all = boxes(form);
    const chosen = all.filter((box) => box.checked).length;
    const button = form.querySelector("[data-count]");
    if (button) {
      button.textContent = chosen ? `${button.dataset.count} (${chosen})` : button.dataset.count;
      button.disabled = chosen === 0;
    }
    const one = form.querySelector("[data-all]");
    if (one) {
      one.hidden = false;
      one.checked = all.length > 0 && chosen === all.length;
      one.indeterminate = chosen > 0 && chosen < all.length;
    }
  }

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-selection]");
    if (!form) return;
    if (event.target.matches("[data-all]")) for (const box of boxes(form)) box.checked = event.target.checked;
    count(form);
  });
  document.addEventListener("bellhop:put", () => document.querySelectorAll("form[data-selection]").forEach(count));
  document.querySelectorAll("form[data-selection]").forEach(count);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    const text = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (text && dialog && !form.dataset.sure) {
      event.preventDefault();
      sure(form, event.submitter, text);
      return;
    }
    // A second click sends nothing twice.
    setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = form.method === "post"; });
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  function sure(form, button, text) {
    const said = { ...form.dataset, ...button?.dataset };
    document.getElementById("confirm-title").textContent = said.confirmTitle ?? "Are you sure?";
    document.getElementById("confirm-text").textContent = text;
    document.getElementById("confirm-yes").textContent = said.confirmYes ?? "Do it";
    dialog.returnValue = "no";
    dialog.showModal();
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.sure = "yes";
      form.requestSubmit(button);
    }, { once: true });
  }
})();
