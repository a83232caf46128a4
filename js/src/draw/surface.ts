/** A surface over a plane in 3-D with paths and points on it, by plotly's gl3d build (its library comes as an argument). */

import type { Theme } from "../runtime/context.ts";
import { formatValue } from "./number.ts";
import { type ColorMap, colorTable, css } from "./palette.ts";

/** What the library chunk of plotly exports (libraries/plotly.ts), as far as it is used. */
export interface PlotlyLibrary {
  readonly Plotly: {
    react(host: HTMLElement, traces: readonly object[], layout: object, config: object): Promise<unknown>;
    purge(host: HTMLElement): void;
    toImage(host: HTMLElement, options: object): Promise<string>;
  };
}

export interface SurfacePoint {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly label: string;
}

export interface SurfacePath {
  readonly name: string;
  readonly color: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly z: ArrayLike<number>;
  /** The point of it that is looked at. */
  readonly at: number;
}

export interface SurfaceScene {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Row by row: [y, x]. */
  readonly z: ArrayLike<number>;
  readonly colors: ColorMap;
  readonly axes: readonly [x: string, y: string, z: string];
  readonly paths: readonly SurfacePath[];
  readonly points: readonly SurfacePoint[];
}

/** Draws the scene, or what changed of it: the reader's point of view stays. */
export function drawSurface(
  { Plotly }: PlotlyLibrary,
  host: HTMLElement,
  scene: SurfaceScene,
  size: { readonly width: number; readonly height: number },
  theme: Theme,
): Promise<unknown> {
  const { x, y, z } = scene;
  const rows = Array.from(y, (_, row) => Array.from(x, (_, column) => z[row * x.length + column] as number));
  const heights = Array.from(z).filter(Number.isFinite);
  const [lowest, highest] = [Math.min(...heights), Math.max(...heights)];
  const top = highest + 0.08 * (highest - lowest);
  const [xName, yName, zName] = scene.axes.map(plain) as [string, string, string];
  const axis = (title: string) => ({
    title: { text: title, font: { size: 12 } },
    color: theme.text,
    gridcolor: theme.border,
    zerolinecolor: theme.border,
    showbackground: false,
    tickfont: { size: 10 },
  });
  const traces = [
    {
      type: "surface",
      x: Array.from(x),
      y: Array.from(y),
      z: rows,
      colorscale: colorScale(scene.colors),
      opacity: 0.92,
      colorbar: {
        x: 0.88,
        title: { text: zName, side: "right" },
        thickness: 12,
        len: 0.7,
        tickfont: { color: theme.text },
      },
      contours: { z: { show: true, usecolormap: true, width: 1 } },
      hovertemplate: `${xName} %{x:.3g}<br>${yName} %{y:.3g}<br>${zName} %{z:.4g}<extra></extra>`,
      lighting: { ambient: 0.75, diffuse: 0.5, specular: 0.05 },
    },
    ...scene.paths.flatMap((path) => [
      {
        type: "scatter3d",
        mode: "lines+markers",
        x: Array.from(path.x),
        y: Array.from(path.y),
        z: Array.from(path.z),
        line: { color: path.color, width: 6 },
        marker: { color: path.color, size: 2.5 },
        hovertemplate: `${plain(path.name)}, step %{pointNumber}<br>${zName} %{z:.4g}<extra></extra>`,
      },
      {
        type: "scatter3d",
        mode: "markers",
        x: [path.x[path.at]],
        y: [path.y[path.at]],
        z: [path.z[path.at]],
        marker: { color: path.color, size: 7, line: { color: theme.background, width: 2 } },
        hoverinfo: "skip",
      },
    ]),
    // Names stand above the surface on poles: in a valley they could not be read.
    ...scene.points.map((point) => ({
      type: "scatter3d",
      mode: "lines+markers+text",
      x: [point.x, point.x],
      y: [point.y, point.y],
      z: [point.z, top],
      text: ["", plain(point.label)],
      textposition: "top center",
      textfont: { color: theme.text, size: 12 },
      line: { color: theme.text, width: 2 },
      marker: { color: theme.text, size: [4, 0], symbol: "diamond" },
      hovertemplate: `${plain(point.label)}<br>${zName} ${formatValue(point.z)}<extra></extra>`,
    })),
  ];
  const layout = {
    ...size,
    margin: { l: 0, r: 0, t: 0, b: 0 },
    paper_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, color: theme.text },
    showlegend: false,
    uirevision: "kept",
    hoverlabel: { align: "left" },
    scene: {
      xaxis: axis(xName),
      yaxis: axis(yName),
      zaxis: axis(zName),
      aspectmode: "manual",
      aspectratio: { x: 1.15, y: 1.15, z: 0.75 },
      domain: { x: [0, 0.88] },
      camera: { eye: { x: 1.15, y: -1.3, z: 1.25 }, center: { x: 0, y: 0, z: -0.12 } },
    },
  };
  return Plotly.react(host, traces, layout, { displaylogo: false, displayModeBar: false, responsive: false });
}

/** plotly reads tags in its texts: after an invisible space "<" begins none. */
function plain(text: string): string {
  return text.replaceAll("<", "<\u200b").replaceAll("&", "&\u200b").replaceAll("%{", "%\u200b{");
}

function colorScale(map: ColorMap): [number, string][] {
  const table = colorTable(map);
  return Array.from({ length: 17 }, (_, at) => [at / 16, css(table[Math.min(255, at * 16)] as number)]);
}
