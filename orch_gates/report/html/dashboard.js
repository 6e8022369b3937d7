
"use strict";
(function () {
  const field = document.getElementById("filter");
  if (!field) return;
  const shown = document.getElementById("shown");
  const stages = [...document.querySelectorAll("details.stage")].map((stage) => ({
    stage,
    open: stage.open,
    rows: [...stage.querySelectorAll("tbody > tr")].map((row) => ({ row, text: null })),
  }));
  const total = stages.reduce((sum, one) => sum + one.rows.length, 0);
  const number = (count) => count.toLocaleString("en") + (count === 1 ? " task" : " tasks");
  let filtered = false;

  // A row is found by what it shows while it is closed.
  function textOf(one) {
    if (one.text === null) {
      const seen = [...one.row.cells].map((cell) => (cell.querySelector("summary") || cell).textContent);
      one.text = seen.join(" ").toLowerCase();
    }
    return one.text;
  }

  function apply() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const one of stages) {
      let here = 0;
      for (const item of one.rows) {
        const fits = words.every((word) => textOf(item).includes(word));
        if (item.row.hidden === fits) item.row.hidden = !fits;
        if (fits) here += 1;
      }
      found += here;
      if (words.length && !filtered) one.open = one.stage.open;
      one.stage.hidden = words.length > 0 && here === 0;
      one.stage.open = words.length ? here > 0 : one.open;
    }
    filtered = words.length > 0;
    shown.textContent = filtered ? number(found) + " of " + total.toLocaleString("en") : number(total);
  }

  let waiting = 0;
  field.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(apply);
  });
  field.closest(".filter").hidden = false;
  if (field.value) apply();

  // A link to a task opens the stage that it is in, also where the filter hides it.
  function reveal() {
    const row = location.hash.startsWith("#task-") && document.getElementById(location.hash.slice(1));
    if (!row) return;
    if (row.hidden) {
      field.value = "";
      apply();
    }
    for (let box = row.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    const own = row.querySelector("details");
    if (own) own.open = true;
    row.scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
