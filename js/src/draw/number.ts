/** Numbers of any size in words: values of curves, steps, seconds. */

/** A value with `digits` that mean something: "0.0312", "1,234", "3.2e−7". */
export function formatValue(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) {
    const [mantissa = "", power] = value.toExponential(Math.max(0, digits - 2)).split("e");
    return minus(`${mantissa.replace(/\.?0+$/, "")}e${Number(power)}`);
  }
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const [whole = "", part] = value.toFixed(Math.min(places, 12)).split(".");
  return minus(part === undefined ? grouped(whole) : `${grouped(whole)}.${part}`);
}

/** A step: whole where it is, thousands grouped. */
export function formatStep(step: number): string {
  if (!Number.isFinite(step)) return formatValue(step);
  return minus(Number.isInteger(step) ? grouped(String(step)) : formatValue(step, 6));
}

/** Seconds as a person says them: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min". */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return formatValue(seconds);
  if (seconds < 10) return `${Number(seconds.toFixed(seconds < 1 ? 2 : 1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}

/** A tick of an axis whose neighbours are `step` apart: no more digits than tell them apart. */
export function formatTickValue(value: number, step: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (size >= 1e15 || size < 1e-4) return formatValue(Number(value.toPrecision(3)), 3);
  for (const [unit, letter] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const) {
    if (size < unit) continue;
    const base = letter === "k" ? 1e3 : unit;
    return minus(
      `${Number((value / base).toFixed(Math.max(0, -Math.floor(Math.log10(step / base) + 1e-9))))}${letter}`,
    );
  }
  const [whole = "", part] = value.toFixed(Math.min(12, places)).split(".");
  return minus(part === undefined ? grouped(whole) : `${grouped(whole)}.${part}`);
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function minus(text: string): string {
  return text.replaceAll("-", "−");
}
