/* Let the code in a table wrap if the table is wider than the page; on a small screen, stack the cells (pages.css). */
function fitTables() {
  for (const wrapper of document.querySelectorAll(".table-wrapper")) {
    const table = wrapper.querySelector("table");
    table.classList.remove("wrapped", "stacked");
    if (wrapper.scrollWidth > wrapper.clientWidth) {
      table.classList.add(wrapper.clientWidth > 600 ? "wrapped" : "stacked");
    }
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("article table.docutils")) {
    const headings = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.cells].forEach((cell, number) => {
        if (cell.textContent.trim()) cell.dataset.heading = headings[number] ?? "";
      });
    }
  }
  fitTables();
  addEventListener("resize", fitTables);
});
