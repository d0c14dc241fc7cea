// Tables sort by a click on the head of a column: rising, falling, and as they were. Rows that are equal keep their order.
(() => {
  // What a cell begins with: 0.93 ± 0.02, −4e−9, × 1.09, factor 2.5, 12,000, 3 of 5, but no name that begins with a digit.
  const NUMBER = /^(?:factor |× )?([+−-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+−-]?\d+)?)(?![\w.])/;
  const names = new Intl.Collator("en", { numeric: true });
  const next = { none: "ascending", ascending: "descending", descending: "none" };

  // By the attribute data-sort where there is one; else by what comes first in the cell, without the small print below it.
  const keyOf = (cell) => {
    const text = (cell.dataset.sort ?? cell.firstChild?.textContent ?? "").trim();
    const number = NUMBER.exec(text)?.[1].replaceAll("−", "-").replaceAll(",", "");
    return { text, number: number === undefined ? NaN : Number(number), isEmpty: text === "" || text === "–" };
  };

  // Empty cells come last whichever way is up; so does what is no number in a column of numbers.
  const compare = (left, right, numeric, sign) => {
    const rank = (key) => (key.isEmpty ? 2 : numeric && Number.isNaN(key.number) ? 1 : 0);
    if (rank(left) !== rank(right)) return rank(left) - rank(right);
    if (left.isEmpty) return 0;
    return sign * (numeric && rank(left) === 0 ? left.number - right.number : names.compare(left.text, right.text));
  };

  const sort = (body, written, column, direction) => {
    if (direction === "none") return written;
    const keyed = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
    const filled = keyed.filter(({ key }) => !key.isEmpty);
    const numeric = 2 * filled.filter(({ key }) => !Number.isNaN(key.number)).length > filled.length;
    const sign = direction === "ascending" ? 1 : -1;
    return keyed.sort((left, right) => compare(left.key, right.key, numeric, sign)).map(({ row }) => row);
  };

  for (const table of document.querySelectorAll("table")) {
    const body = table.tBodies[0];
    const written = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    if (written.length < 2) continue;
    heads.forEach((head, column) => {
      if (head.textContent.trim() === "") return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.addEventListener("click", () => {
        const direction = next[head.getAttribute("aria-sort") ?? "none"];
        for (const other of heads) other.removeAttribute("aria-sort");
        if (direction !== "none") head.setAttribute("aria-sort", direction);
        body.append(...sort(body, written, column, direction));
      });
    });
  }
})();
