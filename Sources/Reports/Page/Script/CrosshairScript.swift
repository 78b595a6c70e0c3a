/// Shows the values of a plot's curves where the pointer is, or after the arrow keys, Page Up and Down, Home and End on
/// the focused drawing; Escape hides them. It reads the attributes of `CrosshairData`.
///
/// The crosshair stands at the nearest x that some curve has. A curve without a value at that x shows its nearest one
/// and the x of it; a curve that begins later or has ended before shows none.
enum CrosshairScript {
    static let text = #"""
        for (const plot of document.querySelectorAll("g.plot[data-frame]")) {
          const svg = plot.ownerSVGElement, figure = svg.closest("figure");
          const [left, top, right, bottom] = plot.dataset.frame.split(" ").map(Number);
          const scale = (text) => {
            const [kind, lower, upper] = text.split(" ");
            const map = kind === "log" ? Math.log : (value) => value, first = map(Number(lower));
            return (value) => (map(value) - first) / (map(Number(upper)) - first);
          };
          const xScale = scale(plot.dataset.x), yScale = scale(plot.dataset.y);
          const curves = [...plot.querySelectorAll("[data-points]")].map((group) => {
            const numbers = group.dataset.points.split(" "), points = [];
            for (let i = 0; i + 1 < numbers.length; i += 2) {
              points.push({
                x: Number(numbers[i]), texts: [numbers[i], numbers[i + 1]],
                left: left + xScale(Number(numbers[i])) * (right - left),
                top: bottom - yScale(Number(numbers[i + 1])) * (bottom - top),
              });
            }
            return {name: group.dataset.name.trim(), color: group.getAttribute("class"), points};
          });
          const positions = new Map();
          for (const curve of curves) for (const point of curve.points) positions.set(point.x, point);
          const stops = [...positions.values()].sort((a, b) => a.x - b.x);
          for (const mark of plot.querySelectorAll(".hover")) mark.remove();
          const nearest = (points, value, key) => points.reduce((best, point) =>
            Math.abs(point[key] - value) < Math.abs(best[key] - value) ? point : best);
          const typographic = (text) => text.replace("-", "−");

          const cross = document.createElementNS("http://www.w3.org/2000/svg", "g");
          cross.setAttribute("class", "crosshair");
          svg.append(cross);
          const readout = document.createElement("div");
          readout.className = "readout";
          readout.setAttribute("role", "status");
          readout.hidden = true;
          figure.append(readout);
          const draw = (name, attributes) => {
            const element = document.createElementNS("http://www.w3.org/2000/svg", name);
            for (const key in attributes) element.setAttribute(key, attributes[key]);
            cross.append(element);
          };
          const line = (className, ...texts) => {
            const row = document.createElement("div");
            if (className) {
              const sample = document.createElement("i");
              sample.className = className;
              row.append(sample);
            }
            texts.forEach((text, index) => {
              const part = document.createElement(index === texts.length - 1 ? "b" : "span");
              part.textContent = text;
              row.append(part);
            });
            readout.append(row);
          };
          let current = -1;
          const hide = () => {
            current = -1;
            cross.replaceChildren();
            readout.hidden = true;
          };
          const show = (index) => {
            current = Math.max(0, Math.min(stops.length - 1, index));
            const stop = stops[current];
            cross.replaceChildren();
            readout.replaceChildren();
            draw("line", {x1: stop.left, x2: stop.left, y1: top, y2: bottom});
            line("", plot.dataset.label, typographic(stop.texts[0]));
            for (const curve of curves) {
              const points = curve.points;
              if (stop.x < points[0].x || stop.x > points[points.length - 1].x) continue;
              const point = nearest(points, stop.x, "x");
              draw("circle", {cx: point.left, cy: point.top, r: 3.2, class: curve.color});
              const at = point.x === stop.x ? "" : ` at ${typographic(point.texts[0])}`;
              line(curve.color, curve.name + at, typographic(point.texts[1]));
            }
            readout.hidden = false;
            readout.style.top = `${svg.parentElement.offsetTop + svg.parentElement.offsetHeight}px`;
          };
          const follow = (event) => {
            const box = svg.getBoundingClientRect(), unit = svg.viewBox.baseVal.width / box.width;
            show(stops.indexOf(nearest(stops, (event.clientX - box.left) * unit, "left")));
          };
          svg.addEventListener("pointermove", follow);
          svg.addEventListener("pointerdown", follow);
          svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
          svg.addEventListener("blur", hide);
          svg.setAttribute("tabindex", "0");
          svg.addEventListener("keydown", (event) => {
            const moves = {
              ArrowLeft: current - 1, ArrowRight: current + 1, PageUp: current - 10, PageDown: current + 10, Home: 0,
              End: stops.length - 1,
            };
            if (event.key === "Escape") hide();
            if (!(event.key in moves)) return;
            event.preventDefault();
            show(moves[event.key]);
          });
        }

        """#
}
