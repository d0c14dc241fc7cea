// Added to a copy of the page by a test: does what a reader does, and writes what is then to be seen as JSON into the page,
// or to the page around it.
addEventListener("load", async () => {
  const cells = (table, column) => [...table.tBodies[0].rows].map((row) => row.cells[column].firstChild?.textContent ?? "");

  // The column as it is, and after each of three clicks on its head.
  const sorting = (table, column) => {
    const head = table.tHead.rows[0].cells[column];
    const states = [{ direction: head.getAttribute("aria-sort"), cells: cells(table, column), names: cells(table, 0) }];
    for (const target of [head, head.querySelector("button"), head]) {
      target.click();
      const sorted = table.tHead.querySelectorAll("[aria-sort]").length;
      states.push({ direction: head.getAttribute("aria-sort"), sorted, cells: cells(table, column), names: cells(table, 0) });
    }
    return states;
  };

  // What the buttons of the figures save, with no file written.
  const saved = async () => {
    const files = [];
    const [create, click] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
    let blob = null;
    URL.createObjectURL = (made) => { blob = made; return create.call(URL, made); };
    HTMLAnchorElement.prototype.click = function () { files.push({ name: this.download, local: this.href.startsWith("blob:"), blob }); };
    for (const figure of document.querySelectorAll("figure[data-name]")) {
      const [, svg, csv] = figure.querySelectorAll(".tools button");
      svg.click();
      csv.click();
    }
    [URL.createObjectURL, HTMLAnchorElement.prototype.click] = [create, click];
    return Promise.all(files.map(async ({ name, local, blob: { type }, blob }) => ({ name, local, type, text: await blob.text() })));
  };

  const enlarged = () => {
    const figure = document.querySelector("figure[data-name]");
    figure.querySelector(".tools button").click();
    const dialog = document.querySelector("dialog");
    const seen = {
      modal: dialog.matches(":modal"),
      focused: dialog.contains(document.activeElement),
      width: dialog.getBoundingClientRect().width,
      panel: dialog.querySelector("svg").getBoundingClientRect().width,
      before: figure.querySelector("svg").getBoundingClientRect().width,
      panels: dialog.querySelectorAll("svg").length === figure.querySelectorAll(".panels svg").length,
      caption: dialog.querySelector("figcaption").textContent === figure.querySelector("figcaption").textContent,
      page: document.documentElement.scrollWidth,
    };
    dialog.close();
    return seen;
  };

  // A link from a claim to the configuration of one of its cells, in parts of the page that are closed.
  const followed = async () => {
    const link = document.querySelector("#A4 td.why a[href*='-cell-']");
    const target = document.querySelector(link.getAttribute("href"));
    const parts = [...document.querySelectorAll("details")].filter((details) => details.contains(target));
    const opened = () => parts.map((details) => details.open);
    const before = opened();
    link.click();
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    return { before, after: opened(), commands: target.textContent.includes("polder train cell.toml") };
  };

  // How far below the top of the screen the targets of the last, the middle and the first verdict at a glance come to lie.
  const landed = async () => {
    const links = [...document.querySelectorAll(".chips a")];
    const tops = [];
    for (const link of [links.at(-1), links[links.length >> 1], links[0]]) {
      link.click();
      await new Promise((resolve) => { setTimeout(resolve, 100); });
      tops.push(document.getElementById(link.hash.slice(1)).getBoundingClientRect().top);
    }
    scrollTo(0, 0);
    return tops;
  };

  const luminance = (channels) => {
    const linear = channels.slice(0, 3).map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const opaque = (color) => { const [, , , alpha = 1] = channels(color); return alpha > 0; };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (opaque(backgroundColor)) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  // The words that stand out least from what is behind them.
  const contrast = () => {
    let worst = { ratio: Infinity };
    let words = 0;
    for (const element of document.body.querySelectorAll("*")) {
      const text = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data.trim()).join("");
      if (text === "" || element.getClientRects().length === 0) continue;
      words += 1;
      const style = getComputedStyle(element);
      const color = element instanceof SVGElement ? style.fill : style.color;
      const behind = ground(element);
      const [dark, light] = [color, behind].map((of) => luminance(channels(of))).sort((left, right) => left - right);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < worst.ratio) worst = { ratio, color, behind, text: text.slice(0, 60), class: element.getAttribute("class") };
    }
    return { worst, words, page: getComputedStyle(document.body).backgroundColor };
  };

  const seen = {};
  try {
    seen.landed = await landed();
    // What is off the screen is not laid out, and could be wider than it.
    for (const section of document.querySelectorAll("main > section")) section.style.contentVisibility = "visible";
    seen.followed = await followed();
    for (const details of document.querySelectorAll("details")) details.open = true;
    seen.width = { viewport: innerWidth, page: document.documentElement.scrollWidth };
    seen.contrast = [contrast()];
    seen.enlarged = enlarged();
    seen.requests = performance.getEntriesByType("resource").map(({ name }) => name);
    if (parent === window) {
      document.querySelector(".name button").click();
      seen.contrast.push(contrast());
      seen.mixed = sorting(document.getElementById("mixed"), 1);
      seen.accuracy = sorting(document.querySelector("#A4 h3 + .scroll:has(td.source) table"), 2);
      seen.saved = await saved();
    }
  } catch (error) {
    seen.error = String(error.stack);
  }
  const text = JSON.stringify(seen).replaceAll("<", "\\u003c");
  if (parent !== window) {
    parent.postMessage(text, "*");
    return;
  }
  const place = document.createElement("script");
  place.type = "application/json";
  place.id = "seen";
  place.textContent = text;
  document.body.append(place);
});
