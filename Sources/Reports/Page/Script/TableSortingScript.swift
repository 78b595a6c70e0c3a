/// Sorts the rows of a table by a column: a click on its header, or Enter and space on the focused header, sorts them
/// in ascending order, again in descending order, and again in the order of the page. `aria-sort` says which.
///
/// The key of a cell is its `data-value`, else its text. A column of numbers is sorted as numbers, any other column by
/// the language's order with numbers inside texts by value. Cells without a value come last in both directions, and
/// equal cells keep the order of the page.
enum TableSortingScript {
    static let text = #"""
        for (const table of document.querySelectorAll("table.sortable")) {
          const body = table.tBodies[0], rows = [...body.rows], headers = [...table.tHead.rows[0].cells];
          const compareTexts = new Intl.Collator("en", {numeric: true}).compare;
          const next = {none: "ascending", ascending: "descending", descending: "none"};
          const sorted = (column, direction) => {
            const keyed = rows.map((row) => {
              const cell = row.cells[column], text = cell ? cell.dataset.value ?? cell.textContent.trim() : "";
              return {row, text, isMissing: text === "" || text === "–"};
            });
            const present = keyed.filter((one) => !one.isMissing);
            // Of a text that is no number, Number() differs from itself.
            const areNumbers = present.every((one) => Number(one.text) === Number(one.text));
            const sign = direction === "descending" ? -1 : 1;
            present.sort((a, b) => {
              if (!areNumbers) return sign * compareTexts(a.text, b.text);
              const first = Number(a.text), second = Number(b.text);
              return first === second ? 0 : sign * (first < second ? -1 : 1);
            });
            return [...present, ...keyed.filter((one) => one.isMissing)].map((one) => one.row);
          };
          headers.forEach((header, column) => {
            if (header.textContent.trim() === "") return;
            const button = document.createElement("button");
            button.type = "button";
            button.append(...header.childNodes);
            header.append(button);
            header.setAttribute("aria-sort", "none");
            button.addEventListener("click", () => {
              const direction = next[header.getAttribute("aria-sort")];
              for (const other of headers) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
              header.setAttribute("aria-sort", direction);
              body.append(...(direction === "none" ? rows : sorted(column, direction)));
            });
          });
        }

        """#
}
