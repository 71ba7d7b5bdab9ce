"use strict";
// Copy buttons, times relative to now, and filters. All pages work without this script.
(() => {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const tell = () => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const away = (Date.parse(time.dateTime) - Date.now()) / 1000;
      if (Number.isNaN(away) || time.closest(".log")) continue;
      const [unit, seconds] = units.find(([, length]) => Math.abs(away) >= length) || units[3];
      time.textContent = words.format(Math.trunc(away / seconds), unit);
    }
  };
  tell();
  setInterval(tell, 30000);

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const shown = button.parentElement.querySelector("code");
    // Browsers let a page copy only over TLS or on this machine. Elsewhere the text is selected.
    const may = Boolean(navigator.clipboard);
    if (!may && shown.textContent !== button.dataset.copy) continue;
    if (!may) button.textContent = "Select";
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (!may) return select(shown);
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "Copied";
      } catch {
        select(shown);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  for (const input of document.querySelectorAll("input[data-filter]")) {
    const rows = document.getElementById(input.dataset.filter).tBodies[0].rows;
    input.closest("[hidden]").hidden = false;
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  }
})();
