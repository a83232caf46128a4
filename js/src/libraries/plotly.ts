/** plotly's 3-D build, which surfaces are drawn with: sent once a kernel, when the first widget that needs it is made. */

export { default as Plotly } from "plotly.js-gl3d-dist-min";
