"use strict";
(() => {
  const text = (cell) => cell.textContent.trim();
  const number = (cell) => parseFloat(cell.dataset.v ?? text(cell).replace(/,/g, ""));
  const byText = new Intl.Collator("en", { numeric: true });

  // A click sorts: numbers from the highest, texts from the first; the next one the other way; the third as it was.
  function sortable(table) {
    const body = table.tBodies[0];
    const given = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const isNumber = head.classList.contains("number");
      const orders = isNumber ? ["descending", "ascending"] : ["ascending", "descending"];
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const order = orders[orders.indexOf(head.getAttribute("aria-sort")) + 1];
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (order) head.setAttribute("aria-sort", order);
        body.append(...(order ? sorted(given, column, isNumber, order) : given));
      });
    });
  }

  // What has no value comes last in both orders.
  function sorted(rows, column, isNumber, order) {
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => (isNumber ? number(row.cells[column]) : text(row.cells[column]));
    const isMissing = (value) => Number.isNaN(value) || value === "–" || value === "";
    return rows
      .map((row) => [value(row), row])
      .sort(([a], [b]) => {
        if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
        return sign * (isNumber ? a - b : byText.compare(a, b));
      })
      .map(([, row]) => row);
  }

  // What a word of the filter demands of the rows of an entry: a condition on a column, such as score>0.7 or tune=lora, or
  // that the word stands anywhere.
  function demand(word, tables) {
    const parts = /^(.+?)(<=|>=|<|>|=)(.+)$/.exec(word.toLowerCase());
    const name = (head) => text(head).toLowerCase().replace(/\s+/g, "_");
    for (const [at, table] of parts ? tables.entries() : []) {
      const column = [...table.tHead.rows[0].cells].findIndex((head) => name(head).startsWith(parts[1]));
      if (column >= 0) return (rows) => compare(rows[at].cells[column], parts[2], parts[3]);
    }
    return (rows) => rows.some((row) => row.textContent.toLowerCase().includes(word.toLowerCase()));
  }

  function compare(cell, sign, wanted) {
    const [a, b] = [number(cell), parseFloat(wanted)];
    switch (sign) {
      case "<": return a < b;
      case ">": return a > b;
      case "<=": return a <= b;
      case ">=": return a >= b;
      default: return text(cell).toLowerCase() === wanted || a === Number(wanted);
    }
  }

  // Each table has a row for every entry.
  function filter(tables) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("output");
    label.className = "filter";
    input.type = "search";
    input.placeholder = "words, or conditions such as score>0.7";
    label.append("Filter ", input, count);
    tables[0].parentElement.before(label);
    const row = (table, entry) => table.querySelector(`tr[data-e="${entry}"]`);
    const entries = [...tables[0].tBodies[0].rows].map(({ dataset }) => tables.map((table) => row(table, dataset.e)));
    input.addEventListener("input", () => {
      const demands = input.value.split(/\s+/).filter(Boolean).map((word) => demand(word, tables));
      const shown = entries.filter((rows) => {
        const holds = demands.every((holds) => holds(rows));
        rows.forEach((row) => (row.hidden = !holds));
        return holds;
      });
      count.value = demands.length ? `${shown.length} of ${entries.length}` : "";
    });
  }

  const tables = [...document.querySelectorAll("table.sortable")].filter((table) => table.tBodies[0].rows.length > 1);
  tables.forEach(sortable);
  if (tables.length) filter(tables);
})();
