/// Shows the switches of horizontal axes, and the chosen ones of the drawings that a figure has (`data-axes`). One
/// choice holds for the whole page; a figure without it, such as one of a run whose times are not known, stays as it
/// is.
enum AxisSwitchScript {
    static let text = #"""
        {
          const forms = [...document.querySelectorAll("form.switch")];
          const choose = (quantity, isLogarithmic) => {
            const choice = quantity + (isLogarithmic ? "-log" : "");
            for (const figure of document.querySelectorAll("figure")) {
              const drawings = [...figure.querySelectorAll("[data-axes]")];
              const names = drawings.map((drawing) => drawing.dataset.axes);
              if (!names.includes(choice)) continue;
              for (const drawing of drawings) drawing.hidden = drawing.dataset.axes !== choice;
            }
            for (const form of forms) {
              for (const input of form.querySelectorAll("input")) {
                input.checked = input.type === "checkbox" ? isLogarithmic : input.value === quantity;
              }
            }
          };
          for (const form of forms) {
            form.hidden = false;
            form.addEventListener("submit", (event) => event.preventDefault());
            form.addEventListener("change", () => {
              const radio = form.querySelector("input[type=radio]:checked");
              choose(radio ? radio.value : "step", form.querySelector("input[type=checkbox]").checked);
            });
          }
        }

        """#
}
