"use strict";
(() => {
  // What a person reads: the pieces of a cell stand below each other, or have a colour of their own.
  function text(cell, isWanted = () => true) {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const pieces = [];
    while (walk.nextNode()) if (isWanted(walk.currentNode)) pieces.push(walk.currentNode.data);
    return pieces.join(" ").replace(/\s+/g, " ").trim();
  }
  // Without what is smaller print: the interval or the p-value.
  const main = (cell) => text(cell, (piece) => !piece.parentElement.closest(".interval"));
  // Spaces may be written as underscores.
  const plain = (words) => words.toLowerCase().replace(/\s+/g, "_");
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
  // that the word stands anywhere. A table may have no row for an entry.
  function demand(word, tables) {
    const parts = /^(.+?)(<=|>=|<|>|=)(.+)$/.exec(word);
    for (const [at, table] of parts ? tables.entries() : []) {
      const column = [...table.tHead.rows[0].cells].findIndex((head) => plain(text(head)).startsWith(plain(parts[1])));
      if (column >= 0) return (rows) => rows[at] !== null && compare(rows[at].cells[column], parts[2], parts[3]);
    }
    return (rows) => rows.some((row) => row && text(row).toLowerCase().includes(word.toLowerCase()));
  }

  function compare(cell, sign, wanted) {
    const [a, b] = [number(cell), parseFloat(wanted)];
    switch (sign) {
      case "<": return a < b;
      case ">": return a > b;
      case "<=": return a <= b;
      case ">=": return a >= b;
      default: return [main(cell), text(cell)].map(plain).includes(plain(wanted)) || a === Number(wanted);
    }
  }

  // The first table has a row for every entry. Quotes hold words together: verdict="no change detected".
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
      const words = input.value.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
      const demands = words.map((word) => demand(word.replace(/"/g, ""), tables));
      const shown = entries.filter((rows) => {
        const holds = demands.every((holds) => holds(rows));
        rows.forEach((row) => row && (row.hidden = !holds));
        return holds;
      });
      count.value = demands.length ? `${shown.length} of ${entries.length}` : "";
    });
  }

  const tables = [...document.querySelectorAll("table.sortable")];
  const isLong = (table) => table.tBodies[0].rows.length > 1;
  tables.filter(isLong).forEach(sortable);
  if (tables.length && isLong(tables[0])) filter(tables);
})();
