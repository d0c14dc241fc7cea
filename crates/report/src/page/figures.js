// Figures can be seen larger and saved as SVG and CSV. The files are made here, from what the page shows and holds anyway.
(() => {
  const button = (label, what, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    if (what) made.setAttribute("aria-label", what);
    made.addEventListener("click", action);
    return made;
  };

  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  // A picture of its own has the panels where its frame has holes. Its colours are written in it and follow its reader's theme.
  const svgOf = (figure) => {
    const picture = figure.querySelector("template").content.querySelector("svg").cloneNode(true);
    const panels = figure.querySelectorAll(".panels svg");
    picture.querySelectorAll("svg.panel").forEach((hole, index) => {
      const panel = panels[index].cloneNode(true);
      for (const name of ["x", "y", "width", "height"]) panel.setAttribute(name, hole.getAttribute(name));
      hole.replaceWith(panel);
    });
    return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(picture)}\n`;
  };

  // The fields that the rows of a series share are held once.
  const csvOf = (figure) => {
    const { header, blocks } = JSON.parse(figure.querySelector("script").textContent);
    const rows = blocks.flatMap(({ head, rows }) => rows.split("\n").map((row) => `${head}${row}\n`));
    return header + rows.join("");
  };

  const enlarge = (figure, title) => {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", title);
    const head = document.createElement("div");
    head.className = "head";
    const name = document.createElement("h3");
    name.textContent = title;
    head.append(name, button("close", "", () => dialog.close()));
    const large = figure.cloneNode(true);
    for (const name of ["id", "data-name", "data-title"]) large.removeAttribute(name);
    for (const part of large.querySelectorAll(".tools, template, script")) part.remove();
    dialog.append(head, large);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };

  for (const figure of document.querySelectorAll("figure[data-name]")) {
    const { name, title } = figure.dataset;
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(
      button("enlarge", `Enlarge: ${title}`, () => enlarge(figure, title)),
      button("SVG", `Save as SVG: ${title}`, () => save(`${name}.svg`, "image/svg+xml", svgOf(figure))),
      button("CSV", `Save the numbers as CSV: ${title}`, () => save(`${name}.csv`, "text/csv", csvOf(figure))),
    );
    figure.append(tools);
  }
})();
