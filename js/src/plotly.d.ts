/** The part of plotly that `draw/surface.ts` calls; the package has no types of its own. */
declare module "plotly.js-gl3d-dist-min" {
  const Plotly: import("./draw/surface.ts").PlotlyLibrary["Plotly"];
  export default Plotly;
}
