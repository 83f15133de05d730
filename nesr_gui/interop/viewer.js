// The page's part of `nesr_gui.interop.viewer`: it draws what the kernel sends, and announces wavelengths and clicks.

const COLOURS = ["#c1121f", "#2a7f3f", "#1d5fa8", "#b36b00", "#7b3fa0", "#00808a", "#8a5a44", "#666666"];
const PLOT = { width: 440, height: 300, left: 48, right: 12, top: 10, bottom: 34 };
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function floats(view) { // the bytes of a trait need not begin at a multiple of four
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

function render({ model, el }) {
  const [height, width] = model.get("shape");
  const stride = model.get("stride");
  const [low, high] = model.get("wavelength_range");
  const size = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const zoom = Math.max(1, Math.min(8, Math.floor(480 / Math.max(...size))));

  const root = document.createElement("div");
  root.className = "nesr-viewer";
  root.innerHTML = `<figure><canvas tabindex="0" role="img"></canvas><div class="nesr-bar">
    <input type="range" aria-label="Wavelength in nm" step="0.5"><output></output>
    <label><input type="checkbox"> colours</label><button type="button">Clear</button></div>
    <p role="status"></p></figure>`;
  const [canvas, slider, output, box, button, status] =
    ["canvas", "input", "output", "input[type=checkbox]", "button", "p"].map((name) => root.querySelector(name));
  [canvas.height, canvas.width] = [size[0] * zoom, size[1] * zoom];
  canvas.setAttribute("aria-label", "The band at the chosen wavelength; click a pixel to see its spectrum");
  Object.assign(slider, { min: low, max: high, value: model.get("nm"), disabled: low === high });
  const plot = element("svg", { width: PLOT.width, height: PLOT.height, role: "img", "aria-label": "Spectra of the clicked pixels" });
  root.append(plot);
  el.append(root);

  // The newest wavelength wins: the next one is sent when the band of the last has arrived.
  let [isWaiting, wanted] = [false, null];
  function ask(nm) {
    if (isWaiting) { wanted = nm; return; }
    [isWaiting, wanted] = [nm !== model.get("nm"), null];
    model.set("nm", nm);
    model.save_changes();
  }

  function drawImage() {
    const context = canvas.getContext("2d");
    const isColour = box.checked;
    const [rows, cols] = isColour ? model.get("colours_shape") : size;
    const view = model.get(isColour ? "colours" : "band");
    const values = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const image = new ImageData(cols, rows);
    for (let i = 0; i < rows * cols; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = isColour ? values[3 * i + c] : values[i];
      image.data[4 * i + 3] = 255;
    }
    const drawn = new OffscreenCanvas(cols, rows);
    drawn.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(drawn, 0, 0, canvas.width, canvas.height);
    model.get("points").forEach(([row, col], index) => {
      context.beginPath();
      context.arc(((col + 0.5) / stride) * zoom, ((row + 0.5) / stride) * zoom, 6, 0, 2 * Math.PI);
      for (const [line, colour] of [[4, "white"], [2, COLOURS[index]]]) {
        Object.assign(context, { lineWidth: line, strokeStyle: colour });
        context.stroke();
      }
    });
    output.textContent = `${Number(model.get("shown_nm")).toFixed(1)} nm`;
  }

  function drawPlot() {
    const [nm, values, points] = [floats(model.get("curve_nm")), floats(model.get("curves")), model.get("points")];
    const finite = Array.from(values).filter(Number.isFinite);
    const [bottom, top] = [Math.min(0, ...finite), Math.max(...finite, 1e-9) * 1.05];
    const x = (at) => PLOT.left + ((at - low) / (high - low || 1)) * (PLOT.width - PLOT.left - PLOT.right);
    const y = (at) => PLOT.height - PLOT.bottom - ((at - bottom) / (top - bottom)) * (PLOT.height - PLOT.top - PLOT.bottom);
    plot.replaceChildren();
    const base = PLOT.height - PLOT.bottom;
    plot.append(element("path", { d: `M${PLOT.left} ${PLOT.top}V${base}H${PLOT.width - PLOT.right}`, fill: "none", stroke: "currentColor" }));
    for (let step = 0; step <= 4; step++) {
      const [at, value] = [low + (step / 4) * (high - low), bottom + (step / 4) * (top - bottom)];
      plot.append(element("text", { x: x(at), y: base + 15, "text-anchor": "middle" }, at.toFixed(0)));
      plot.append(element("text", { x: PLOT.left - 5, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(2)));
    }
    const label = points.length ? `wavelength (nm); ${model.get("quantity")}` : "Click a pixel to see its spectrum";
    plot.append(element("text", { x: PLOT.width / 2, y: PLOT.height - 4, "text-anchor": "middle" }, label));
    plot.append(element("path", { d: `M${x(model.get("shown_nm"))} ${PLOT.top}V${base}`, stroke: "currentColor", "stroke-dasharray": "3 3" }));
    points.forEach((point, index) => {
      const curve = values.subarray(index * nm.length, (index + 1) * nm.length);
      let [path, isDown] = ["", false];
      curve.forEach((value, i) => {
        if (Number.isFinite(value)) path += `${isDown ? "L" : "M"}${x(nm[i]).toFixed(1)} ${y(value).toFixed(1)}`;
        isDown = Number.isFinite(value);
      });
      plot.append(element("path", { d: path, fill: "none", stroke: COLOURS[index], "stroke-width": 1.8, class: "nesr-curve" }));
    });
  }

  function showFailure() {
    status.textContent = model.get("failure");
  }

  slider.addEventListener("input", () => ask(Number(slider.value)));
  box.addEventListener("change", drawImage);
  button.addEventListener("click", () => { model.set("points", []); model.save_changes(); });
  canvas.addEventListener("click", (event) => {
    const frame = canvas.getBoundingClientRect();
    const row = Math.floor(((event.clientY - frame.top) / frame.height) * size[0]) * stride;
    const col = Math.floor(((event.clientX - frame.left) / frame.width) * size[1]) * stride;
    model.set("picked", [Math.min(row, height - 1), Math.min(col, width - 1)]);
    model.save_changes();
  });
  model.on("change:answers", () => {
    isWaiting = false;
    drawImage();
    drawPlot();
    if (wanted !== null) ask(wanted);
  });
  model.on("change:nm", () => { if (document.activeElement !== slider) slider.value = model.get("nm"); });
  model.on("change:failure", showFailure);
  model.on("change:points", drawImage);
  model.on("change:curves", () => { drawImage(); drawPlot(); });
  drawImage();
  drawPlot();
  showFailure();
}

export default { render };
