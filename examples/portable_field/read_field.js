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

if (typeof require !== "undefined" && require.main === module) {
  const [path, ...numbers] = process.argv.slice(2);
  const bytes = require("node:fs").readFileSync(path);
  console.log(value(readField(new Uint8Array(bytes).buffer), ...numbers.map(Number)));
}
