"use strict";
// Tables sort by a click on a head and filter by the fields below it; the address keeps the state, so that a view is a link:
// #rows.sort=seconds&rows.order=descending&rows.kernel=nlp&rows.gflops=>10
(() => {
  const state = new URLSearchParams(location.hash.slice(1));

  const test = (wanted, cell) => {
    const bound = /^\s*(<=|>=|<|>)\s*([-+.\de]+)\s*$/i.exec(wanted);
    if (!bound) return cell.textContent.toLowerCase().includes(wanted.trim().toLowerCase());
    if (cell.dataset.v === "") return false;
    const value = Number(cell.dataset.v), limit = Number(bound[2]);
    return { "<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit }[bound[1]];
  };

  const compare = (a, b, numeric) => {
    if (!numeric) return a.localeCompare(b, undefined, { numeric: true });
    if (a === "" || b === "") return (a === "") - (b === "");
    return Number(a) - Number(b);
  };

  const show = (table) => {
    const name = table.id, heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    const filters = heads.map((head) => state.get(`${name}.${head.dataset.key}`) || "");
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !filters.every((wanted, k) => !wanted || test(wanted, row.cells[k]));
      shown += !row.hidden;
    }
    const key = state.get(`${name}.sort`), down = state.get(`${name}.order`) === "descending";
    const column = heads.findIndex((head) => head.dataset.key === key);
    heads.forEach((head, k) => head.setAttribute("aria-sort", k !== column ? "none" : down ? "descending" : "ascending"));
    if (column >= 0) {
      const numeric = heads[column].classList.contains("n"), value = (row) => row.cells[column].dataset.v;
      const rows = [...body.rows].sort((a, b) => {
        const order = compare(value(a), value(b), numeric);
        return down && value(a) !== "" && value(b) !== "" ? -order : order;
      });
      body.append(...rows);
    }
    document.getElementById(`${name}-count`).textContent = `${shown} of ${body.rows.length} rows`;
  };

  const keep = (key, value) => {
    if (value) state.set(key, value); else state.delete(key);
    history.replaceState(null, "", "#" + state);
  };

  for (const table of document.querySelectorAll("table.list")) {
    for (const head of table.tHead.rows[0].cells) {
      head.onclick = () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        keep(`${table.id}.sort`, head.dataset.key);
        keep(`${table.id}.order`, down ? "descending" : "");
        show(table);
      };
    }
    for (const field of table.tHead.querySelectorAll("input")) {
      field.value = state.get(field.name) || "";
      field.oninput = () => { keep(field.name, field.value); show(table); };
    }
    show(table);
  }

  for (const button of document.querySelectorAll("button[data-hide]")) {
    button.onclick = () => {
      const hidden = document.body.classList.toggle(`hide-${button.dataset.hide}`);
      button.setAttribute("aria-pressed", String(!hidden));
    };
  }
  document.documentElement.dataset.ready = "yes";
})();
