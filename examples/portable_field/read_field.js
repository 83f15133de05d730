// Read a portable field (.field) of nesr_gui: node read_field.js photo.field ROW COL NM; in a browser, from a fetched ArrayBuffer.

function readField(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const array = ({ dtype, shape, data_offsets: [begin, end] }) => {
    const data = buffer.slice(8 + length + begin, 8 + length + end);
    const type = { F16: Uint16Array, F32: Float32Array, F64: Float64Array }[dtype];
    return { shape, values: new type(data), read: dtype === "F16" ? half : (number) => number };
  };
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return { metadata: header.__metadata__, ...Object.fromEntries(entries.map(([name, entry]) => [name, array(entry)])) };
}

function half(bits) { // a 16-bit floating-point number
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

function value({ metadata, wavelengths, basis, coefficients }, row, col, nm) {
  const [nodes, [, width, count]] = [wavelengths.values, coefficients.shape];
  const high = Math.min(Math.max(nodes.findIndex((node) => node >= nm), 1), nodes.length - 1), low = Math.max(high - 1, 0);
  const weight = high > low ? (nm - nodes[low]) / (nodes[high] - nodes[low]) : 0;
  const functionAt = (k) => (1 - weight) * basis.values[low * count + k] + weight * basis.values[high * count + k];
  let sum = 0;
  for (let k = 0; k < count; k++) sum += functionAt(k) * coefficients.read(coefficients.values[(row * width + col) * count + k]);
  return Math.max(sum, "minimum" in metadata ? Number(metadata.minimum) : -Infinity);
}

function between(at, nodes) { // weights of linear interpolation between increasing nodes, constant beyond them
  const inside = Math.min(Math.max(at, nodes[0]), nodes[nodes.length - 1]), weights = nodes.map(() => 0);
  const high = nodes.findIndex((node) => node >= inside), low = Math.max(high - 1, 0);
  const weight = high > low ? (inside - nodes[low]) / (nodes[high] - nodes[low]) : 1;
  [weights[low], weights[high]] = [1 - weight, weight];
  return weights;
}

function limits(field, row, col, nm) { // of the 90 % prediction interval; null if the file has none
  if (!("interval_low" in field)) return null;
  const { values: stored, shape: [, width, count] } = field.coefficients, white = Number(field.metadata.white_level);
  const rgb = [3, 2, 1].map((back) => field.coefficients.read(stored[(row * width + col + 1) * count - back])); // linear sRGB
  const bright = (rgb[0] + rgb[1] + rgb[2]) / 3, saturation = 1 - Math.min(...rgb) / Math.max(...rgb, 1e-9);
  const bySaturation = between(saturation, [0.15, 0.4, 0.7]);
  const byBrightness = between(Math.log(Math.max(bright / white, 1e-9)), [0.03, 0.12, 0.4].map(Math.log));
  const at = between(nm, Array.from(field.interval_wavelengths.values)), centre = value(field, row, col, nm);
  return [["low", "below", -1], ["high", "above", 1]].map(([side, beyond, sign]) => {
    let relative = 0, added = 0;
    at.forEach((weight, m) => {
      added += weight * field[`interval_${beyond}`].values[m];
      bySaturation.forEach((s, i) => byBrightness.forEach((b, j) => {
        relative += weight * s * b * field[`interval_${side}`].values[9 * m + 3 * i + j];
      }));
    });
    return Math.max(centre + relative * (centre + 0.1 * bright + 1e-4 * white) + sign * white * added, 0);
  });
}

if (typeof require !== "undefined" && require.main === module) {
  const [path, ...numbers] = process.argv.slice(2);
  const bytes = require("node:fs").readFileSync(path), field = readField(new Uint8Array(bytes).buffer);
  console.log(value(field, ...numbers.map(Number)));
  const ends = limits(field, ...numbers.map(Number));
  if (ends) console.log(...ends);
}
