// The reader's choice of a theme. Without one the system's holds, in the style sheet. Before the first paint, so that nothing
// flashes.
(() => {
  const root = document.documentElement;
  const key = "polder-theme";
  try {
    const chosen = localStorage.getItem(key);
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch { /* Pages opened from a disk may have no storage. */ }
  addEventListener("DOMContentLoaded", () => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "light / dark";
    button.addEventListener("click", () => {
      const shown = root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
      root.dataset.theme = shown === "dark" ? "light" : "dark";
      try { localStorage.setItem(key, root.dataset.theme); } catch { /* See above. */ }
    });
    document.querySelector(".name").append(button);
  });
})();
